"""Folds of large matrices keep no copies between models, and give the same bits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from leukotype.datasets.simulate import simulate
from leukotype.evaluation import evaluate
from leukotype.models import MODELS, baselines
from leukotype.resampling import Design
from leukotype.wide import Fold
from leukotype.wide import fold as folds

QUICK = [model.name for model in MODELS if model.name not in ("xgboost", "elastic-net", "mlp", "forest")]


@pytest.fixture(scope="module")
def cohort():
    return simulate({"AML": 10, "PB": 8, "MPAL": 7}, 400, seed=4).cohort


def test_a_large_matrix_gives_the_same_bits_as_a_small_one(cohort, monkeypatch):
    design = Design(2, 2)
    kept = evaluate(cohort, QUICK, design=design, jobs=1)
    released: list[Fold] = []
    release = Fold.release
    monkeypatch.setattr(Fold, "release", lambda self: (released.append(self), release(self))[1])
    monkeypatch.setattr(folds, "_LARGE", 0)
    spared = evaluate(cohort, QUICK, design=design, jobs=1)
    pd.testing.assert_frame_equal(kept.predictions, spared.predictions, check_exact=True)
    assert len(released) > 2 * len(QUICK)


def test_large_arrays_are_released_and_computed_again(cohort):
    fold = Fold(cohort.expression, np.arange(15), np.arange(15, 25))
    names = ("x_train", "x_test", "z_train", "z_test")
    before = [getattr(fold, name).copy() for name in names]
    gram = fold.gram
    fold.release()
    wide = [name for name, value in vars(fold).items() if getattr(value, "shape", (0,))[-1] == 400]
    assert wide == ["expression"]
    assert fold.gram is gram
    for name, values in zip(names, before, strict=True):
        np.testing.assert_array_equal(getattr(fold, name), values)


def test_the_best_probe_does_not_depend_on_blocks(cohort, monkeypatch):
    fold, codes = Fold(cohort.expression, np.arange(25), np.arange(5)), cohort.codes
    [whole] = baselines.single_probe(fold, codes, [{}], np.random.default_rng(0))
    monkeypatch.setattr(baselines, "_WIDTH", 7)
    [parts] = baselines.single_probe(fold, codes, [{}], np.random.default_rng(0))
    assert parts.probes.tolist() == whole.probes.tolist()
    np.testing.assert_array_equal(parts.predict_proba(fold), whole.predict_proba(fold))

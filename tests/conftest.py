"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from leukotype.cohort import Cohort, Provenance
from leukotype.evaluation import Evaluation, FoldResult
from leukotype.models import select
from leukotype.resampling import Design, draw


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real cohorts, named by LEUKOTYPE_DATA."""
    folder = os.environ.get("LEUKOTYPE_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LEUKOTYPE_DATA names no folder: the real cohorts are not here")
    return Path(folder)


def make_tiny_cohort(seed: int = 20) -> Cohort:
    rng = np.random.default_rng(seed)
    labels = np.repeat(["AML", "Bone_Marrow", "PB"], [14, 9, 7])
    expression = rng.normal(7.0, 1.0, size=(30, 40))
    for number, name in enumerate(("AML", "Bone_Marrow", "PB")):
        expression[labels == name, 3 * number : 3 * number + 3] += 2.5
    order = rng.permutation(30)
    return Cohort(
        expression=expression[order],
        labels=labels[order],
        samples=np.array([f"GSM{239000 + i}" for i in range(30)]),
        probes=np.array([f"{200000 + i}_at" for i in range(40)]),
        name="tiny",
        provenance=Provenance("tests", simulated=True),
    )


@pytest.fixture
def tiny_cohort() -> Cohort:
    """30 samples × 40 probes, 3 unequal classes with 3 markers each, rows in no order."""
    return make_tiny_cohort()


@pytest.fixture(scope="session")
def tiny_evaluation() -> Evaluation:
    """An evaluation of the tiny cohort whose three models are made of arithmetic: good, poor, majority."""
    cohort = make_tiny_cohort()
    folds = draw(cohort, Design(outer=3, inner=2, repeats=2, seed=0))
    results = []
    truth = np.eye(3)[cohort.codes]
    for model, weight in (("logistic", 3.0), ("knn", 0.8), ("majority", 0.0)):
        for split in folds.splits:
            rng = np.random.default_rng([len(model), split.repeat, split.fold])
            share = np.bincount(cohort.codes[split.train], minlength=3) / len(split.train)
            noise = 0.0 if model == "majority" else 1.0
            scores = (
                np.log(share) + weight * truth[split.test] + noise * rng.normal(size=(len(split.test), 3))
            )
            p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            probes = None if model != "logistic" else np.arange(9)
            setting = {} if model == "majority" else {"strength": 10.0**-split.fold}
            losses = np.full(len(split.train), 0.5)
            results.append(
                FoldResult(model, split.repeat, split.fold, p, setting, -0.5, losses, probes, 0.25)
            )
    return Evaluation(cohort, folds, select(["logistic", "knn", "majority"]), tuple(results), seconds=1.5)

"""Fitting on splits of one's own: what permutations and priced mistakes repeat by the thousand."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence

import numpy as np

from leukotype import execution
from leukotype.arrays import FloatArray, IntArray
from leukotype.errors import InfeasibleDesign, LeukotypeError
from leukotype.evaluation import Evaluation
from leukotype.execution import Engine
from leukotype.models import Model, tuning
from leukotype.resampling import OuterFold
from leukotype.wide import Fold
from leukotype.wide.moments import Scaling, standardise


def criterion_of(evaluation: Evaluation) -> tuning.Criterion:
    """Return what the inner folds of an evaluation were judged by."""
    return next(name for name in tuning.CRITERIA if name == evaluation.tune_by)


def folds_of(
    matrix: FloatArray, split: OuterFold, *, scaling: Scaling = standardise
) -> tuple[Fold, tuple[Fold, ...]]:
    """Return the outer fold and its inner folds: made once, then shared by all models."""
    inner = tuple(Fold(matrix, *pair, scaling=scaling) for pair in split.inner)
    return Fold(matrix, split.train, split.test, scaling=scaling), inner


def nested(
    model: Model,
    fold: Fold,
    inner: Sequence[Fold],
    codes: IntArray,
    *,
    criterion: tuning.Criterion,
    entropy: Sequence[int],
) -> tuple[FloatArray, FloatArray]:
    """Tune `model` on the inner folds; return its (n_test, n_classes) probabilities and (n_train,) inner losses.

    codes : (n_samples,) class of every sample of the cohort
    """
    held_out = [(part, codes[part.train], codes[part.test]) for part in inner]
    rng = np.random.default_rng(np.random.SeedSequence(list(entropy)))
    with warnings.catch_warnings():
        # The evaluation has told what the model warns of; a thousand repetitions need not.
        warnings.simplefilter("ignore")
        try:
            tuned = tuning.tune(model, fold, held_out, codes[fold.train], criterion=criterion, rng=rng)
            return tuned.predict_proba(fold), tuned.inner_losses
        except Exception as problem:  # a model of the user's own may raise anything
            raise LeukotypeError(
                f"model {model.name!r} failed when it was fitted again: {type(problem).__name__}: {problem}. "
                "Leave it out, or report this."
            ) from problem


def workers(jobs: int | Engine | None) -> int | Engine:
    """Return the number of worker processes, all cores for None, or the engine; raises InfeasibleDesign below 1."""
    if isinstance(jobs, Engine):
        return jobs
    jobs = execution.available_cores() if jobs is None else jobs
    if jobs < 1:
        raise InfeasibleDesign(
            f"{jobs} jobs were asked for, and at least 1 is needed. Leave --jobs out for all cores."
        )
    return jobs


def name_number(name: str) -> int:
    """Return a number that stands for a name in a seed."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")

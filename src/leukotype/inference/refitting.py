"""Refitting recipes on changed labels, subsets or values, for permutations and common mistakes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from leukotype import execution
from leukotype.arrays import FloatArray, IntArray
from leukotype.errors import InfeasibleDesign, LeukotypeError
from leukotype.evaluation import AUTO, Evaluation
from leukotype.execution import Engine
from leukotype.inference.fold_scores import checked_names
from leukotype.models import Model
from leukotype.recipes import Recipe
from leukotype.recipes.fitting import FoldResult, fit_split
from leukotype.resampling import OuterFold


def fitted_models(evaluation: Evaluation, models: Sequence[str | Model] | None = None) -> tuple[Model, ...]:
    """Return the models of the evaluation with these names, without `auto`; by default all."""
    names = checked_names(evaluation, None if models is None else [str(model) for model in models])
    return tuple(evaluation.model(name) for name in names if name != AUTO)


def refit(
    matrix: FloatArray,
    recipe: Recipe,
    split: OuterFold,
    codes: IntArray,
    entropy: tuple[int, ...],
    **options: Any,
) -> FoldResult:
    """Return `fit_split` of the arguments; raises LeukotypeError that names the model if it fails."""
    try:
        return fit_split(matrix, recipe, split, codes, entropy, **options)
    except Exception as problem:  # a plug-in may raise anything
        raise LeukotypeError(
            f"refitting model {recipe.model.name!r} failed: {type(problem).__name__}: {problem}. Leave the model out, "
            "or report this."
        ) from problem


def workers(jobs: int | Engine | None) -> int | Engine:
    """Return the engine or the number of worker processes, all cores for None; raises InfeasibleDesign below 1."""
    if isinstance(jobs, Engine):
        return jobs
    jobs = execution.available_cores() if jobs is None else jobs
    if jobs < 1:
        raise InfeasibleDesign(f"--jobs is {jobs}. Use at least 1, or leave it out to use all cores.")
    return jobs


def name_number(name: str) -> int:
    """Return a number for a name, as part of a seed."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")

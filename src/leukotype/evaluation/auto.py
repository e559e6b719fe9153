"""auto: the model chosen inside each training set, scored on the test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from leukotype.arrays import FloatArray
from leukotype.errors import InfeasibleDesign
from leukotype.evaluation.results import Evaluation, unfitted
from leukotype.models import Model
from leukotype.recipes.fitting import FoldResult

AUTO = "auto"
AUTO_MODEL = Model(AUTO, "Chosen inside each fold", unfitted)
# Odds required to prefer a model to one that was named before it.
ODDS = 3.0


def auto(evaluation: Evaluation, models: Sequence[str] | None = None) -> Evaluation:
    """Return the evaluation with one more model, `auto`; nothing is refitted.

    In each outer fold, `auto` is the model that `choose` selects among `models` by their losses on the inner folds.
    The test samples take no part in the choice, so its score has no selection bias.  Its setting names the chosen
    model, and its seconds are the sum over all candidates.

    models : by default all, baselines included, which win if no model is better than the class shares

    Raises InfeasibleDesign without models, UnknownName for an unknown model.

    Varma & Simon (2006), BMC Bioinformatics 7, 91.
    """
    named = evaluation.names if models is None else models
    chosen = [evaluation.model(name).name for name in named if name != AUTO]
    if not chosen:
        raise InfeasibleDesign("there is no model to choose from. Name at least one model.")
    by_split: dict[tuple[int, int], list[FoldResult]] = {}
    for result in evaluation.results:
        if result.model in chosen:
            by_split.setdefault((result.repeat, result.fold), []).append(result)
    picked = tuple(_pick(by_split[split.repeat, split.fold]) for split in evaluation.folds.splits)
    others = tuple(result for result in evaluation.results if result.model != AUTO)
    return replace(evaluation, models=(*evaluation.tried, AUTO_MODEL), results=(*others, *picked))


def choose(losses: Sequence[FloatArray], odds: float = ODDS) -> int:
    """Return the index of the model to use, by losses on the same held-out samples.

    losses : one (n_samples,) array per model, in one order of samples; NaN for samples that were never held out.
             Only samples with a loss for every model count
    odds   : at least 1; with 1, the model with the smallest mean loss wins

    Among the models that the best one beats with less than these odds, by the normal distribution of the mean paired
    difference, the first one wins.  If a few dozen samples cannot separate the models, switching between them from
    fold to fold costs more than using either.

    Similar to the one-standard-error rule of Breiman, Friedman, Olshen & Stone (1984), Classification and Regression
    Trees, with a smaller step.
    """
    table = np.array(losses)
    known = np.flatnonzero(np.isfinite(table).any(axis=1))
    if len(known) == 0:
        return 0
    table = table[:, np.isfinite(table[known]).all(axis=0)]
    n = table.shape[1]
    if n == 0:
        return int(known[0])
    best = int(known[np.argmin(table[known].mean(axis=1))])
    step = float(stats.norm.ppf(odds / (1 + odds))) / np.sqrt(n)
    for number in known[known < best]:
        worse_by = table[number] - table[best]
        if n > 1 and worse_by.mean() <= step * worse_by.std(ddof=1):
            return int(number)
    return best


def _pick(results: Sequence[FoldResult]) -> FoldResult:
    best = results[choose([result.inner_losses for result in results])]
    return replace(
        best,
        model=AUTO,
        setting={"model": best.model, **best.setting},
        seconds=float(sum(result.seconds for result in results)),
        notes=(),
    )

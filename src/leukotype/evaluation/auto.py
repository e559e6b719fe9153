"""The automatic answer: a model chosen inside each training part, and scored outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from leukotype.arrays import FloatArray
from leukotype.errors import InfeasibleDesign
from leukotype.evaluation.results import Evaluation, FoldResult, unfitted
from leukotype.models import Model

AUTO = "auto"
AUTO_MODEL = Model(AUTO, "Chosen inside each fold", unfitted)
# For another model to be better than one named before it.
ODDS = 3.0


def auto(evaluation: Evaluation, models: Sequence[str] | None = None) -> Evaluation:
    """Return the evaluation with one more model, `auto`; nothing is refitted.

    In each outer fold `auto` is the model that `choose` takes among `models` by the losses on the inner folds, at
    its own setting: what it predicts for the test part was chosen without a look at it, so its score is free of
    selection bias.  Its setting names the model chosen, and its seconds are those of all that it chose from.

    models : all by default, the baselines too: where nothing predicts better than the class shares, they are
             the answer.  Of models that differ too little the one that comes first in the evaluation's order.

    Varma & Simon (2006), BMC Bioinformatics 7, 91, on choosing inside the training part.
    """
    chosen = [evaluation.model(name).name for name in models or evaluation.names if name != AUTO]
    if not chosen:
        raise InfeasibleDesign("there is no model to choose from. Name at least one.")
    by_split: dict[tuple[int, int], list[FoldResult]] = {}
    for result in evaluation.results:
        if result.model in chosen:
            by_split.setdefault((result.repeat, result.fold), []).append(result)
    picked = tuple(_pick(by_split[split.repeat, split.fold]) for split in evaluation.folds.splits)
    others = tuple(result for result in evaluation.results if result.model != AUTO)
    return replace(evaluation, models=(*evaluation.tried, AUTO_MODEL), results=(*others, *picked))


def choose(losses: Sequence[FloatArray], odds: float = ODDS) -> int:
    """Return the position of the model to take, by what each loses on the same samples.

    losses : one (n_samples,) per model, samples in one order, each held out from what predicted it; NaN where it
             never was.  What counts are the samples that every model tells of
    odds   : from 1; with 1 the smallest mean is taken

    The smallest mean loss is best.  Of the models that it beats with less than these odds, taking the normal
    distribution of the mean paired difference for what is known of it, the first is taken: where a few dozen
    samples cannot tell models apart, changing from fold to fold between them costs more than either.

    After the one-standard-error rule of Breiman, Friedman, Olshen & Stone (1984), Classification and Regression
    Trees, with a smaller step.
    """
    table = np.array(losses)
    told = np.flatnonzero(np.isfinite(table).any(axis=1))
    if len(told) == 0:
        return 0
    table = table[:, np.isfinite(table[told]).all(axis=0)]
    n = table.shape[1]
    if n == 0:
        return int(told[0])
    best = int(told[np.argmin(table[told].mean(axis=1))])
    step = float(stats.norm.ppf(odds / (1 + odds))) / np.sqrt(n)
    for number in told[told < best]:
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
    )

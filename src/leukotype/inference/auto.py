"""The automatic answer: a model chosen inside each training part, and scored outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from leukotype.errors import InfeasibleDesign
from leukotype.evaluation import Evaluation, FoldResult
from leukotype.inference.fold_scores import known

AUTO = "auto"


def auto(evaluation: Evaluation, models: Sequence[str] | None = None) -> Evaluation:
    """Return the evaluation with one more model, `auto`; nothing is refitted.

    In each outer fold `auto` is the model, among `models`, with the smallest log loss on the inner folds, at
    its own setting: what it predicts for the test part was chosen without a look at it, so its score is free
    of selection bias.  Labels are smoothed in that loss, so that certainty which few samples cannot bear out does
    not win (`FoldResult.inner_log_loss`).  Its setting names the model chosen, and its seconds are those of all
    that it chose from.

    models : all by default, the baselines too: where nothing predicts better than the class shares, they are
             the answer.  The first in the evaluation's order where two tie.

    Varma & Simon (2006), BMC Bioinformatics 7, 91, on choosing inside the training part.
    """
    chosen = [model for model in known(evaluation, models) if model != AUTO]
    if not chosen:
        raise InfeasibleDesign("there is no model to choose from. Name at least one.")
    by_split: dict[tuple[int, int], list[FoldResult]] = {}
    for result in evaluation.results:
        if result.model in chosen:
            by_split.setdefault((result.repeat, result.fold), []).append(result)
    picked = tuple(_pick(by_split[split.repeat, split.fold]) for split in evaluation.folds.splits)
    others = tuple(result for result in evaluation.results if result.model != AUTO)
    names = tuple(model for model in evaluation.models if model != AUTO)
    return replace(evaluation, models=(*names, AUTO), results=(*others, *picked))


def _pick(results: Sequence[FoldResult]) -> FoldResult:
    losses = [np.inf if np.isnan(result.inner_log_loss) else result.inner_log_loss for result in results]
    best = results[int(np.argmin(losses))]
    return replace(
        best,
        model=AUTO,
        setting={"model": best.model, **best.setting},
        seconds=float(sum(result.seconds for result in results)),
    )

"""Which samples are hard, and which calls depend on how the folds fell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.evaluation import Evaluation
from leukotype.inference.fold_scores import known


def difficulty(evaluation: Evaluation, models: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per model and sample, from all repeats of the folds.

    model, sample, label
    share_right : share of repeats whose call is right
    p_own       : mean probability of the sample's own class; p_low and p_high are its range over repeats
    called      : the most frequent call, the first in name order where two tie
    agreement   : share of repeats with that call
    flips       : whether the call differs between repeats; never so with a single one
    """
    cohort = evaluation.cohort
    classes, rows = np.array(evaluation.classes), np.arange(cohort.n_samples)
    blocks = []
    for model in known(evaluation, models):
        votes = _votes(evaluation, model)
        own = evaluation.probabilities(model)[:, rows, cohort.codes]
        called = votes.argmax(axis=1)
        blocks.append(
            pd.DataFrame(
                {
                    "model": model,
                    "sample": cohort.samples,
                    "label": cohort.labels,
                    "share_right": votes[rows, cohort.codes],
                    "p_own": own.mean(axis=0),
                    "p_low": own.min(axis=0),
                    "p_high": own.max(axis=0),
                    "called": classes[called],
                    "agreement": votes[rows, called],
                    "flips": votes[rows, called] < 1,
                }
            )
        )
    return pd.concat(blocks, ignore_index=True)


def hardest(evaluation: Evaluation, models: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per sample, hardest first: sample, label, share_right, always_wrong_by.

    share_right     : mean over models and repeats
    always_wrong_by : number of models that are wrong on it in every repeat; a sample that all models always
                      call the same wrong class may have the wrong label
    called          : the most frequent call of all models and repeats
    """
    chosen, cohort = known(evaluation, models), evaluation.cohort
    rows = np.arange(cohort.n_samples)
    votes = np.array([_votes(evaluation, model) for model in chosen])
    right = votes[:, rows, cohort.codes]
    table = pd.DataFrame(
        {
            "sample": cohort.samples,
            "label": cohort.labels,
            "share_right": right.mean(axis=0),
            "always_wrong_by": (right == 0).sum(axis=0),
            "called": np.array(evaluation.classes)[votes.mean(axis=0).argmax(axis=1)],
        }
    )
    return table.sort_values("share_right", kind="stable", ignore_index=True)


def split_dependence(evaluation: Evaluation, models: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per model: n_repeats, n_flips, share_flips, agreement.

    n_flips   : samples whose call differs between repeats
    agreement : chance that two repeats call a random sample the same; nan with a single repeat
    """
    rows = []
    n_repeats = evaluation.folds.design.repeats
    for model in known(evaluation, models):
        counts = _votes(evaluation, model) * n_repeats
        pairs = (counts * (counts - 1)).sum(axis=1)
        flips = int((counts.max(axis=1) < n_repeats).sum())
        rows.append(
            {
                "model": model,
                "n_repeats": n_repeats,
                "n_flips": flips,
                "share_flips": flips / len(counts),
                "agreement": float(pairs.mean() / (n_repeats * (n_repeats - 1))) if n_repeats > 1 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _votes(evaluation: Evaluation, model: str) -> FloatArray:
    """(n_samples, n_classes) share of repeats that call each class."""
    return np.eye(len(evaluation.classes))[evaluation.predicted(model)].mean(axis=0)

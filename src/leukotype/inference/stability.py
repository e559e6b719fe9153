"""Samples that are often misclassified, and predictions that depend on the split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.evaluation import Evaluation
from leukotype.inference.fold_scores import checked_names


def difficulty(evaluation: Evaluation, models: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per model and sample, over all repeats: model, sample, label and

    share_right : share of repeats with the correct class
    p_own       : mean probability of the sample's own class; p_low and p_high are its range over repeats
    called      : the most frequent class; of ties, the first in name order
    agreement   : share of repeats with that class
    flips       : whether the predicted class differs between repeats
    """
    cohort = evaluation.cohort
    classes, rows = np.array(evaluation.classes), np.arange(cohort.n_samples)
    blocks = []
    for model in checked_names(evaluation, models):
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


def split_dependence(evaluation: Evaluation, models: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per model: n_repeats, n_flips, share_flips, agreement.

    n_flips   : samples whose predicted class differs between repeats
    agreement : probability that two repeats predict the same class for a random sample; NaN for a single repeat
    """
    rows = []
    n_repeats = evaluation.folds.design.repeats
    for model in checked_names(evaluation, models):
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
    """(n_samples, n_classes) share of repeats that predict each class."""
    return np.eye(len(evaluation.classes))[evaluation.predicted(model)].mean(axis=0)

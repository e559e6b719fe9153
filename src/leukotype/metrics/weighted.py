"""Predictions, and metrics of them under many sample weightings at once, for the bootstrap.

Each function takes a `Scored` and weights (n_resamples, n_samples) and returns (n_resamples,), or
(n_resamples, n_classes) for a per-class metric.  With unit weights each equals scikit-learn's function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray

N_BINS = 10


@dataclass(frozen=True, eq=False)
class Scored:
    """One set of out-of-fold predictions.

    labels        : (n_samples,) class codes 0 .. n_classes - 1; every class has at least one sample
    predicted     : (n_samples,) class codes
    probabilities : (n_samples, n_classes), rows sum to 1
    """

    labels: IntArray
    predicted: IntArray
    probabilities: FloatArray

    @property
    def n_samples(self) -> int:
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        return int(self.probabilities.shape[1])

    @cached_property
    def ones(self) -> FloatArray:
        """(1, n_samples) unit weights."""
        return np.ones((1, self.n_samples))

    @cached_property
    def cells(self) -> FloatArray:
        """(n_samples, n_classes²) indicator of the confusion-matrix cell of each sample."""
        return np.eye(self.n_classes**2)[self.labels * self.n_classes + self.predicted]


Weighted = Callable[[Scored, FloatArray], FloatArray]


def confusion(scored: Scored, weights: FloatArray) -> FloatArray:
    """(n_resamples, n_classes, n_classes) weighted counts; rows are true classes, columns predicted ones."""
    k = scored.n_classes
    return (weights @ scored.cells).reshape(-1, k, k)


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    # 0 if nothing was counted: the precision of a class that was never predicted is 0.
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def accuracy(scored: Scored, weights: FloatArray) -> FloatArray:
    hits = (scored.labels == scored.predicted).astype(np.float64)
    return (weights @ hits) / weights.sum(axis=1)


def recall(scored: Scored, weights: FloatArray) -> FloatArray:
    table = confusion(scored, weights)
    return _ratio(np.diagonal(table, axis1=1, axis2=2), table.sum(axis=2))


def precision(scored: Scored, weights: FloatArray) -> FloatArray:
    table = confusion(scored, weights)
    return _ratio(np.diagonal(table, axis1=1, axis2=2), table.sum(axis=1))


def f1(scored: Scored, weights: FloatArray) -> FloatArray:
    table = confusion(scored, weights)
    return _ratio(2 * np.diagonal(table, axis1=1, axis2=2), table.sum(axis=1) + table.sum(axis=2))


def macro(per_class: Weighted) -> Weighted:
    """Return the unweighted mean over classes of a per-class metric."""
    return lambda scored, weights: per_class(scored, weights).mean(axis=1)


def by_size(per_class: Weighted) -> Weighted:
    """Return the mean over classes of a per-class metric, weighted by the number of samples of each class."""

    def mean(scored: Scored, weights: FloatArray) -> FloatArray:
        sizes = weights @ np.eye(scored.n_classes)[scored.labels]
        return (per_class(scored, weights) * sizes).sum(axis=1) / sizes.sum(axis=1)

    return mean


def matthews(scored: Scored, weights: FloatArray) -> FloatArray:
    table = confusion(scored, weights)
    truth, called = table.sum(axis=2), table.sum(axis=1)
    total = table.sum(axis=(1, 2))
    agreement = np.trace(table, axis1=1, axis2=2) * total - (truth * called).sum(axis=1)
    spread = (total**2 - (called**2).sum(axis=1)) * (total**2 - (truth**2).sum(axis=1))
    return _ratio(agreement, np.sqrt(np.maximum(spread, 0.0)))


def kappa(scored: Scored, weights: FloatArray) -> FloatArray:
    table = confusion(scored, weights)
    total = table.sum(axis=(1, 2))
    observed = np.trace(table, axis1=1, axis2=2) / total
    expected = (table.sum(axis=2) * table.sum(axis=1)).sum(axis=1) / total**2
    return _ratio(observed - expected, 1 - expected)


def _own_and_other(scored: Scored, k: int, weights: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Weights of the samples of class k, weights of the others, and which samples are of class k."""
    own = scored.labels == k
    return weights[:, own], weights[:, ~own], own


def roc_auc(scored: Scored, weights: FloatArray) -> FloatArray:
    columns = []
    for k in range(scored.n_classes):
        positive, negative, own = _own_and_other(scored, k, weights)
        scores = scored.probabilities[:, k]
        gap = scores[own][:, None] - scores[~own]
        wins = ((positive @ ((gap > 0) + 0.5 * (gap == 0))) * negative).sum(axis=1)
        columns.append(wins / (positive.sum(axis=1) * negative.sum(axis=1)))
    return np.stack(columns, axis=1)


def average_precision(scored: Scored, weights: FloatArray) -> FloatArray:
    columns = []
    for k in range(scored.n_classes):
        positive, negative, own = _own_and_other(scored, k, weights)
        scores = scored.probabilities[:, k]
        # Weight of the positives and negatives that score at least as high as each positive.
        hits = positive @ (scores[own][:, None] >= scores[own]).astype(np.float64)
        misses = negative @ (scores[~own][:, None] >= scores[own]).astype(np.float64)
        columns.append((positive * _ratio(hits, hits + misses)).sum(axis=1) / positive.sum(axis=1))
    return np.stack(columns, axis=1)


def log_loss(scored: Scored, weights: FloatArray) -> FloatArray:
    own = scored.probabilities[np.arange(scored.n_samples), scored.labels]
    # scikit-learn's bound, since one error at probability 0 makes the mean infinite.
    loss = -np.log(np.clip(own, np.finfo(np.float64).eps, 1.0))
    return (weights @ loss) / weights.sum(axis=1)


def brier(scored: Scored, weights: FloatArray) -> FloatArray:
    loss = ((scored.probabilities - np.eye(scored.n_classes)[scored.labels]) ** 2).sum(axis=1)
    return (weights @ loss) / weights.sum(axis=1)


def confidence_bins(probabilities: FloatArray) -> IntArray:
    """(n_samples,) bin 0 .. N_BINS - 1, of equal width, of the highest probability of each sample."""
    top = probabilities.max(axis=1)
    return np.clip(np.ceil(top * N_BINS) - 1, 0, N_BINS - 1).astype(np.intp)


def calibration_error(scored: Scored, weights: FloatArray) -> FloatArray:
    gap = (scored.labels == scored.predicted) - scored.probabilities.max(axis=1)
    member = np.eye(N_BINS)[confidence_bins(scored.probabilities)]
    return np.abs(weights @ (member * gap[:, None])).sum(axis=1) / weights.sum(axis=1)


def calibration_error_by_chance(scored: Scored, n_draws: int = 2000) -> float:
    """Expected calibration error on average if the probability of each predicted class were right.

    Chance puts the share of correct predictions of a bin above or below its mean confidence, so that the error is
    above 0 on few samples, whatever the model.  The labels are drawn from the probabilities.

    Broecker & Smith (2007), Weather and Forecasting 22, 651-661.
    """
    top = scored.probabilities.max(axis=1)
    member = np.eye(N_BINS)[confidence_bins(scored.probabilities)]
    hits = np.random.default_rng(0).random((n_draws, scored.n_samples)) < top
    return float(np.abs((hits - top) @ member).sum(axis=1).mean() / scored.n_samples)

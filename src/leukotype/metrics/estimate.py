"""Values of a metric with intervals, from the out-of-fold predictions of one model over all repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray, StrArray
from leukotype.metrics import Metric, Scored, intervals, weighted


@dataclass(frozen=True, eq=False)
class Estimate:
    """A value with its 95 % interval; arrays of shape () or, for a per-class metric, (n_classes,).

    degenerate : True if all bootstrap resamples gave the same value, so that there is no interval
    """

    metric: Metric
    value: FloatArray
    low: FloatArray
    high: FloatArray
    degenerate: BoolArray


@dataclass(frozen=True, eq=False)
class Units:
    """What counts as independent: donors if they are known, else samples.

    total     : number of units
    per_class : (n_classes,) number of units of each class
    weights   : (n_resamples, n_samples) bootstrap weights
    """

    total: int
    per_class: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, labels: IntArray, donors: StrArray | None) -> Units:
        names = np.arange(len(labels)) if donors is None else donors
        per_class = [len(np.unique(names[labels == code])) for code in np.unique(labels)]
        weights = intervals.bootstrap_weights(labels, donors)
        return cls(len(np.unique(names)), np.array(per_class, dtype=np.float64), weights)


def estimate(metric: Metric, repeats: Sequence[Scored], units: Units) -> Estimate:
    """Return the mean of a metric over repeats and its interval by the metric's own method."""
    value = np.mean([np.asarray(metric.value(scored), dtype=np.float64) for scored in repeats], axis=0)
    degenerate = np.zeros(value.shape, dtype=bool)
    if metric.interval == "Clopper-Pearson":
        low, high = map(np.asarray, intervals.clopper_pearson(float(value) * units.total, units.total))
    elif metric.interval == "MOVER-exact":
        shares = np.mean([weighted.recall(scored, scored.ones)[0] for scored in repeats], axis=0)
        low, high = map(np.asarray, intervals.mean_of_proportions(shares * units.per_class, units.per_class))
    elif metric.interval == "Wilson":
        sizes = units.per_class if metric.name == "recall" else _predicted(repeats, units)
        pairs = [intervals.wilson(v * n, n) for v, n in zip(value, sizes, strict=True)]
        low, high = np.array(pairs).T
    else:
        low, high = intervals.bootstrap(metric.weighted, repeats, units.weights)
        degenerate = np.isclose(low, high, atol=1e-12, rtol=0)
        # The percentile interval of a biased statistic can miss its value.
        low, high = np.minimum(low, value), np.maximum(high, value)
    return Estimate(metric, value, np.asarray(low), np.asarray(high), degenerate)


def _predicted(repeats: Sequence[Scored], units: Units) -> FloatArray:
    # Predictions of each class, scaled from samples to units.
    counts = np.mean([np.bincount(s.predicted, minlength=s.n_classes) for s in repeats], axis=0)
    return counts * units.total / repeats[0].n_samples

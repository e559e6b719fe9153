"""A metric with its interval, from the out-of-fold predictions of one model over all repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray, StrArray
from leukotype.metrics import Metric, intervals
from leukotype.metrics.scored import Scored


@dataclass(frozen=True, eq=False)
class Estimate:
    """A value with its 95 % interval; arrays of shape () or, for a per-class metric, (n_classes,).

    degenerate : True where every bootstrap resample gave the same value, so that the interval says nothing
    """

    metric: Metric
    value: FloatArray
    low: FloatArray
    high: FloatArray
    degenerate: BoolArray


@dataclass(frozen=True, eq=False)
class Units:
    """What is counted as independent: samples, or donors where they are known.

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
        shares = _recall(repeats)
        low, high = map(np.asarray, intervals.mean_of_proportions(shares * units.per_class, units.per_class))
    elif metric.interval == "Wilson":
        sizes = units.per_class if metric.name == "recall" else _called(repeats, units)
        pairs = [intervals.wilson(v * n, n) for v, n in zip(value, sizes, strict=True)]
        low, high = np.array(pairs).T
    else:
        low, high = intervals.bootstrap(metric.weighted, repeats, units.weights)
        degenerate = np.isclose(low, high, atol=1e-12, rtol=0)
        # A percentile interval of a biased statistic can miss it.
        low, high = np.minimum(low, value), np.maximum(high, value)
    return Estimate(metric, value, np.asarray(low), np.asarray(high), degenerate)


def _recall(repeats: Sequence[Scored]) -> FloatArray:
    tables = np.array([np.eye(s.n_classes)[s.labels].T @ np.eye(s.n_classes)[s.predicted] for s in repeats])
    return np.mean(np.diagonal(tables, axis1=1, axis2=2) / tables.sum(axis=2), axis=0)


def _called(repeats: Sequence[Scored], units: Units) -> FloatArray:
    # Calls of a class, brought from samples to units by the cohort's samples per unit.
    calls = np.mean([np.bincount(s.predicted, minlength=s.n_classes) for s in repeats], axis=0)
    return calls * units.total / repeats[0].n_samples

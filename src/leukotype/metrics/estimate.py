"""Values of a metric with intervals, from the out-of-fold predictions of one model over all repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leukotype.arrays import FloatArray, IntArray, StrArray
from leukotype.metrics import Metric, Scored, intervals, weighted


@dataclass(frozen=True, eq=False)
class Estimate:
    """A value with its 95 % interval; arrays of shape () or, for a per-class metric, (n_classes,)."""

    metric: Metric
    value: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Units:
    """What counts as independent: donors if they are known, else samples.

    labels : (n_samples,) class codes
    donors : (n_samples,) names, or None
    """

    labels: IntArray
    donors: StrArray | None

    @cached_property
    def _names(self) -> StrArray | IntArray:
        return np.arange(len(self.labels)) if self.donors is None else self.donors

    @cached_property
    def total(self) -> int:
        """Number of units."""
        return len(np.unique(self._names))

    @cached_property
    def per_class(self) -> FloatArray:
        """(n_classes,) number of units of each class."""
        sizes = [len(np.unique(self._names[self.labels == code])) for code in np.unique(self.labels)]
        return np.array(sizes, dtype=np.float64)

    @cached_property
    def weights(self) -> FloatArray:
        """(n_resamples, n_samples) weights of the bootstrap for paired differences."""
        return intervals.bootstrap_weights(self.labels, self.donors)

    def added(self, added: intervals.Added) -> FloatArray:
        """(n_resamples, n_samples + n_classes) weights of the Bayesian bootstrap for single scores."""
        if added.total not in self._added:
            self._added[added.total] = intervals.bayesian_weights(self.labels, self.donors, added)
        return self._added[added.total]

    @cached_property
    def _added(self) -> dict[float, FloatArray]:
        """Weights drawn so far, by the number of added samples."""
        return {}


def estimate(metric: Metric, repeats: Sequence[Scored], units: Units) -> Estimate:
    """Return the mean of a metric over repeats and its interval by the metric's own method."""
    value = np.mean([metric.value(scored) for scored in repeats], axis=0)
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
        wrong = intervals.WRONG if np.isfinite(metric.bounds).all() else intervals.WRONG_UNBOUNDED
        tail = (1 - intervals.LEVEL) / 2
        ends = (wrong, intervals.RIGHT) if metric.higher_is_better else (intervals.RIGHT, wrong)
        low, high = (
            intervals.bayesian_bootstrap(metric.weighted, repeats, units.added(added), added, share)
            for added, share in zip(ends, (tail, 1 - tail), strict=True)
        )
        # The interval of a biased statistic can miss its value.
        low, high = np.minimum(low, value), np.maximum(high, value)
    return Estimate(metric, value, np.asarray(low), np.asarray(high))


def _predicted(repeats: Sequence[Scored], units: Units) -> FloatArray:
    # Predictions of each class, scaled from samples to units.
    counts = np.mean([np.bincount(s.predicted, minlength=s.n_classes) for s in repeats], axis=0)
    return counts * units.total / repeats[0].n_samples

"""Check that the scale of a sample resembles that of the training samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.recipes.alignment import Sorted

# Minimum tolerance around the range of the training samples: log2 units of the median, doublings of the spread.  Arrays
# that were normalised together may have no range.
_SLACK = 1.0
# Rounding reduces the share of distinct values too: with two decimals, 1 in 20 of 22,283 log2 intensities is distinct,
# and the calls are the same.  So a low share counts only with few distinct values or one dominant value.
_VARIETY = 0.1
_DISTINCT = 50
_ONE_VALUE = 0.5


@dataclass(frozen=True, eq=False)
class ScaleRange:
    """The range of scales of the training samples before alignment.

    medians  : smallest and largest median of a training sample
    spreads  : smallest and largest interquartile range
    variety  : smallest share of distinct values
    is_bound : whether median and spread are checked; alignment removes them
    """

    medians: tuple[float, float]
    spreads: tuple[float, float]
    variety: float
    is_bound: bool

    @classmethod
    def learn(cls, x: FloatArray, *, is_bound: bool) -> Self:
        """Learn from training samples (n_train, n_probes); NaN for missing values."""
        looks = np.array([_look(row, Sorted.of(row)) for row in x])
        low, high = looks.min(axis=0), looks.max(axis=0)
        return cls((float(low[0]), float(high[0])), (float(low[1]), float(high[1])), float(low[2]), is_bound)

    def is_off(self, x: FloatArray, ranked: Sorted) -> bool:
        """Return whether a sample (n_probes,) has another scale; NaN for missing values.

        ranked : `Sorted.of(x)`
        """
        if len(ranked.present) < 2:
            return False  # the check of missing probes applies
        median, spread, variety, low = _look(x, ranked)
        if variety < _VARIETY * self.variety and (
            len(ranked.starts) < _DISTINCT or ranked.largest_run > _ONE_VALUE * len(ranked.present)
        ):
            return True
        # The lower quartiles of the training samples are positive, and those of z-scores and log ratios are not.
        if low < 0 < self.medians[0] - self.spreads[1]:
            return True
        if not self.is_bound:
            return False
        slack = max(self.medians[1] - self.medians[0], _SLACK)
        if not self.medians[0] - slack <= median <= self.medians[1] + slack:
            return True
        factor = max(self.spreads[1] / self.spreads[0] if self.spreads[0] > 0 else 1.0, 2.0**_SLACK)
        return not self.spreads[0] / factor <= spread <= self.spreads[1] * factor


def _look(row: FloatArray, ranked: Sorted) -> tuple[float, float, float, float]:
    """Median, interquartile range, share of distinct values, and lower quartile."""
    n = len(ranked.present)
    if not n:
        return 0.0, 0.0, 0.0, 0.0
    ascending = row[ranked.present[ranked.order[[n // 4, n // 2, (3 * n) // 4 if n > 1 else 0]]]]
    low, middle, high = ascending.tolist()
    return middle, high - low, len(ranked.starts) / n, low

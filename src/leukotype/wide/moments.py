"""Means and deviations of columns, over all samples and within classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray

# Takes columns, which it scales in place, and work space of their shape; returns the mean and the deviation it used.
Scaling = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def standardise(x: FloatArray, work: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Standardise the columns of `x` (n_samples, n_columns) in place; return their means and deviations.

    The deviation has divisor n_samples, and is 1 for a constant column.

    work : of the same shape as `x`, overwritten
    """
    mean = x.mean(axis=0)
    x -= mean
    np.multiply(x, x, out=work)
    variance = work.mean(axis=0)
    scale = np.where(_is_noise(variance, mean, len(x)), 1.0, np.sqrt(variance))
    x /= scale
    return mean, scale


def as_given(x: FloatArray, work: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Leave `x` (n_samples, n_columns), whose columns are already scaled, and return means 0 and deviations 1."""
    return np.zeros(x.shape[1]), np.ones(x.shape[1])


@dataclass(frozen=True, eq=False)
class ClassMoments:
    """Columns within classes.

    counts    : (n_classes,) samples
    means     : (n_classes, n_columns)
    deviation : (n_columns,) pooled within the classes, divisor n_samples - n_classes; 0 if nothing varies within
                them, or if every class has one sample
    total     : (n_columns,) deviation over all samples, divisor n_samples; 0 for a constant column
    """

    counts: IntArray
    means: FloatArray
    deviation: FloatArray
    total: FloatArray

    @classmethod
    def of(cls, x: FloatArray, labels: IntArray) -> ClassMoments:
        """Moments of `x` (n_samples, n_columns) within classes coded 0 .. n_classes - 1, each present."""
        counts = np.bincount(labels)
        means = np.empty((len(counts), x.shape[1]))
        squares = np.zeros(x.shape[1])
        for code in range(len(counts)):
            own = x[labels == code]
            means[code] = own.mean(axis=0)
            own -= means[code]
            own *= own
            squares += own.sum(axis=0)
        n, mean = len(labels), counts @ means / len(labels)
        between = counts @ (means - mean) ** 2
        within = np.where(_is_noise(squares / n, mean, n), 0.0, squares)
        total = np.where(_is_noise((squares + between) / n, mean, n), 0.0, squares + between)
        return cls(counts, means, np.sqrt(within / max(n - len(counts), 1)), np.sqrt(total / n))

    @property
    def n_samples(self) -> int:
        return int(self.counts.sum())

    @property
    def shares(self) -> FloatArray:
        """(n_classes,) of the samples."""
        return self.counts / self.n_samples

    @cached_property
    def differences(self) -> FloatArray:
        """(n_classes, n_columns) class mean minus overall mean; 0 for a constant column."""
        mean = self.shares @ self.means
        return np.where(self.total > 0, self.means - mean, 0.0)

    @cached_property
    def typical_deviation(self) -> float:
        """Median of the deviation over the columns.

        If that is 0, the median over the columns that vary within the classes; if none does, the median of the total
        deviation over the columns that vary at all; if none does, 1.
        """
        for values in (self.deviation, self.deviation[self.deviation > 0], self.total[self.total > 0]):
            if len(values) and (median := float(np.median(values))) > 0:
                return median
        return 1.0


def _is_noise(variance: FloatArray, mean: FloatArray, n_samples: int) -> BoolArray:
    # The deviation of a constant column is rounding error, not 0; this is scikit-learn's bound.
    eps = np.finfo(np.float64).eps
    return variance <= n_samples * eps * variance + (n_samples * mean * eps) ** 2

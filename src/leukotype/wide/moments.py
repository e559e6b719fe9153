"""Means, deviations and ranks of columns, over all samples and within classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from leukotype.arrays import BoolArray, FloatArray, IntArray

# Columns, scaled in place, and work space of their shape, to mean and deviation by which others are scaled alike.
Scaling = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def standardise(x: FloatArray, work: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Standardise the columns of `x` (n_samples, n_columns) in place; return their means and deviations.

    The deviation (divisor n_samples) of a constant column is given as 1.

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
    """Leave the columns of `x` (n_samples, n_columns) as they are: mean 0 and deviation 1 are said of them.

    For values that somebody has brought to one scale already; called like `standardise`.
    """
    return np.zeros(x.shape[1]), np.ones(x.shape[1])


def column_ranks(x: FloatArray) -> NDArray[np.unsignedinteger]:
    """(n_samples, n_columns) place of each value among the values of its column, from 0, equal ones alike."""
    kind = np.min_scalar_type(max(len(x) - 1, 0))
    order = np.argsort(x, axis=0, kind="stable")
    ascending = np.take_along_axis(x, order, axis=0)
    places = np.zeros(x.shape, dtype=kind)
    np.cumsum(ascending[1:] > ascending[:-1], axis=0, dtype=kind, out=places[1:])
    ranks = np.empty_like(places)
    np.put_along_axis(ranks, order, places, axis=0)
    return ranks


@dataclass(frozen=True, eq=False)
class ClassMoments:
    """Columns within classes.

    counts    : (n_classes,) samples
    means     : (n_classes, n_columns)
    deviation : (n_columns,) pooled within the classes, divisor n_samples - n_classes; 0 where nothing varies
                within them, or where every sample is a class of its own
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

        Where that is 0, the median over the columns that vary within the classes; where none does, the
        median of the total deviation over the columns that vary at all; where none does, 1.
        """
        for values in (self.deviation, self.deviation[self.deviation > 0], self.total[self.total > 0]):
            if len(values) and (median := float(np.median(values))) > 0:
                return median
        return 1.0


def _is_noise(variance: FloatArray, mean: FloatArray, n_samples: int) -> BoolArray:
    # The deviation of a constant column is rounding error, not zero: the bound is scikit-learn's.
    eps = np.finfo(np.float64).eps
    return variance <= n_samples * eps * variance + (n_samples * mean * eps) ** 2

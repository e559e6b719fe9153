"""One split of one matrix, and everything about it that several models want."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


class Fold:
    """One split of one matrix; each quantity is computed once, when first asked for.

    Every statistic (medians for imputation, mean, deviation) comes from the training part alone.

    expression : (n_samples, n_probes), any float or integer type; NaN is imputed by the training median
    train      : (n_train,) row indices
    test       : (n_test,) row indices
    """

    def __init__(self, expression: ArrayLike, train: ArrayLike, test: ArrayLike) -> None:
        self.expression = np.asarray(expression)
        self.train = np.asarray(train, dtype=np.intp)
        self.test = np.asarray(test, dtype=np.intp)

    @property
    def n_train(self) -> int:
        return len(self.train)

    @property
    def n_test(self) -> int:
        return len(self.test)

    @property
    def n_probes(self) -> int:
        return int(self.expression.shape[1])

    @cached_property
    def _raw(self) -> tuple[FloatArray, FloatArray]:
        x_train = self.expression[self.train].astype(np.float64)
        x_test = self.expression[self.test].astype(np.float64)
        holes = np.isnan(x_train).any(axis=0) | np.isnan(x_test).any(axis=0)
        if holes.any():
            medians = _column_medians(x_train[:, holes])
            for part in (x_train, x_test):
                block = part[:, holes]
                part[:, holes] = np.where(np.isnan(block), medians, block)
        return x_train, x_test

    @property
    def x_train(self) -> FloatArray:
        """(n_train, n_probes) values of the training part, imputed, not scaled."""
        return self._raw[0]

    @property
    def x_test(self) -> FloatArray:
        """(n_test, n_probes) values of the test part, imputed by the training part, not scaled."""
        return self._raw[1]

    @cached_property
    def mean(self) -> FloatArray:
        """(n_probes,) mean over the training part."""
        return self.x_train.mean(axis=0)

    @cached_property
    def scale(self) -> FloatArray:
        """(n_probes,) deviation over the training part (divisor n_train); 1 for a constant probe."""
        deviation = self.x_train.std(axis=0)
        # The deviation of a constant column is rounding error, not zero: the bound is scikit-learn's.
        eps = np.finfo(np.float64).eps
        variance_noise = self.n_train * eps * deviation**2 + (self.n_train * self.mean * eps) ** 2
        constant = deviation**2 <= variance_noise
        return np.where(constant, 1.0, deviation)

    @cached_property
    def z_train(self) -> FloatArray:
        """(n_train, n_probes) training part, standardised by itself."""
        return (self.x_train - self.mean) / self.scale

    @cached_property
    def z_test(self) -> FloatArray:
        """(n_test, n_probes) test part, standardised by the training part."""
        return (self.x_test - self.mean) / self.scale

    @cached_property
    def gram(self) -> FloatArray:
        """(n_train, n_train) inner products of the standardised training samples."""
        return self.z_train @ self.z_train.T

    @cached_property
    def cross(self) -> FloatArray:
        """(n_test, n_train) inner products of standardised test and training samples."""
        return self.z_test @ self.z_train.T


def _column_medians(block: FloatArray) -> FloatArray:
    # A probe missing in all training samples says nothing: 0 for everyone.
    medians = np.zeros(block.shape[1])
    known = ~np.isnan(block).all(axis=0)
    medians[known] = np.nanmedian(block[:, known], axis=0)
    return medians

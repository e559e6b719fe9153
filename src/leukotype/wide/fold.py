"""One split of one matrix, and the quantities that several models share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules.margins import add_row_products
from leukotype.wide.moments import ClassMoments, Scaling, standardise
from leukotype.wide.screen import f_statistic

# Numbers in a block of columns: 1 MiB, which stays in a core's cache.
_BLOCK = 2**17
# Bytes of a matrix above which no copies are kept between models; 357 × 22,277 samples × probes take a fifth of it.
_LARGE = 2**28
# Below this share of the norms, a squared distance from inner products has lost too many digits.
_NEAR = 1e-3


@dataclass(frozen=True, eq=False)
class Span:
    """The standardised training samples in the space that they span, with the same inner products.

    coordinates : (n_train, rank), columns orthogonal; coordinates @ coordinates.T is the Gram matrix
    lengths     : (rank,) sum of squares of each column, descending
    dual        : (n_train, rank); axis j in the space of the probes is z_train.T @ dual[:, j]
    """

    coordinates: FloatArray
    lengths: FloatArray
    dual: FloatArray


class Fold:
    """One split of one matrix; each quantity is computed once, on first use.

    Every statistic (medians for imputation, mean, deviation) comes from the training part alone. Products over the
    probes are summed block by block, which needs no scaled copy of the matrix, and for each test sample separately:
    a sample's results do not depend on the other samples, to the last bit.

    expression : (n_samples, n_probes), any float or integer type; NaN is imputed by the training median
    train      : (n_train,) row indices
    test       : (n_test,) row indices
    scaling    : scales the columns of the training part; `moments.as_given` for values that are already scaled
    """

    def __init__(
        self, expression: ArrayLike, train: ArrayLike, test: ArrayLike, *, scaling: Scaling = standardise
    ) -> None:
        self.expression = np.asarray(expression)
        self.train = np.asarray(train, dtype=np.intp)
        self.test = np.asarray(test, dtype=np.intp)
        self._scaling = scaling
        self._classes: dict[bytes, ClassMoments] = {}
        self._f_statistics: dict[bytes, FloatArray] = {}

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
    def x_train(self) -> FloatArray:
        """(n_train, n_probes) values of the training part, imputed, not scaled."""
        return self._imputed(self.train)

    @cached_property
    def x_test(self) -> FloatArray:
        """(n_test, n_probes) values of the test part, imputed by the training part, not scaled."""
        return self._imputed(self.test)

    @property
    def mean(self) -> FloatArray:
        """(n_probes,) mean over the training part."""
        return self._moments[0]

    @property
    def scale(self) -> FloatArray:
        """(n_probes,) deviation over the training part (divisor n_train); 1 for a constant probe."""
        return self._moments[1]

    @cached_property
    def z_train(self) -> FloatArray:
        """(n_train, n_probes) training part, standardised by itself."""
        return self.standardised(self.x_train)

    @cached_property
    def z_test(self) -> FloatArray:
        """(n_test, n_probes) test part, standardised by the training part."""
        return self.standardised(self.x_test)

    @property
    def gram(self) -> FloatArray:
        """(n_train, n_train) inner products of the standardised training samples."""
        return self._products[0]

    @property
    def cross(self) -> FloatArray:
        """(n_test, n_train) inner products of standardised test and training samples."""
        return self._products[1]

    @cached_property
    def span(self) -> Span:
        """The training part in the fewest dimensions: below n_train, at most n_probes."""
        primal = self.n_probes < self.n_train
        lengths, axes = np.linalg.eigh(self.z_train.T @ self.z_train if primal else self.gram)
        least = lengths.max(initial=0.0) * self.n_train * np.finfo(np.float64).eps
        kept = np.flatnonzero(lengths > least)[::-1]
        lengths, axes = lengths[kept], axes[:, kept]
        coordinates = self.z_train @ axes if primal else axes * np.sqrt(lengths)
        return Span(coordinates, lengths, coordinates / lengths)

    @property
    def is_large(self) -> bool:
        """Whether copies of the matrix take too much memory to be kept for the next model."""
        return self.expression.size * 8 > _LARGE

    def release(self) -> None:
        """Delete what is as large as the matrix; the next use computes it again, to the same bits."""
        for name in ("x_train", "x_test", "z_train", "z_test"):
            self.__dict__.pop(name, None)

    def classes(self, labels: IntArray) -> ClassMoments:
        """Return means and deviations of the probes within the classes of the training part.

        labels : (n_train,) class codes
        """
        key = labels.tobytes()
        if key not in self._classes:
            self._classes[key] = ClassMoments.of(self.x_train, labels)
        return self._classes[key]

    def f_statistic(self, labels: IntArray) -> FloatArray:
        """(n_probes,) F statistic of one-way analysis of variance over the classes of the training part.

        labels : (n_train,) class codes
        """
        key = labels.tobytes()
        if key not in self._f_statistics:
            self._f_statistics[key] = f_statistic(self.z_train, labels)
        return self._f_statistics[key]

    def f_order(self, labels: IntArray) -> IntArray:
        """(n_probes,) columns from the highest F statistic to the lowest, ties by column."""
        return np.argsort(-self.f_statistic(labels), kind="stable")

    def standardised(self, x: FloatArray) -> FloatArray:
        """Return raw values `x` (..., n_probes), standardised by the training part."""
        z = x - self.mean
        z /= self.scale
        return z

    def cross_from(self, other: Fold) -> FloatArray:
        """(other.n_test, n_train) inner products with the test part of `other`, standardised as here."""
        return self.cross if other is self else self._cross_from(other)[0]

    def squared_distances_from(self, other: Fold) -> FloatArray:
        """(other.n_test, n_train) squared distances to the test part of `other`, standardised as here; 0 if equal."""
        cross, norms = self._products[1:] if other is self else self._cross_from(other)
        sums = norms[:, None] + self.gram.diagonal()
        squared = sums - 2 * cross
        for row, column in np.argwhere(squared < _NEAR * sums):
            difference = self.standardised(other.x_test[row]) - self.standardised(self.x_train[column])
            squared[row, column] = difference @ difference
        return squared

    def onto_probes(self, dual: FloatArray) -> FloatArray:
        """(n_columns, n_probes) sums of standardised training samples, weighted by `dual`.

        dual : (n_train, n_columns)
        """
        sums = np.empty((dual.shape[1], self.n_probes))
        for block in self._blocks():
            sums[:, block.columns] = dual.T @ block.z
        return sums

    def _cross_from(self, other: Fold) -> tuple[FloatArray, FloatArray]:
        cross, norms = np.zeros((other.n_test, self.n_train)), np.zeros(other.n_test)
        for block in self._blocks():
            block.add(cross, norms, other.x_test[:, block.columns].copy())
        return cross, norms

    @cached_property
    def _products(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        gram = np.zeros((self.n_train, self.n_train))
        cross, norms = np.zeros((self.n_test, self.n_train)), np.zeros(self.n_test)
        rows = np.empty((self.n_test, self._width))
        mean, scale = np.empty(self.n_probes), np.empty(self.n_probes)
        for block in self._blocks():
            mean[block.columns], scale[block.columns] = block.mean, block.scale
            gram += block.z @ block.z.T
            block.add(cross, norms, self._filled(rows[:, : len(block.mean)], self.test, block.columns))
        # A by-product, which saves another pass over the matrix.
        self.__dict__.setdefault("_moments", (mean, scale))
        return gram, cross, norms

    @cached_property
    def _moments(self) -> tuple[FloatArray, FloatArray]:
        mean, scale = np.empty(self.n_probes), np.empty(self.n_probes)
        for block in self._blocks():
            mean[block.columns], scale[block.columns] = block.mean, block.scale
        return mean, scale

    @property
    def _width(self) -> int:
        # If it depended on the test part, sums would be rounded differently.
        return min(max(_BLOCK // max(self.n_train, 1), 1), max(self.n_probes, 1))

    def _blocks(self) -> Iterator[_Block]:
        # Allocating memory for each block would take longer than the arithmetic.
        values, squares = np.empty((2, self.n_train, self._width))
        for start in range(0, self.n_probes, self._width):
            columns = slice(start, min(start + self._width, self.n_probes))
            size = columns.stop - start
            z = self._filled(values[:, :size], self.train, columns)
            mean, scale = self._scaling(z, squares[:, :size])
            yield _Block(columns, z, mean, scale)

    def _imputed(self, rows: IntArray) -> FloatArray:
        return self._filled(np.empty((len(rows), self.n_probes)), rows, slice(None))

    def _filled(self, part: FloatArray, rows: IntArray, columns: slice) -> FloatArray:
        view = self.expression[:, columns]
        for own, row in zip(part, rows.tolist(), strict=True):
            own[:] = view[row]
        if view.dtype.kind != "f":
            return part
        with np.errstate(over="ignore", invalid="ignore"):
            suspects = np.flatnonzero(~np.isfinite(part.sum(axis=0)))
        holes = suspects[np.isnan(part[:, suspects]).any(axis=0)]
        if len(holes):
            medians = _column_medians(view[np.ix_(self.train, holes)].astype(np.float64))
            part[:, holes] = np.where(np.isnan(part[:, holes]), medians, part[:, holes])
        return part


@dataclass(frozen=True, eq=False)
class _Block:
    """Some columns of the training part, standardised; valid until the next block."""

    columns: slice
    z: FloatArray
    mean: FloatArray
    scale: FloatArray

    def add(self, cross: FloatArray, norms: FloatArray, x: FloatArray) -> None:
        """Add these columns' part of the products of new samples.

        x : (n, n_columns) their raw values, overwritten
        """
        x -= self.mean
        x /= self.scale
        add_row_products(cross, x, self.z)
        x *= x
        norms += x.sum(axis=1)


def _column_medians(block: FloatArray) -> FloatArray:
    # A probe that is missing in all training samples becomes 0 everywhere.
    medians = np.zeros(block.shape[1])
    known = ~np.isnan(block).all(axis=0)
    medians[known] = np.nanmedian(block[:, known], axis=0)
    return medians

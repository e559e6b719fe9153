"""Shapley values of trees, exactly, from the ways to their leaves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide._trees import Trees

# Exact for up to 64 different probes on the way to one leaf; with 512, the most a way can have, off by 1e-10.
_MOST_POINTS = 32


class LeafPaths:
    """The way from the root to each leaf, probe by probe.

    The value of a leaf counts for a set of known probes as far as the sample meets what they ask on its way,
    times the share of the training samples that went on along it at every split on another probe: the
    expectation of a tree that Lundberg et al. call path-dependent.  Each leaf is then a product of one factor
    per probe, o_i where probe i is known and z_i where it is not, and its Shapley values are

        value * (o_i - z_i) * integral over t from 0 to 1 of prod_{j != i} (o_j t + z_j (1 - t)),

    whose integrand is a polynomial: a Gauss-Legendre sum of half as many points as probes is exact.

    trees : splits on positions in the columns of the samples
    cover : (n_nodes,) training samples that came by, at least 1

    Lundberg et al. (2020), Nature Machine Intelligence 2, 56-67; Yu et al. (2022), NeurIPS 35 (Linear TreeShap).
    """

    def __init__(self, trees: Trees, cover: IntArray) -> None:
        self._n_columns = len(trees.columns)
        n_nodes = len(trees.left)
        inner = np.flatnonzero(trees.left != np.arange(n_nodes))
        parent = np.full(n_nodes, -1, dtype=np.intp)
        parent[trees.left[inner]] = parent[trees.right[inner]] = inner
        self._leaves = np.flatnonzero(trees.left == np.arange(n_nodes))
        places, columns, lows, highs, ratios = [], [], [], [], []
        place, node = np.arange(len(self._leaves), dtype=np.int32), self._leaves
        while True:
            below = parent[node] >= 0
            place, node = place[below], node[below]
            if not len(node):
                break
            above = parent[node]
            goes_left = trees.left[above] == node
            places.append(place)
            columns.append(trees.column[above].astype(np.int32))
            lows.append(np.where(goes_left, -np.inf, trees.threshold[above]))
            highs.append(np.where(goes_left, trees.threshold[above], np.inf))
            ratios.append(cover[node] / cover[above])
            node = above
        if not places:
            self._steps = None
            return
        place, column = np.concatenate(places), np.concatenate(columns)
        order = np.argsort(place.astype(np.int64) * max(self._n_columns, 1) + column, kind="stable")
        place, column = place[order], column[order]
        new = np.append(True, (np.diff(place) != 0) | (np.diff(column) != 0))
        first = np.flatnonzero(new)
        self._column, self._place = column[first], place[first]
        self._low = np.maximum.reduceat(np.concatenate(lows)[order], first)
        self._high = np.minimum.reduceat(np.concatenate(highs)[order], first)
        self._ratio = np.multiply.reduceat(np.concatenate(ratios)[order], first)
        # Leaves that are roots have no way and no entries.
        self._steps = np.flatnonzero(np.append(True, np.diff(self._place) != 0))
        self._lengths = np.diff(np.append(self._steps, len(self._place)))

    def shapley(self, x: NDArray[np.float32], values: FloatArray) -> tuple[FloatArray, float]:
        """(n, n_columns) Shapley values of samples `x` (n, n_columns), and what they are added to.

        values : (n_nodes,) of which those of the leaves are summed over the trees
        """
        shares = np.zeros((len(x), self._n_columns))
        leaf_values = values[self._leaves]
        if self._steps is None:
            return shares, float(leaf_values.sum())
        kept = np.ones(len(self._leaves))
        kept[self._place[self._steps]] = np.multiply.reduceat(self._ratio, self._steps)
        n_points = min(-(-int(self._lengths.max()) // 2), _MOST_POINTS)
        points, weights = np.polynomial.legendre.leggauss(n_points)
        for row, sample in enumerate(x):
            read = sample[self._column]
            met = ((read > self._low) & (read <= self._high)).astype(np.float64)
            integral = np.zeros(len(met))
            for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
                factor = met * point + self._ratio * (1 - point)
                product = np.repeat(np.multiply.reduceat(factor, self._steps), self._lengths)
                integral += weight * product / factor
            each = leaf_values[self._place] * (met - self._ratio) * integral
            shares[row] = np.bincount(self._column, weights=each, minlength=self._n_columns)
        return shares, float(leaf_values @ kept)

"""Forests, boosted trees and single trees of any library, and their Shapley values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules.fields import Fields, refuse
from leukotype.rules.margins import MEANING, apply_link, evidence, n_margins
from leukotype.rules.rule import Contributions, Parts, Rule

LINKS = ("vote", "softmax", "logistic")
MOST_TREES = 20_000
MOST_NODES = 2_000_000
MOST_DEPTH = 512
# Splits on the paths to all leaves: the time that one sample's Shapley values take.
MOST_STEPS = 8_000_000
# Leaves hold class shares that were summed in single precision.
_CLOSE = 1e-6
_ROWS_AT_ONCE = 64
# Exact for up to 64 different probes on the path to a leaf; for 512, the maximum, off by 1e-10.
_MOST_POINTS = 32


class Tree(NamedTuple):
    """The nodes of one tree, root first; a sample goes left if float32(x) <= threshold.

    feature     : (n_nodes,) column that each node reads; any number in leaves
    threshold   : (n_nodes,)
    left, right : (n_nodes,) node numbers within the tree, -1 in leaves
    value       : (n_nodes, n_values) of which only those of leaves count
    """

    feature: NDArray[Any]
    threshold: NDArray[Any]
    left: NDArray[Any]
    right: NDArray[Any]
    value: FloatArray


@dataclass(frozen=True, eq=False)
class Trees:
    """Binary trees with splits on single columns; a sample goes left if float32(x) <= threshold.

    Children and roots number the nodes of all trees together. A leaf is its own left and right child, so that
    `depth` steps from a root end in a leaf for every sample.

    columns     : (n_columns,) columns of the samples that the splits read, ascending
    column      : (n_nodes,) position in `columns` of the column that a node reads; 0 in leaves
    threshold   : (n_nodes,)
    left, right : (n_nodes,) node numbers
    value       : (n_nodes, n_values)
    roots       : (n_trees,) node numbers
    depth       : largest number of splits between a root and a leaf
    """

    columns: IntArray
    column: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    value: FloatArray
    roots: IntArray
    depth: int

    @classmethod
    def join(cls, parts: Sequence[Tree]) -> Self:
        """Concatenate single trees."""
        features, thresholds, lefts, rights, values = zip(*parts, strict=True)
        sizes = np.array([len(threshold) for threshold in thresholds], dtype=np.intp)
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        shift = np.repeat(roots, sizes)
        left = np.concatenate(lefts).astype(np.intp)
        right = np.concatenate(rights).astype(np.intp)
        leaf = left < 0
        itself = np.arange(len(left), dtype=np.intp)
        columns, position = np.unique(np.concatenate(features).astype(np.intp)[~leaf], return_inverse=True)
        column = np.zeros(len(left), dtype=np.intp)
        column[~leaf] = position
        left, right = np.where(leaf, itself, left + shift), np.where(leaf, itself, right + shift)
        threshold = np.concatenate(thresholds).astype(np.float64)
        value = np.concatenate(values).astype(np.float64)
        depth = sum(1 for _ in _levels(left, right, roots))
        return cls(columns, column, threshold, left, right, value, roots, depth)

    @property
    def n_trees(self) -> int:
        return len(self.roots)

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        """(n_nodes,)"""
        return self.left == np.arange(len(self.left))

    def leaves(self, x: NDArray[Any]) -> IntArray:
        """(n_samples, n_trees) leaf of each tree that each sample of `x` reaches."""
        part = x[:, self.columns].astype(np.float32)
        node = np.broadcast_to(self.roots, (len(part), self.n_trees)).copy()
        if not len(self.columns):
            return node
        rows = np.arange(len(part))[:, None]
        for _ in range(self.depth):
            goes_left = part[rows, self.column[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return node

    def votes(self, x: NDArray[Any]) -> FloatArray:
        """(n_samples, n_values) mean over the trees of the values of the leaves that samples `x` reach."""
        return self._sums(x, [(slice(None), number) for number in range(self.value.shape[1])]) / self.n_trees

    def margins(self, x: NDArray[Any], group: IntArray, base: FloatArray) -> FloatArray:
        """(n_samples, n_margins) `base` plus the leaf values of the trees of each group, for samples `x`."""
        return base + self._sums(x, [(group == number, 0) for number in range(len(base))])

    def _sums(self, x: NDArray[Any], terms: Sequence[tuple[Any, int]]) -> FloatArray:
        """(n_samples, n_terms) sums of column `number` of the leaf values over the trees `chosen`, per term."""
        sums = np.empty((len(x), len(terms)))
        for start in range(0, len(x), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            leaves = self.leaves(x[rows])
            for term, (chosen, number) in enumerate(terms):
                # Contiguous rows are summed in the same order however many there are.
                each = np.ascontiguousarray(self.value[leaves[:, chosen], number])
                sums[rows, term] = each.sum(axis=1)
        return sums


@dataclass(frozen=True, eq=False)
class TreeSums(Rule):
    """Sums over trees of the values of the leaves that a sample reaches.

    link  : "vote" (the mean of the leaves' class shares), or the link of the summed margins: "softmax" (one margin
            per class) or "logistic" (one margin, for the second of two classes)
    trees : splits on positions in `reads`; leaves hold one value for margins, n_classes values for votes
    group : (n_trees,) margin to which each tree adds; 0 for votes
    base  : (n_margins,) margins before the first tree; empty for votes
    cover : (n_nodes,) training samples that reach a node, at least 1
    """

    link: str
    trees: Trees
    group: IntArray
    base: FloatArray
    cover: IntArray

    kind = "trees"

    @classmethod
    def of(
        cls, trees: Trees, x_train: FloatArray, link: str = "vote", group: ArrayLike = 0, base: ArrayLike = ()
    ) -> Self:
        """Return the rule of trees that split on columns of `x_train`, the raw (n_train, n_probes) training part.

        link, group, base : as the attributes; votes need neither group nor base
        """
        cover = np.bincount(trees.leaves(x_train).ravel(), minlength=len(trees.left))
        # Parents come before their children.
        for node in np.flatnonzero(~trees.is_leaf)[::-1].tolist():
            cover[node] = cover[trees.left[node]] + cover[trees.right[node]]
        return cls(
            n_classes=trees.value.shape[1] if link == "vote" else max(np.size(base), 2),
            n_probes=x_train.shape[1],
            reads=trees.columns,
            link=link,
            trees=replace(trees, columns=np.arange(len(trees.columns))),
            group=np.broadcast_to(np.asarray(group, dtype=np.intp), trees.roots.shape),
            base=np.asarray(base, dtype=np.float64),
            cover=cover,
        )

    def unchecked_output(self, x: FloatArray) -> FloatArray:
        if self.link == "vote":
            return self.trees.votes(x)
        return apply_link(self.link, self.trees.margins(x, self.group, self.base), self.n_classes)

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        if self.link == "vote":
            leaf_values, base = self.trees.value[:, code] / self.trees.n_trees, 0.0
            meaning = "mean vote of the trees for the class"
        else:
            towards = evidence(self.link, code, self.n_classes)
            sizes = np.diff(np.append(self.trees.roots, len(self.trees.left)))
            leaf_values = self.trees.value[:, 0] * np.repeat(towards[self.group], sizes)
            base = float(towards @ self.base)
            meaning = MEANING[self.link]
        values, expected = self._paths.shapley(x.astype(np.float32), leaf_values)
        meaning += " (path-dependent Shapley values)"
        return Contributions(values, "exact", base + expected, meaning)

    @cached_property
    def _paths(self) -> LeafPaths:
        return LeafPaths(self.trees, self.cover)

    def _own_parts(self) -> Parts:
        trees, leaf = self.trees, self.trees.is_leaf
        arrays = {
            "roots": trees.roots.astype("<i4"),
            # Distances to the children are small numbers that repeat, and compress well.
            "left": (trees.left - np.arange(len(leaf))).astype("<i4"),
            "right": (trees.right - np.arange(len(leaf))).astype("<i4"),
            "column": trees.column.astype("<i4"),
            "threshold": np.where(leaf, 0.0, trees.threshold),
            "value": np.where(leaf[:, None], trees.value, 0.0),
            "cover": self.cover.astype("<i4"),
        }
        if self.link != "vote":
            arrays |= {"group": self.group.astype("<i4"), "base": self.base}
        return {"link": self.link}, arrays

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        link = fields.link(LINKS, n_classes)
        trees, cover = _checked_trees(fields, reads, n_classes if link == "vote" else 1)
        if link == "vote":
            shares = trees.value[trees.is_leaf]
            if (shares < 0).any() or (np.abs(shares.sum(axis=1) - 1.0) > _CLOSE).any():
                refuse("the class shares of a leaf are not from 0 to 1 with sum 1")
            group, base = np.zeros(trees.n_trees, dtype=np.intp), np.empty(0)
        else:
            height = n_margins(link, n_classes)
            group = fields.wholes("group", (trees.n_trees,), 0, height - 1)
            base = fields.floats("base", (height,))
        return cls(n_classes, n_probes, reads, link, trees, group, base, cover)


def _checked_trees(fields: Fields, reads: IntArray, n_values: int) -> tuple[Trees, IntArray]:
    roots = fields.wholes("roots", (None,), 0, MOST_NODES - 1)
    threshold = fields.floats("threshold", (None,))
    n_trees, n_nodes = len(roots), len(threshold)
    if not 1 <= n_trees <= MOST_TREES or not n_trees <= n_nodes <= MOST_NODES:
        refuse(
            f"it has {n_trees:,} trees of {n_nodes:,} nodes, and must have 1 to {MOST_TREES:,} trees of at most "
            f"{MOST_NODES:,} nodes"
        )
    if roots[0] != 0 or (np.diff(roots) <= 0).any() or roots[-1] >= n_nodes:
        refuse("its trees do not follow one another")
    itself = np.arange(n_nodes)
    left = itself + fields.wholes("left", (n_nodes,), 0, n_nodes)
    right = itself + fields.wholes("right", (n_nodes,), 0, n_nodes)
    column = fields.wholes("column", (n_nodes,), 0, max(len(reads) - 1, 0))
    cover = fields.wholes("cover", (n_nodes,), 1, 2**31 - 1)
    value = fields.floats("value", (n_nodes, n_values))
    sizes = np.diff(np.append(roots, n_nodes))
    ends = np.repeat(roots + sizes, sizes)
    inner = left > itself
    if (inner != (right > itself)).any() or (left >= ends).any() or (right >= ends).any():
        refuse("a node of a tree has one child, or a child outside its tree")
    # Each node but the roots is the child of exactly one earlier node of its tree: there are no cycles.
    parents = np.bincount(np.concatenate([left[inner], right[inner]]), minlength=n_nodes)
    expected = np.ones(n_nodes, dtype=np.intp)
    expected[roots] = 0
    if (parents != expected).any():
        refuse("a node of a tree has no parent, or several")
    if len(np.unique(column[inner])) != len(reads):
        refuse("its trees do not read exactly the probes that it lists")
    depth, steps = 0, 0
    for level in _levels(left, right, roots):
        depth += 1
        steps += depth * int((~inner[level]).sum())
        if depth > MOST_DEPTH or steps > MOST_STEPS:
            refuse(
                f"its trees are deeper than {MOST_DEPTH} splits, or have more than {MOST_STEPS:,} on paths to leaves"
            )
    if (cover[left[inner]] + cover[right[inner]] != cover[inner]).any():
        refuse("the training samples of a node are not those of its children")
    columns = np.arange(len(reads), dtype=np.intp)
    return Trees(columns, column, threshold, left, right, value, roots, depth), cover


def _levels(left: IntArray, right: IntArray, roots: IntArray) -> Iterator[IntArray]:
    """Yield the nodes below the roots, level by level."""
    level = roots
    while len(inner := level[left[level] != level]):
        level = np.concatenate([left[inner], right[inner]])
        yield level


class LeafPaths:
    """The path from the root to each leaf, probe by probe, and exact Shapley values from it.

    For a set of known probes, a leaf counts if the sample meets the conditions on them along the path, times the
    share of the training samples that followed the path at every split on another probe: the path-dependent
    expectation of Lundberg et al. Each leaf is then a product of one factor per probe, o_i if probe i is known and
    z_i if it is not, and its Shapley values are

        value * (o_i - z_i) * integral over t from 0 to 1 of prod_{j != i} (o_j t + z_j (1 - t)),

    whose integrand is a polynomial: Gauss-Legendre quadrature with half as many points as probes is exact.

    trees : splits on positions in the columns of the samples
    cover : (n_nodes,) training samples that reach a node, at least 1

    Lundberg et al. (2020), Nature Machine Intelligence 2, 56-67; Yu et al. (2022), NeurIPS 35 (Linear TreeShap).
    """

    def __init__(self, trees: Trees, cover: IntArray) -> None:
        self._n_columns = len(trees.columns)
        inner, self._leaves = np.flatnonzero(~trees.is_leaf), np.flatnonzero(trees.is_leaf)
        parent = np.full(len(trees.left), -1, dtype=np.intp)
        parent[trees.left[inner]] = parent[trees.right[inner]] = inner
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
        # Leaves that are roots have no entries.
        self._steps = np.flatnonzero(np.append(True, np.diff(self._place) != 0))
        self._lengths = np.diff(np.append(self._steps, len(self._place)))

    def shapley(self, x: NDArray[np.float32], values: FloatArray) -> tuple[FloatArray, float]:
        """(n, n_columns) Shapley values of samples `x` (n, n_columns), and the expectation without any probe.

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

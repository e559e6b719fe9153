"""Forests, boosted trees and single trees, whoever grew them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import links
from leukotype.rules.fields import Fields, refuse
from leukotype.rules.rule import Contributions, Parts, Rule
from leukotype.rules.shapley import LeafPaths
from leukotype.wide._trees import Trees

LINKS = ("vote", "softmax", "logistic")
MOST_TREES = 20_000
MOST_NODES = 2_000_000
MOST_DEPTH = 512
# Steps from leaves to their roots, in all trees together: what explaining one sample takes.
MOST_STEPS = 8_000_000
# Class shares in a leaf, in the precision they were summed in.
_CLOSE = 1e-6
_ROWS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class TreeSums(Rule):
    """Sums over trees of what the leaf says that a sample falls into.

    link  : "vote", the mean of the leaves' class shares, or a link of the summed margins
    trees : splits on positions in `reads`; values of one column for margins, of n_classes for votes
    group : (n_trees,) margin that each tree adds to; 0 for votes
    base  : (n_margins,) margin before the first tree; empty for votes
    cover : (n_nodes,) training samples that came by
    """

    link: str
    trees: Trees
    group: IntArray
    base: FloatArray
    cover: IntArray

    kind = "trees"

    def _output(self, x: FloatArray) -> FloatArray:
        blocks = [self._sums(x[start : start + _ROWS_AT_ONCE]) for start in range(0, len(x), _ROWS_AT_ONCE)]
        sums = np.concatenate(blocks) if blocks else np.empty((0, self._n_sums))
        if self.link == "vote":
            return sums / self.trees.n_trees
        return links.apply(self.link, self.base + sums, self.n_classes)

    @property
    def _n_sums(self) -> int:
        return self.n_classes if self.link == "vote" else len(self.base)

    def _sums(self, x: FloatArray) -> FloatArray:
        leaves = self.trees.leaves(x)
        sums = np.empty((len(x), self._n_sums))
        for number in range(self._n_sums):
            if self.link == "vote":
                each = self.trees.value[leaves, number]
            else:
                each = self.trees.value[leaves[:, self.group == number], 0]
            # Along rows that lie whole in memory a sum is taken in one order, whatever their number.
            sums[:, number] = np.ascontiguousarray(each).sum(axis=1)
        return sums

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        if self.link == "vote":
            leaf_values, base = self.trees.value[:, code] / self.trees.n_trees, 0.0
            meaning = "mean vote of the trees for the class"
        else:
            towards = links.evidence(self.link, code, self.n_classes)
            leaf_values = self.trees.value[:, 0] * np.repeat(towards[self.group], self._sizes)
            base = float(towards @ self.base)
            meaning = links.MEANING[self.link]
        values, expected = self._paths.shapley(x.astype(np.float32), leaf_values)
        meaning += " (Shapley values; what a tree has not been told it takes from the training samples)"
        return Contributions(values, "exact", base + expected, meaning)

    @cached_property
    def _sizes(self) -> IntArray:
        return np.diff(np.append(self.trees.roots, len(self.trees.left)))

    @cached_property
    def _paths(self) -> LeafPaths:
        return LeafPaths(self.trees, self.cover)

    def _own_parts(self) -> Parts:
        trees = self.trees
        leaf = trees.left == np.arange(len(trees.left))
        arrays = {
            "roots": trees.roots.astype("<i4"),
            # Children by their distance: small numbers that repeat take little room in a file.
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
        link = fields.choice("link", LINKS)
        if link == "logistic" and n_classes != 2:
            refuse(f"one margin cannot tell {n_classes} classes apart")
        votes = link == "vote"
        trees, cover = _trees(fields, reads, n_classes if votes else 1)
        if votes:
            _check_votes(trees)
            group, base = np.zeros(trees.n_trees, dtype=np.intp), np.empty(0)
        else:
            height = links.n_margins(link, n_classes)
            group = fields.wholes("group", (trees.n_trees,), 0, height - 1)
            base = fields.floats("base", (height,))
        return cls(n_classes, n_probes, reads, link, trees, group, base, cover)


def _trees(fields: Fields, reads: IntArray, n_values: int) -> tuple[Trees, IntArray]:
    roots = fields.wholes("roots", (None,), 0, MOST_NODES - 1)
    threshold = fields.floats("threshold", (None,))
    n_trees, n_nodes = len(roots), len(threshold)
    if not 1 <= n_trees <= MOST_TREES or not n_trees <= n_nodes <= MOST_NODES:
        refuse(
            f"it has {n_trees:,} trees of {n_nodes:,} nodes, and 1 to {MOST_TREES:,} trees of at most "
            f"{MOST_NODES:,} nodes are allowed"
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
        refuse("a node of a tree has a child outside its tree, or one child alone")
    # Each node but the roots is the child of one earlier node of its tree: no circle, no second way.
    parents = np.bincount(np.concatenate([left[inner], right[inner]]), minlength=n_nodes)
    expected = np.ones(n_nodes, dtype=np.intp)
    expected[roots] = 0
    if (parents != expected).any():
        refuse("a node of a tree is the child of none, or of several")
    if len(np.unique(column[inner])) != len(reads):
        refuse("its trees do not read the probes that it names")
    depth, steps = 0, 0
    for level in _levels(left, right, roots):
        depth += 1
        steps += depth * int((~inner[level]).sum())
        if depth > MOST_DEPTH or steps > MOST_STEPS:
            refuse(
                f"its trees are deeper than {MOST_DEPTH} splits, or need more than {MOST_STEPS:,} to explain"
            )
    if (cover[left[inner]] + cover[right[inner]] != cover[inner]).any():
        refuse("the training samples in a tree's node are not those of its children")
    columns = np.arange(len(reads), dtype=np.intp)
    return Trees(columns, column, threshold, left, right, value, roots, depth), cover


def _levels(left: IntArray, right: IntArray, roots: IntArray) -> Iterator[IntArray]:
    level = roots
    while True:
        inner = level[left[level] != level]
        if not len(inner):
            return
        level = np.concatenate([left[inner], right[inner]])
        yield level


def _check_votes(trees: Trees) -> None:
    leaf = trees.left == np.arange(len(trees.left))
    shares = trees.value[leaf]
    if (shares < 0).any() or (np.abs(shares.sum(axis=1) - 1.0) > _CLOSE).any():
        refuse("a leaf's class shares do not lie between 0 and 1 with sum 1")

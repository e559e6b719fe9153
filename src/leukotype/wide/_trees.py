"""Many decision trees as flat arrays, whoever grew them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from leukotype.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Trees:
    """Binary trees of axis-parallel splits; a sample goes left where float32(x) <= threshold.

    Children and roots number the nodes of all trees together. A leaf is its own child on both sides, so
    that walking `depth` steps from a root ends in a leaf for every sample.

    columns     : (n_columns,) probes that any split reads, ascending
    column      : (n_nodes,) position in `columns` of the probe a node reads; 0 in leaves
    threshold   : (n_nodes,)
    left, right : (n_nodes,) node numbers
    value       : (n_nodes, n_values) what a leaf says
    roots       : (n_trees,) node numbers
    depth       : most splits between a root and a leaf
    """

    columns: IntArray
    column: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    value: FloatArray
    roots: IntArray
    depth: int

    @property
    def n_trees(self) -> int:
        return len(self.roots)

    def leaves(self, x: NDArray[Any]) -> IntArray:
        """(n_samples, n_trees) leaf of every tree for samples `x` (n_samples, n_probes)."""
        part = x[:, self.columns].astype(np.float32)
        node = np.broadcast_to(self.roots, (len(part), self.n_trees)).copy()
        if not len(self.columns):
            return node
        rows = np.arange(len(part))[:, None]
        for _ in range(self.depth):
            goes_left = part[rows, self.column[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return node


class TreeArrays(NamedTuple):
    """One tree, root first.

    feature     : (n_nodes,) probe that each node reads; anything in leaves
    threshold   : (n_nodes,)
    left, right : (n_nodes,) node numbers within the tree, -1 in leaves
    value       : (n_nodes, n_values)
    """

    feature: NDArray[Any]
    threshold: NDArray[Any]
    left: NDArray[Any]
    right: NDArray[Any]
    value: FloatArray


def join(parts: Sequence[TreeArrays]) -> Trees:
    """Lay trees end to end."""
    features, thresholds, lefts, rights, values = zip(*parts, strict=True)
    sizes = np.array([len(threshold) for threshold in thresholds], dtype=np.intp)
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    shift = np.repeat(roots, sizes)
    left = np.concatenate(lefts).astype(np.intp)
    right = np.concatenate(rights).astype(np.intp)
    leaf = left < 0
    itself = np.arange(len(left), dtype=np.intp)
    probes = np.concatenate(features).astype(np.intp)
    columns, position = np.unique(probes[~leaf], return_inverse=True)
    column = np.zeros(len(left), dtype=np.intp)
    column[~leaf] = position
    left = np.where(leaf, itself, left + shift)
    right = np.where(leaf, itself, right + shift)
    return Trees(
        columns=columns.astype(np.intp),
        column=column,
        threshold=np.concatenate(thresholds).astype(np.float64),
        left=left,
        right=right,
        value=np.concatenate(values).astype(np.float64),
        roots=roots,
        depth=_depth(left, right, roots),
    )


def _depth(left: IntArray, right: IntArray, roots: IntArray) -> int:
    depth = 0
    level = roots
    while True:
        below = np.concatenate([left[level], right[level]])
        level = below[below != np.concatenate([level, level])]
        if not len(level):
            return depth
        depth += 1

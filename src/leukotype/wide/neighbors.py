"""k nearest neighbours: every k and weighting from one matrix of distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import Neighbours
from leukotype.rules.neighbours import TIE, WEIGHTS, voters
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting, complete

_DEFAULTS = {"n_neighbors": 5, "weights": "uniform"}


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """The training samples around each test sample, nearest first; shared by all settings.

    own    : the fold whose training samples are the neighbours
    other  : the fold with the test samples
    labels : (n_train,) class codes of the neighbours
    """

    own: Fold
    other: Fold
    labels: IntArray

    def shares(self, k: int, weights: str) -> FloatArray:
        """(n_test, n_classes) of the votes of the k nearest."""
        order, _, places = self._sorted
        counted = self._votes if weights == "distance" else self._heads
        votes = counted[:, k - 1] / counted[:, k - 1].sum(axis=1, keepdims=True)
        if k < len(self.labels):
            for row in np.flatnonzero(places[:, k - 1] == places[:, k]).tolist():
                chosen = voters(places[row], order[row], k)
                each = self._inverse_distances[row, chosen] if weights == "distance" else np.ones(k)
                own = each @ self._members[order[row, chosen]]
                votes[row] = own / own.sum()
        return votes

    @cached_property
    def _sorted(self) -> tuple[IntArray, FloatArray, IntArray]:
        """(n_test, n_train) samples, their distances, and the ranks of these from 0; equal distances tie."""
        squared = self.own.squared_distances_from(self.other)
        order = np.argsort(squared, axis=1, kind="stable")
        ascending = np.take_along_axis(squared, order, axis=1)
        places = np.zeros(squared.shape, dtype=np.intp)
        np.cumsum(np.diff(ascending, axis=1) > TIE * ascending[:, 1:], axis=1, out=places[:, 1:])
        return order, np.sqrt(ascending), places

    @cached_property
    def _members(self) -> FloatArray:
        return np.eye(int(self.labels.max()) + 1)[self.labels]

    @cached_property
    def _heads(self) -> FloatArray:
        """(n_test, n_train, n_classes) samples of each class among the k nearest, for k - 1 = 0, 1, ..."""
        return np.cumsum(self._members[self._sorted[0]], axis=1)

    @cached_property
    def _votes(self) -> FloatArray:
        return np.cumsum(self._members[self._sorted[0]] * self._inverse_distances[:, :, None], axis=1)

    @cached_property
    def _inverse_distances(self) -> FloatArray:
        # If samples are at distance 0, only they vote.
        distances = self._sorted[1]
        touching = distances == 0
        touched = touching[:, :1]
        return np.where(touched, touching, 1.0 / np.where(touched, 1.0, distances))


@dataclass(frozen=True, eq=False)
class FittedNeighbors:
    """One k and one weighting around the same training samples."""

    setting: Setting
    n_neighbors: int
    weights: str
    around: Neighborhood
    probes: None = None

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) shares of the votes of the nearest training samples."""
        # All settings share the distances and the votes: faster for a grid than the rule, which differs in the last
        # digits.
        around = self.around if fold is self.around.other else replace(self.around, other=fold)
        return around.shares(self.n_neighbors, self.weights)

    def rule(self, fold: Fold) -> Neighbours:
        """Return the portable rule, which holds the training samples."""
        labels = self.around.labels
        return Neighbours(
            n_classes=int(labels.max()) + 1,
            n_probes=fold.n_probes,
            reads=np.arange(fold.n_probes),
            n_neighbors=self.n_neighbors,
            weights=self.weights,
            samples=fold.x_train,
            labels=labels,
            mean=fold.mean,
            scale=fold.scale,
        )


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedNeighbors]:
    """Find the neighbours once for all settings.

    Settings: `n_neighbors` (5), at least 1, of which more than n_train means all; `weights` ("uniform", or "distance":
    votes in inverse proportion to the distance; if samples are at distance 0, only they vote), as in scikit-learn's
    KNeighborsClassifier with brute force on the standardised training part.

    Ties at the k-th distance are resolved as by scikit-learn's brute force for one query on one thread. Squared
    distances that differ by a share below 1e-12 are equal, and equal samples have distance 0 exactly; scikit-learn
    leaves both to rounding. Does not use `rng`.

    Cover & Hart (1967), IEEE Trans. Inf. Theory 13, 21-27.
    """
    around = Neighborhood(fold, fold, labels)
    fitted = []
    for setting in grid:
        full = complete("k nearest neighbours", _DEFAULTS, setting)
        k, weights = full["n_neighbors"], full["weights"]
        if k < 1 or k != int(k):
            raise ValueError(f"n_neighbors is {k!r}, and must be an integer of at least 1.")
        if weights not in WEIGHTS:
            raise ValueError(f"weights is {weights!r}, and must be one of {', '.join(WEIGHTS)}.")
        fitted.append(FittedNeighbors(setting, min(int(k), fold.n_train), weights, around))
    return fitted

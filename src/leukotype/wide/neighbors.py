"""k nearest neighbours: every k and weighting from one matrix of distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting
from leukotype.wide.settings import complete

WEIGHTS = ("uniform", "distance")
_DEFAULTS = {"n_neighbors": 5, "weights": "uniform"}
# Squared distances that differ by a smaller share differ by the rounding of their sums.
_TIE = 1e-12


class Neighborhood:
    """The training samples around each test sample, nearest first; shared by all settings.

    own    : the fold whose training samples are the neighbours
    other  : the fold whose test samples they surround
    labels : (n_train,) class codes of the neighbours
    """

    def __init__(self, own: Fold, other: Fold, labels: IntArray) -> None:
        squared = own.squared_distances if other is own else own.squared_distances_from(other)
        self._labels = labels
        self._order = np.argsort(squared, axis=1, kind="stable")
        ascending = np.take_along_axis(squared, self._order, axis=1)
        self._distances = np.sqrt(ascending)
        # Which of the distinct distances, from 0: equal places are ties.
        self._places = np.zeros(squared.shape, dtype=np.intp)
        np.cumsum(np.diff(ascending, axis=1) > _TIE * ascending[:, 1:], axis=1, out=self._places[:, 1:])
        self._members = np.eye(int(labels.max()) + 1)[labels]

    def shares(self, k: int, weights: str) -> FloatArray:
        """(n_test, n_classes) of the votes of the k nearest."""
        counted = self._votes if weights == "distance" else self._heads
        votes = counted[:, k - 1] / counted[:, k - 1].sum(axis=1, keepdims=True)
        if k < len(self._labels):
            tied = np.flatnonzero(self._places[:, k - 1] == self._places[:, k])
            if len(tied):
                # With more threads its choice may differ, where there are more than 256 samples.
                with threadpool_limits(1):
                    votes[tied] = [self._shares_in_tie(row, k, weights) for row in tied.tolist()]
        return votes

    @cached_property
    def _heads(self) -> FloatArray:
        # (n_test, n_train, n_classes) samples of each class among the k nearest, for k - 1 = 0, 1, ...
        return np.cumsum(self._members[self._order], axis=1)

    @cached_property
    def _votes(self) -> FloatArray:
        return np.cumsum(self._members[self._order] * self._inverse_distances[:, :, None], axis=1)

    @cached_property
    def _inverse_distances(self) -> FloatArray:
        # Next to a sample at distance 0 no other counts.
        touching = self._distances == 0
        touched = touching[:, :1]
        return np.where(touched, touching, 1.0 / np.where(touched, 1.0, self._distances))

    def _shares_in_tie(self, row: int, k: int, weights: str) -> FloatArray:
        # Which of equally distant samples scikit-learn takes depends on the history of a heap.  On a line,
        # samples at whole numbers can have the same distances from 0, but for their size: there its own
        # search makes the same choice.
        line = np.empty((len(self._labels), 1))
        line[self._order[row], 0] = self._places[row]
        search = KNeighborsClassifier(k, weights=weights, algorithm="brute").fit(line, self._labels)
        query = np.zeros((1, 1))
        if weights == "uniform":
            return np.asarray(search.predict_proba(query)[0])
        chosen = np.isin(self._order[row], search.kneighbors(query, return_distance=False)[0])
        votes = self._inverse_distances[row, chosen] @ self._members[self._order[row, chosen]]
        return votes / votes.sum()


class _Around:
    """The neighbourhoods of one training part, found once for the test part of its own fold."""

    def __init__(self, fold: Fold, labels: IntArray) -> None:
        self.fold = fold
        self.labels = labels

    def of(self, fold: Fold) -> Neighborhood:
        return self._own if fold is self.fold else Neighborhood(self.fold, fold, self.labels)

    @cached_property
    def _own(self) -> Neighborhood:
        return Neighborhood(self.fold, self.fold, self.labels)


@dataclass(frozen=True, eq=False)
class FittedNeighbors:
    """One k and one weighting around the same training samples."""

    setting: Setting
    n_neighbors: int
    weights: str
    _around: _Around
    probes: None = None

    @property
    def labels(self) -> IntArray:
        """(n_train,) class codes of the training samples."""
        return self._around.labels

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) shares of the votes of the nearest training samples."""
        return self._around.of(fold).shares(self.n_neighbors, self.weights)


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedNeighbors]:
    """Look the neighbours up once for all settings.

    Settings: `n_neighbors` (5), at least 1, where more than n_train means all; `weights` ("uniform", or
    "distance": votes in inverse proportion to the distance, and where some distance is 0 those samples
    alone), as in scikit-learn's KNeighborsClassifier with brute force on the standardised training part.

    Of samples equally far at the border the same are taken as by scikit-learn's brute force for that query
    alone on one thread.  Squared distances within a share of 1e-12 count as equal, and the distance of equal
    samples is exactly 0; scikit-learn leaves both to the rounding of its sums.  Nothing here is random: `rng`
    is not drawn from.

    Cover & Hart (1967), IEEE Trans. Inf. Theory 13, 21-27.
    """
    around = _Around(fold, labels)
    fitted = []
    for setting in grid:
        full = complete("k nearest neighbours", _DEFAULTS, setting)
        k, weights = full["n_neighbors"], full["weights"]
        if k < 1 or k != int(k):
            raise ValueError(f"n_neighbors is {k!r}, and must be a whole number of at least 1.")
        if weights not in WEIGHTS:
            raise ValueError(f"weights is {weights!r}, and must be one of {', '.join(WEIGHTS)}.")
        fitted.append(FittedNeighbors(setting, min(int(k), fold.n_train), weights, around))
    return fitted

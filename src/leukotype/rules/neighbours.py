"""k nearest neighbours, with the training samples they are looked for among."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.rules.fields import LARGEST, Fields, refuse
from leukotype.rules.rule import Contributions, Parts, Rule

WEIGHTS = ("uniform", "distance")
MOST_SAMPLES = 100_000
# Squared distances that differ by a smaller share differ by the rounding of their sums.
_TIE = 1e-12
_BLOCK = 2**17


@dataclass(frozen=True, eq=False)
class Neighbours(Rule):
    """Votes of the nearest training samples.

    n_neighbors : how many vote, at most n_train
    weights     : "uniform", or "distance": votes in inverse proportion to the distance
    samples     : (n_train, n_read) raw expression of the training samples
    labels      : (n_train,) their class codes
    mean, scale : (n_read,) by which samples are standardised before they are compared
    """

    n_neighbors: int
    weights: str
    samples: FloatArray
    labels: IntArray
    mean: FloatArray
    scale: FloatArray

    kind = "neighbours"

    def _output(self, x: FloatArray) -> FloatArray:
        p = np.empty((len(x), self.n_classes))
        for own, sample in zip(p, x, strict=True):
            squared = self._squared_distances(sample)
            order = np.argsort(squared, kind="stable")
            distances = np.sqrt(squared[order])
            votes = np.bincount(
                self.labels[order],
                weights=self._chosen(squared[order], order) * self._weights(distances),
                minlength=self.n_classes,
            )
            own[:] = votes / votes.sum()
        return p

    def _squared_distances(self, sample: FloatArray) -> FloatArray:
        z = (sample - self.mean) / self.scale
        squared = np.empty(len(self._standardised))
        height = max(_BLOCK // max(self.n_read, 1), 1)
        for start in range(0, len(squared), height):
            apart = self._standardised[start : start + height] - z
            apart *= apart
            squared[start : start + height] = apart.sum(axis=1)
        return squared

    def _weights(self, distances: FloatArray) -> FloatArray:
        if self.weights == "uniform":
            return np.ones(len(distances))
        # Next to a sample at distance 0 no other counts.
        if distances[0] == 0:
            return (distances == 0).astype(np.float64)
        return distances[0] / distances

    def _chosen(self, ascending: FloatArray, order: IntArray) -> BoolArray:
        """(n_train,) which of the training samples, nearest first, vote."""
        k = self.n_neighbors
        places = np.zeros(len(ascending), dtype=np.intp)
        np.cumsum(np.diff(ascending) > _TIE * ascending[1:], out=places[1:])
        if k == len(places) or places[k - 1] != places[k]:
            return np.arange(len(places)) < k
        by_sample = np.empty_like(places)
        by_sample[order] = places
        return np.isin(order, _smallest(by_sample.tolist(), k))

    @cached_property
    def _standardised(self) -> FloatArray:
        z = self.samples - self.mean
        z /= self.scale
        return z

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        values = np.zeros(x.shape)
        sides = [np.flatnonzero(self.labels == code), np.flatnonzero(self.labels != code)]
        meaning = "how much further off the nearest samples of other classes are than those of the class"
        if not all(len(side) for side in sides):
            return Contributions(values, "approximate", 0.0, meaning)
        for own, sample in zip(values, x, strict=True):
            z = (sample - self.mean) / self.scale
            squared = self._squared_distances(sample)
            for side, sign in zip(sides, (-1.0, 1.0), strict=True):
                near = side[np.argsort(squared[side], kind="stable")[: self.n_neighbors]]
                own += sign * ((self._standardised[near] - z) ** 2).mean(axis=0)
        return Contributions(values, "approximate", 0.0, f"{meaning} (mean squared distance)")

    def _own_parts(self) -> Parts:
        arrays = {
            "samples": self.samples,
            "labels": self.labels.astype("<i4"),
            "mean": self.mean,
            "scale": self.scale,
        }
        return {"n_neighbors": self.n_neighbors, "weights": self.weights}, arrays

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        labels = fields.wholes("labels", (None,), 0, n_classes - 1)
        if not 1 <= len(labels) <= MOST_SAMPLES:
            refuse(f"it holds {len(labels):,} training samples, and 1 to {MOST_SAMPLES:,} are allowed")
        return cls(
            n_classes,
            n_probes,
            reads,
            fields.whole("n_neighbors", 1, len(labels)),
            fields.choice("weights", WEIGHTS),
            fields.floats("samples", (len(labels), len(reads))),
            labels,
            fields.floats("mean", (len(reads),)),
            fields.floats("scale", (len(reads),), 1 / LARGEST),
        )


def _smallest(values: list[int], k: int) -> list[int]:
    """Positions of the k smallest values, which of equal ones as scikit-learn's brute force takes them.

    It keeps the k best so far in a heap whose top is the worst of them; a value is let in where it is below the
    top, whose place it takes and from where it sinks: past the greater child, of equal ones the left, while that
    is greater than itself.
    """
    infinite = len(values)
    heap, positions = [infinite] * k, [-1] * k
    for position, value in enumerate(values):
        if value >= heap[0]:
            continue
        place = 0
        while (child := 2 * place + 1) < k:
            if child + 1 < k and heap[child + 1] > heap[child]:
                child += 1
            if heap[child] <= value:
                break
            heap[place], positions[place] = heap[child], positions[child]
            place = child
        heap[place], positions[place] = value, position
    return positions

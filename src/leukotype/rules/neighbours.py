"""k nearest neighbours, with the training samples among which they are found."""

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
# Squared distances that differ by a smaller share are equal: they differ by rounding alone.
TIE = 1e-12
_BLOCK = 2**17


@dataclass(frozen=True, eq=False)
class Neighbours(Rule):
    """Votes of the nearest training samples.

    n_neighbors : number of voters, at most n_train
    weights     : "uniform", or "distance": votes in inverse proportion to the distance
    samples     : (n_train, n_read) raw expression of the training samples
    labels      : (n_train,) their class codes
    mean, scale : (n_read,) which standardise samples before they are compared
    """

    n_neighbors: int
    weights: str
    samples: FloatArray
    labels: IntArray
    mean: FloatArray
    scale: FloatArray

    kind = "neighbours"

    def unchecked_output(self, x: FloatArray) -> FloatArray:
        p = np.empty((len(x), self.n_classes))
        for own, sample in zip(p, x, strict=True):
            squared = self._squared_distances(sample)
            order = np.argsort(squared, kind="stable")
            ascending = squared[order]
            places = np.zeros(len(order), dtype=np.intp)
            np.cumsum(np.diff(ascending) > TIE * ascending[1:], out=places[1:])
            votes = np.bincount(
                self.labels[order],
                weights=voters(places, order, self.n_neighbors) * self._weights(np.sqrt(ascending)),
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
        # If samples are at distance 0, only they vote.
        if distances[0] == 0:
            return (distances == 0).astype(np.float64)
        return distances[0] / distances

    @cached_property
    def _standardised(self) -> FloatArray:
        z = self.samples - self.mean
        z /= self.scale
        return z

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        values = np.zeros(x.shape)
        sides = [np.flatnonzero(self.labels == code), np.flatnonzero(self.labels != code)]
        meaning = "mean squared distance to the nearest samples of other classes minus that to the nearest of the class"
        if all(len(side) for side in sides):
            for own, sample in zip(values, x, strict=True):
                z = (sample - self.mean) / self.scale
                squared = self._squared_distances(sample)
                for side, sign in zip(sides, (-1.0, 1.0), strict=True):
                    near = side[np.argsort(squared[side], kind="stable")[: self.n_neighbors]]
                    own += sign * ((self._standardised[near] - z) ** 2).mean(axis=0)
        return Contributions(values, "approximate", 0.0, meaning)

    def _own_parts(self) -> Parts:
        labels = self.labels.astype("<i4")
        arrays = {"samples": self.samples, "labels": labels, "mean": self.mean, "scale": self.scale}
        return {"n_neighbors": self.n_neighbors, "weights": self.weights}, arrays

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        labels = fields.wholes("labels", (None,), 0, n_classes - 1)
        if not 1 <= len(labels) <= MOST_SAMPLES:
            refuse(f"it holds {len(labels):,} training samples, and must hold 1 to {MOST_SAMPLES:,}")
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


def voters(places: IntArray, order: IntArray, k: int) -> BoolArray:
    """(n_train,) which of the training samples, nearest first, are the k nearest.

    places : (n_train,) rank of each distance from 0, nearest first; equal distances have equal ranks
    order  : (n_train,) the samples, nearest first

    Of samples at the same distance as the k-th, scikit-learn's brute force (one query, one thread) decides.
    """
    if k == len(places) or places[k - 1] != places[k]:
        return np.arange(len(places)) < k
    by_sample = np.empty_like(places)
    by_sample[order] = places
    return np.isin(order, _smallest(by_sample.tolist(), k))


def _smallest(values: list[int], k: int) -> list[int]:
    """Positions of the k smallest values, with ties resolved as by scikit-learn's brute force.

    It keeps the k smallest so far in a heap with the largest on top. A value below the top replaces it and sinks
    past the greater child (of equal ones the left) as long as that is greater than itself.
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

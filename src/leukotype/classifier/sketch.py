"""Sketches of training samples: which of two probes is larger, for pairs of probes; they recognise a sample again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from leukotype.arrays import FloatArray, IntArray

N_PAIRS = 512
# Fewer comparisons cannot tell one sample from another.
LEAST = 64
# Of two measurements of different samples, a third of the signs or more differ; of one sample that was rounded or
# transformed, none.
_LIMIT = 0.1
# Training samples that differ in fewer signs cannot be told apart.
_CLOSEST = 4
_CANDIDATES = 20 * N_PAIRS
# Number of ones in each byte.
_ONES = np.array([number.bit_count() for number in range(256)], dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Sketch:
    """The signs of comparisons between two probes, for each training sample.

    pairs : (n_pairs, 2) columns of the two probes
    bits  : (n_train, n_pairs / 8) bytes; a bit is 1 if the first probe has the larger value, 0 if not or if one is
            missing; the first pair has the highest bit
    limit : largest share of different signs at which a sample counts as one of the training samples

    A change of scale that keeps the order of a sample's values changes no sign: logarithm, rounding, quantile
    alignment, z-scores of the sample.  Equal and missing values are not compared.
    """

    pairs: IntArray
    bits: NDArray[np.uint8]
    limit: float

    @classmethod
    def learn(cls, x: FloatArray, labels: IntArray) -> Self | None:
        """Choose pairs whose order varies within the classes, and keep the signs.

        None if there are too few pairs, or if these do not tell the training samples apart.

        x      : (n_train, n_probes) before alignment; NaN for missing values
        labels : (n_train,) class codes

        The limit is at most half the distance of a training sample to the most similar other one.
        """
        pairs = _pairs(x, labels)
        if len(pairs) < LEAST:
            return None
        bits = x[:, pairs[:, 0]] > x[:, pairs[:, 1]]
        nearest = [
            np.sort((bits != row).mean(axis=1))[1] if len(bits) > 1 else 1.0
            for row in bits[:: 1 + len(bits) // 500]
        ]
        # A quantile, because a cohort may hold the same sample twice.
        closest = float(np.quantile(nearest, 0.05))
        if closest * len(pairs) < _CLOSEST:
            return None
        return cls(pairs, np.packbits(bits, axis=1), min(_LIMIT, closest / 2))

    def knows(self, x: FloatArray) -> bool | None:
        """Return whether a sample (n_probes,) is one of the training samples; None if it has too few values."""
        first, second = x[self.pairs[:, 0]], x[self.pairs[:, 1]]
        # NaN fails both comparisons.
        larger = first > second
        compared = larger | (first < second)
        n = int(compared.sum())
        if n < LEAST:
            return None
        different = _ONES[(self.bits ^ np.packbits(larger)) & np.packbits(compared)].sum(axis=1)
        return bool(different.min() <= self.limit * n)


def _pairs(x: FloatArray, labels: IntArray) -> IntArray:
    """(n_pairs, 2) probes of similar mean whose order varies most within the classes; the same for the same cohort."""
    n_probes = x.shape[1]
    known = ~np.isnan(x)
    means = np.where(known, x, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    order = np.argsort(means, kind="stable")
    rng = np.random.default_rng(0)
    place = rng.integers(0, n_probes, _CANDIDATES)
    other = place + rng.integers(1, max(n_probes // 20, 8) + 1, _CANDIDATES)
    inside = other < n_probes
    found = np.unique(np.column_stack([order[place[inside]], order[other[inside]]]), axis=0)
    found = found[rng.permutation(len(found))]
    larger = x[:, found[:, 0]] > x[:, found[:, 1]]
    shares = np.array([larger[labels == code].mean(axis=0) for code in np.unique(labels)])
    # Rounded, so that equally good pairs are taken at random.
    varies = np.minimum(shares, 1 - shares).mean(axis=0).round(2)
    most = max(1, 4 * N_PAIRS // n_probes + 1)
    used = np.zeros(n_probes, dtype=np.intp)
    chosen = []
    for number in np.argsort(-varies, kind="stable").tolist():
        pair = found[number]
        if (used[pair] < most).all():
            used[pair] += 1
            chosen.append(number)
            if len(chosen) == N_PAIRS:
                break
    return np.asarray(found[np.sort(np.array(chosen, dtype=np.intp))], dtype=np.intp)

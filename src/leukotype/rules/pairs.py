"""Top scoring pairs: votes on which of two probes is higher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules.fields import Fields, refuse
from leukotype.rules.rule import Contributions, Parts, Rule

MOST_PAIRS = 1_000_000


@dataclass(frozen=True, eq=False)
class Pairs(Rule):
    """One duel for each two classes, in the order (0, 1), (0, 2), ..., (1, 2), ...

    counts       : (n_duels,) pairs of each duel; a duel without pairs is a draw
    lower, upper : (n_pairs,) positions in `reads`, duel after duel; a pair votes for the second class of its duel
                   if upper is above lower, and for the first otherwise
    """

    counts: IntArray
    lower: IntArray
    upper: IntArray

    kind = "pairs"

    @classmethod
    def of(cls, duels: Sequence[tuple[IntArray, IntArray]], n_classes: int, n_probes: int) -> Self:
        """Return the rule for the columns (lower, upper) of the pairs of each duel."""
        lower, upper = (np.concatenate(side) for side in zip(*duels, strict=True))
        reads, places = np.unique(np.concatenate([lower, upper]), return_inverse=True)
        counts = np.array([len(side) for side, _ in duels], dtype=np.intp)
        return cls(n_classes, n_probes, reads, counts, places[: len(lower)], places[len(lower) :])

    def unchecked_output(self, x: FloatArray) -> FloatArray:
        above = x[:, self.upper] > x[:, self.lower]
        votes = np.zeros((len(above), self.n_classes))
        start = 0
        for count, (first, second) in zip(self.counts.tolist(), self._duels, strict=True):
            won = above[:, start : start + count].sum(axis=1)
            share = won / count if count else np.full(len(above), 0.5)
            votes[:, second] += share
            votes[:, first] += 1.0 - share
            start += count
        return votes / len(self.counts)

    @property
    def _duels(self) -> list[tuple[int, int]]:
        return list(combinations(range(self.n_classes), 2))

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        above = np.where(x[:, self.upper] > x[:, self.lower], 0.5, -0.5)
        values = np.zeros(x.shape)
        start = 0
        for count, (first, second) in zip(self.counts.tolist(), self._duels, strict=True):
            if count and code in (first, second):
                side = 1.0 if code == second else -1.0
                # Each vote counts from a draw, half of it for each probe of the pair.
                half = side * above[:, start : start + count] / (2 * count * len(self.counts))
                for row, own in enumerate(values):
                    np.add.at(own, self.lower[start : start + count], half[row])
                    np.add.at(own, self.upper[start : start + count], half[row])
            start += count
        even = (self.n_classes - 1) / 2 / len(self.counts)
        meaning = "share of the votes for the class (each pair's vote halved between its probes)"
        return Contributions(values, "approximate", even, meaning)

    def _own_parts(self) -> Parts:
        names = {"counts": self.counts, "lower": self.lower, "upper": self.upper}
        return {}, {name: array.astype("<i4") for name, array in names.items()}

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        counts = fields.wholes("counts", (n_classes * (n_classes - 1) // 2,), 0, MOST_PAIRS)
        n_pairs = int(counts.sum())
        if n_pairs > MOST_PAIRS:
            refuse(f"it has {n_pairs:,} pairs, and must have at most {MOST_PAIRS:,}")
        lower = fields.wholes("lower", (n_pairs,), 0, len(reads) - 1)
        upper = fields.wholes("upper", (n_pairs,), 0, len(reads) - 1)
        if (lower == upper).any():
            refuse("a pair has the same probe twice")
        return cls(n_classes, n_probes, reads, counts, lower, upper)

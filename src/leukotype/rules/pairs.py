"""Top scoring pairs: votes of which of two probes is higher."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.rules.fields import Fields, refuse
from leukotype.rules.rule import Contributions, Parts, Rule

MOST_PAIRS = 1_000_000


@dataclass(frozen=True, eq=False)
class Pairs(Rule):
    """One duel for each two classes, in the order (0, 1), (0, 2), ..., (1, 2), ...

    counts       : (n_duels,) pairs of each duel; with none it is even
    lower, upper : (n_pairs,) positions in `reads`, duel after duel; upper above lower is a vote for the second
                   class of its duel, anything else for the first
    """

    counts: IntArray
    lower: IntArray
    upper: IntArray

    kind = "pairs"

    def _output(self, x: FloatArray) -> FloatArray:
        return self._shares(x[:, self.upper] > x[:, self.lower])

    def _shares(self, above: BoolArray) -> FloatArray:
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
                # A vote more or less than an even one, half of it to each probe of the pair.
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
        n_duels = n_classes * (n_classes - 1) // 2
        counts = fields.wholes("counts", (n_duels,), 0, MOST_PAIRS)
        n_pairs = int(counts.sum())
        if n_pairs > MOST_PAIRS:
            refuse(f"it has {n_pairs:,} pairs, and at most {MOST_PAIRS:,} are allowed")
        lower = fields.wholes("lower", (n_pairs,), 0, len(reads) - 1)
        upper = fields.wholes("upper", (n_pairs,), 0, len(reads) - 1)
        if (lower == upper).any():
            refuse("a pair has one probe twice")
        return cls(n_classes, n_probes, reads, counts, lower, upper)

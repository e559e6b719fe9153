"""Top scoring pairs: calls that rest on which of two probes is higher within one sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting
from leukotype.wide.screen import f_screen
from leukotype.wide.settings import complete

_DEFAULTS: dict[str, Any] = {"k": 1, "screen": 500}


@dataclass(frozen=True, eq=False)
class Duel:
    """Pairs that tell one class from another.

    first, second : class codes, first < second
    lower, upper  : (n_pairs,) probes, best pair first; upper above lower is a vote for `second`,
                    anything else, a tie too, for `first`
    """

    first: int
    second: int
    lower: IntArray
    upper: IntArray

    def share(self, x: NDArray[Any]) -> FloatArray:
        """(n_samples,) share of the votes for `second` from samples `x` (n_samples, n_probes)."""
        if not len(self.lower):
            return np.full(len(x), 0.5)
        return np.asarray((x[:, self.upper] > x[:, self.lower]).mean(axis=1))


@dataclass(frozen=True, eq=False)
class FittedPairs:
    """One duel for each two classes."""

    setting: Setting
    duels: tuple[Duel, ...]
    n_classes: int

    @property
    def probes(self) -> IntArray:
        """Columns that stand in some pair."""
        return np.unique(np.concatenate([side for duel in self.duels for side in (duel.lower, duel.upper)]))

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) shares of the votes: each of a class's duels counts alike.

        They are multiples of 1 / k and often 0 or 1: votes that were counted, not calibrated probabilities.
        """
        votes = np.zeros((fold.n_test, self.n_classes))
        for duel in self.duels:
            share = duel.share(fold.x_test)
            votes[:, duel.second] += share
            votes[:, duel.first] += 1.0 - share
        return votes / len(self.duels)


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedPairs]:
    """Find the top scoring pairs for each two classes; every k from one matrix of scores.

    Settings: `k` (1), odd, the number of pairs, no probe in two of them; `screen` (500), the probes that
    pairs are sought among: those whose rank within the sample has the highest F statistic between the two
    classes.  Ranks within the sample, and nothing else of the values, decide: any increasing transformation
    of each sample gives the same rule.  Where fewer disjoint pairs tell the classes apart than k, there are
    fewer.  Nothing here is random: `rng` is not drawn from.

    The score of a pair is the difference between the classes in how often one probe is above the other; ties
    go to the larger difference in the mean gap between their ranks.

    Geman et al. (2004), Stat. Appl. Genet. Mol. Biol. 3(1), 19; Tan et al. (2005), Bioinformatics 21, 3896.
    """
    full = [_complete(setting) for setting in grid]
    ranks = np.stack([rankdata(sample) for sample in fold.x_train])
    n_classes = int(labels.max()) + 1
    found: dict[int, list[Duel]] = {}
    for size in {setting["screen"] for setting in full}:
        most = max(setting["k"] for setting in full if setting["screen"] == size)
        found[size] = [
            _duel(ranks, labels, first, second, size, most)
            for first, second in combinations(range(n_classes), 2)
        ]
    return [
        FittedPairs(wanted, tuple(_best(duel, setting["k"]) for duel in found[setting["screen"]]), n_classes)
        for setting, wanted in zip(full, grid, strict=True)
    ]


def _duel(ranks: FloatArray, labels: IntArray, first: int, second: int, size: int, most: int) -> Duel:
    members = (labels == first) | (labels == second)
    columns = f_screen(ranks[members], labels[members], size)
    one, other = ranks[labels == first][:, columns], ranks[labels == second][:, columns]
    # score[i, j] > 0: probe j is above probe i more often in the second class than in the first.
    score = _share_below(other) - _share_below(one)
    middle = other.mean(axis=0) - one.mean(axis=0)
    gap = (middle[None, :] - middle[:, None]).ravel()
    # A pair stands twice, once for each direction; what points the wrong way or nowhere is out.
    score[score <= 0] = -1.0
    lower: list[int] = []
    upper: list[int] = []
    while len(lower) < most and (best := float(score.max(initial=-1.0))) > 0:
        # Shares of a few samples tie often, but their differences only up to rounding.
        level = np.flatnonzero(score.ravel() >= best - 1e-12)
        i, j = divmod(int(level[gap[level].argmax()]), len(columns))
        lower.append(int(columns[i]))
        upper.append(int(columns[j]))
        for taken in (i, j):
            score[taken, :] = -1.0
            score[:, taken] = -1.0
    return Duel(first, second, np.array(lower, dtype=np.intp), np.array(upper, dtype=np.intp))


def _share_below(ranks: FloatArray) -> FloatArray:
    # (m, m): how often column i is below column j.  Counts of so many samples fit a byte.
    total = np.zeros((ranks.shape[1], ranks.shape[1]))
    for start in range(0, len(ranks), 255):
        count = np.zeros(total.shape, dtype=np.uint8)
        for sample in ranks[start : start + 255].astype(np.float32):
            count += (sample[:, None] < sample[None, :]).view(np.uint8)
        total += count
    return total / len(ranks)


def _best(duel: Duel, k: int) -> Duel:
    # An even number of pairs could split its votes evenly.
    kept = min(k, len(duel.lower))
    kept -= 1 - kept % 2 if kept else 0
    return Duel(duel.first, duel.second, duel.lower[:kept], duel.upper[:kept])


def _complete(setting: Setting) -> dict[str, Any]:
    full = complete("the pairs classifier", _DEFAULTS, setting)
    if full["k"] < 1 or full["k"] % 2 == 0:
        raise ValueError(f"k is {full['k']}, and must be odd and at least 1.")
    if full["screen"] < 2:
        raise ValueError(f"screen is {full['screen']}, and must be at least 2: a pair has two probes.")
    return full

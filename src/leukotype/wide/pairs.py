"""Top scoring pairs: predictions from which of two probes is higher within a sample."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import rankdata

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import Pairs
from leukotype.wide.fold import Fold
from leukotype.wide.path import RuleCandidate, Setting, complete
from leukotype.wide.screen import f_screen

_DEFAULTS: dict[str, Any] = {"k": 1, "screen": 500}
# The columns of the pairs of two classes, best pair first: lower, and upper, which is higher in the second class.
_Duel = tuple[IntArray, IntArray]


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[RuleCandidate]:
    """Find the top scoring pairs for each two classes; every k from one matrix of scores.

    Settings: `k` (1), odd, the number of pairs, which share no probe; `screen` (500), the number of probes that can
    form pairs: those whose rank within the sample has the highest F statistic between the two classes. The rule
    depends on ranks within a sample alone: any increasing transformation of each sample gives the same rule. There
    are fewer than k pairs if fewer disjoint pairs separate the classes. Does not use `rng`.

    The score of a pair is the difference between the classes in the share of samples with one probe above the other;
    ties go to the larger difference in the mean gap between their ranks. The output is the share of the votes, each
    duel of a class counted alike: multiples of 1 / k, often 0 or 1, not calibrated probabilities.

    Geman et al. (2004), Stat. Appl. Genet. Mol. Biol. 3(1), 19; Tan et al. (2005), Bioinformatics 21, 3896.
    """
    full = [_complete(setting) for setting in grid]
    ranks = np.stack([rankdata(sample) for sample in fold.x_train])
    n_classes = int(labels.max()) + 1
    found: dict[int, list[_Duel]] = {}
    for size in {setting["screen"] for setting in full}:
        most = max(setting["k"] for setting in full if setting["screen"] == size)
        found[size] = [
            _duel(ranks, labels, first, second, size, most)
            for first, second in combinations(range(n_classes), 2)
        ]
    fitted = []
    for setting, wanted in zip(full, grid, strict=True):
        duels = [_best(duel, setting["k"]) for duel in found[setting["screen"]]]
        fitted.append(RuleCandidate(wanted, Pairs.of(duels, n_classes, fold.n_probes)))
    return fitted


def _duel(ranks: FloatArray, labels: IntArray, first: int, second: int, size: int, most: int) -> _Duel:
    members = (labels == first) | (labels == second)
    columns = f_screen(ranks[members], labels[members], size)
    one, other = ranks[labels == first][:, columns], ranks[labels == second][:, columns]
    # score[i, j] > 0: probe j is above probe i more often in the second class than in the first.
    score = _share_below(other) - _share_below(one)
    middle = other.mean(axis=0) - one.mean(axis=0)
    gap = (middle[None, :] - middle[:, None]).ravel()
    # Each pair has two entries, one per direction; only the one that favours the second class counts.
    score[score <= 0] = -1.0
    lower: list[int] = []
    upper: list[int] = []
    while len(lower) < most and (best := float(score.max(initial=-1.0))) > 0:
        # Shares of few samples tie often, and their differences tie up to rounding.
        level = np.flatnonzero(score.ravel() >= best - 1e-12)
        i, j = divmod(int(level[gap[level].argmax()]), len(columns))
        lower.append(int(columns[i]))
        upper.append(int(columns[j]))
        for taken in (i, j):
            score[taken, :] = -1.0
            score[:, taken] = -1.0
    return np.array(lower, dtype=np.intp), np.array(upper, dtype=np.intp)


def _share_below(ranks: FloatArray) -> FloatArray:
    """(m, m) share of the samples with column i below column j."""
    # Counts of 255 samples fit a byte.
    total = np.zeros((ranks.shape[1], ranks.shape[1]))
    for start in range(0, len(ranks), 255):
        count = np.zeros(total.shape, dtype=np.uint8)
        for sample in ranks[start : start + 255].astype(np.float32):
            count += (sample[:, None] < sample[None, :]).view(np.uint8)
        total += count
    return total / len(ranks)


def _best(duel: _Duel, k: int) -> _Duel:
    # An even number of votes could tie.
    kept = min(k, len(duel[0]))
    kept -= 1 - kept % 2 if kept else 0
    return duel[0][:kept], duel[1][:kept]


def _complete(setting: Setting) -> dict[str, Any]:
    full = complete("the pairs classifier", _DEFAULTS, setting)
    if full["k"] < 1 or full["k"] % 2 == 0:
        raise ValueError(f"k is {full['k']}, and must be odd and at least 1.")
    if full["screen"] < 2:
        raise ValueError(f"screen is {full['screen']}, and must be at least 2: a pair has two probes.")
    return full

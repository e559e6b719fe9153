"""What is known of averages over classes: conditions that every true result meets.

Class sizes are rarely published, so that macro averages can seldom be enumerated.  Each condition holds for every
confusion matrix, whatever an author does with classes that were never predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import lcm

import numpy as np

from leukotype.arrays import IntArray
from leukotype.claims.printed import TOLERANCE, Interval, Printed

# Combinations of hits in the classes.
_MOST_COMBINATIONS = 2_000_000


def harmonic(precision: float, recall: float) -> float:
    """F1 of precision and recall."""
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def contradictions(
    printed: Mapping[str, Printed], average: str, n_classes: int, counts: IntArray | None, n: int
) -> list[str]:
    """Return why averages over classes are impossible, one sentence each; empty if no condition fails.

    counts : (n_counts,) possible numbers of correct predictions of n samples; None if unknown, as for means over folds
    """
    found = []
    if {"precision", "recall", "f1"} <= set(printed):
        most = _most_f1(printed["precision"].widest[1], printed["recall"].widest[1], average, n_classes)
        if printed["f1"].low > most + TOLERANCE:
            found.append(
                f"The {average} F1 can't exceed {most:.4g}, the harmonic mean of {average} precision and recall"
            )
    if average != "macro" or counts is None or not len(counts):
        return found
    for name in ("recall", "precision"):
        if name not in printed:
            continue
        limits = [_limits(n - int(count), n, n_classes, name) for count in counts]
        low, high = min(limit[0] for limit in limits), max(limit[1] for limit in limits)
        least, most = printed[name].widest
        if least > high + TOLERANCE or most < low - TOLERANCE:
            found.append(
                f"With this accuracy the macro {name} of {n_classes} classes lies between {low:.4g} and {high:.4g}"
            )
    return found


def recall_of_sizes(number: Printed, sizes: Sequence[int], counts: IntArray | None) -> bool | None:
    """Tell whether hits in classes of these sizes give a macro recall, and together one of `counts`.

    Returns None if there are too many combinations.
    """
    if np.prod([size + 1.0 for size in sizes]) > _MOST_COMBINATIONS:
        return None
    unit = lcm(*sizes)
    # Number of hits and sum of recalls, in units of 1 / unit; each pair once.
    pairs = np.zeros((1, 2), dtype=np.int64)
    for size in sizes:
        hits = np.arange(size + 1)
        added = np.column_stack([hits, hits * (unit // size)])
        pairs = np.unique((pairs[:, None] + added[None]).reshape(-1, 2), axis=0)
    means = pairs[:, 1] / (unit * len(sizes))
    low, high = number.widest
    fits = (means >= low - TOLERANCE) & (means <= high + TOLERANCE)
    if counts is not None:
        fits &= np.isin(pairs[:, 0], counts)
    return bool(fits.any())


def _most_f1(precision: float, recall: float, average: str, n_classes: int) -> float:
    """Largest average F1: F1 is concave in precision and recall, so that its mean is at most that of the means."""
    if average == "macro" and n_classes > 1:
        # Some leave a class that was never predicted out of the means of precision and F1, but not of recall.
        recall *= n_classes / (n_classes - 1)
    return harmonic(min(precision, 1.0), min(recall, 1.0))


def _limits(misses: int, n: int, n_classes: int, name: str) -> Interval:
    """Least and largest mean share of hits over classes, if `misses` of n samples are wrong.

    Classes may be absent.  A class that was never predicted counts as precision 0 or not at all.
    """
    lows, highs = [], []
    for present in range(1, min(n_classes, n) + 1):
        # No class is larger, so that each miss costs at least 1 / large, and each hit gives as much.
        large = n - present + 1
        low = max((n - misses) / (present * large), 1 - misses / present)
        lows.append(low * (present / n_classes if name == "precision" else 1.0))
        highs.append(1 - misses / (present * large))
    return max(min(lows), 0.0), max(highs)

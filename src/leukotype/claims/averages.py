"""What is known of averages over classes: conditions that every true result meets, and all tables if they are few.

Class sizes are rarely published, so that averages over many classes can't be enumerated.  Each condition holds for
every confusion matrix, whatever an author does with classes that were never predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import comb, lcm, prod

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.claims.printed import TOLERANCE, Interval, Printed

# Combinations of hits in the classes.
_MOST_COMBINATIONS = 2_000_000
# Class sizes, confusion tables, and tables judged at once.
_MOST_SIZES = 10_000
_MOST_TABLES = 300_000
_AT_ONCE = 50_000


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


def any_table(
    printed: Mapping[str, Printed], average: str, n: int, n_classes: int, sizes: Sequence[int] | None
) -> bool | None:
    """Tell whether any confusion table of n samples gives all numbers; None if there are too many tables.

    average : "macro" or "weighted"
    sizes   : samples of each class, if known
    """
    # Averages do not depend on the order of the classes.
    tried = [tuple(sizes)] if sizes is not None else None
    if tried is None:
        if comb(n + n_classes - 1, n_classes - 1) > _MOST_SIZES:
            return None
        tried = list(_partitions(n, n_classes, n))
    if sum(prod(comb(size + n_classes - 1, n_classes - 1) for size in one) for one in tried) > _MOST_TABLES:
        return None
    return any(_fits(tables, printed, average).any() for one in tried for tables in _tables(one))


def _partitions(n: int, parts: int, most: int) -> Iterator[tuple[int, ...]]:
    """All ways to write n as a sum of `parts` numbers of 0 to `most`, in falling order."""
    if parts == 1:
        if n <= most:
            yield (n,)
        return
    for first in range(min(n, most), -(-n // parts) - 1, -1):
        for rest in _partitions(n - first, parts - 1, first):
            yield (first, *rest)


def _tables(sizes: Sequence[int]) -> Iterator[IntArray]:
    """All confusion tables with these class sizes, in blocks (n_tables, n_classes, n_classes); rows are true."""
    k = len(sizes)
    rows = []
    for size in sizes:
        # Bars among the samples of a class part its calls.
        bars = np.array(list(combinations(range(size + k - 1), k - 1)), dtype=np.intp)
        ends = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), size + k - 1)])
        rows.append(np.diff(ends, axis=1) - 1)
    shape = tuple(map(len, rows))
    for start in range(0, prod(shape), _AT_ONCE):
        index = np.unravel_index(np.arange(start, min(start + _AT_ONCE, prod(shape))), shape)
        yield np.stack([row[at] for row, at in zip(rows, index, strict=True)], axis=1)


def _fits(tables: IntArray, printed: Mapping[str, Printed], average: str) -> BoolArray:
    """Tell which tables give all numbers, whatever an author does with 0 / 0."""
    hits = np.diagonal(tables, axis1=1, axis2=2).astype(np.float64)
    truth, called = tables.sum(axis=2), tables.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = {"precision": hits / called, "recall": hits / truth, "f1": 2 * hits / (called + truth)}
    weights = truth if average == "weighted" else np.ones_like(truth)
    # Of precision and recall, for a harmonic mean of the averages, also if they are not printed.
    means = {name: _means(share, weights) for name, share in shares.items()}
    without = np.where(np.isnan(shares["precision"]), np.nan, shares["f1"])
    means["f1"] += _means(without, weights)
    with np.errstate(invalid="ignore"):
        means["f1"] += [2 * p * r / (p + r) for p in means["precision"] for r in means["recall"]]
    means["accuracy"] = [hits.sum(axis=1) / truth.sum(axis=1)]
    found = np.ones(len(tables), dtype=bool)
    for name, number in printed.items():
        low, high = number.widest
        found &= np.logical_or.reduce(
            [(mean >= low - TOLERANCE) & (mean <= high + TOLERANCE) for mean in means[name]]
        )
    return found


def _means(shares: FloatArray, weights: IntArray) -> list[FloatArray]:
    """Means over classes with 0 / 0 as 0, as 1 and left out."""
    known = ~np.isnan(shares)
    filled = np.where(known, shares, 0.0)
    total = (filled * weights).sum(axis=1)
    ones = total + (~known * weights).sum(axis=1)
    counted = (known * weights).sum(axis=1)
    left_out = np.divide(total, counted, out=np.zeros_like(total), where=counted > 0)
    return [total / weights.sum(axis=1), ones / weights.sum(axis=1), left_out]


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

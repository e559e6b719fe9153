"""Confusion tables of one class against the rest that give published numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.claims.printed import TOLERANCE, Printed, clopper_pearson
from leukotype.errors import InputError

MOST_WITHOUT_POSITIVES = 600
_MOST_TABLES = 5_000_000
_EXAMPLES = 5

Table = tuple[IntArray, IntArray, IntArray, IntArray]


@dataclass(frozen=True)
class Counts:
    """A confusion table of one class against the rest."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def metrics(self) -> dict[str, float]:
        """Accuracy, precision, recall and F1; nan for 0 / 0."""
        tp, fp, fn, tn = (np.array([getattr(self, name)]) for name in self.__dataclass_fields__)
        return {name: float(value[0]) for name, value in _metrics(tp, fp, fn, tn).items()}

    def shares(self) -> dict[str, tuple[int, int]]:
        """Hits and trials of accuracy, precision and recall."""
        n = self.true_positive + self.false_positive + self.false_negative + self.true_negative
        return {
            "accuracy": (self.true_positive + self.true_negative, n),
            "precision": (self.true_positive, self.true_positive + self.false_positive),
            "recall": (self.true_positive, self.true_positive + self.false_negative),
        }

    def __str__(self) -> str:
        return (
            f"{self.true_positive} true and {self.false_positive} false positives, "
            f"{self.false_negative} false and {self.true_negative} true negatives"
        )


@dataclass(frozen=True)
class Found:
    """The tables that give all numbers.

    n_ways   : their number
    if_cut   : whether tables give the numbers truncated instead of rounded
    examples : some of them, or else the nearest table
    nearest  : shares of the first example, with exact intervals
    """

    n_ways: int
    if_cut: bool
    examples: tuple[Counts, ...]
    nearest: tuple[dict[str, Any], ...]


def search(n: int, printed: Mapping[str, Printed], n_positive: int | None, n_classes: int) -> Found:
    """Find the tables of n samples that give all numbers; raises InputError if there are too many tables."""
    if n_positive is None and n > MOST_WITHOUT_POSITIVES:
        raise InputError(
            f"{n} test samples have too many confusion tables. Use --n-positive, or check the accuracy alone."
        )
    if n_positive is not None and (n_positive + 1) * (n - n_positive + 1) > _MOST_TABLES:
        raise InputError(
            f"{n_positive} of {n} samples have too many confusion tables. Check the accuracy alone."
        )
    examples: list[tuple[float, Counts]] = []
    closest: tuple[float, Counts] | None = None
    n_ways, cut = 0, False
    for table in _tables(n, n_positive):
        values = _metrics(*table)
        if n_classes > 2 and "accuracy" in printed:
            values["accuracy"] = _nearest_accuracy(table, n, printed["accuracy"])
        fits = np.logical_and.reduce([number.fits(values[name]) for name, number in printed.items()])
        cut |= bool(
            np.logical_and.reduce([number.fits_cut(values[name]) for name, number in printed.items()]).any()
        )
        off = np.max([np.abs(values[name] - number.value) for name, number in printed.items()], axis=0)
        off = np.where(np.isnan(off), np.inf, off)
        n_ways += int(fits.sum())
        found = np.flatnonzero(fits)
        examples += [(float(off[at]), _counts(table, at)) for at in found[np.argsort(off[found])][:_EXAMPLES]]
        at = int(np.argmin(off))
        if np.isfinite(off[at]) and (closest is None or off[at] < closest[0] - TOLERANCE):
            closest = float(off[at]), _counts(table, at)
    examples.sort(key=lambda pair: pair[0])
    best = [counts for _, counts in examples[:_EXAMPLES]] or ([closest[1]] if closest else [])
    shares = best[0].shares() if best else {}
    # With more classes, the table of one class does not give the accuracy.
    rows = [
        share(name, *shares[name])
        for name in printed
        if name in shares and shares[name][1] and (name != "accuracy" or n_classes == 2)
    ]
    return Found(n_ways, cut, tuple(best), tuple(rows))


def _nearest_accuracy(table: Table, n: int, number: Printed) -> FloatArray:
    """The possible accuracy nearest to the number: samples of other classes may be right or wrong."""
    tp, fp, fn, _ = table
    hits = np.clip(np.rint(number.value * n), tp, n - fp - fn)
    fitting = np.flatnonzero(number.fits(np.arange(n + 1) / n))
    if len(fitting):
        within = np.clip(hits, fitting[0], fitting[-1])
        hits = np.where((within >= tp) & (within <= n - fp - fn), within, hits)
    return np.asarray(hits / n)


def _tables(n: int, n_positive: int | None) -> Iterator[Table]:
    """All confusion tables of n samples, one batch for each number of positives."""
    for positives in range(n + 1) if n_positive is None else (n_positive,):
        tp, fp = np.indices((positives + 1, n - positives + 1)).reshape(2, -1)
        yield tp, fp, positives - tp, n - positives - fp


def _metrics(tp: IntArray, fp: IntArray, fn: IntArray, tn: IntArray) -> dict[str, FloatArray]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "accuracy": (tp + tn) / (tp + fp + fn + tn),
            "precision": tp / (tp + fp),
            "recall": tp / (tp + fn),
            "f1": 2 * tp / (2 * tp + fp + fn),
        }


def _counts(table: Table, at: int) -> Counts:
    return Counts(*(int(column[at]) for column in table))


def share(metric: str, hits: int, n: int) -> dict[str, Any]:
    low, high = clopper_pearson(hits, n)
    return {"metric": metric, "hits": hits, "n": n, "value": hits / n, "low": low, "high": high}

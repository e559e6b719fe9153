"""Checks whether a published accuracy, precision, recall or F1 is possible for a number of test samples.

A share of n samples has n + 1 possible values, so for small n most printed numbers are impossible: Brown & Heathers
(2017), The GRIM test, Social Psychological and Personality Science 8, 363-369.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
from scipy import stats

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.errors import InputError

LEVEL = 0.95
Interval = tuple[float, float]
METRICS = ("accuracy", "precision", "recall", "f1")
MOST_WITHOUT_POSITIVES = 600
MOST_SAMPLES = 10_000_000
_MOST_TABLES = 5_000_000
_TOLERANCE = 1e-12
_EXAMPLES = 5
_MOST_DIGITS = 20
_BLOCK = 100_000


@dataclass(frozen=True)
class Printed:
    """A published number and the values from which it may have been rounded.

    low, high : both included, since some round halves up and others to even
    cut       : upper end if digits were truncated instead; the lower end is the number itself
    """

    text: str
    value: float
    low: float
    high: float
    cut: float

    def fits(self, values: FloatArray) -> BoolArray:
        """Tell which values give this number when rounded."""
        return (values >= self.low - _TOLERANCE) & (values <= self.high + _TOLERANCE)

    def fits_cut(self, values: FloatArray) -> BoolArray:
        """Tell which values give this number when truncated."""
        return (values >= self.value - _TOLERANCE) & (values < self.cut - _TOLERANCE)


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
class Claim:
    """The result of a check.

    n_test     : number of test samples
    printed    : the published numbers, by metric
    possible   : whether counts of n_test samples give all of them, rounded
    n_ways     : number of such counts
    if_cut     : whether counts give them truncated instead of rounded
    folds_fit  : whether the accuracy may be a mean over folds; None if no folds were given
    nearest    : the nearest possible values, with their counts and exact 95 % intervals
    examples   : confusion tables that fit, or else the nearest one; empty for accuracy alone
    smallest_n : fewest test samples for which the accuracy is possible; None if not computed
    """

    n_test: int
    printed: dict[str, Printed]
    possible: bool
    n_ways: int
    if_cut: bool
    folds_fit: bool | None
    nearest: tuple[dict[str, Any], ...]
    examples: tuple[Counts, ...]
    smallest_n: int | None

    def lines(self) -> list[str]:
        """Return the result as sentences."""
        numbers = ", ".join(f"{name} {number.text}" for name, number in self.printed.items())
        ways = "one combination of counts" if self.n_ways == 1 else f"{self.n_ways} combinations of counts"
        verdict = f"possible, with {ways}" if self.possible else "impossible"
        text = [f"{numbers} on {self.n_test} test samples: {verdict}."]
        if not self.possible and self.if_cut:
            text.append("It is possible if digits were truncated instead of rounded.")
        if self.folds_fit is not None:
            text.append(f"As a mean over folds it is {'possible' if self.folds_fit else 'also impossible'}.")
        if not self.possible and self.smallest_n is not None:
            text.append(f"The smallest test set with this accuracy has {self.smallest_n} samples.")
        if self.examples:
            text.append(f"{'For example' if self.possible else 'The nearest counts'}: {self.examples[0]}.")
        for row in self.nearest:
            text.append(
                f"{'' if self.possible else 'The nearest possible value: '}{row['metric']} {row['hits']} of {row['n']} "
                f"= {row['value']:.4g}, 95 % CI {row['low']:.3f} to {row['high']:.3f} (exact)."
            )
        if not (self.possible or self.if_cut or self.folds_fit):
            text.append(
                "It may be another average (over repeats, folds or classes), another number of samples or a typing "
                "error. Ask the authors for the counts."
            )
        return text

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "n_test": self.n_test,
            "claim": {name: number.text for name, number in self.printed.items()},
            "possible": self.possible,
            "ways": self.n_ways,
            "possible_if_cut_off": self.if_cut,
            "possible_as_mean_of_folds": self.folds_fit,
            "smallest_n_test": self.smallest_n,
            "nearest": [dict(row) for row in self.nearest],
            "examples": [vars(counts) for counts in self.examples],
        }


def check(
    n_test: int | None = None,
    *,
    accuracy: str | float | None = None,
    precision: str | float | None = None,
    recall: str | float | None = None,
    f1: str | float | None = None,
    n_positive: int | None = None,
    n_total: int | None = None,
    folds: int | None = None,
) -> Claim:
    """Check published numbers against the counts that could give them.

    n_test     : number of test samples; use n_total if folds tested every sample once
    accuracy   : of two classes if precision, recall or f1 is given, else of any number of classes.  Text keeps the
                 number of digits: "0.90" claims more than "0.9"; "96%" is 0.96
    precision, recall, f1 : of one class, called positive
    n_positive : number of test samples of that class, if known
    n_total, folds : samples and folds of a cross-validation whose accuracy may be a mean over folds

    Raises InputError if no number is given, or one is not a share.
    """
    given = {"accuracy": accuracy, "precision": precision, "recall": recall, "f1": f1}
    printed = {name: read(value, name) for name, value in given.items() if value is not None}
    n = n_total if n_test is None else n_test
    if n is None or n < 1:
        raise InputError(f"{n} test samples: at least 1 is needed. Use --n-test, or --n-total with --folds.")
    if not printed:
        raise InputError(
            f"no number to check. Use at least one of {', '.join('--' + name for name in METRICS)}."
        )
    if n > MOST_SAMPLES:
        raise InputError(f"{n} test samples are too many. Use at most {MOST_SAMPLES:,}.")
    if n_positive is not None and not 0 <= n_positive <= n:
        raise InputError(f"{n_positive} of {n} samples can't be positive. Use a number from 0 to {n}.")
    if folds is not None and not 2 <= folds <= n:
        raise InputError(f"{n} samples can't be split into {folds} folds. Use 2 to {n}.")
    fit = None
    if folds is not None and "accuracy" in printed:
        fit = _fits_fold_mean(printed["accuracy"], n, folds)
    if set(printed) == {"accuracy"}:
        return _check_accuracy(n, printed, fit)
    return _check_table(n, printed, n_positive, fit)


def read(value: str | float, name: str = "number") -> Printed:
    """Parse "0.96", "96%" or "96"; numbers above 1 are per cent, and 1 and 0 without decimals are exact.

    Raises InputError for a number that is not a share.
    """
    text = str(value).strip()
    digits = text.rstrip("%").strip().replace(",", ".")
    try:
        number = Decimal(digits)
    except InvalidOperation:
        number = Decimal(-1)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _MOST_DIGITS or len(text) > 2 * _MOST_DIGITS:
        number, exponent = Decimal(-1), 0
    if number > 1 and not text.endswith("%"):
        text += "%"
    scale = Decimal(100) if text.endswith("%") else Decimal(1)
    if not 0 <= number <= scale:
        raise InputError(
            f"{name} {text[:40]!r} is not a share. Use a number from 0 to 1, such as 0.96, or 96%."
        )
    whole = exponent >= 0
    unit = Decimal(0) if scale == 1 and whole else Decimal(1).scaleb(0 if whole else exponent)
    low, high, cut = (number - unit / 2) / scale, (number + unit / 2) / scale, (number + unit) / scale
    return Printed(text, float(number / scale), max(float(low), 0.0), min(float(high), 1.0), float(cut))


def clopper_pearson(hits: float, n: float, level: float = LEVEL) -> Interval:
    """Exact binomial interval of a proportion; `hits` may be a mean over repeats.

    Conservative, and open at hits = n: 13 of 13 gives (0.753, 1).

    Clopper & Pearson (1934), Biometrika 26, 404-413.
    """
    tail = (1 - level) / 2
    low = 0.0 if hits <= 0 else float(stats.beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits >= n else float(stats.beta.ppf(1 - tail, hits + 1, n - hits))
    return low, high


def _check_accuracy(n: int, printed: dict[str, Printed], fit: bool | None) -> Claim:
    number = printed["accuracy"]
    values = np.arange(n + 1) / n
    hits = np.flatnonzero(number.fits(values))
    near = hits
    if len(hits) == 0:
        # The neighbours on either side; at least one exists.
        above = int(np.searchsorted(values, number.value))
        near = np.array([k for k in (above - 1, above) if 0 <= k <= n])
    best = near[np.argsort(np.abs(values[near] - number.value), kind="stable")]
    shown = best[:1] if len(hits) else np.sort(best[:2])
    rows = tuple(_share("accuracy", int(k), n) for k in shown)
    smallest = None if len(hits) else _smallest(number, n)
    return Claim(
        n, printed, len(hits) > 0, len(hits), bool(number.fits_cut(values).any()), fit, rows, (), smallest
    )


def _check_table(n: int, printed: dict[str, Printed], n_positive: int | None, fit: bool | None) -> Claim:
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
        if np.isfinite(off[at]) and (closest is None or off[at] < closest[0] - _TOLERANCE):
            closest = float(off[at]), _counts(table, at)
    examples.sort(key=lambda pair: pair[0])
    best = [counts for _, counts in examples[:_EXAMPLES]] or ([closest[1]] if closest else [])
    shares = best[0].shares() if best else {}
    rows = tuple(_share(name, *shares[name]) for name in printed if name in shares and shares[name][1])
    return Claim(n, printed, n_ways > 0, n_ways, cut, fit, rows, tuple(best), None)


def _tables(n: int, n_positive: int | None) -> Iterator[tuple[IntArray, IntArray, IntArray, IntArray]]:
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


def _counts(table: tuple[IntArray, IntArray, IntArray, IntArray], at: int) -> Counts:
    return Counts(*(int(column[at]) for column in table))


def _share(metric: str, hits: int, n: int) -> dict[str, Any]:
    low, high = clopper_pearson(hits, n)
    return {"metric": metric, "hits": hits, "n": n, "value": hits / n, "low": low, "high": high}


def _smallest(number: Printed, n: int) -> int | None:
    end = min(max(10 * n, 1000), MOST_SAMPLES)
    for start in range(1, end, _BLOCK):
        sizes = np.arange(start, min(start + _BLOCK, end))
        # The multiple of 1 / size nearest to the middle fits if any does, apart from rounding.
        nearest = np.rint((number.low + number.high) / 2 * sizes)
        fits = np.logical_or.reduce(
            [number.fits(np.clip(nearest + step, 0, sizes) / sizes) for step in (-1, 0, 1)]
        )
        if fits.any():
            return int(sizes[np.argmax(fits)])
    return None


def _fits_fold_mean(number: Printed, n: int, folds: int) -> bool:
    """Tell whether a mean over folds of the accuracies of n samples in folds of nearly equal size gives the number."""
    small, larger = n // folds, n % folds
    # Hits in the larger folds, and in the others; the fewer ones are tried one by one.
    sums = [
        np.arange(larger * (small + 1) + 1) / (small + 1),
        np.arange((folds - larger) * small + 1) / small,
    ]
    fewer, more = sorted(sums, key=len)
    # The sums that fit are neighbours, so that the first of them is next to the lower end.
    first = np.searchsorted(more, (number.low - _TOLERANCE) * folds - fewer)
    return any(
        bool(number.fits((fewer + more[np.clip(first + step, 0, len(more) - 1)]) / folds).any())
        for step in (-1, 0, 1)
    )

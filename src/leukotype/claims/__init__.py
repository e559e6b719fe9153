"""Checks whether a published accuracy, precision, recall or F1 is possible for a number of test samples.

A share of n samples has n + 1 possible values, so for small n most printed numbers are impossible: Brown & Heathers
(2017), The GRIM test, Social Psychological and Personality Science 8, 363-369.  The verdict is
"impossible" only if no confusion matrix gives the numbers.  If neither can be shown, it is "undecided".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leukotype.arrays import IntArray
from leukotype.claims import averages, tables
from leukotype.claims.printed import LEVEL, TOLERANCE, Interval, Printed, clopper_pearson, read
from leukotype.claims.tables import Counts
from leukotype.errors import InputError

__all__ = ["LEVEL", "Claim", "Counts", "Interval", "Printed", "check", "clopper_pearson", "read"]

METRICS = ("accuracy", "precision", "recall", "f1")
AVERAGES = ("binary", "macro", "weighted", "micro")
MOST_SAMPLES = 10_000_000
MOST_CLASSES = 1000
_BLOCK = 100_000


@dataclass(frozen=True)
class Claim:
    """The result of a check.

    n_test     : number of test samples
    printed    : the published numbers, by metric
    possible   : True or False; None if neither could be shown
    reasons    : why it is impossible or undecided, one sentence each, without the full stop
    n_ways     : number of counts, or of tables of one class, that give all numbers; None for averages
    if_cut     : whether counts give them truncated instead of rounded
    nearest    : the nearest possible values, with their counts and exact 95 % intervals
    examples   : confusion tables that fit, or else the nearest one
    smallest_n : fewest test samples for which the accuracy is possible; None if not computed
    """

    n_test: int
    printed: dict[str, Printed]
    possible: bool | None
    reasons: tuple[str, ...] = ()
    n_ways: int | None = None
    if_cut: bool = False
    nearest: tuple[dict[str, Any], ...] = ()
    examples: tuple[Counts, ...] = ()
    smallest_n: int | None = None

    @property
    def verdict(self) -> str:
        """`possible`, `impossible` or `undecided`."""
        return {True: "possible", False: "impossible", None: "undecided"}[self.possible]

    def lines(self) -> list[str]:
        """Return the result as sentences."""
        numbers = ", ".join(f"{name} {number.text}" for name, number in self.printed.items())
        ways = "one combination" if self.n_ways == 1 else f"{self.n_ways} combinations"
        with_ways = f", with {ways} of counts" if self.possible and self.n_ways else ""
        text = [f"{numbers} on {self.n_test} test samples: {self.verdict}{with_ways}."]
        text += [f"{reason}." for reason in self.reasons]
        if not self.possible and self.if_cut:
            text.append("It is possible if digits were truncated instead of rounded.")
        if self.possible is False and self.smallest_n is not None:
            text.append(f"The smallest test set with this accuracy has {self.smallest_n} samples.")
        if self.examples:
            text.append(f"{'For example' if self.possible else 'The nearest counts'}: {self.examples[0]}.")
        for row in self.nearest:
            text.append(
                f"{'' if self.possible else 'The nearest possible value: '}{row['metric']} {row['hits']} of {row['n']} "
                f"= {row['value']:.4g}, 95 % CI {row['low']:.3f} to {row['high']:.3f} (exact)."
            )
        if self.possible is False and not self.if_cut:
            text.append(
                "It may be a mean over folds or repeats (use --folds, --repeats), another average over classes, "
                "another number of samples or a typing error. Ask the authors for the counts."
            )
        return text

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "n_test": self.n_test,
            "claim": {name: number.text for name, number in self.printed.items()},
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "ways": self.n_ways,
            "possible_if_cut_off": self.if_cut,
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
    classes: int | None = None,
    average: str | None = None,
    class_sizes: Sequence[int] | None = None,
    n_positive: int | None = None,
    n_total: int | None = None,
    folds: int = 1,
    repeats: int = 1,
) -> Claim:
    """Check published numbers against the confusion matrices that could give them.

    n_test      : number of test samples; use n_total for cross-validation
    accuracy    : share of correct predictions, of any number of classes.  Text keeps the number of digits: "0.90"
                  claims more than "0.9"; "96%" is 0.96
    precision, recall, f1 : judged only if `classes` and `average` are known
    classes     : number of classes
    average     : of precision, recall and F1: "binary" (of one class), "macro", "weighted" or "micro"
    class_sizes : number of test samples of each class, if known
    n_positive  : for "binary", number of test samples of that class, if known
    n_total, folds, repeats : samples, folds and repeats of a cross-validation; the numbers are means over the folds.
                  Such a mean is never called impossible because of its digits: the sizes of folds may differ

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
    sizes = None if class_sizes is None else tuple(class_sizes)
    classes = _checked(n, classes, average, sizes, n_positive, folds, repeats)
    is_mean = folds > 1 or repeats > 1
    if set(printed) == {"accuracy"}:
        return _of_accuracy(n, printed, folds, repeats)
    if classes is None or average is None:
        return _without_average(n, printed, folds, repeats)
    if average == "binary":
        return _of_one_class(n, printed, n_positive, classes, is_mean)
    return _of_average(n, printed, average, classes, sizes, is_mean)


def _checked(
    n: int,
    classes: int | None,
    average: str | None,
    sizes: tuple[int, ...] | None,
    n_positive: int | None,
    folds: int,
    repeats: int,
) -> int | None:
    """Return the number of classes; raises InputError for options that are invalid or contradict each other."""
    if n > MOST_SAMPLES:
        raise InputError(f"{n} test samples are too many. Use at most {MOST_SAMPLES:,}.")
    if average not in (None, *AVERAGES):
        raise InputError(f"unknown average {average!r}. Use one of {', '.join(AVERAGES)}.")
    if sizes is not None:
        if min(sizes) < 1 or sum(sizes) != n:
            raise InputError(
                f"classes of {', '.join(map(str, sizes))} samples do not make {n}. Correct --class-sizes."
            )
        if classes not in (None, len(sizes)):
            raise InputError(
                f"--class-sizes gives {len(sizes)} classes, but --classes {classes}. Use one of the two."
            )
        classes = len(sizes)
    if classes is not None and not 2 <= classes <= MOST_CLASSES:
        raise InputError(f"--classes is {classes}. Use 2 to {MOST_CLASSES}.")
    if n_positive is not None and not 0 <= n_positive <= n:
        raise InputError(f"{n_positive} of {n} samples can't be positive. Use a number from 0 to {n}.")
    if not 1 <= folds <= n:
        raise InputError(f"{n} samples can't be split into {folds} folds. Use 2 to {n}.")
    if not 1 <= repeats <= MOST_SAMPLES:
        raise InputError(f"--repeats is {repeats}. Use at least 1.")
    return classes


def _counts_of(number: Printed, n: int) -> IntArray:
    """The numbers of correct predictions of n samples that give an accuracy."""
    values = np.arange(n + 1) / n
    return np.flatnonzero(number.fits(values) | number.fits_cut(values))


def _of_accuracy(n: int, printed: dict[str, Printed], folds: int, repeats: int) -> Claim:
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
    rows = tuple(tables.share("accuracy", int(k), n) for k in shown)
    if_cut = bool(number.fits_cut(values).any())
    if folds == repeats == 1:
        possible = len(hits) > 0
        smallest = None if possible else _smallest(number, n)
        return Claim(n, printed, possible, (), len(hits), if_cut, rows, (), smallest)
    found = _fits_mean(number, n, folds, repeats)
    reason = (
        () if found else ("It is possible only if the folds have sizes that differ by more than one sample",)
    )
    return Claim(n, printed, True if found else None, reason, None, False, rows if len(hits) else ())


def _fits_mean(number: Printed, n: int, folds: int, repeats: int) -> bool:
    """Tell whether a mean over folds of nearly equal size, or over the repeats of all samples, gives the number."""
    if repeats == 1 and _fits_fold_mean(number, n, folds):
        return True
    nearest = np.rint(number.value * n * repeats)
    values = np.clip(nearest + np.array([-1, 0, 1]), 0, n * repeats) / (n * repeats)
    return bool(number.fits(values).any())


def _without_average(n: int, printed: dict[str, Printed], folds: int, repeats: int) -> Claim:
    """Judge the accuracy alone."""
    reason = (
        "Precision, recall and F1 were not judged: they depend on the classes. Use --classes, and --average binary, "
        "macro, weighted or micro"
    )
    if "accuracy" in printed:
        alone = _of_accuracy(n, {"accuracy": printed["accuracy"]}, folds, repeats)
        if alone.possible is False:
            why = f"No count of {n} samples gives the accuracy"
            return Claim(n, printed, False, (why,), 0, alone.if_cut, alone.nearest, (), alone.smallest_n)
    return Claim(n, printed, None, (reason,))


def _of_one_class(
    n: int, printed: dict[str, Printed], n_positive: int | None, classes: int, is_mean: bool
) -> Claim:
    found = tables.search(n, printed, n_positive, classes)
    possible = found.n_ways > 0
    if is_mean and not possible:
        reason = "No table of all samples gives these numbers, but means over folds may"
        return Claim(n, printed, None, (reason,))
    return Claim(n, printed, possible, (), found.n_ways, found.if_cut, found.nearest, found.examples)


def _of_average(
    n: int,
    printed: dict[str, Printed],
    average: str,
    classes: int,
    sizes: tuple[int, ...] | None,
    is_mean: bool,
) -> Claim:
    # These are the share of correct predictions.
    same = {"accuracy", *({"micro": METRICS, "weighted": ("recall",)}.get(average, ()))}.intersection(printed)
    counts = None
    reasons = []
    if same and not is_mean:
        fitting = [set(_counts_of(printed[name], n).tolist()) for name in sorted(same)]
        counts = np.array(sorted(set.intersection(*fitting)), dtype=np.intp)
        if not len(counts):
            names = " and ".join(name if name == "accuracy" else f"{average} {name}" for name in sorted(same))
            share = "which is the share" if len(same) == 1 else "which are both the share"
            reasons.append(f"No count of {n} samples gives {names}, {share} of correct predictions")
    reasons += averages.contradictions(printed, average, classes, counts, n)
    if sizes is not None and average == "macro" and "recall" in printed and not is_mean:
        fits = averages.recall_of_sizes(printed["recall"], sizes, counts)
        if fits is False:
            reasons.append(
                "No numbers of hits in classes of these sizes give the macro recall"
                + (" together with the accuracy" if counts is not None else "")
            )
    if reasons:
        return Claim(n, printed, False, tuple(reasons))
    if set(printed) <= same and not is_mean:
        return Claim(n, printed, True, (), len(counts) if counts is not None else None)
    found = None if is_mean else averages.any_table(printed, average, n, classes, sizes)
    if found is not None:
        why = f"None of the confusion tables of {n} samples in {classes} classes gives these numbers together"
        return Claim(n, printed, found, () if found else (why,))
    return Claim(n, printed, None, (f"No contradiction was found; {average} averages were not enumerated",))


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
    first = np.searchsorted(more, (number.low - TOLERANCE) * folds - fewer)
    return any(
        bool(number.fits((fewer + more[np.clip(first + step, 0, len(more) - 1)]) / folds).any())
        for step in (-1, 0, 1)
    )

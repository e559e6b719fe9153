"""Columns among the probes that are not expression: class codes, sample numbers, clinical values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import lgamma

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray

# Fewer columns show nothing of what is usual.
_FEWEST = 4
# Above any log2 intensity, and far above the other columns.
_HIGH, _FACTOR = 25.0, 1.5
# Probability that chance gives one such column.
_LEVEL = 1e-3


@dataclass(frozen=True)
class Stray:
    """A numeric column that is not expression.

    column : position among the probes
    reason : predicate, such as "has the same value in all samples of a class"
    """

    column: int
    reason: str


def stray_columns(values: FloatArray, codes: IntArray | None) -> list[Stray]:
    """Return the columns that are unlike expression, in order; the names of columns are not considered.

    values : (n_samples, n_probes) as in the file, NaN if missing
    codes  : (n_samples,) classes; None if unknown

    A column is reported if
    - it has one value per class, and several classes of four samples or more have different values;
    - it rises or falls strictly along the rows: by chance, 2 p / n! of p probes do;
    - it holds whole numbers and the other columns hold fractions, or the reverse;
    - its values are far above the log2 values of all other columns.
    """
    n, p = values.shape
    if n < 4 or p == 0 or np.isnan(values).all():
        return []
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    varies = low < high
    reasons: dict[int, str] = {}
    if codes is not None:
        restating = np.flatnonzero(varies & _restates(values, codes))
        # Among thousands of genes with counts such as 0 and 1, some restate the classes by chance.
        if len(restating) and _few_valued(values, varies) > max(3, 0.005 * p):
            restating = restating[(restating == 0) | (restating == p - 1)]
        for column in restating:
            reasons[int(column)] = "has the same value in all samples of a class"
    for column in np.flatnonzero(counting(values)):
        reasons.setdefault(int(column), "rises or falls with the row number")
    share = float(np.mean(values[:50] == np.floor(values[:50])))
    kind = "fractions" if share >= 0.5 else "whole numbers"
    for column in np.flatnonzero(_unlike_in_kind(values, varies, share)):
        reasons.setdefault(int(column), f"holds {kind}, unlike the other columns")
    for column in np.flatnonzero(_out_of_range(values, high)) if share < 0.5 else ():
        reasons.setdefault(int(column), "has larger values than the other columns")
    return [Stray(column, reasons[column]) for column in sorted(reasons)]


def counting(values: FloatArray) -> BoolArray:
    """(n_probes,) whether each column rises or falls strictly along the rows; all false for too few rows."""
    n, p = values.shape
    rising = np.full(p, np.log(2 * p) - lgamma(n + 1) < np.log(1e-4))
    falling = rising.copy()
    for above, below in pairwise(values):
        rising &= below > above
        falling &= below < above
        if not (rising.any() or falling.any()):
            break
    return rising | falling


def _restates(values: FloatArray, codes: IntArray) -> BoolArray:
    """(n_probes,) whether each column is constant within classes and differs between classes of four or more."""
    same = np.ones(values.shape[1], dtype=bool)
    lows, highs = np.full(values.shape[1], np.inf), np.full(values.shape[1], -np.inf)
    for code in np.unique(codes):
        part = values[codes == code]
        same &= (part == part[0]).all(axis=0)
        if len(part) >= 4:
            lows, highs = np.minimum(lows, part[0]), np.maximum(highs, part[0])
    return same & (lows < highs)


def _few_valued(values: FloatArray, varies: BoolArray) -> int:
    """Return how many columns vary but have at most two values in the first twenty samples."""
    some = np.sort(values[:20], axis=0)
    few = varies & ((some[1:] != some[:-1]).sum(axis=0) < 2)
    return int(few.sum())


def _unlike_in_kind(values: FloatArray, varies: BoolArray, share: float) -> BoolArray:
    """(n_probes,) whether each column holds whole numbers among fractions, or fractions among whole numbers.

    share : of whole numbers among all values
    """
    n, p = values.shape
    whole = np.ones(p, dtype=bool)
    for row in values:
        whole &= (row == np.floor(row)) | np.isnan(row)
    if p < _FEWEST:
        return np.zeros(p, dtype=bool)
    if share >= 0.5:
        # Expected counts and normalised counts have many columns with fractions.
        odd = varies & ~whole
        return odd if odd.sum() <= max(1, min(20, 0.05 * p)) else np.zeros(p, dtype=bool)
    # How many columns would be whole by chance, if each cell were with this probability.
    if np.log(p) + n * np.log(max(share, 1e-9)) > np.log(_LEVEL):
        return np.zeros(p, dtype=bool)
    others = ~(whole & varies)
    edge = np.zeros(p, dtype=bool)
    edge[: _run(whole | ~varies)] = True
    edge[p - _run((whole | ~varies)[::-1]) :] = True
    found = whole & varies
    inside = found & ~edge
    if inside.sum() > max(3, 0.001 * p) or 2 * (~edge).sum() < p:
        return np.zeros(p, dtype=bool)
    # Low counts on log2(x + 1) are whole too, such as 0 and 1.
    has_zeros = bool((values[:, others & varies] == 0).any())
    for column in np.flatnonzero(found):
        levels = np.unique(values[:, column])
        if len(levels) <= 4 and (has_zeros or levels[0] == 0):
            found[column] = False
    return found


def _run(flags: BoolArray) -> int:
    """Return the number of true flags at the start."""
    return int(np.argmin(flags)) if not flags.all() else len(flags)


def _out_of_range(values: FloatArray, high: FloatArray) -> BoolArray:
    """(n_probes,) whether each column lies far above the log2 values of the others."""
    p = values.shape[1]
    found = np.zeros(p, dtype=bool)
    if p < _FEWEST:
        return found
    usual = float(np.median(high[~np.isnan(high)]))
    suspects = np.flatnonzero(high > max(_HIGH, _FACTOR * usual))
    if usual > _HIGH or not len(suspects):
        return found
    # A single damaged cell does not make a column another quantity.
    found[suspects] = np.nanquantile(values[:, suspects], 0.75, axis=0) > _HIGH
    return found if found.sum() <= max(2, min(20, 0.05 * p)) else np.zeros(p, dtype=bool)


def shown(strays: Sequence[Stray], names: Sequence[str]) -> str:
    """Return the columns with their reasons, for a message."""
    first = "; ".join(f"{names[stray.column]!r} {stray.reason}" for stray in strays[:3])
    return first + (f"; and {len(strays) - 3} more" if len(strays) > 3 else "")

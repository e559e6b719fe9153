"""Samples of one donor, or likely of one donor, that a split separates."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm

from leukotype.arrays import BoolArray, FloatArray, IntArray, StrArray
from leukotype.audits.finding import AuditInput, Observation
from leukotype.audits.labels import suspects
from leukotype.audits.stats import fisher_z, robust_sd
from leukotype.cohort import Cohort
from leukotype.resampling import Folds

_DONOR_NAMES = frozenset(
    stem + ending
    for stem in ("donor", "patient", "subject", "individual", "participant", "case", "person", "animal")
    for ending in ("", "id", "no", "nr", "number", "name")
)


# Fewer pairs show nothing.
LEAST_PAIRS = 5
# Correlation of copies of one measurement, beyond what the class explains.
COPY = 0.95


def donor_across(data: AuditInput) -> Observation | None:
    """Finds donors with samples in the training and the test part of an outer split, and unused donor columns.

    Drawn folds keep the samples of a named donor together.  Folds from a file, or drawn without donors, may not.
    """
    donors, column = _donors(data.cohort)
    if donors is None:
        return None
    names, counts = np.unique(donors, return_counts=True)
    repeated = names[counts > 1]
    if len(repeated) == 0:
        return None
    numbers = {"donors": len(names), "repeated": len(repeated), "column": column}
    if data.evaluation is not None:
        table = _shared(donors, data.evaluation.folds)
        if len(table):
            n = table["donor"].nunique()
            remedy = f"Use --donor {column}" if column else "Draw new folds with the donors named"
            return Observation(
                f"{n} of {len(names)} donors have samples in both parts of an outer split, the first "
                f"{table['donor'].iloc[0]}: the models were tested on donors from their training part. {remedy}, so "
                "that each donor stays in one fold.",
                numbers | {"across": n, "splits": len(table.drop_duplicates(["repeat", "fold"]))},
                table,
            )
    if column is None:
        return None
    return Observation(
        f"column {column!r} names {len(repeated)} donors with more than one sample, but is not used as the donor "
        f"column. Use --donor {column}, so that each donor stays in one fold.",
        numbers,
        pd.DataFrame({"donor": repeated, "samples": counts[counts > 1]}),
        "warning",
    )


def near_duplicates(data: AuditInput) -> Observation | None:
    """Finds pairs of samples far more alike than their class explains.

    After the class mean of each probe is subtracted, a pair is near-duplicate if its correlation r is

    - at least 0.5: the two samples then share at least as much variance as they differ in, as repeated measurements
      do and samples of different people do not;
    - an outlier among all pairs: its Fisher z exceeds the median by a number of robust deviations that one pair in 20
      cohorts reaches by chance (Bonferroni over all pairs, normal tail); and
    - the highest of both samples by 3 robust deviations, so that a homogeneous subtype is not reported.  Pairs with r
      of at least 0.95 are exempt, since there may be three copies.

    Samples of different classes are compared too, also with one class mean subtracted from both: a copy with another
    label is near-duplicate.  Pairs that LT003 reports are left out, unless r is at least 0.95.  Two samples with equal
    values are always reported.

    After an idea of Waldron et al. (2016), JNCI 108, djw146 (doppelgänger samples).
    """
    cohort = data.cohort
    pairs = _duplicates(data)
    if cohort.donors is not None and len(pairs):
        pairs = pairs[cohort.donors[pairs[:, 0]] != cohort.donors[pairs[:, 1]]]
    rows_in_pairs = _row_pairs(data)
    if rows_in_pairs is not None and len(pairs):
        linked = {tuple(pair) for pair in rows_in_pairs.linked.tolist()}
        copies = data.likeness[pairs[:, 0], pairs[:, 1]] >= COPY
        pairs = pairs[copies | [tuple(pair) not in linked for pair in pairs.tolist()]]
    if len(pairs) == 0:
        return None
    first, second = pairs.T
    r = data.likeness[first, second]
    across = _separated(data, pairs)
    table = pd.DataFrame(
        {
            "sample": cohort.samples[first],
            "other": cohort.samples[second],
            "class": cohort.labels[first],
            "other_class": cohort.labels[second],
            "r": r,
            "across_a_split": across,
        }
    ).sort_values("r", ascending=False, ignore_index=True)
    n_across = int(across.sum())
    split = "" if data.evaluation is None else f", {n_across} of them separated by a split"
    # Pairs across classes first: one of the two labels may be wrong.
    order = np.argsort(table["class"] == table["other_class"], kind="stable")
    shown = [_pair(row) for row in table.iloc[order].to_dict("records")]
    foreign = int((table["class"] != table["other_class"]).sum())
    what = "pair of samples is" if len(table) == 1 else "pairs of samples are"
    return Observation(
        f"{len(table)} {what} more alike than the class explains{split}: {'; '.join(shown[:3])}"
        f"{f'; and {len(shown) - 3} more' if len(shown) > 3 else ''}. Check whether they come from one donor. If so, "
        "name donors with --donor, or keep one sample of each.",
        {"pairs": len(table), "across": n_across, "across_classes": foreign, "largest_r": float(r.max())},
        table,
        None if data.evaluation is None or n_across else "note",
    )


@dataclass(frozen=True, eq=False)
class _RowPairs:
    """Rows that form consecutive pairs.

    linked          : (n_linked, 2) consecutive rows of a class, closest to each other, at places 1 and 2, 3 and 4 ...
    closest         : (n_samples,) the most similar sample
    within, between : number of consecutive rows compared, at these places and at 2 and 3, 4 and 5 ...
    others          : linked rows among `between`
    """

    linked: IntArray
    closest: IntArray
    within: int
    between: int
    others: int
    p: float


def _row_pairs(data: AuditInput) -> _RowPairs | None:
    cohort = data.cohort
    if cohort.donors is not None or cohort.n_samples < 8:
        return None
    r = data.residual_correlation.copy()
    np.fill_diagonal(r, -np.inf)
    closest = r.argmax(axis=1)
    blocks = [np.flatnonzero(cohort.codes == code) for code in range(len(cohort.classes))]
    within = np.array([pair for rows in blocks for pair in zip(rows[::2], rows[1::2], strict=False)])
    between = np.array([pair for rows in blocks for pair in zip(rows[1::2], rows[2::2], strict=False)])
    if len(within) == 0 or len(between) == 0:
        return None
    linked, others = within[_linked(within, closest)], between[_linked(between, closest)]
    if len(linked) == 0:
        return None
    share = len(within) / (len(within) + len(between))
    p = float(binomtest(len(linked), len(linked) + len(others), share, alternative="greater").pvalue)
    return None if p > 0.001 else _RowPairs(linked, closest, len(within), len(between), len(others), p)


def _pair(row: dict[Hashable, Any]) -> str:
    own, other = (
        (f" ({row['class']})", f" ({row['other_class']})") if row["class"] != row["other_class"] else ("", "")
    )
    return f"{row['sample']}{own} and {row['other']}{other} (r {row['r']:.2f})"


def paired_rows(data: AuditInput) -> Observation | None:
    """Finds rows that form consecutive pairs, as with two samples of each donor.

    Two consecutive rows of a class are linked if one is the sample most correlated with the other, after class means
    are subtracted.  A drift over time links rows with both neighbours.  Only pairs give more links within pairs (rows 1
    and 2, 3 and 4 ...) than between them.  Binomial test at level 0.001.
    """
    cohort, seen = data.cohort, _row_pairs(data)
    if seen is None:
        return None
    linked, closest = seen.linked, seen.closest
    across = _separated(data, linked)
    n_across = int(across.sum())
    # LT024 says which of two swapped samples look like the other class.
    suspicious = suspects(data)
    named = set() if suspicious is None else set(suspicious.rows.tolist())
    swapped = [
        f"{cohort.samples[a]} ({cohort.labels[a]}) and {cohort.samples[b]} ({cohort.labels[b]})"
        for a, b in _foreign_partners(closest, data)
        if not {a, b} & named
    ]
    swap = (
        f" Mutually closest across classes: {'; '.join(swapped)}. Check for swapped samples."
        if swapped
        else ""
    )
    split = f" In this run, splits separated {n_across} of these pairs." if data.evaluation else ""
    return Observation(
        f"the rows seem to form pairs: {len(linked)} of {seen.within} consecutive pairs of rows within a class are "
        f"closest to each other, but only {seen.others} of {seen.between} neighbours from different pairs "
        f"(p = {seen.p:.1g}), as with two samples of each donor.{split} If so, name the donors with --donor.{swap}",
        {
            "pairs": len(linked),
            "others": seen.others,
            "p": seen.p,
            "across": n_across,
            "across_classes": swapped,
        },
        pd.DataFrame(
            {
                "sample": cohort.samples[linked[:, 0]],
                "other": cohort.samples[linked[:, 1]],
                "class": cohort.labels[linked[:, 0]],
                "r": data.residual_correlation[linked[:, 0], linked[:, 1]],
                "across_a_split": across,
            }
        ),
    )


def pairs_across_classes(data: AuditInput) -> Observation | None:
    """Finds pairs of samples of different classes that seem to come from one donor, such as tumour and normal tissue.

    Class means are subtracted.  The k-th sample of one class is compared with the k-th sample of the other, by row and
    by the longest number in the sample ids.  Reported if these pairs correlate more than pairs matched at random (level
    0.001, Bonferroni correction), and more than with the sample before or after the partner, since neighbours are alike
    in a drift over time.  Pairs that LT002 reports are left out.
    """
    cohort = data.cohort
    if cohort.donors is not None:
        return None
    named = {tuple(pair) for pair in _duplicates(data).tolist()}
    ways = _orders(cohort)
    pairs_of_classes = list(combinations(range(len(cohort.classes)), 2))
    best: tuple[float, str, IntArray, float] | None = None
    for (one, two), (way, key) in ((both, item) for both in pairs_of_classes for item in ways.items()):
        pairs = _matched(np.flatnonzero(cohort.codes == one), np.flatnonzero(cohort.codes == two), key)
        pairs = np.array([pair for pair in pairs.tolist() if tuple(sorted(pair)) not in named]).reshape(-1, 2)
        if len(pairs) < LEAST_PAIRS:
            continue
        excess, p = _paired(data.residual_correlation[np.ix_(pairs[:, 0], pairs[:, 1])])
        p = min(1.0, p * len(pairs_of_classes) * len(ways))
        if p <= 0.001 and (best is None or p < best[0]):
            best = p, way, pairs, excess
    if best is None:
        return None
    p, way, linked, excess = best
    across = _separated(data, linked)
    first, second = (str(cohort.labels[row]) for row in linked[0])
    split = f" In this run, splits separated {int(across.sum())} of these pairs." if data.evaluation else ""
    return Observation(
        f"samples of {first} and {second} seem to come from the same donors: paired by {way}, {len(linked)} pairs such "
        f"as {cohort.samples[linked[0, 0]]} and {cohort.samples[linked[0, 1]]} correlate by {excess:.2f} more than "
        f"others (p = {p:.1g}).{split} If so, name the donors with --donor.",
        {"pairs": len(linked), "excess_r": excess, "p": p, "across": int(across.sum()), "order": way},
        pd.DataFrame(
            {
                "sample": cohort.samples[linked[:, 0]],
                "class": cohort.labels[linked[:, 0]],
                "other": cohort.samples[linked[:, 1]],
                "other_class": cohort.labels[linked[:, 1]],
                "r": data.residual_correlation[linked[:, 0], linked[:, 1]],
                "across_a_split": across,
            }
        ),
        None if data.evaluation is None or across.any() else "note",
    )


def _paired(r: FloatArray) -> tuple[float, float]:
    """Return the mean correlation of partners beyond that of other pairs, and its p-value; 1 if it may be a drift.

    r : (n_pairs, n_pairs) correlation of first with second samples, partners on the diagonal

    The sum over a random matching has a known variance and is nearly normal: Hoeffding (1951), Annals of Mathematical
    Statistics 22, 558-566.
    """
    n = len(r)
    centred = r - r.mean(axis=0) - r.mean(axis=1, keepdims=True) + r.mean()
    own = np.diag(centred)
    spread = float(np.sqrt((centred**2).sum() / (n - 1)))
    if spread == 0:
        return 0.0, 1.0
    before, after = np.diag(centred, -1), np.diag(centred, 1)
    beside = np.maximum(np.append(-np.inf, before), np.append(after, -np.inf))
    ahead = int((own > beside).sum())
    # Of three samples the partner is the most similar one by chance in a third.
    drift = binomtest(ahead, n, 1 / 3, alternative="greater").pvalue > 0.01
    return float(own.mean()), 1.0 if drift else float(norm.sf(own.sum() / spread))


def _orders(cohort: Cohort) -> dict[str, StrArray | None]:
    """Return the ways to pair samples of two classes: a key that both have, or None for the order of the rows."""
    ways: dict[str, StrArray | None] = {"order of rows": None}
    numbers = [re.findall(r"\d+", sample) for sample in cohort.samples.tolist()]
    if all(numbers):
        ways["number in the sample ids"] = np.array([max(parts, key=len) for parts in numbers])
    return ways


def _matched(one: IntArray, two: IntArray, key: StrArray | None) -> IntArray:
    """(n_pairs, 2) rows of `one` and `two` with the same key, if each has it once; in order without a key."""
    if key is None:
        n = min(len(one), len(two))
        return np.column_stack([one[:n], two[:n]])
    places = [dict(zip(key[rows].tolist(), rows.tolist(), strict=True)) for rows in (one, two)]
    if len(places[0]) < len(one) or len(places[1]) < len(two):
        return np.empty((0, 2), dtype=np.intp)
    both = [name for name in places[0] if name in places[1]]
    return np.array([(places[0][name], places[1][name]) for name in both], dtype=np.intp).reshape(-1, 2)


def _foreign_partners(closest: IntArray, data: AuditInput) -> IntArray:
    """(n_pairs, 2) samples of different classes that are each other's closest."""
    rows, codes = np.arange(len(closest)), data.cohort.codes
    found = (closest[closest] == rows) & (codes != codes[closest]) & (rows < closest)
    return np.column_stack([rows[found], closest[found]])


def _linked(pairs: IntArray, closest: IntArray) -> BoolArray:
    first, second = pairs.T
    found: BoolArray = (closest[first] == second) | (closest[second] == first)
    return found


def _donors(cohort: Cohort) -> tuple[StrArray | None, str | None]:
    """Donors of a cohort, or of a covariate named like donors, with the name of that covariate."""
    if cohort.donors is not None:
        return cohort.donors, None
    if cohort.covariates is None:
        return None, None
    for column in cohort.covariates.columns:
        plain = "".join(letter for letter in str(column).lower() if letter.isalnum())
        if plain in _DONOR_NAMES and not cohort.covariates[column].isna().any():
            names = cohort.covariates[column].astype(str).to_numpy(dtype=str)
            # A column such as "individual" with "human" in every row names no donors.
            if len(np.unique(names)) > max(2, len(cohort.classes)):
                return names, str(column)
    return None, None


def _shared(donors: StrArray, folds: Folds) -> pd.DataFrame:
    rows = [
        {"repeat": split.repeat, "fold": split.fold, "donor": str(name)}
        for split in folds.splits
        for name in np.intersect1d(donors[split.train], donors[split.test])
    ]
    return pd.DataFrame(rows, columns=["repeat", "fold", "donor"])


def _duplicates(data: AuditInput) -> IntArray:
    """(n_pairs, 2) rows of near-duplicates, the smaller first."""
    n, r = data.cohort.n_samples, data.likeness
    z = fisher_z(r)
    np.fill_diagonal(z, -np.inf)
    values = z[np.triu_indices(n, 1)]
    spread = robust_sd(values) if n >= 5 else 0.0
    if spread == 0:
        return _equal_rows(data.matrix)
    cut = float(np.median(values)) + spread * float(norm.isf(0.05 / len(values)))
    ranked = np.sort(z, axis=1)[:, ::-1]
    lead = (ranked[:, 0] - ranked[:, 1]) / spread
    closest = z.argmax(axis=1)
    leads = np.zeros((n, n), dtype=bool)
    sure = (closest[closest] == np.arange(n)) & (lead >= 3) & (lead[closest] >= 3)
    leads[np.flatnonzero(sure), closest[sure]] = True
    found = (z >= cut) & (((r >= 0.5) & leads) | (r >= COPY))
    pairs = np.argwhere(np.triu(found, 1))
    return np.unique(np.concatenate([pairs, _equal_rows(data.matrix)]), axis=0).astype(np.intp)


def _equal_rows(matrix: FloatArray) -> IntArray:
    if matrix.shape[1] < 3:
        return np.empty((0, 2), dtype=np.intp)
    groups: dict[bytes, list[int]] = {}
    for row, values in enumerate(matrix):
        groups.setdefault(values.tobytes(), []).append(row)
    pairs = [(rows[0], other) for rows in groups.values() for other in rows[1:]]
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def _separated(data: AuditInput, pairs: IntArray) -> BoolArray:
    """(n_pairs,) whether different folds held out the two samples in any repeat."""
    if data.evaluation is None:
        return np.zeros(len(pairs), dtype=bool)
    fold_of = data.evaluation.fold_of
    return np.asarray((fold_of[:, pairs[:, 0]] != fold_of[:, pairs[:, 1]]).any(axis=0))

"""Samples that belong together and stand on both sides of a split."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from leukotype.arrays import BoolArray, FloatArray, IntArray, StrArray
from leukotype.audits.finding import Observation, Source
from leukotype.audits.profiles import fisher_z, listed, robust_sd
from leukotype.cohort import Cohort
from leukotype.resampling import Folds

_DONOR_NAMES = frozenset(
    stem + ending
    for stem in ("donor", "patient", "subject", "individual", "participant", "case", "person", "animal")
    for ending in ("", "id", "no", "nr", "number", "name")
)


def donor_across(source: Source) -> Observation | None:
    """A donor on both sides of an outer split, or a column of donors that nobody named as such.

    Drawn folds keep named donors together; folds made elsewhere, or without the donors, need not.
    """
    donors, column = _donors(source.cohort)
    if donors is None:
        return None
    names, counts = np.unique(donors, return_counts=True)
    repeated = names[counts > 1]
    if len(repeated) == 0:
        return None
    numbers = {"donors": len(names), "repeated": len(repeated), "column": column}
    if source.evaluation is not None:
        table = _shared(donors, source.evaluation.folds)
        if len(table):
            n = table["donor"].nunique()
            return Observation(
                f"{n} of {len(names)} donors stand on both sides of an outer split, the first "
                f"{table['donor'].iloc[0]}: the models were tested on people they had seen. "
                f"{_remedy(column)} so that each donor stays in one fold.",
                numbers | {"across": n, "splits": len(table.drop_duplicates(["repeat", "fold"]))},
                table,
            )
    if column is None:
        return None
    return Observation(
        f"column {column!r} names {len(repeated)} donors with more than one sample, and is not used as the "
        f"donor column. Say --donor {column}, so that each donor stays in one fold.",
        numbers,
        pd.DataFrame({"donor": repeated, "samples": counts[counts > 1]}),
        "warning",
    )


def near_duplicates(source: Source) -> Observation | None:
    """Two samples far more alike than any two of the cohort, beyond what their class explains.

    Once each probe's class mean is taken away, a pair counts as near-duplicate where its correlation r is

    - at least 0.5: two measurements with that correlation share as much variance as they differ in, which
      is what repeated measurements do and different people do not;
    - an outlier among all pairs: its Fisher z exceeds the median by so many robust deviations as one pair
      in 20 cohorts would by chance (Bonferroni over all pairs, normal tail); and
    - the closest for both samples by 3 robust deviations, so that a subtype, whose samples are all alike,
      is not taken for copies.  Pairs with r above 0.95 need no such lead: there may be three copies.

    Two different samples with all values equal count as well, whatever the rest.

    Follows the idea of Waldron et al. (2016), JNCI 108, djw146 (doppelgänger samples).
    """
    cohort = source.cohort
    pairs = _duplicates(source)
    if len(pairs) == 0:
        return None
    first, second = pairs[:, 0], pairs[:, 1]
    r = source.residual_correlation[first, second]
    donors = cohort.donors
    unknown = np.ones(len(pairs), dtype=bool) if donors is None else donors[first] != donors[second]
    if not unknown.any():
        return None
    pairs, r, first, second = pairs[unknown], r[unknown], first[unknown], second[unknown]
    across = _split_share(source, pairs)
    table = pd.DataFrame(
        {
            "sample": cohort.samples[first],
            "other": cohort.samples[second],
            "class": cohort.labels[first],
            "other_class": cohort.labels[second],
            "r": r,
            "across_a_split": across > 0,
        }
    ).sort_values("r", ascending=False, ignore_index=True)
    split = (
        "" if source.evaluation is None else f", {int((across > 0).sum())} of them on both sides of a split"
    )
    shown = [f"{row['sample']} and {row['other']} (r {row['r']:.2f})" for row in table.to_dict("records")]
    what = "pair of samples is" if len(table) == 1 else "pairs of samples are"
    return Observation(
        f"{len(table)} {what} near-duplicate beyond what the class explains{split}: {listed(shown, 3)}. "
        "Find out whether they come from one donor; if so, name donors with --donor, or keep one of each.",
        {"pairs": len(table), "across": int((across > 0).sum()), "largest_r": float(r.max())},
        table,
        None if source.evaluation is None or (across > 0).any() else "note",
    )


def paired_rows(source: Source) -> Observation | None:
    """Rows that stand in twos, as with two samples of each donor.

    Neighbours in the rows of a class are linked where one is the closest sample of the other, once the class
    is taken away.  Samples measured in order of time are linked on either side; only with pairs do the links
    within twos (rows 1 and 2, 3 and 4 ...) outnumber those between them.  Binomial test at 0.001.
    """
    cohort = source.cohort
    if cohort.donors is not None or cohort.n_samples < 8:
        return None
    r = source.residual_correlation.copy()
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
    p = float(stats.binomtest(len(linked), len(linked) + len(others), share, alternative="greater").pvalue)
    if p > 0.001:
        return None
    across = _split_share(source, linked)
    n_across = int((across > 0).sum())
    strays = _foreign_partners(closest, source)
    swapped = [
        f"{cohort.samples[a]} ({cohort.labels[a]}) and {cohort.samples[b]} ({cohort.labels[b]})"
        for a, b in strays
    ]
    swap = (
        f" Closest to each other across classes are {listed(swapped)}: were samples swapped?"
        if swapped
        else ""
    )
    split = (
        f" In this run {n_across} of these pairs were split between training and test."
        if source.evaluation
        else ""
    )
    return Observation(
        f"the samples seem to stand in pairs: counting the rows of each class off in twos, {len(linked)} of "
        f"{len(within)} pairs are closest to each other, and only {len(others)} of {len(between)} neighbours "
        f"that are no pair (p = {p:.1g}), as with two samples of each donor.{split} If they are, name "
        f"the donors with --donor.{swap}",
        {"pairs": len(linked), "others": len(others), "p": p, "across": n_across, "across_classes": swapped},
        pd.DataFrame(
            {
                "sample": cohort.samples[linked[:, 0]],
                "other": cohort.samples[linked[:, 1]],
                "class": cohort.labels[linked[:, 0]],
                "r": r[linked[:, 0], linked[:, 1]],
                "across_a_split": across > 0,
            }
        ),
    )


def _foreign_partners(closest: IntArray, source: Source) -> IntArray:
    """(n_pairs, 2) samples of different classes that are each other's closest."""
    rows, codes = np.arange(len(closest)), source.cohort.codes
    found = (closest[closest] == rows) & (codes != codes[closest]) & (rows < closest)
    return np.column_stack([rows[found], closest[found]])


def _linked(pairs: IntArray, closest: IntArray) -> BoolArray:
    first, second = pairs.T
    found: BoolArray = (closest[first] == second) | (closest[second] == first)
    return found


def _donors(cohort: Cohort) -> tuple[StrArray | None, str | None]:
    if cohort.donors is not None:
        return cohort.donors, None
    if cohort.covariates is None:
        return None, None
    for column in cohort.covariates.columns:
        plain = "".join(letter for letter in str(column).lower() if letter.isalnum())
        if plain in _DONOR_NAMES and not cohort.covariates[column].isna().any():
            names = cohort.covariates[column].astype(str).to_numpy(dtype=str)
            # A column such as "individual" that says "human" in every row names nobody.
            if len(np.unique(names)) > max(2, len(cohort.classes)):
                return names, str(column)
    return None, None


def _remedy(column: str | None) -> str:
    return "Draw the folds anew with the donors named," if column is None else f"Say --donor {column},"


def _shared(donors: StrArray, folds: Folds) -> pd.DataFrame:
    rows = [
        {"repeat": split.repeat, "fold": split.fold, "donor": str(name)}
        for split in folds.splits
        for name in np.intersect1d(donors[split.train], donors[split.test])
    ]
    return pd.DataFrame(rows, columns=["repeat", "fold", "donor"])


def _duplicates(source: Source) -> IntArray:
    """(n_pairs, 2) rows of near-duplicates, the smaller first."""
    n, z = source.cohort.n_samples, fisher_z(source.residual_correlation)
    if n < 5:
        return _equal_rows(source)
    np.fill_diagonal(z, -np.inf)
    upper = np.triu_indices(n, 1)
    values = z[upper]
    spread = robust_sd(values)
    if spread == 0:
        return _equal_rows(source)
    cut = float(np.median(values)) + spread * float(stats.norm.isf(0.05 / len(values)))
    ranked = np.sort(z, axis=1)[:, ::-1]
    lead = (ranked[:, 0] - ranked[:, 1]) / spread
    closest = z.argmax(axis=1)
    mutual = closest[closest] == np.arange(n)
    leads = np.zeros((n, n), dtype=bool)
    sure = mutual & (lead >= 3) & (lead[closest] >= 3)
    leads[np.flatnonzero(sure), closest[sure]] = True
    r = source.residual_correlation
    found = (z >= cut) & (((r >= 0.5) & leads) | (r >= 0.95))
    pairs = np.argwhere(np.triu(found, 1))
    return np.unique(np.concatenate([pairs, _equal_rows(source)]), axis=0).astype(np.intp)


def _equal_rows(source: Source) -> IntArray:
    matrix = source.matrix
    if matrix.shape[1] < 3:
        return np.empty((0, 2), dtype=np.intp)
    groups: dict[bytes, list[int]] = {}
    for row, values in enumerate(matrix):
        groups.setdefault(values.tobytes(), []).append(row)
    pairs = [(rows[0], other) for rows in groups.values() for other in rows[1:]]
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def _split_share(source: Source, pairs: IntArray) -> FloatArray:
    """(n_pairs,) share of the repeats in which the two samples were held out by different folds."""
    if source.evaluation is None or len(pairs) == 0:
        return np.zeros(len(pairs))
    fold_of = source.evaluation.fold_of
    share: FloatArray = (fold_of[:, pairs[:, 0]] != fold_of[:, pairs[:, 1]]).mean(axis=0)
    return share

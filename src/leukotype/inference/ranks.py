"""Several models on many cohorts, compared by their ranks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from leukotype.arrays import FloatArray
from leukotype.errors import BadValues, InfeasibleDesign
from leukotype.inference.multiplicity import holm


@dataclass(frozen=True)
class Friedman:
    """Do the models differ at all?

    statistic, p     : chi-squared with n_models - 1 degrees of freedom, corrected for ties
    f, p_f           : Iman and Davenport's F, which keeps its level on few cohorts
    """

    statistic: float
    p: float
    f: float
    p_f: float


def mean_ranks(scores: pd.DataFrame, *, higher_is_better: bool = True) -> pd.Series:
    """Mean rank of each model over cohorts, 1 for the best; ties share the mean of their ranks.

    scores : one row a cohort, one column a model
    """
    return pd.Series(_ranks(scores, higher_is_better).mean(axis=0), index=scores.columns, name="mean_rank")


def friedman(scores: pd.DataFrame) -> Friedman:
    """Friedman's test over cohorts (rows) of models (columns).

    Friedman (1937), JASA 32, 675-701; Iman & Davenport (1980), Communications in Statistics A9, 571-595;
    Demšar (2006), Journal of Machine Learning Research 7, 1-30.
    """
    ranks = _ranks(scores, higher_is_better=True)
    n, k = ranks.shape
    within = ((ranks - (k + 1) / 2) ** 2).sum()
    if within == 0:
        return Friedman(0.0, 1.0, 0.0, 1.0)
    between = n * ((ranks.mean(axis=0) - (k + 1) / 2) ** 2).sum()
    statistic = float(n * (k - 1) * between / within)
    left = n * (k - 1) - statistic
    f = float("inf") if left <= 1e-12 * statistic else (n - 1) * statistic / left
    return Friedman(
        statistic,
        float(stats.chi2.sf(statistic, k - 1)),
        f,
        float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))),
    )


def nemenyi(scores: pd.DataFrame) -> pd.DataFrame:
    """P-value of every two models (rows and columns) by the studentised range of their mean ranks.

    Nemenyi (1963), Distribution-free multiple comparisons; Demšar (2006).
    """
    ranks = _ranks(scores, higher_is_better=True)
    n, k = ranks.shape
    means = ranks.mean(axis=0)
    gaps = np.abs(means[:, None] - means) / np.sqrt(k * (k + 1) / (6 * n))
    p = np.ones((k, k))
    for i, j in combinations(range(k), 2):
        # The studentised range is a range of k, not a difference of two: hence the root of 2.
        p[i, j] = p[j, i] = float(stats.studentized_range.sf(gaps[i, j] * np.sqrt(2), k, np.inf))
    return pd.DataFrame(p, index=scores.columns, columns=scores.columns)


def critical_difference(n_models: int, n_cohorts: int, level: float = 0.05) -> float:
    """Return the difference of mean ranks beyond which Nemenyi's test tells two models apart."""
    q = float(stats.studentized_range.ppf(1 - level, n_models, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(n_models * (n_models + 1) / (6 * n_cohorts)))


def wilcoxon(scores: pd.DataFrame) -> pd.DataFrame:
    """Signed-rank test of every two models over cohorts: model_a, model_b, median_difference, p, p_holm.

    Exact where no cohort ties and there are at most 50; differences of 0 are left out.

    Wilcoxon (1945), Biometrics Bulletin 1, 80-83; Benavoli, Corani & Mangili (2016), JMLR 17(5), on why it is
    better than Nemenyi's test where the comparison of two must not depend on a third.
    """
    matrix = _matrix(scores)
    rows = []
    for i, j in combinations(range(matrix.shape[1]), 2):
        difference = matrix[:, i] - matrix[:, j]
        rows.append(
            {
                "model_a": scores.columns[i],
                "model_b": scores.columns[j],
                "median_difference": float(np.median(difference)),
                "p": _signed_rank(difference),
            }
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p"])
    return table


def groups(ranks: pd.Series, difference: float) -> list[tuple[str, ...]]:
    """Return the largest runs of models, from best to worst, whose mean ranks lie within `difference`.

    What the bars of a critical-difference diagram join; a run of one model is left out.
    """
    ordered = ranks.sort_values(kind="stable")
    values, names = ordered.to_numpy(), [str(name) for name in ordered.index]
    found: list[tuple[str, ...]] = []
    furthest = 0
    for start in range(len(names)):
        stop = int(np.searchsorted(values, values[start] + difference, side="right"))
        if stop > max(furthest, start + 1):
            found.append(tuple(names[start:stop]))
        furthest = max(furthest, stop)
    return found


def _signed_rank(difference: FloatArray) -> float:
    # Scores with few decimals tie, and their differences must too.
    difference = np.round(difference, 12)
    moved = difference[difference != 0]
    if len(moved) == 0:
        return 1.0
    tied = len(np.unique(np.abs(moved))) < len(moved)
    method = "exact" if len(moved) <= 50 and not tied and len(moved) == len(difference) else "asymptotic"
    return float(stats.wilcoxon(moved, method=method).pvalue)


def _ranks(scores: pd.DataFrame, higher_is_better: bool) -> FloatArray:
    matrix = _matrix(scores)
    return np.asarray(stats.rankdata(-matrix if higher_is_better else matrix, axis=1))


def _matrix(scores: pd.DataFrame) -> FloatArray:
    matrix = scores.to_numpy(dtype=np.float64)
    if matrix.shape[0] < 2 or matrix.shape[1] < 2:
        raise InfeasibleDesign(
            f"{matrix.shape[0]} cohorts × {matrix.shape[1]} models: at least 2 of each are needed for ranks."
        )
    if np.isnan(matrix).any():
        row, column = np.argwhere(np.isnan(matrix))[0]
        raise BadValues(
            f"model {scores.columns[column]!r} has no score on cohort {scores.index[row]!r}. "
            "Leave the model or the cohort out: ranks need every score."
        )
    return matrix

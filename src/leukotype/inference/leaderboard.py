"""Leaderboard: models on many cohorts, compared by their ranks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from leukotype import metrics
from leukotype.arrays import FloatArray
from leukotype.inference.paired import holm
from leukotype.metrics import Metric

# Smaller differences of scores are rounding errors and count as ties.
_DIGITS = 9
# With fewer cohorts, the approximations of the tests are poor (Demšar 2006, section 3.2).
FEW_COHORTS = 10
N_PERMUTATIONS = 10_000
_BATCH = 500


@dataclass(frozen=True)
class Friedman:
    """Friedman's test of whether the models differ at all.

    statistic, p : chi-squared with n_models - 1 degrees of freedom, corrected for ties
    f, p_f       : Iman and Davenport's F, which is more accurate for few cohorts
    """

    statistic: float
    p: float
    f: float
    p_f: float


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Scores of models on cohorts, with ranks and tests.

    metric : by which models are ranked
    scores : one row per cohort, one column per model; NaN if a model gave no result
    level  : significance level of the tests

    Without two ranked cohorts and two models, there are no tests (`testable`).
    """

    metric: Metric
    scores: pd.DataFrame
    level: float = 0.05

    @classmethod
    def of(cls, scores: pd.DataFrame, metric: str = "balanced_accuracy") -> Leaderboard:
        """Rank the models of a table; raises UnknownName for an unknown metric."""
        return cls(metrics.by_name(metric), scores.astype(np.float64).round(_DIGITS))

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The scores that are ranked, none missing.

        Models without a result on more than half of the cohorts are left out, then cohorts on which one of the
        remaining models has no result.
        """
        missing = self.scores.isna()
        kept = self.scores.loc[:, missing.mean(axis=0) <= 0.5]
        return kept.dropna(axis=0)

    @property
    def n_cohorts(self) -> int:
        """Number of ranked cohorts."""
        return len(self.ranked.index)

    @property
    def unranked_models(self) -> list[str]:
        """Models without a result on more than half of the cohorts."""
        return [str(model) for model in self.scores.columns if model not in self.ranked.columns]

    @property
    def unranked_cohorts(self) -> list[str]:
        """Cohorts on which a ranked model has no result."""
        return [str(cohort) for cohort in self.scores.index if cohort not in self.ranked.index]

    @property
    def testable(self) -> bool:
        return min(self.ranked.shape) >= 2

    @cached_property
    def mean_ranks(self) -> pd.Series:
        """Mean rank of each model, ascending; 1 is best."""
        if self.ranked.empty:
            return pd.Series(dtype=np.float64, name="mean_rank")
        means = _ranks(self.ranked, higher_is_better=self.metric.higher_is_better).mean(axis=0)
        return pd.Series(means, self.ranked.columns, name="mean_rank").sort_values(kind="stable")

    @cached_property
    def table(self) -> pd.DataFrame:
        """Models by mean rank: model, mean_rank, wins, shared, mean, median, cohorts.

        wins    : cohorts on which the model alone is best
        shared  : cohorts on which it ties for best
        cohorts : cohorts on which it has a result; mean and median are over these
        """
        best = self.ranked.max(axis=1) if self.metric.higher_is_better else self.ranked.min(axis=1)
        is_best = self.ranked.eq(best, axis=0)
        alone = is_best.sum(axis=1) == 1
        rows = [
            {
                "model": model,
                "mean_rank": rank,
                "wins": int((is_best[model] & alone).sum()),
                "shared": int((is_best[model] & ~alone).sum()),
                **self._of_scores(str(model)),
            }
            for model, rank in self.mean_ranks.items()
        ]
        rows += [
            {"model": model, "mean_rank": np.nan, "wins": 0, "shared": 0, **self._of_scores(model)}
            for model in self.unranked_models
        ]
        return pd.DataFrame(rows)

    def _of_scores(self, model: str) -> dict[str, float | int]:
        own = self.scores[model].dropna()
        return {
            "mean": float(own.mean()) if len(own) else np.nan,
            "median": float(own.median()) if len(own) else np.nan,
            "cohorts": len(own),
        }

    @cached_property
    def friedman(self) -> Friedman | None:
        return friedman(self.ranked) if self.testable else None

    @cached_property
    def p(self) -> float:
        """Permutation p-value of Friedman's test; NaN without tests.

        p = (b + 1) / (m + 1), where the models differ at least as much in b of m permutations of the ranks within
        cohorts.  Valid for any number of cohorts; chi-squared and F are approximations that fail for few.
        """
        if not self.testable:
            return float("nan")
        own = self.ranked.rank(axis=1).to_numpy()
        observed = ((own.mean(axis=0) - own.mean()) ** 2).sum()
        rng = np.random.default_rng(0)
        n_at_least = 0
        for _ in range(N_PERMUTATIONS // _BATCH):
            shuffled = rng.permuted(np.broadcast_to(own, (_BATCH, *own.shape)), axis=2)
            spread = ((shuffled.mean(axis=1) - own.mean()) ** 2).sum(axis=1)
            n_at_least += int((spread >= observed * (1 - 1e-9)).sum())
        return (n_at_least + 1) / (N_PERMUTATIONS + 1)

    @cached_property
    def critical_difference(self) -> float | None:
        """Smallest significant difference of mean ranks by Nemenyi's test; None without tests."""
        if not self.testable:
            return None
        n_cohorts, n_models = self.ranked.shape
        return critical_difference(n_models, n_cohorts, self.level)

    @cached_property
    def groups(self) -> list[tuple[str, ...]]:
        """Runs of models without a significant difference by Nemenyi's test, best first; empty without tests."""
        if self.critical_difference is None:
            return []
        return groups(self.mean_ranks, self.critical_difference)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Every pair of models: model_a, model_b, median_difference, p, p_holm (signed ranks), p_nemenyi.

        median_difference : score of A minus score of B

        Empty without tests.
        """
        if not self.testable:
            columns = ["model_a", "model_b", "median_difference", "p", "p_holm", "p_nemenyi"]
            return pd.DataFrame(columns=columns)
        by_rank = self.ranked[list(self.mean_ranks.index)]
        table, p = wilcoxon(by_rank), nemenyi(by_rank)
        # Pairs are the rows of the upper triangle.
        table["p_nemenyi"] = p.to_numpy()[np.triu_indices(len(p), 1)]
        return table


def friedman(scores: pd.DataFrame) -> Friedman:
    """Friedman's test over cohorts (rows) of models (columns).

    Friedman (1937), JASA 32, 675-701; Iman & Davenport (1980), Communications in Statistics A9, 571-595;
    Demšar (2006), Journal of Machine Learning Research 7, 1-30.
    """
    ranks = _ranks(scores)
    n, k = ranks.shape
    within = ((ranks - (k + 1) / 2) ** 2).sum()
    if within == 0:
        return Friedman(0.0, 1.0, 0.0, 1.0)
    between = n * ((ranks.mean(axis=0) - (k + 1) / 2) ** 2).sum()
    statistic = float(n * (k - 1) * between / within)
    left = n * (k - 1) - statistic
    f = float("inf") if left <= 1e-12 * statistic else (n - 1) * statistic / left
    p_f = float(stats.f.sf(f, k - 1, (k - 1) * (n - 1)))
    return Friedman(statistic, float(stats.chi2.sf(statistic, k - 1)), f, p_f)


def nemenyi(scores: pd.DataFrame) -> pd.DataFrame:
    """P-value of every pair of models (rows and columns) by the studentised range of their mean ranks.

    Nemenyi (1963), Distribution-free multiple comparisons; Demšar (2006).
    """
    ranks = _ranks(scores)
    n, k = ranks.shape
    means = ranks.mean(axis=0)
    gaps = np.abs(means[:, None] - means) / np.sqrt(k * (k + 1) / (6 * n))
    p = np.ones((k, k))
    for i, j in combinations(range(k), 2):
        # The studentised range is in standard deviations of one mean rank, not of a difference of two: hence the root.
        p[i, j] = p[j, i] = float(stats.studentized_range.sf(gaps[i, j] * np.sqrt(2), k, np.inf))
    return pd.DataFrame(p, index=scores.columns, columns=scores.columns)


def critical_difference(n_models: int, n_cohorts: int, level: float = 0.05) -> float:
    """Return the smallest significant difference of mean ranks by Nemenyi's test."""
    q = float(stats.studentized_range.ppf(1 - level, n_models, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(n_models * (n_models + 1) / (6 * n_cohorts)))


def wilcoxon(scores: pd.DataFrame) -> pd.DataFrame:
    """Signed-rank test of every pair of models over cohorts: model_a, model_b, median_difference, p, p_holm.

    Exact for at most 50 cohorts without ties; differences of 0 are left out.

    Wilcoxon (1945), Biometrics Bulletin 1, 80-83; Benavoli, Corani & Mangili (2016), JMLR 17(5): unlike Nemenyi's test,
    the comparison of two models does not depend on the others.
    """
    rows = []
    for a, b in combinations(scores.columns, 2):
        difference = scores[a].to_numpy(dtype=np.float64) - scores[b].to_numpy(dtype=np.float64)
        rows.append(
            {
                "model_a": a,
                "model_b": b,
                "median_difference": float(np.median(difference)),
                "p": _signed_rank(difference),
            }
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p"])
    return table


def groups(mean_ranks: pd.Series, difference: float) -> list[tuple[str, ...]]:
    """Return the largest runs of two or more models whose mean ranks lie within `difference`, best first.

    These are the bars of a critical-difference diagram.
    """
    ordered = mean_ranks.sort_values(kind="stable")
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
    # Rounded, because differences of tied scores must tie.
    difference = np.round(difference, 12)
    moved = difference[difference != 0]
    if len(moved) == 0:
        return 1.0
    tied = len(np.unique(np.abs(moved))) < len(moved)
    method = "exact" if len(moved) <= 50 and not tied and len(moved) == len(difference) else "asymptotic"
    return float(stats.wilcoxon(moved, method=method).pvalue)


def _ranks(scores: pd.DataFrame, higher_is_better: bool = True) -> FloatArray:
    """(n_cohorts, n_models) ranks within each cohort, 1 for the best; ties share the mean of their ranks."""
    matrix = scores.to_numpy(dtype=np.float64)
    return np.asarray(stats.rankdata(-matrix if higher_is_better else matrix, axis=1))

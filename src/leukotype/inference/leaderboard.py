"""Leaderboard: several models on many cohorts, ranked, with what the ranks can bear."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from leukotype import metrics
from leukotype.inference import ranks
from leukotype.inference.ranks import Friedman
from leukotype.metrics import Metric

# Scores that differ by less have tied: the rest is rounding in the last digits.
_DIGITS = 9
# With fewer cohorts the approximations behind the tests are poor (Demšar 2006, section 3.2).
FEW_COHORTS = 10
N_PERMUTATIONS = 10_000
_BATCH = 500


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Scores of models on cohorts, and everything that follows from them alone.

    metric : by which models are ranked
    scores : one row a cohort, one column a model; NaN where a model gave no result
    level  : of the tests
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

        Ranks need every score.  A model without a result on more than half of the cohorts is left out; of the cohorts,
        those where a model that stayed has none.
        """
        missing = self.scores.isna()
        kept = self.scores.loc[:, missing.mean(axis=0) <= 0.5]
        return kept.dropna(axis=0)

    @property
    def n_cohorts(self) -> int:
        """Number of cohorts that are ranked."""
        return len(self.ranked.index)

    @property
    def unranked_models(self) -> list[str]:
        """Models without a result on more than half of the cohorts."""
        return [str(model) for model in self.scores.columns if model not in self.ranked.columns]

    @property
    def unranked_cohorts(self) -> list[str]:
        """Cohorts on which some ranked model has no result."""
        return [str(cohort) for cohort in self.scores.index if cohort not in self.ranked.index]

    @property
    def testable(self) -> bool:
        """Whether there are two cohorts and two models, without which nothing can be ranked."""
        return min(self.ranked.shape) >= 2

    @cached_property
    def mean_ranks(self) -> pd.Series:
        """Mean rank of each model, 1 for the best, in that order."""
        if self.ranked.empty:
            return pd.Series(dtype=np.float64, name="mean_rank")
        if not self.testable:
            order = self.ranked.rank(axis=1, ascending=not self.metric.higher_is_better).mean(axis=0)
        else:
            order = ranks.mean_ranks(self.ranked, higher_is_better=self.metric.higher_is_better)
        return order.rename("mean_rank").sort_values(kind="stable")

    @cached_property
    def table(self) -> pd.DataFrame:
        """Models by mean rank: model, mean_rank, wins, shared, mean, median, cohorts.

        wins   : cohorts on which the model alone is best
        shared : cohorts on which it is best together with others
        cohorts : on which it has a result; mean and median are over these
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
        """Whether the models differ at all; None where there is too little to rank."""
        return ranks.friedman(self.ranked) if self.testable else None

    @cached_property
    def p(self) -> float:
        """Friedman's test by permutation: p = (b + 1) / (m + 1), where b of m shuffles of the ranks within cohorts
        differ at least as much; nan where there is too little to rank.

        Valid for any number of cohorts, where chi-squared and F are approximations that fail for a few.
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
        """Difference of mean ranks beyond which Nemenyi's test tells two models apart; None as above."""
        if not self.testable:
            return None
        n_cohorts, n_models = self.ranked.shape
        return ranks.critical_difference(n_models, n_cohorts, self.level)

    @cached_property
    def groups(self) -> list[tuple[str, ...]]:
        """Runs of models that Nemenyi's test does not tell apart, the best first."""
        if self.critical_difference is None:
            return []
        return ranks.groups(self.mean_ranks, self.critical_difference)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Every two models: model_a, model_b, median_difference, p, p_holm (signed ranks), p_nemenyi; may be empty.

        median_difference : of the scores, A minus B
        """
        if not self.testable:
            columns = ["model_a", "model_b", "median_difference", "p", "p_holm", "p_nemenyi"]
            return pd.DataFrame(columns=columns)
        by_rank = self.ranked[list(self.mean_ranks.index)]
        table, nemenyi = ranks.wilcoxon(by_rank), ranks.nemenyi(by_rank)
        # Pairs come row by row of the upper triangle.
        table["p_nemenyi"] = nemenyi.to_numpy()[np.triu_indices(len(nemenyi), 1)]
        return table

"""Paired comparison of two models on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from leukotype.arrays import FloatArray
from leukotype.claims import clopper_pearson
from leukotype.cohort import Cohort
from leukotype.errors import InfeasibleDesign
from leukotype.evaluation import Evaluation
from leukotype.inference.fold_scores import checked_names, fold_scores, scalar_metric


@dataclass(frozen=True)
class PairedT:
    """A mean difference with its 95 % interval; p is two-sided.

    If all differences are equal, there is no variance: the interval is NaN, and p is 1 if they are 0, else NaN.
    """

    difference: float
    low: float
    high: float
    statistic: float
    p: float


@dataclass(frozen=True)
class Posterior:
    """Probabilities that A is better, that both are practically equivalent, and that B is better."""

    a_better: float
    equivalent: float
    b_better: float


@dataclass(frozen=True)
class Discordance:
    """Number of units that each model classifies better than the other, and the exact two-sided p."""

    only_a: int
    only_b: int
    p: float


def corrected_t(differences: ArrayLike, *, n_test: float, n_train: float, level: float = 0.95) -> PairedT:
    """Paired t test of resampled scores, corrected for overlapping training sets.

    differences : (n_resamples,) score of A minus score of B; positive favours A
    n_test, n_train : mean number of samples in test and training set

    The variance of the mean is inflated from 1/n_resamples to 1/n_resamples + n_test/n_train.

    Nadeau & Bengio (2003), Machine Learning 52, 239-281.
    """
    mean, spread, df = _moments(differences, n_test, n_train)
    if spread == 0:
        p, statistic = (1.0, 0.0) if mean == 0 else (float("nan"), float(np.copysign(np.inf, mean)))
        return PairedT(mean, float("nan"), float("nan"), statistic, p)
    statistic = mean / spread
    half = float(stats.t.ppf(1 - (1 - level) / 2, df)) * spread
    return PairedT(mean, mean - half, mean + half, statistic, float(2 * stats.t.sf(abs(statistic), df)))


def correlated_t(differences: ArrayLike, *, n_test: float, n_train: float, rope: float = 0.0) -> Posterior:
    """Bayesian correlated t test: posterior probabilities of the mean difference below, within and above the rope.

    differences, n_test, n_train : as in `corrected_t`; the correlation is n_test / (n_test + n_train)
    rope : half the width of the region of practical equivalence, in units of the score

    All probabilities are NaN if all differences are equal: equal scores of a few folds do not show equivalence.
    With rope 0 and a flat prior, a_better is one minus the one-sided p-value of `corrected_t`.

    Benavoli, Corani, Demšar & Zaffalon (2017), Journal of Machine Learning Research 18(77).
    """
    if rope < 0:
        raise InfeasibleDesign(f"rope is {rope:g}. Use 0 or more.")
    mean, spread, df = _moments(differences, n_test, n_train)
    if spread == 0:
        return Posterior(float("nan"), float("nan"), float("nan"))
    worse, better = stats.t.cdf(-rope, df, mean, spread), stats.t.sf(rope, df, mean, spread)
    return Posterior(float(better), float(max(1 - worse - better, 0.0)), float(worse))


def mcnemar(right_a: ArrayLike, right_b: ArrayLike, units: ArrayLike | None = None) -> Discordance:
    """McNemar's exact test of two models' predictions for the same samples.

    right_a, right_b : (n_repeats, n_samples) whether each prediction was correct
    units            : (n_samples,) donor of each sample; None if each sample is a unit

    A unit counts for the model that was correct more often over its samples and all repeats, so repeats add no units.
    With one repeat and no donors, this is McNemar's test; otherwise the sign test, which generalises it.

    McNemar (1947), Psychometrika 12, 153-157; Dietterich (1998), Neural Computation 10, 1895-1923.
    """
    a, b = (np.atleast_2d(np.asarray(right, dtype=np.int64)) for right in (right_a, right_b))
    balance = (a - b).sum(axis=0)
    if units is not None:
        balance = np.bincount(np.unique(np.asarray(units), return_inverse=True)[1], weights=balance)
    only_a, only_b = int((balance > 0).sum()), int((balance < 0).sum())
    p = 1.0 if only_a + only_b == 0 else float(stats.binomtest(only_a, only_a + only_b).pvalue)
    return Discordance(only_a, only_b, p)


def disagreement(
    right_a: ArrayLike, right_b: ArrayLike, cohort: Cohort, *, by_class: bool
) -> tuple[float, float]:
    """Return how far a difference in correct calls may lie below and above the observed one, at 95 %.

    right_a, right_b : (n_repeats, n_samples) whether each prediction was correct
    by_class         : whether the score is the mean of the classes' shares

    From the exact limits of the shares of units that only one model classified correctly, combined by MOVER.

    Zou & Donner (2008), Statistics in Medicine 27, 1693-1702.
    """
    groups = (
        [np.flatnonzero(cohort.codes == k) for k in range(len(cohort.classes))] if by_class else [slice(None)]
    )
    below = above = 0.0
    for rows in groups:
        units = None if cohort.donors is None else cohort.donors[rows]
        a, b = (np.atleast_2d(np.asarray(right))[:, rows] for right in (right_a, right_b))
        found = mcnemar(a, b, units)
        n = a.shape[1] if units is None else len(np.unique(units))
        low_a, high_a = clopper_pearson(found.only_a, n)
        low_b, high_b = clopper_pearson(found.only_b, n)
        share_a, share_b = found.only_a / n, found.only_b / n
        below += (share_a - low_a) ** 2 + (high_b - share_b) ** 2
        above += (high_a - share_a) ** 2 + (share_b - low_b) ** 2
    return float(np.sqrt(below)) / len(groups), float(np.sqrt(above)) / len(groups)


def compare(
    evaluation: Evaluation,
    metric: str = "balanced_accuracy",
    *,
    models: Sequence[str] | None = None,
    rope: float = 0.01,
) -> pd.DataFrame:
    """Compare every pair of models on the same folds; one row per pair.

    model_a, model_b, metric
    difference, low, high : mean over the test sets and its corrected t interval; positive favours A, also for losses.
                            If all folds have one difference: the disagreement that the number of units allows
                            (`disagreement`), NaN for metrics that are no shares of correct calls
    t, p_t, p_t_holm      : corrected resampled t test
    a_better, equivalent, b_better : posterior probabilities; differences within `rope` count as equivalent
    only_a, only_b, p_mcnemar, p_mcnemar_holm : see `mcnemar`

    Holm's adjustment is over the rows of the table.  Raises UnknownName for an unknown metric or model,
    InfeasibleDesign for fewer than 2 models.
    """
    chosen, scalar = checked_names(evaluation, models), scalar_metric(metric)
    if len(chosen) < 2:
        raise InfeasibleDesign(f"{len(chosen)} model cannot be compared. Name at least 2 models.")
    sign = 1.0 if scalar.higher_is_better else -1.0
    scores = {model: sign * fold_scores(evaluation, model, scalar) for model in chosen}
    right = {model: evaluation.predicted(model) == evaluation.cohort.codes for model in chosen}
    splits = evaluation.folds.splits
    sizes = {
        "n_test": float(np.mean([len(split.test) for split in splits])),
        "n_train": float(np.mean([len(split.train) for split in splits])),
    }
    rows: list[dict[str, Any]] = []
    for a, b in combinations(chosen, 2):
        t = corrected_t(scores[a] - scores[b], **sizes)
        belief = correlated_t(scores[a] - scores[b], **sizes, rope=rope)
        discordance = mcnemar(right[a], right[b], evaluation.cohort.donors)
        if np.isnan(t.low) and scalar.interval in ("Clopper-Pearson", "MOVER-exact"):
            below, above = disagreement(
                right[a], right[b], evaluation.cohort, by_class=scalar.interval == "MOVER-exact"
            )
            t = replace(t, low=max(t.difference - below, -1.0), high=min(t.difference + above, 1.0))
        rows.append(
            {"model_a": a, "model_b": b, "metric": metric}
            | {"difference": t.difference, "low": t.low, "high": t.high, "t": t.statistic, "p_t": t.p}
            | {"p_t_holm": np.nan, **vars(belief)}
            | {"only_a": discordance.only_a, "only_b": discordance.only_b, "p_mcnemar": discordance.p}
        )
    table = pd.DataFrame(rows)
    table["p_t_holm"] = holm(table["p_t"])
    table["p_mcnemar_holm"] = holm(table["p_mcnemar"])
    return table


def holm(p: ArrayLike) -> FloatArray:
    """(n,) p-values adjusted so that the probability of any false rejection stays below the level.

    NaN stays NaN but counts as a test.

    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _moments(differences: ArrayLike, n_test: float, n_train: float) -> tuple[float, float, int]:
    """Mean, corrected standard error and degrees of freedom."""
    values: FloatArray = np.asarray(differences, dtype=np.float64)
    if len(values) < 2:
        raise InfeasibleDesign(
            f"there is {len(values)} outer split, but a test needs at least 2. Use more folds."
        )
    mean = float(values.mean())
    deviation = float(values.std(ddof=1))
    # The spread of equal differences is rounding error.
    if deviation <= 1e-12 * max(float(np.abs(values).max()), 1e-300):
        return float(values[0]), 0.0, len(values) - 1
    return mean, deviation * float(np.sqrt(1 / len(values) + n_test / n_train)), len(values) - 1

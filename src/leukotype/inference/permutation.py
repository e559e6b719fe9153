"""Permutation test of the whole nested procedure, including tuning and the choice of `auto`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leukotype import execution
from leukotype.arrays import FloatArray, IntArray, StrArray
from leukotype.cohort import Cohort
from leukotype.errors import InfeasibleDesign
from leukotype.evaluation import AUTO, Evaluation, choose
from leukotype.execution import Engine
from leukotype.inference.fold_scores import scalar_metric
from leukotype.inference.refitting import fitted_models, name_number, refit, workers
from leukotype.metrics import Metric, Scored, intervals
from leukotype.models import Model
from leukotype.recipes import Recipe
from leukotype.resampling import OuterFold

# A thousand permutations of these take minutes.
QUICK = ("logistic", "centroids", "knn", "svm", "majority", "single-probe", AUTO)
# Default and maximum for the others, which take seconds per permutation.
MOST_SLOW = 99


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """Scores on the real labels and on permuted ones.

    observed : score of each model on the first repeat of the folds
    null     : (n_permutations,) scores of each model on permuted labels
    distinct : number of different label vectors among the permutations and the real labels
    """

    metric: Metric
    observed: dict[str, float]
    null: dict[str, FloatArray]
    distinct: int

    def p(self, model: str) -> float:
        """(b + 1) / (m + 1): b of m permutations score at least as well as the real labels."""
        return _p(self._sign * self.observed[model], self._sign * self.null[model])

    def p_best(self, model: str) -> float:
        """P-value against the best model of each permutation, which adjusts for the number of models.

        Westfall & Young (1993), Resampling-Based Multiple Testing.
        """
        common = min(len(null) for null in self.null.values())
        best = np.max([self._sign * null[:common] for null in self.null.values()], axis=0)
        return _p(self._sign * self.observed[model], best)

    def table(self) -> pd.DataFrame:
        """One row per model: model, metric, observed, null_mean, p, p_best, n_permutations and

        null_best     : 95 % quantile of the permuted scores, counted towards better scores
        p_low, p_high : 95 % interval of p, given the number m of permutations
        resolution    : the smallest possible p, 1 / (m + 1)
        """
        rows = []
        for model, null in self.null.items():
            p, m = self.p(model), len(null)
            low, high = intervals.clopper_pearson(p * (m + 1) - 1, m)
            rows.append(
                {
                    "model": model,
                    "metric": self.metric.name,
                    "observed": self.observed[model],
                    "null_mean": float(null.mean()),
                    "null_best": float(self._sign * np.quantile(self._sign * null, 0.95)),
                    "p": p,
                    "p_low": low,
                    "p_high": high,
                    "p_best": self.p_best(model),
                    "n_permutations": m,
                    "resolution": 1 / (m + 1),
                }
            )
        return pd.DataFrame(rows)

    @property
    def _sign(self) -> float:
        return 1.0 if self.metric.higher_is_better else -1.0


def permutation_test(
    evaluation: Evaluation, metric: str = "balanced_accuracy", **options: Any
) -> PermutationTest:
    """Run `permutation_tests` for one metric."""
    return permutation_tests(evaluation, (metric,), **options)[metric]


def permutation_tests(
    evaluation: Evaluation,
    metrics: Sequence[str] = ("balanced_accuracy", "log_loss"),
    *,
    models: Sequence[str | Model] | None = None,
    n_permutations: int | Mapping[str, int] | None = None,
    seed: int = 0,
    jobs: int | Engine | None = None,
) -> dict[str, PermutationTest]:
    """Run the whole nested procedure on permuted labels, once for several metrics; this refits.

    models         : names or `Model` objects; by default all of the evaluation.  `auto` chooses anew each time
    n_permutations : for all models, or by name; by default 1,000 for models of QUICK and `MOST_SLOW` for the others
    jobs           : worker processes or an engine; all cores by default.  The result does not depend on it

    Each permutation exchanges the expression of samples and keeps labels, donors, outer and inner folds, so that every
    permutation has the design of the real run.  With donors, see `exchange`.  Only the first repeat of the folds is
    used, for the real labels too.

    Ojala & Garriga (2010), Journal of Machine Learning Research 11, 1833-1863; Phipson & Smyth (2010), Stat.
    Appl. Genet. Mol. Biol. 9(1), 39, on the p-value; Winkler et al. (2015), NeuroImage 123, 253-268, on blocks.

    Raises InfeasibleDesign if donors leave nothing to permute.
    """
    scalars = tuple(scalar_metric(metric) for metric in metrics)
    chosen = fitted_models(evaluation, models)
    with_auto = AUTO in map(str, evaluation.models if models is None else models)
    names = [model.name for model in chosen] + ([AUTO] if with_auto else [])
    wanted = {name: _count(name, n_permutations) for name in names}
    if with_auto:
        wanted[AUTO] = min(wanted.values())
    splits = tuple(split for split in evaluation.folds.splits if split.repeat == 0)
    cohort = evaluation.cohort
    orders = [exchange(cohort.donors, cohort.n_samples, seed, b) for b in range(max(wanted.values()))]
    check_permutable(cohort, seed)
    distinct = _distinct(orders, cohort.codes)
    tasks = [
        _Permutation(
            tuple(evaluation.recipe(model) for model in chosen if wanted[model.name] > number),
            with_auto and wanted[AUTO] > number,
            number,
            seed,
            order,
            cohort.codes,
            splits,
            scalars,
        )
        for number, order in enumerate(orders)
    ]
    found = execution.run(_work, cohort.expression, tasks, jobs=workers(jobs))
    tests = {}
    for number, metric in enumerate(scalars):
        null = {name: np.array([scores[name][number] for scores in found[: wanted[name]]]) for name in names}
        observed = {name: float(metric.value(evaluation.scored(name)[0])) for name in names}
        tests[metric.name] = PermutationTest(metric, observed, null, distinct)
    return tests


def check_permutable(cohort: Cohort, seed: int = 0) -> None:
    """Raise InfeasibleDesign if donors leave nothing to permute."""
    # If there is anything to permute, each of these is the original order with a probability of at most one half.
    orders = [exchange(cohort.donors, cohort.n_samples, seed, number) for number in range(64)]
    if _distinct(orders, cohort.codes) < 2:
        raise InfeasibleDesign(
            "donors leave nothing to permute: no two donors have the same number of samples, and no donor has samples "
            "of two classes. Leave out --permutations."
        )


def exchange(donors: StrArray | None, n_samples: int, seed: int, number: int) -> IntArray:
    """(n_samples,) the sample whose expression replaces that of each sample in permutation `number`.

    Whole donors are exchanged with donors of the same number of samples, and samples within their donor.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    if donors is None:
        return rng.permutation(n_samples).astype(np.intp)
    rows_of = [np.flatnonzero(donors == donor) for donor in np.unique(donors)]
    order = np.empty(n_samples, dtype=np.intp)
    for size in sorted({len(rows) for rows in rows_of}):
        alike = [rows for rows in rows_of if len(rows) == size]
        for place, taken in zip(alike, rng.permutation(len(alike)), strict=True):
            order[place] = rng.permutation(alike[taken])
    return order


@dataclass(frozen=True, eq=False)
class _Permutation:
    """One permutation for several recipes, which share its folds."""

    recipes: tuple[Recipe, ...]
    with_auto: bool
    number: int
    seed: int
    order: IntArray
    codes: IntArray
    splits: tuple[OuterFold, ...]
    metrics: tuple[Metric, ...]


def _work(matrix: FloatArray, task: _Permutation) -> dict[str, list[float]]:
    """Scores of each model by each metric."""
    codes = np.empty_like(task.codes)
    codes[task.order] = task.codes
    shape = (len(codes), int(codes.max()) + 1)
    names = [recipe.model.name for recipe in task.recipes] + ([AUTO] if task.with_auto else [])
    filled = {name: np.empty(shape) for name in names}
    for split in task.splits:
        moved = _moved(split, task.order)
        fits = []
        for recipe in task.recipes:
            entropy = (task.seed, task.number, name_number(recipe.model.name), split.fold)
            fits.append(refit(matrix, recipe, moved, codes, entropy))
            filled[recipe.model.name][moved.test] = fits[-1].probabilities
        if task.with_auto:
            filled[AUTO][moved.test] = fits[choose([fit.inner_losses for fit in fits])].probabilities
    scored = {name: Scored(codes, p.argmax(axis=1), p) for name, p in filled.items()}
    return {name: [float(m.value(s)) for m in task.metrics] for name, s in scored.items()}


def _moved(split: OuterFold, order: IntArray) -> OuterFold:
    inner = tuple((order[train], order[test]) for train, test in split.inner)
    return OuterFold(split.repeat, split.fold, order[split.train], order[split.test], inner)


def _count(name: str, wanted: int | Mapping[str, int] | None) -> int:
    default = 1000 if name in QUICK else MOST_SLOW
    count = wanted if isinstance(wanted, int) else (wanted or {}).get(name, default)
    if count < 1:
        raise InfeasibleDesign(f"the number of permutations of {name} is {count}. Use at least 1.")
    return count


def _distinct(orders: Sequence[IntArray], codes: IntArray) -> int:
    return len({codes[np.argsort(order)].tobytes() for order in orders} | {codes.tobytes()})


def _p(observed: float, null: FloatArray) -> float:
    # Equal scores may differ in the last digit, because sums depend on the order.
    at_least = int((null >= observed - 1e-12).sum())
    return (at_least + 1) / (len(null) + 1)

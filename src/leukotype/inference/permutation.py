"""Permutation test of the whole nested procedure: tuning, choosing and all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leukotype import execution
from leukotype.arrays import FloatArray, IntArray, StrArray
from leukotype.cohort import Cohort
from leukotype.errors import InfeasibleDesign
from leukotype.evaluation import Evaluation
from leukotype.evaluation.auto import AUTO, choose
from leukotype.execution import Engine
from leukotype.inference.fold_scores import fitted_models, single
from leukotype.inference.splits import name_number, refit, workers
from leukotype.metrics import Metric, Scored, intervals
from leukotype.models import Model
from leukotype.recipes import Recipe
from leukotype.resampling import OuterFold

# Solvers in the span of the samples: a thousand of these take minutes.  Trees take that long for a hundred.
QUICK = ("logistic", "centroids", "knn", "svm", "majority", "single-probe", AUTO)
# Of the others, which take seconds for each permutation.
MOST_SLOW = 99


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """Scores on the real labels and on permuted ones.

    observed : score of each model on the first repeat of the folds
    null     : (n_permutations,) scores of each model on permuted labels
    distinct : number of different arrangements of the labels among the permutations
    """

    metric: Metric
    observed: dict[str, float]
    null: dict[str, FloatArray]
    distinct: int

    def p(self, model: str) -> float:
        """(b + 1) / (m + 1): b of m permutations score at least as well as the real labels."""
        return _p(self._sign * self.observed[model], self._sign * self.null[model])

    def p_best(self, model: str) -> float:
        """P-value against the best of all models on each permutation: adjusted for having tried them all.

        Westfall & Young (1993), Resampling-Based Multiple Testing.
        """
        common = min(len(null) for null in self.null.values())
        best = np.max([self._sign * null[:common] for null in self.null.values()], axis=0)
        return _p(self._sign * self.observed[model], best)

    def table(self) -> pd.DataFrame:
        """One row a model: observed, null_mean, null_best (its 95 % quantile in the good direction), p, p_best.

        p_low, p_high : 95 % interval of p for the number of permutations
        resolution    : the smallest p that they can show, 1 / (m + 1)
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
    """Run the whole nested procedure on permuted labels, for one metric; options as of `permutation_tests`."""
    return permutation_tests(evaluation, (metric,), **options)[metric]


def permutation_tests(
    evaluation: Evaluation,
    metrics: Sequence[str] = ("balanced_accuracy", "log_loss"),
    *,
    models: Sequence[str | Model] | None = None,
    n_permutations: int | Mapping[str, int] | None = None,
    seed: int = 0,
    jobs: int | Engine | None = None,
    on_done: Callable[[int], None] | None = None,
) -> dict[str, PermutationTest]:
    """Run the whole nested procedure on permuted labels, once for several metrics; this refits.

    models         : names, or `Model` entries of one's own; by default all of the evaluation.  `auto` is chosen
                     anew on each permutation from the others that were permuted as often
    n_permutations : for all models, or by name; by default 1,000 for solvers in the span of the samples and 99
                     for the others
    jobs           : worker processes; all cores by default; the result does not depend on it
    on_done        : called with the number of each permutation as it is done, in no fixed order

    Labels and folds move together: each permutation exchanges the expression of samples under one fixed frame of
    labels, donors, outer and inner folds, so every permutation has the very design of the real run.  Where
    donors are known, whole donors change places with donors of as many samples, and samples within donors.  The
    first repeat of the folds is used, for the real labels too.

    Ojala & Garriga (2010), Journal of Machine Learning Research 11, 1833-1863; Phipson & Smyth (2010), Stat.
    Appl. Genet. Mol. Biol. 9(1), 39, on the p-value; Winkler et al. (2015), NeuroImage 123, 253-268, on blocks.

    Raises InfeasibleDesign where donors leave nothing to permute.
    """
    judged = tuple(single(metric) for metric in metrics)
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
            judged,
        )
        for number, order in enumerate(orders)
    ]
    finished = None if on_done is None else (lambda done: on_done(done[0]))
    found = execution.run(_work, cohort.expression, tasks, jobs=workers(jobs), on_done=finished)
    tests = {}
    for number, metric in enumerate(judged):
        null = {
            name: np.array([scores[name][number] for _, scores in found[: wanted[name]]]) for name in names
        }
        observed = {name: float(metric.value(evaluation.scored(name)[0])) for name in names}
        tests[metric.name] = PermutationTest(metric, observed, null, distinct)
    return tests


def check_permutable(cohort: Cohort, seed: int = 0) -> None:
    """Raise InfeasibleDesign where donors leave nothing to permute."""
    # With anything to permute, each of these is the order as it stands with a chance of one half at most.
    orders = [exchange(cohort.donors, cohort.n_samples, seed, number) for number in range(64)]
    if _distinct(orders, cohort.codes) < 2:
        raise InfeasibleDesign(
            "donors leave nothing to permute: no two of them have as many samples, and none has two labels. "
            "Leave out --permutations."
        )


def exchange(donors: StrArray | None, n_samples: int, seed: int, number: int) -> IntArray:
    """(n_samples,) which sample's expression takes the place of each sample in permutation `number`.

    Whole donors change places with donors of as many samples, and samples within their donor.
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
    """One permutation of several recipes, which share its folds."""

    recipes: tuple[Recipe, ...]
    with_auto: bool
    number: int
    seed: int
    order: IntArray
    codes: IntArray
    splits: tuple[OuterFold, ...]
    metrics: tuple[Metric, ...]


def _work(matrix: FloatArray, task: _Permutation) -> tuple[int, dict[str, list[float]]]:
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
    return task.number, {name: [float(m.value(s)) for m in task.metrics] for name, s in scored.items()}


def _moved(split: OuterFold, order: IntArray) -> OuterFold:
    inner = tuple((order[train], order[test]) for train, test in split.inner)
    return OuterFold(split.repeat, split.fold, order[split.train], order[split.test], inner)


def _count(name: str, wanted: int | Mapping[str, int] | None) -> int:
    default = 1000 if name in QUICK else MOST_SLOW
    count = wanted if isinstance(wanted, int) else (wanted or {}).get(name, default)
    if count < 1:
        raise InfeasibleDesign(f"{count} permutations of {name} were asked for, and at least 1 is needed.")
    return count


def _distinct(orders: Sequence[IntArray], codes: IntArray) -> int:
    return len({codes[np.argsort(order)].tobytes() for order in orders} | {codes.tobytes()})


def _p(observed: float, null: FloatArray) -> float:
    # Equal scores reached by sums in another order may differ in the last digit.
    at_least = int((null >= observed - 1e-12).sum())
    return (at_least + 1) / (len(null) + 1)

"""evaluate: nested cross-validation of several models on one cohort, on the same folds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from leukotype import execution, resampling
from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort, need_cohort
from leukotype.errors import InfeasibleDesign, TasksFailed, UnknownName
from leukotype.evaluation import task_keys
from leukotype.evaluation.auto import auto
from leukotype.evaluation.caching import CachingEngine, stored_outcomes
from leukotype.evaluation.results import Evaluation
from leukotype.execution import Engine
from leukotype.models import Model, select, tuning
from leukotype.recipes import How, Recipe
from leukotype.recipes.fitting import FoldResult, Keep, fit_split
from leukotype.resampling import Design, Folds, OuterFold
from leukotype.runs import Store


@dataclass(frozen=True, eq=False)
class SplitTask:
    """One recipe on one split: a pure function of the cohort and of a seed that no worker chooses."""

    recipe: Recipe
    split: OuterFold
    codes: IntArray
    entropy: tuple[int, ...]
    keep: Keep | None = None


@dataclass(frozen=True)
class FailedTask:
    """A model on an outer fold (counted from 0) that gave no result, and the reason.

    kind : class of the error, a name of `leukotype.errors` if it is one of leukotype's
    """

    model: str
    repeat: int
    fold: int
    error: str
    kind: str = ""

    @property
    def where(self) -> str:
        return f"outer fold {self.fold + 1} of repeat {self.repeat + 1}"


def _ignore(result: FoldResult) -> None:
    """Report nothing."""


@dataclass(frozen=True, eq=False)
class Resources:
    """Where tasks run and where their results are kept.

    on_done : called with each result as it arrives, in no fixed order, those found in the store first
    """

    engine: Engine
    store: Store | None = None
    on_done: Callable[[FoldResult], None] = _ignore


def evaluate(
    cohort: Cohort,
    models: Sequence[str | Model] | str | None = None,
    *,
    align: How = "none",
    max_probes: int | None = None,
    design: Design | None = None,
    folds: Folds | None = None,
    tune_by: tuning.Criterion = "log_loss",
    jobs: int | None = None,
    store: Store | str | Path | None = None,
    engine: str | Engine | None = None,
    scheduler: str | None = None,
    task_timeout: float | None = None,
    on_done: Callable[[FoldResult], None] | None = None,
    on_failure: Callable[[FailedTask], None] | None = None,
) -> Evaluation:
    """Evaluate models by repeated, stratified, nested cross-validation.

    models       : names of MODELS, or `Model` objects; the default set for None
    align        : alignment of each sample to the training samples: "none", "quantile" or "rank"
    max_probes   : size of a panel that is chosen by F statistic in each training set; None for all probes
    design       : the resampling design; by default 5 outer and 3 inner folds, one repeat, seed 0
    folds        : splits to use instead, for example from `resampling.read_folds`
    tune_by      : criterion of the inner folds: "log_loss", "accuracy" or "balanced_accuracy"
    jobs         : number of worker processes; all cores by default
    store        : a file, a folder or an open store that keeps finished tasks; None to keep nothing
    engine       : "serial", "processes" or "dask", or an open engine (`execution.open_engine`)
    scheduler    : address of a Dask scheduler; without one, the engine "dask" starts local workers
    task_timeout : abort a task (one model on one outer fold) after this many seconds
    on_done      : called with each result as it arrives, in no fixed order
    on_failure   : called with each task that failed; its model is left out of the evaluation

    Several models are joined by `auto`, which chooses one of them inside each training set.  Results do not depend on
    `jobs`, `store` or `engine`.  A failed task does not stop the others; finished tasks stay in the store.

    Raises InfeasibleDesign if a class is too small for the design, UnknownName for an unknown name, TasksFailed if
    tasks failed and there is no `on_failure`, or if every task failed.
    """
    need_cohort(cohort)
    chosen = select(models)
    options = checked(align, max_probes, tune_by, cohort)
    if folds is None:
        folds = resampling.draw(cohort, design or Design())
    elif folds.cohort_fingerprint != cohort.fingerprint:
        raise InfeasibleDesign("these folds belong to another cohort. Draw folds for this one.")
    with opened(
        jobs=jobs, store=store, engine=engine, scheduler=scheduler, task_timeout=task_timeout, on_done=on_done
    ) as resources:
        return evaluate_recipes(
            cohort, [Recipe(model, *options) for model in chosen], folds, resources, on_failure=on_failure
        )


def checked(
    align: How, max_probes: int | None, tune_by: tuning.Criterion, cohort: Cohort
) -> tuple[How, int | None, tuning.Criterion]:
    """Return the options of a recipe; a panel as large as the cohort is no panel.  Raises as `Recipe` does."""
    if tune_by not in tuning.CRITERIA:
        raise UnknownName(f"unknown criterion {tune_by!r}. Choose from {', '.join(tuning.CRITERIA)}.")
    if max_probes is not None and max_probes >= cohort.n_probes:
        max_probes = None
    return align, max_probes, tune_by


def evaluate_recipes(
    cohort: Cohort,
    recipes: Sequence[Recipe],
    folds: Folds,
    resources: Resources,
    *,
    keep: Callable[[OuterFold], Keep | None] = lambda split: None,
    on_failure: Callable[[FailedTask], None] | None = None,
) -> Evaluation:
    """Evaluate recipes that differ only in their model; see `evaluate`.

    keep : what each split's fits keep for a classifier
    """
    start = time.perf_counter()
    results, failed = fit_splits(cohort, recipes, folds.splits, folds.design, resources, keep=keep)
    if failed:
        n_tasks = len(recipes) * len(folds.splits)
        _report_failures(failed, n_tasks, on_failure, is_kept=resources.store is not None)
    lost = {failure.model for failure in failed}
    models = tuple(recipe.model for recipe in recipes if recipe.model.name not in lost)
    rank = {model.name: number for number, model in enumerate(models)}
    results = [result for result in results if result.model in rank]
    results.sort(key=lambda result: (rank[result.model], result.repeat, result.fold))
    evaluation = Evaluation(
        cohort,
        folds,
        models,
        tuple(results),
        tune_by=recipes[0].tune_by,
        seconds=time.perf_counter() - start,
        jobs=resources.engine.workers,
        align=recipes[0].align,
        max_probes=recipes[0].max_probes,
    )
    return auto(evaluation) if len(models) > 1 else evaluation


@contextmanager
def opened(
    *,
    jobs: int | None = None,
    store: Store | str | Path | None = None,
    engine: str | Engine | None = None,
    scheduler: str | None = None,
    task_timeout: float | None = None,
    on_done: Callable[[FoldResult], None] | None = None,
) -> Iterator[Resources]:
    """Open engine and store for one run, and close those that were not open before; options as of `evaluate`."""
    if isinstance(engine, CachingEngine):
        store = engine.store if store is None else store
        engine = engine.engine
    with ExitStack() as stack:
        if not isinstance(engine, Engine):
            engine = stack.enter_context(
                execution.open_engine(engine, jobs=jobs, scheduler=scheduler, time_limit=task_timeout)
            )
        if store is not None and not isinstance(store, Store):
            store = stack.enter_context(Store(store))
        yield Resources(engine, store, on_done or _ignore)


def fit_splits(
    cohort: Cohort,
    recipes: Sequence[Recipe],
    splits: Sequence[OuterFold],
    design: Design,
    resources: Resources,
    *,
    keep: Callable[[OuterFold], Keep | None] = lambda split: None,
) -> tuple[list[FoldResult], list[FailedTask]]:
    """Fit every recipe on every split, or take the results from the store; return them in no fixed order."""
    tasks = [
        SplitTask(recipe, split, cohort.codes, entropy_of(cohort, design, recipe.model, split), keep(split))
        for split in splits
        for recipe in recipes
    ]
    engine, store, matrix = resources.engine, resources.store, cohort.expression
    if store is None:
        outcomes = engine.outcomes(_fit, matrix, tasks)
    else:
        items = [
            task_keys.item(cohort, task.recipe, task.split, seed=design.seed, keep=task.keep)
            for task in tasks
        ]
        outcomes = stored_outcomes(
            engine, store, items, _fit, matrix, tasks,
            load=task_keys.of_record,
            keep=lambda item, result: store.put(item, task_keys.to_record(result), result.seconds),
        )  # fmt: skip
    results: list[FoldResult] = []
    failed: list[FailedTask] = []
    for outcome in outcomes:
        if outcome.result is not None:
            results.append(outcome.result)
            resources.on_done(outcome.result)
            continue
        task, failure = tasks[outcome.number], outcome.failure
        error, kind = (failure.message, failure.kind) if failure else ("", "")
        failed.append(FailedTask(task.recipe.model.name, task.split.repeat, task.split.fold, error, kind))
    return results, failed


def entropy_of(cohort: Cohort, design: Design, model: Model, split: OuterFold) -> tuple[int, ...]:
    """Return the seed of a task; it does not depend on the other models."""
    name = hashlib.sha256(f"{cohort.fingerprint} {model.name}".encode()).digest()[:16]
    return design.seed, int.from_bytes(name, "little"), split.repeat, split.fold


def _report_failures(
    failed: Sequence[FailedTask],
    n_tasks: int,
    on_failure: Callable[[FailedTask], None] | None,
    *,
    is_kept: bool,
) -> None:
    """Pass on the tasks that failed; raises TasksFailed without `on_failure`, or if every task failed."""
    if on_failure is not None:
        for failure in failed:
            on_failure(failure)
        if len(failed) < n_tasks:
            return
    first, others = failed[0], len(failed) - 1
    more = f" {others} other task{'s' * (others > 1)} of {n_tasks} failed too." if others else ""
    kept = " Finished tasks are kept; repeat the command to resume." if is_kept else ""
    raise TasksFailed(
        f"model {first.model!r} failed on {first.where}: {first.error}.{more} Fix the cause, or leave the model out "
        f"with --models.{kept}"
    )


def _fit(matrix: FloatArray, task: SplitTask) -> FoldResult:
    return fit_split(matrix, task.recipe, task.split, task.codes, task.entropy, keep=task.keep)

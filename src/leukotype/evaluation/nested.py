"""evaluate: nested cross-validation of several models on one cohort, on the same folds."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from leukotype import execution, resampling
from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.errors import InfeasibleDesign, TasksFailed, UnknownName
from leukotype.evaluation import task_keys
from leukotype.evaluation.caching import CachingEngine
from leukotype.evaluation.results import Evaluation, FoldResult
from leukotype.execution import Engine
from leukotype.models import Model, select, tuning
from leukotype.resampling import Design, Folds, OuterFold
from leukotype.runs import Item, Store
from leukotype.wide import Fold


@dataclass(frozen=True, eq=False)
class Task:
    """One model on one outer fold: a pure function of the cohort and a seed that no worker has a say in."""

    model: Model
    split: OuterFold
    codes: IntArray
    criterion: tuning.Criterion
    entropy: tuple[int, ...]


@dataclass(frozen=True)
class FailedTask:
    """A model on an outer fold (counted from 0) that gave no result, and why."""

    model: str
    repeat: int
    fold: int
    error: str

    @property
    def where(self) -> str:
        return f"outer fold {self.fold + 1} of repeat {self.repeat + 1}"


def evaluate(
    cohort: Cohort,
    models: Sequence[str | Model] | None = None,
    *,
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

    models  : names of MODELS, or `Model` entries of one's own; the default set for None
    design  : how to split; 5 outer and 3 inner folds, once, with seed 0 by default
    folds   : splits to use instead, e.g. from `resampling.read_folds`
    tune_by : "log_loss", "accuracy" or "balanced_accuracy" on the inner folds
    jobs    : worker processes; all cores by default; the result does not depend on it
    store   : where finished tasks are kept, and looked for before they are computed: a file, a folder, or an open
              store; None to keep nothing
    engine  : "serial", "processes" or "dask", or an engine that is open (`execution.open_engine`); by default
              processes, or none of them for one job; no byte of the result depends on it
    scheduler    : address of a Dask scheduler; without one, the engine "dask" starts workers on this machine
    task_timeout : seconds after which a task, a model on one outer fold, is given up
    on_done : called with each result as it comes, in no fixed order, those found in the store first
    on_failure   : called with each task that gave no result; its model is then left out of the evaluation

    A task that fails alone ends no other: the rest is computed, and kept in the store.

    Raises InfeasibleDesign where a class is too small for the design, UnknownName for an unknown model; in the end
    TasksFailed where tasks gave no result and `on_failure` was not given, or where no model gave any.
    """
    if tune_by not in tuning.CRITERIA:
        raise UnknownName(f"no criterion {tune_by!r}. There are {', '.join(tuning.CRITERIA)}.")
    chosen = select(models)
    if folds is None:
        folds = resampling.draw(cohort, design or Design())
    elif folds.cohort_fingerprint != cohort.fingerprint:
        raise InfeasibleDesign("these folds were drawn for another cohort. Draw them for this one.")
    start = time.perf_counter()
    tasks = [
        Task(model, split, cohort.codes, tune_by, entropy_of(cohort, folds, model, split))
        for split in folds.splits
        for model in chosen
    ]
    failed: list[FailedTask] = []
    if isinstance(engine, CachingEngine):
        store = engine.store if store is None else store
        engine = engine.engine
    with ExitStack() as stack:
        if not isinstance(engine, Engine):
            engine = stack.enter_context(
                execution.open_engine(engine, jobs=jobs, scheduler=scheduler, time_limit=task_timeout)
            )
        kept = stack.enter_context(_opened(store))
        results = _computed(cohort, tasks, kept, folds.design.seed, engine, on_done or _silent, failed.append)
        workers = engine.workers
    if failed:
        _tell(failed, len(tasks), on_failure, is_kept=store is not None)
    lost = {failure.model for failure in failed}
    rank = {model.name: number for number, model in enumerate(chosen) if model.name not in lost}
    results = [result for result in results if result.model in rank]
    results.sort(key=lambda result: (rank[result.model], result.repeat, result.fold))
    seconds = time.perf_counter() - start
    return Evaluation(
        cohort,
        folds,
        tuple(model for model in chosen if model.name in rank),
        tuple(results),
        tune_by,
        seconds,
        workers,
    )


def _silent(result: FoldResult) -> None:
    """Say nothing."""


def _tell(
    failed: Sequence[FailedTask],
    n_tasks: int,
    on_failure: Callable[[FailedTask], None] | None,
    *,
    is_kept: bool,
) -> None:
    """Tell of the tasks that failed; raises TasksFailed where nobody listens, or nothing is left."""
    if on_failure is not None:
        for failure in failed:
            on_failure(failure)
        if len(failed) < n_tasks:
            return
    first = failed[0]
    others = len(failed) - 1
    more = f" {others} other task{'s' * (others > 1)} of {n_tasks} failed too." if others else ""
    kept = " What was finished is kept, and the same command goes on with it." if is_kept else ""
    raise TasksFailed(
        f"model {first.model!r} failed on {first.where}: {first.error}.{more} Leave it out with --models, or mend what "
        f"is named here.{kept}"
    )


def _opened(store: Store | str | Path | None) -> AbstractContextManager[Store | None]:
    return nullcontext(store) if store is None or isinstance(store, Store) else Store(store)


def _computed(
    cohort: Cohort,
    tasks: Sequence[Task],
    store: Store | None,
    seed: int,
    engine: Engine,
    on_done: Callable[[FoldResult], None],
    on_failure: Callable[[FailedTask], None],
) -> list[FoldResult]:
    """Return the result of every task: from the store where it is there, else computed and kept there."""
    results: list[FoldResult] = []
    items: list[Item] = []
    if store is not None:
        items = [
            task_keys.item(cohort, task.model, task.split, tune_by=task.criterion, seed=seed)
            for task in tasks
        ]
        store.plan(items)
    missing = []
    for number in range(len(tasks)):
        record = None if store is None else store.get(items[number].key)
        if record is None:
            missing.append(number)
        else:
            results.append(task_keys.of_record(record))
            on_done(results[-1])
    if not missing:
        return results
    for outcome in engine.outcomes(_work, cohort.expression, [tasks[number] for number in missing]):
        number = missing[outcome.number]
        if outcome.result is None:
            task, error = tasks[number], outcome.failure.message if outcome.failure else ""
            if store is not None:
                store.fail(items[number], error)
            on_failure(FailedTask(task.model.name, task.split.repeat, task.split.fold, error))
            continue
        if store is not None:
            store.put(items[number], task_keys.to_record(outcome.result), outcome.result.seconds)
        results.append(outcome.result)
        on_done(outcome.result)
    return results


def entropy_of(cohort: Cohort, folds: Folds, model: Model, split: OuterFold) -> tuple[int, ...]:
    """Return what the random numbers of a task are drawn from, whatever else is evaluated beside it."""
    name = hashlib.sha256(f"{cohort.fingerprint} {model.name}".encode()).digest()[:16]
    return folds.design.seed, int.from_bytes(name, "little"), split.repeat, split.fold


def _work(matrix: FloatArray, task: Task) -> FoldResult:
    start = time.perf_counter()
    fold, inner = _prepared(_Key(matrix, task))
    rng = np.random.default_rng(np.random.SeedSequence(task.entropy))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tuned = tuning.tune(
            task.model,
            fold,
            [(part, task.codes[part.train], task.codes[part.test]) for part in inner],
            task.codes[fold.train],
            criterion=task.criterion,
            rng=rng,
        )
        p = tuned.predict_proba(fold)
    probes = tuned.candidate.probes
    # A rule that reads every probe need not name them: a store of such lists is mostly lists.
    if probes is not None and len(probes) == fold.n_probes:
        probes = None
    return FoldResult(
        model=task.model.name,
        repeat=task.split.repeat,
        fold=task.split.fold,
        probabilities=p,
        setting=dict(tuned.candidate.setting),
        inner_score=tuned.inner_score,
        inner_losses=tuned.inner_losses,
        probes=probes,
        seconds=time.perf_counter() - start,
        notes=tuple(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)),
    )


class _Key:
    """One split of one matrix, equal to another if they hold the very same arrays."""

    def __init__(self, matrix: FloatArray, task: Task) -> None:
        self.matrix = matrix
        self.split = task.split
        self._identity = (id(matrix), task.split.repeat, task.split.fold, task.split.train.tobytes())

    def __hash__(self) -> int:
        return hash(self._identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._identity == other._identity


@lru_cache(maxsize=1)
def _prepared(key: _Key) -> tuple[Fold, tuple[Fold, ...]]:
    # The models of one split follow each other in a worker and share what the fold has computed.
    split = key.split
    inner = tuple(Fold(key.matrix, train, test) for train, test in split.inner)
    return Fold(key.matrix, split.train, split.test), inner

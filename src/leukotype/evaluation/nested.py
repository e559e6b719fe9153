"""evaluate: nested cross-validation of several models on one cohort, on the same folds."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from leukotype import execution, resampling
from leukotype.cohort import Cohort, FloatArray, IntArray
from leukotype.errors import InfeasibleDesign, LeukotypeError, UnknownName
from leukotype.evaluation import keys
from leukotype.evaluation.results import Evaluation, FoldResult
from leukotype.models import Model, select, tuning
from leukotype.resampling import Design, Folds, OuterFold
from leukotype.runs import Store
from leukotype.wide import Fold


@dataclass(frozen=True, eq=False)
class Task:
    """One model on one outer fold: a pure function of the cohort and a seed that no worker has a say in."""

    model: Model
    split: OuterFold
    codes: IntArray
    criterion: tuning.Criterion
    entropy: tuple[int, ...]


def evaluate(
    cohort: Cohort,
    models: Sequence[str | Model] | None = None,
    *,
    design: Design | None = None,
    folds: Folds | None = None,
    tune_by: tuning.Criterion = "log_loss",
    jobs: int | None = None,
    store: Store | str | Path | None = None,
    on_done: Callable[[FoldResult], None] | None = None,
) -> Evaluation:
    """Evaluate models by repeated, stratified, nested cross-validation.

    models  : names of MODELS, or `Model` entries of one's own; the default set for None
    design  : how to split; 5 outer and 3 inner folds, once, with seed 0 by default
    folds   : splits to use instead, e.g. from `resampling.read_folds`
    tune_by : "log_loss", "accuracy" or "balanced_accuracy" on the inner folds
    jobs    : worker processes; all cores by default; the result does not depend on it
    store   : where finished tasks are kept, and looked for before they are computed: a file, a folder, or an open
              store; None to keep nothing
    on_done : called with each result as it comes, in no fixed order, those found in the store first

    Raises InfeasibleDesign where a class is too small for the design, UnknownName for an unknown model.
    """
    if tune_by not in tuning.CRITERIA:
        raise UnknownName(f"no criterion {tune_by!r}. There are {', '.join(tuning.CRITERIA)}.")
    chosen = select(models)
    if folds is None:
        folds = resampling.draw(cohort, design or Design())
    elif folds.cohort_fingerprint != cohort.fingerprint:
        raise InfeasibleDesign("these folds were drawn for another cohort. Draw them for this one.")
    jobs = execution.available_cores() if jobs is None else jobs
    if jobs < 1:
        raise InfeasibleDesign(
            f"{jobs} jobs were asked for, and at least 1 is needed. Leave --jobs out for all cores."
        )

    start = time.perf_counter()
    tasks = [
        Task(model, split, cohort.codes, tune_by, _entropy(cohort, folds, model, split))
        for split in folds.splits
        for model in chosen
    ]
    with _opened(store) as kept:
        results = _computed(cohort, tasks, kept, folds.design.seed, jobs, on_done)
    rank = {model.name: number for number, model in enumerate(chosen)}
    results.sort(key=lambda result: (rank[result.model], result.repeat, result.fold))
    seconds = time.perf_counter() - start
    return Evaluation(cohort, folds, tuple(rank), tuple(results), tune_by, seconds, jobs)


def _opened(store: Store | str | Path | None) -> AbstractContextManager[Store | None]:
    return nullcontext(store) if store is None or isinstance(store, Store) else Store(store)


def _computed(
    cohort: Cohort,
    tasks: Sequence[Task],
    store: Store | None,
    seed: int,
    jobs: int,
    on_done: Callable[[FoldResult], None] | None,
) -> list[FoldResult]:
    """Return the result of every task: from the store where it is there, else computed and kept there."""
    told = on_done or (lambda result: None)
    if store is None:
        return execution.run(_work, cohort.expression, tasks, jobs=jobs, on_done=told)
    items = [keys.item(cohort, task.model, task.split, tune_by=task.criterion, seed=seed) for task in tasks]
    store.plan(items)
    item_of = {
        (item.model, task.split.repeat, task.split.fold): item
        for item, task in zip(items, tasks, strict=True)
    }
    results, missing = [], []
    for task, item in zip(tasks, items, strict=True):
        record = store.get(item.key)
        if record is None:
            missing.append(task)
        else:
            results.append(keys.of_record(record))
            told(results[-1])

    def keep(result: FoldResult) -> None:
        store.put(item_of[result.model, result.repeat, result.fold], keys.to_record(result), result.seconds)
        told(result)

    return results + execution.run(_work, cohort.expression, missing, jobs=jobs, on_done=keep)


def _entropy(cohort: Cohort, folds: Folds, model: Model, split: OuterFold) -> tuple[int, ...]:
    name = hashlib.sha256(f"{cohort.fingerprint} {model.name}".encode()).digest()[:16]
    return folds.design.seed, int.from_bytes(name, "little"), split.repeat, split.fold


def _work(matrix: FloatArray, task: Task) -> FoldResult:
    start = time.perf_counter()
    fold, inner = _prepared(_Key(matrix, task))
    rng = np.random.default_rng(np.random.SeedSequence(task.entropy))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            tuned = tuning.tune(
                task.model,
                fold,
                [(part, task.codes[part.train], task.codes[part.test]) for part in inner],
                task.codes[fold.train],
                criterion=task.criterion,
                rng=rng,
            )
            p = tuned.predict_proba(fold)
        except (ArithmeticError, ValueError, TypeError, IndexError, np.linalg.LinAlgError) as problem:
            where = f"outer fold {task.split.fold + 1} of repeat {task.split.repeat + 1}"
            raise LeukotypeError(
                f"model {task.model.name!r} failed on {where}: {type(problem).__name__}: {problem}. "
                "Leave it out with --models, or report this."
            ) from problem
    return FoldResult(
        model=task.model.name,
        repeat=task.split.repeat,
        fold=task.split.fold,
        probabilities=p,
        setting=dict(tuned.candidate.setting),
        inner_score=tuned.inner_score,
        inner_losses=tuned.inner_losses,
        probes=tuned.candidate.probes,
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

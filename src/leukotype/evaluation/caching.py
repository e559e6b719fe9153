"""Finished tasks are kept in a store and not computed again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from leukotype.arrays import FloatArray
from leukotype.cohort import Cohort
from leukotype.evaluation import task_keys
from leukotype.execution import Engine, Outcome, ResultT, TaskT
from leukotype.models import versions
from leukotype.runs import Item, Store

# Rooms whose code such a task depends on, in addition to those of a model.
_ROOMS = ("evaluation", "inference", "metrics", "recipes")


def stored_outcomes(
    engine: Engine,
    store: Store,
    items: Sequence[Item],
    work: Callable[[FloatArray, TaskT], ResultT],
    matrix: FloatArray,
    tasks: Sequence[TaskT],
    *,
    load: Callable[[Mapping[str, Any]], ResultT],
    keep: Callable[[Item, ResultT], None],
) -> Iterator[Outcome[ResultT]]:
    """Yield the outcome of every task, those found in the store first.

    items : store item of each task
    load  : makes a result of a record in the store
    keep  : puts a new result into the store
    """
    store.plan(items)
    missing = []
    for number, item in enumerate(items):
        record = store.get(item.key)
        if record is None:
            missing.append(number)
        else:
            yield Outcome(number, load(record))
    if not missing:
        return
    for outcome in engine.outcomes(work, matrix, [tasks[number] for number in missing]):
        number = missing[outcome.number]
        if outcome.result is None:
            store.fail(items[number], outcome.failure.message if outcome.failure else "")
        else:
            keep(items[number], outcome.result)
        yield Outcome(number, outcome.result, outcome.failure)


class CachingEngine(Engine):
    """Another engine with a store, for analyses that refit on other labels, subsets or values.

    A task is identified by its function, its content and the values of the cohort.  Results that JSON and arrays cannot
    represent are computed each time.  The caller closes the engine and the store.
    """

    def __init__(self, engine: Engine, store: Store, cohort: Cohort) -> None:
        self.engine, self.store, self._cohort = engine, store, cohort

    @property
    def workers(self) -> int:  # type: ignore[override]  # those of the engine inside
        """Number of tasks that run at once."""
        return self.engine.workers

    def outcomes(
        self, work: Callable[[FloatArray, TaskT], ResultT], matrix: FloatArray, tasks: Sequence[TaskT]
    ) -> Iterator[Outcome[ResultT]]:
        """Yield outcomes, those from the store first; tasks on another matrix are not kept."""
        if matrix is not self._cohort.expression:
            yield from self.engine.outcomes(work, matrix, tasks)
            return
        items = [self._item(work, number, task) for number, task in enumerate(tasks)]
        timed = stored_outcomes(
            self.engine, self.store, items, Timed(work), matrix, tasks,
            load=lambda record: (0.0, record["result"]),
            keep=lambda item, timed: self.store.put_if_plain(item, {"result": timed[1]}, timed[0]),
        )  # fmt: skip
        for outcome in timed:
            result = None if outcome.result is None else outcome.result[1]
            yield Outcome(outcome.number, result, outcome.failure)

    def _item(self, work: Callable[..., Any], number: int, task: object) -> Item:
        facts = {
            "format": task_keys.FORMAT,
            "cohort": self._cohort.fingerprint,
            "work": f"{work.__module__}.{work.__qualname__}",
            "task": task_keys.described(task),
            "code": versions.fingerprint((*versions.ROOMS, *_ROOMS)),
        }
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        # The name of the calling module: "permutation", "leaks".
        analysis = work.__module__.rpartition(".")[2]
        return Item(key, self._cohort.name, f"({analysis})", f"task {number + 1}")


@dataclass(frozen=True)
class Timed(Generic[TaskT, ResultT]):
    """Work that also returns its wall time."""

    work: Callable[[FloatArray, TaskT], ResultT]

    def __call__(self, matrix: FloatArray, task: TaskT) -> tuple[float, ResultT]:
        """Return the seconds and the result."""
        start = time.perf_counter()
        result = self.work(matrix, task)
        return time.perf_counter() - start, result

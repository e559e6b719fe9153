"""An engine that keeps finished tasks: for analyses that refit on other labels, subsets or with mistakes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from leukotype.arrays import FloatArray
from leukotype.cohort import Cohort
from leukotype.evaluation import task_keys
from leukotype.execution import Engine, Outcome
from leukotype.execution.outcome import ResultT as Result
from leukotype.execution.outcome import TaskT as Task
from leukotype.models import versions
from leukotype.runs import Item, Store

# Rooms whose code such a task depends on, in addition to those of a model.
_ROOMS = ("evaluation", "inference", "metrics", "recipes")


class CachingEngine(Engine):
    """Another engine with a store: results found there are not computed again, new ones are kept.

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
        self, work: Callable[[FloatArray, Task], Result], matrix: FloatArray, tasks: Sequence[Task]
    ) -> Iterator[Outcome[Result]]:
        """Yield outcomes, those from the store first."""
        if matrix is not self._cohort.expression:
            yield from self.engine.outcomes(work, matrix, tasks)
            return
        items = [self._item(work, number, task) for number, task in enumerate(tasks)]
        self.store.plan(items)
        missing = []
        for number, item in enumerate(items):
            record = self.store.get(item.key)
            if record is None:
                missing.append(number)
            else:
                yield Outcome(number, record["result"])
        for outcome in self.engine.outcomes(Timed(work), matrix, [tasks[number] for number in missing]):
            number = missing[outcome.number]
            if outcome.result is None:
                self.store.fail(items[number], outcome.failure.message if outcome.failure else "")
                yield Outcome(number, None, outcome.failure)
                continue
            seconds, result = outcome.result
            self.store.put_if_plain(items[number], {"result": result}, seconds)
            yield Outcome(number, result)

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
        return Item(
            key, self._cohort.name, f"({work.__module__.rpartition('.')[2]})", f"{number + 1} of its tasks"
        )


@dataclass(frozen=True)
class Timed(Generic[Task, Result]):
    """Work that also returns its wall time."""

    work: Callable[[FloatArray, Task], Result]

    def __call__(self, matrix: FloatArray, task: Task) -> tuple[float, Result]:
        """Return the seconds and the result."""
        start = time.perf_counter()
        result = self.work(matrix, task)
        return time.perf_counter() - start, result

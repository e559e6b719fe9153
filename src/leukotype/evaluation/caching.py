"""An engine whose finished tasks are kept: for what is run again on other labels, parts or with mistakes."""

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
from leukotype.execution.outcome import Result, Task
from leukotype.models import versions
from leukotype.runs import Item, Store

# Rooms that decide what comes of such a task, beside those of a model.
_ROOMS = ("evaluation", "inference", "metrics")


class CachingEngine(Engine):
    """Another engine, with a store that is looked into first and that keeps what is computed.

    A task is known by the function that does it and all it holds, on the cohort's values; results that JSON and arrays
    cannot hold as they are get computed each time.  Closing the engine and the store is for who opened them.
    """

    def __init__(self, engine: Engine, store: Store, cohort: Cohort) -> None:
        self.engine, self.store, self._cohort = engine, store, cohort

    @property
    def workers(self) -> int:  # type: ignore[override]  # those of the engine inside
        """How many tasks are done at once."""
        return self.engine.workers

    def outcomes(
        self, work: Callable[[FloatArray, Task], Result], matrix: FloatArray, tasks: Sequence[Task]
    ) -> Iterator[Outcome[Result]]:
        """Yield outcomes, those that were found first."""
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
        told = {
            "format": task_keys.FORMAT,
            "cohort": self._cohort.fingerprint,
            "work": f"{work.__module__}.{work.__qualname__}",
            "task": task_keys.described(task),
            "code": versions.fingerprint((*versions.ROOMS, *_ROOMS)),
        }
        key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        # In words of the room that asks: "permutation", "leaks".
        return Item(
            key, self._cohort.name, f"({work.__module__.rpartition('.')[2]})", f"{number + 1} of its tasks"
        )


@dataclass(frozen=True)
class Timed(Generic[Task, Result]):
    """Work that tells how many seconds it took."""

    work: Callable[[FloatArray, Task], Result]

    def __call__(self, matrix: FloatArray, task: Task) -> tuple[float, Result]:
        """Return the seconds and the result."""
        start = time.perf_counter()
        result = self.work(matrix, task)
        return time.perf_counter() - start, result

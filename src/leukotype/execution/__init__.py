"""Run tasks in this process, in worker processes, or on a Dask cluster; the results are the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leukotype import errors
from leukotype.arrays import FloatArray
from leukotype.execution.engine import (
    Engine,
    Outcome,
    ResultT,
    TaskT,
    available_cores,
    check_engine,
    open_engine,
)

__all__ = ["Engine", "Outcome", "ResultT", "TaskT", "available_cores", "check_engine", "open_engine", "run"]


def run(
    work: Callable[[FloatArray, TaskT], ResultT],
    matrix: FloatArray,
    tasks: Sequence[TaskT],
    *,
    jobs: int | Engine = 1,
    on_done: Callable[[ResultT], None] | None = None,
) -> list[ResultT]:
    """Return `work(matrix, task)` for every task, in the order of the tasks.

    jobs : number of processes, or an open engine

    Raises the first failure: its own LeukotypeError, or TasksFailed for any other exception.
    """
    if isinstance(jobs, int):
        with open_engine(jobs=min(jobs, len(tasks)) or 1) as engine:
            return run(work, matrix, tasks, jobs=engine, on_done=on_done)
    results: dict[int, ResultT] = {}
    for outcome in jobs.outcomes(work, matrix, tasks):
        if outcome.failure is not None:
            kind = getattr(errors, outcome.failure.kind, errors.TasksFailed)
            raise kind(outcome.failure.message)
        result: ResultT = outcome.result  # type: ignore[assignment]  # set if there is no failure
        results[outcome.number] = result
        if on_done is not None:
            on_done(result)
    return [results[number] for number in range(len(tasks))]

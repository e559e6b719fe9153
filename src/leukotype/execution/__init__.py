"""execution: run(tasks): in this process, in several, on a Dask cluster; the same answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leukotype import errors
from leukotype.arrays import FloatArray
from leukotype.execution.engine import ENGINES, Engine, available_cores, check_engine, open_engine
from leukotype.execution.outcome import Outcome, Result, Task

__all__ = ["ENGINES", "Engine", "Outcome", "available_cores", "check_engine", "open_engine", "run"]


def run(
    work: Callable[[FloatArray, Task], Result],
    matrix: FloatArray,
    tasks: Sequence[Task],
    *,
    jobs: int | Engine = 1,
    on_done: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Return `work(matrix, task)` for every task, in the order of the tasks.

    jobs : number of processes, or an engine that is open

    Raises the first failure as the LeukotypeError that it was, and as TasksFailed where it was something else.
    """
    if isinstance(jobs, int):
        with open_engine(jobs=min(jobs, len(tasks)) or 1) as engine:
            return run(work, matrix, tasks, jobs=engine, on_done=on_done)
    results: dict[int, Result] = {}
    for outcome in jobs.outcomes(work, matrix, tasks):
        if outcome.failure is not None:
            kind = getattr(errors, outcome.failure.kind, errors.TasksFailed)
            raise kind(outcome.failure.message)
        result: Result = outcome.result  # type: ignore[assignment]  # there is one where nothing failed
        results[outcome.number] = result
        if on_done is not None:
            on_done(result)
    return [results[number] for number in range(len(tasks))]

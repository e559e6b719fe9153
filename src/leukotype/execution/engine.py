"""ENGINES: where tasks are done, opened by name."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray
from leukotype.errors import InfeasibleDesign, UnknownName
from leukotype.execution.outcome import Outcome, Result, Task, attempt

ENGINES = ("serial", "processes", "dask")


class Engine(ABC):
    """A place where tasks are done; its workers live until it is closed.

    workers : how many tasks are done at once
    """

    workers: int = 1

    @abstractmethod
    def outcomes(
        self, work: Callable[[FloatArray, Task], Result], matrix: FloatArray, tasks: Sequence[Task]
    ) -> Iterator[Outcome[Result]]:
        """Yield the outcome of `work(matrix, task)` for every task, in no fixed order; a failure ends no other task.

        Linear algebra is held to one thread inside every task, so that sums come out the same everywhere.
        """

    def close(self) -> None:  # noqa: B027  # nothing to close is what most engines have to close
        """End the workers."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()


class Serial(Engine):
    """In the process that asks, one task after the other."""

    def outcomes(
        self, work: Callable[[FloatArray, Task], Result], matrix: FloatArray, tasks: Sequence[Task]
    ) -> Iterator[Outcome[Result]]:
        """Yield outcomes in the order of the tasks."""
        with threadpool_limits(1):
            for number, task in enumerate(tasks):
                yield attempt(work, matrix, number, task)


def available_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def open_engine(
    name: str | None = None,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    time_limit: float | None = None,
) -> Engine:
    """Return an engine, to be closed after use.

    name       : of ENGINES; by default "dask" where a scheduler is named, else "processes", or "serial" for one job
    jobs       : number of workers; all cores by default; a cluster that is there has its own number
    scheduler  : address of a Dask scheduler, such as tcp://10.0.0.1:8786; None for workers of one's own
    time_limit : seconds after which a task is given up; it needs workers of its own, and so gets them for one job too

    Raises UnknownName, InfeasibleDesign for what does not go together, MissingPackage where Dask is not installed,
    ClusterFailed where no scheduler answers.
    """
    check_engine(name, jobs=jobs, scheduler=scheduler, time_limit=time_limit)
    jobs = available_cores() if jobs is None else jobs
    if name == "dask" or scheduler is not None:
        from leukotype.execution.cluster import Cluster

        return Cluster(scheduler, jobs, time_limit)
    if name == "processes" or (name is None and (jobs > 1 or time_limit is not None)):
        from leukotype.execution.processes import Processes

        return Processes(jobs, time_limit)
    return Serial()


def check_engine(
    name: str | None = None,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    time_limit: float | None = None,
) -> None:
    """Refuse what no engine can be opened by, before anything is read; raises as `open_engine` does."""
    if name is not None and name not in ENGINES:
        raise UnknownName(f"no engine {name!r}. There are {', '.join(ENGINES)}.")
    if jobs is not None and jobs < 1:
        raise InfeasibleDesign(
            f"{jobs} jobs were asked for, and at least 1 is needed. Leave --jobs out for all cores."
        )
    if scheduler is not None and name not in (None, "dask"):
        raise InfeasibleDesign(
            f"--scheduler {scheduler} is Dask's, and --engine is {name}. Leave out one of the two."
        )
    if time_limit is not None and not time_limit > 0:
        raise InfeasibleDesign(
            f"a time limit of {time_limit:g} seconds leaves no time. Give more, or leave it out."
        )
    if time_limit is not None and name == "serial":
        raise InfeasibleDesign(
            "a time limit needs worker processes, which can be ended. Leave out --engine serial or --task-timeout."
        )

"""ENGINES: where tasks run, by name."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray
from leukotype.errors import InfeasibleDesign, UnknownName
from leukotype.execution.outcome import Outcome, ResultT, TaskT, attempt

ENGINES = ("serial", "processes", "dask")


class Engine(ABC):
    """Runs tasks; its workers live until it is closed.

    workers : number of tasks that run at the same time
    """

    workers: int = 1

    @abstractmethod
    def outcomes(
        self, work: Callable[[FloatArray, TaskT], ResultT], matrix: FloatArray, tasks: Sequence[TaskT]
    ) -> Iterator[Outcome[ResultT]]:
        """Yield the outcome of `work(matrix, task)` for every task, in any order; a failure affects only its task.

        Linear algebra uses one thread in every task, so that sums are equal on all engines.
        """

    def close(self) -> None:  # noqa: B027  # most engines have nothing to close
        """End the workers."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()


class Serial(Engine):
    """Runs tasks in this process, one after the other."""

    def outcomes(
        self, work: Callable[[FloatArray, TaskT], ResultT], matrix: FloatArray, tasks: Sequence[TaskT]
    ) -> Iterator[Outcome[ResultT]]:
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
    """Return an engine; close it after use.

    name       : one of ENGINES; by default "dask" with a scheduler, else "processes", or "serial" for one job
    jobs       : number of workers, by default one per core; an existing cluster has its own number
    scheduler  : address of a Dask scheduler, such as tcp://10.0.0.1:8786; None starts local workers
    time_limit : seconds after which a task is aborted; it needs a worker process even for one job

    Raises UnknownName, InfeasibleDesign for contradicting options, MissingPackage if Dask is not installed,
    ClusterFailed if no scheduler answers.
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
    """Check the options of `open_engine` before any data are read; raises UnknownName or InfeasibleDesign."""
    if name is not None and name not in ENGINES:
        raise UnknownName(f"unknown engine {name!r}. Use {', '.join(ENGINES)}.")
    if jobs is not None and jobs < 1:
        raise InfeasibleDesign(f"--jobs is {jobs}; at least 1 is needed. Leave --jobs out to use all cores.")
    if scheduler is not None and name not in (None, "dask"):
        raise InfeasibleDesign(
            f"--scheduler {scheduler} needs --engine dask, but --engine is {name}. Leave out one of the two."
        )
    if time_limit is not None and not time_limit > 0:
        raise InfeasibleDesign(
            f"the time limit is {time_limit:g} seconds; it must be positive. Increase it, or leave it out."
        )
    if time_limit is not None and name == "serial":
        raise InfeasibleDesign(
            "a time limit needs worker processes, which --engine serial does not have. Leave out --engine or "
            "--task-timeout."
        )

"""Engines by name, and what all of them share: a task, its outcome, and the matrix that the tasks read."""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import cloudpickle
import numpy as np
from threadpoolctl import threadpool_limits

from leukotype import temporary
from leukotype.arrays import FloatArray
from leukotype.errors import InfeasibleDesign, LeukotypeError, UnknownName

# Systems measure waiting times in milliseconds with 31 bits.
MOST_SECONDS = 2_000_000
# A machine may have so many worker processes, and more if it has many cores.
LEAST_MOST_JOBS = 64
ENGINES = ("serial", "processes", "dask")
TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

KILLED = "Killed"


@dataclass(frozen=True)
class Failure:
    """Why a task gave no result.

    kind    : name of the exception's class; "Killed" if its worker died, "TimeLimit" if it took too long
    message : for users; a LeukotypeError's own message
    """

    kind: str
    message: str

    @classmethod
    def of(cls, problem: BaseException) -> Failure:
        kind = type(problem).__name__
        if isinstance(problem, LeukotypeError):
            return cls(kind, str(problem))
        return cls(kind, f"{kind}: {problem}".rstrip(": "))

    @classmethod
    def of_time(cls, limit: float) -> Failure:
        return cls("TimeLimit", f"it took longer than {limit:g} seconds, the limit of --task-timeout")

    @classmethod
    def of_lost_worker(cls, how: str, tries: int) -> Failure:
        return cls(
            KILLED, f"its worker process ended in each of {tries} tries ({how}), perhaps for lack of memory"
        )


@dataclass(frozen=True)
class Outcome(Generic[ResultT]):
    """Result or failure of the task with this number."""

    number: int
    result: ResultT | None
    failure: Failure | None = None


class MatrixFile:
    """A matrix in a temporary file, from which all workers of a machine map it into memory."""

    def __init__(self) -> None:
        self._place = temporary.make_folder()
        self.folder = str(self._place)
        self._matrix: FloatArray | None = None
        self._handle: int | None = None
        self._path = ""

    def path_of(self, matrix: FloatArray) -> str:
        """Return the path of the file; a new matrix replaces the earlier one."""
        if self._matrix is not matrix:
            self._forget()
            self._handle, self._path = tempfile.mkstemp(dir=self.folder, suffix=".npy")
            held = f"/proc/{os.getpid()}/fd/{self._handle}"
            if os.path.exists(held):
                # A file without a name ends with this process, even after SIGKILL; the link is for the workers.
                os.unlink(self._path)
                os.symlink(held, self._path)
            with os.fdopen(self._handle, "wb", closefd=False) as stream:
                np.save(stream, matrix)
            self._matrix = matrix
        return self._path

    def _forget(self) -> None:
        self._matrix = None
        if self._handle is not None:
            os.close(self._handle)
            os.unlink(self._path)
            self._handle = None

    def close(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._forget()
        temporary.remove(self._place)


@lru_cache(maxsize=1)
def mapped(path: str) -> FloatArray:
    """Return the matrix in a file, mapped into memory once per worker, so that tasks can cache what they derive."""
    matrix: FloatArray = np.load(path, mmap_mode="r", allow_pickle=False)
    return matrix


def attempt(
    work: Callable[[FloatArray, TaskT], ResultT], matrix: FloatArray, number: int, task: TaskT
) -> Outcome[ResultT]:
    """Run one task; any exception but Ctrl-C becomes its failure."""
    try:
        return Outcome(number, work(matrix, task))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as problem:  # a user's model may raise anything, SystemExit too
        return Outcome(number, None, Failure.of(problem))


def attempt_packed(
    packed: bytes, number: int, matrix: FloatArray, begun: Callable[[], object] = lambda: None
) -> bytes:
    """Run a task on a worker with one thread of linear algebra, and return its pickled outcome.

    packed : work and task, pickled by cloudpickle, which includes functions defined in a script
    begun  : called once the code of the task is loaded, which may take seconds the first time
    """
    try:
        work, task = cloudpickle.loads(packed)
        begun()
        with threadpool_limits(1):
            outcome: Outcome[object] = attempt(work, matrix, number, task)
        return bytes(cloudpickle.dumps(outcome))
    except Exception as problem:
        # The task cannot be unpickled here, or its result cannot be pickled.
        return bytes(cloudpickle.dumps(Outcome(number, None, Failure.of(problem))))


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
    most = max(LEAST_MOST_JOBS, 4 * available_cores())
    if jobs is not None and not 1 <= jobs <= most:
        raise InfeasibleDesign(
            f"--jobs is {jobs}; use 1 to {most} on this machine. Leave --jobs out to use all cores."
        )
    if scheduler is not None and name not in (None, "dask"):
        raise InfeasibleDesign(
            f"--scheduler {scheduler} needs --engine dask, but --engine is {name}. Leave out one of the two."
        )
    if time_limit is not None and not 0 < time_limit <= MOST_SECONDS:
        raise InfeasibleDesign(
            f"--task-timeout is {time_limit:g}; it must be positive and at most {MOST_SECONDS:,} seconds. Change it."
        )
    if time_limit is not None and name == "serial":
        raise InfeasibleDesign(
            "a time limit needs worker processes, which --engine serial does not have. Leave out --engine or "
            "--task-timeout."
        )

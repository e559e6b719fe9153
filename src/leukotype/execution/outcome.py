"""Run one task and return its outcome: a result, or the reason why there is none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import cloudpickle
import numpy as np
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray
from leukotype.errors import LeukotypeError

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
        self._folder = tempfile.TemporaryDirectory(prefix="leukotype-")
        self.folder = self._folder.name
        self._matrix: FloatArray | None = None
        self._path = ""

    def path_of(self, matrix: FloatArray) -> str:
        """Return the path of the file; a new matrix replaces the earlier one."""
        if self._matrix is not matrix:
            with suppress(OSError):
                os.unlink(self._path)
            handle, self._path = tempfile.mkstemp(dir=self.folder, suffix=".npy")
            with os.fdopen(handle, "wb") as stream:
                np.save(stream, matrix)
            self._matrix = matrix
        return self._path

    def close(self) -> None:
        """Remove the file."""
        self._matrix = None
        self._folder.cleanup()


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


def pack(work: Callable[[FloatArray, TaskT], ResultT], number: int, task: TaskT) -> bytes:
    """Return a task as bytes for another process, with the code of functions defined in a script."""
    packed: bytes = cloudpickle.dumps((work, number, task))
    return packed


def attempt_packed(
    packed: bytes, number: int, matrix: FloatArray, begun: Callable[[], object] = lambda: None
) -> bytes:
    """Run a packed task with one thread of linear algebra and return its outcome as bytes.

    begun : called once the code of the task is loaded, which may take seconds the first time
    """
    try:
        work, number, task = cloudpickle.loads(packed)
        begun()
        with threadpool_limits(1):
            outcome: Outcome[object] = attempt(work, matrix, number, task)
        answer: bytes = cloudpickle.dumps(outcome)
    except Exception as problem:
        # The task cannot be unpickled here, or its result cannot be pickled.
        answer = cloudpickle.dumps(Outcome(number, None, Failure.of(problem)))
    return answer


def unpack(answer: bytes) -> Outcome[ResultT]:
    """Return the outcome in the bytes from `attempt_packed`."""
    outcome: Outcome[ResultT] = cloudpickle.loads(answer)
    return outcome

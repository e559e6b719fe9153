"""What becomes of a task: a result, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import cloudpickle
import numpy as np
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray
from leukotype.errors import LeukotypeError

Task = TypeVar("Task")
Result = TypeVar("Result")

KILLED = "Killed"


@dataclass(frozen=True)
class Failure:
    """Why a task gave no result.

    kind    : name of the exception's class; "Killed" for a worker that died, "TimeLimit" for a task that took too long
    message : in words; of a LeukotypeError its own
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
        return cls("TimeLimit", f"it took more than {limit:g} seconds, the limit of --task-timeout")

    @classmethod
    def of_lost_worker(cls, how: str, tries: int) -> Failure:
        return cls(
            KILLED,
            f"its worker process ended in each of {tries} tries ({how}), as one does that finds no memory",
        )


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """Of the task with this number: its result, or its failure."""

    number: int
    result: Result | None
    failure: Failure | None = None


def attempt(
    work: Callable[[FloatArray, Task], Result], matrix: FloatArray, number: int, task: Task
) -> Outcome[Result]:
    """Do one task; whatever it raises is its outcome, but for the user's own interruption."""
    try:
        return Outcome(number, work(matrix, task))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as problem:  # a user's model may raise anything, SystemExit too
        return Outcome(number, None, Failure.of(problem))


def pack(work: Callable[[FloatArray, Task], Result], number: int, task: Task) -> bytes:
    """Return a task as bytes that another process can do it by; functions of a script travel whole."""
    packed: bytes = cloudpickle.dumps((work, number, task))
    return packed


def attempt_packed(
    packed: bytes, number: int, matrix: FloatArray, begun: Callable[[], object] = lambda: None
) -> bytes:
    """Do a packed task with one thread of linear algebra, and return its outcome as bytes.

    begun : called when the code of the task is loaded, which may take seconds the first time
    """
    try:
        work, number, task = cloudpickle.loads(packed)
        begun()
        with threadpool_limits(1):
            outcome: Outcome[object] = attempt(work, matrix, number, task)
        answer: bytes = cloudpickle.dumps(outcome)
    except Exception as problem:
        # What was sent cannot be read here, or what came out cannot be sent.
        answer = cloudpickle.dumps(Outcome(number, None, Failure.of(problem)))
    return answer


def unpack(answer: bytes) -> Outcome[Result]:
    """Return the outcome that `attempt_packed` gave."""
    outcome: Outcome[Result] = cloudpickle.loads(answer)
    return outcome


def open_matrix(path: str) -> FloatArray:
    """(n_samples, n_probes) the matrix in a file, mapped into memory: once a machine, whatever its workers."""
    matrix: FloatArray = np.load(path, mmap_mode="r", allow_pickle=False)
    return matrix

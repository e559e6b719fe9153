"""run(tasks): serial or in processes, with the same answers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from leukotype.cohort import FloatArray

Task = TypeVar("Task")
Result = TypeVar("Result")


def available_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(
    work: Callable[[FloatArray, Task], Result],
    matrix: FloatArray,
    tasks: Sequence[Task],
    *,
    jobs: int = 1,
    on_done: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Return `work(matrix, task)` for every task, in the order of the tasks.

    The matrix reaches worker processes as one memory-mapped file.  Linear algebra is held to one thread
    inside every task, in one process as in many, so that sums come out the same.
    """
    results: dict[int, Result] = {}
    with _outcomes(work, matrix, tasks, min(jobs, len(tasks))) as outcomes:
        for number, result in outcomes:
            results[number] = result
            if on_done is not None:
                on_done(result)
    return [results[number] for number in range(len(tasks))]


@contextmanager
def _outcomes(
    work: Callable[[FloatArray, Task], Result], matrix: FloatArray, tasks: Sequence[Task], jobs: int
) -> Iterator[Iterator[tuple[int, Result]]]:
    if jobs <= 1:
        with threadpool_limits(1):
            yield ((number, work(matrix, task)) for number, task in enumerate(tasks))
        return
    with tempfile.TemporaryDirectory(prefix="leukotype-") as folder:
        path = Path(folder) / "matrix.npy"
        np.save(path, matrix)
        pool = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1, max_nbytes=None)
        yield pool(delayed(_work_on_file)(work, str(path), number, task) for number, task in enumerate(tasks))


def _work_on_file(
    work: Callable[[FloatArray, Task], Result], path: str, number: int, task: Task
) -> tuple[int, Result]:
    with threadpool_limits(1):
        return number, work(_open(path), task)


@lru_cache(maxsize=1)
def _open(path: str) -> FloatArray:
    # One mapping per worker, so that what is computed from the matrix can be kept between tasks.
    matrix: FloatArray = np.load(path, mmap_mode="r", allow_pickle=False)
    return matrix

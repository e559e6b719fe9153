"""What a Dask worker does with one task."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from leukotype.arrays import FloatArray
from leukotype.errors import ClusterFailed
from leukotype.execution import outcome, worker
from leukotype.models import versions

# The scheduler hears of a task that is over its time before its worker ends.
_GRACE_SECONDS = 1.0
# Limits of threads and caught warnings belong to the whole process: tasks of one worker take turns.
_TURN = threading.Lock()


def do(
    matrix: FloatArray | str, number: int, packed: bytes, driver_code: str, limit: float | None, topic: str
) -> bytes:
    """Return the outcome of a packed task as bytes.

    matrix      : the matrix, or the path of its file where driver and worker share a machine
    driver_code : fingerprint of the driver's code, which this worker must have too
    limit       : seconds after which the worker says so under `topic` and ends; None for no limit

    Raises ClusterFailed where the worker has another version of leukotype or of what it computes with.
    """
    if versions.fingerprint() != driver_code:
        raise ClusterFailed(
            "a worker has another version of leukotype, NumPy, SciPy, scikit-learn or XGBoost than this process, "
            "so that its results could differ. Install the same versions there."
        )
    here = worker.mapped(matrix) if isinstance(matrix, str) else matrix
    with _TURN, _clock(number, limit, topic) as start:
        return outcome.attempt_packed(packed, number, here, start)


@contextmanager
def _clock(number: int, limit: float | None, topic: str) -> Iterator[Callable[[], None]]:
    """Yield what starts the clock of a task."""
    if limit is None:
        yield lambda: None
        return
    from distributed import get_worker

    timer = threading.Timer(limit, _give_up, (get_worker(), number, topic))
    timer.daemon = True
    try:
        yield timer.start
    finally:
        timer.cancel()


def _give_up(dask_worker: object, number: int, topic: str) -> None:
    """End this worker, for a thread cannot be ended; its nanny starts another."""
    dask_worker.log_event(topic, {"number": number})  # type: ignore[attr-defined]  # distributed is not imported here
    time.sleep(_GRACE_SECONDS)
    os._exit(1)

"""What a worker process does: tasks, one after the other, until the driver is gone."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import lru_cache, partial
from multiprocessing.connection import Connection

from leukotype.arrays import FloatArray
from leukotype.execution import outcome

READY = b"ready"
BEGUN = b"begun"


def main(connection: Connection, driver: int) -> None:
    """Answer each (path of the matrix, number) and packed task with a word that it has begun, and its outcome.

    driver : pid of the process that waits for the answers
    """
    # Ctrl-C reaches every process of the terminal; it is the driver who decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(driver,), daemon=True).start()
    try:
        connection.send_bytes(READY)
        while True:
            path, number = connection.recv()
            packed = connection.recv_bytes()
            begun = partial(connection.send_bytes, BEGUN)
            connection.send_bytes(outcome.attempt_packed(packed, number, mapped(path), begun))
    except (EOFError, OSError):
        return


@lru_cache(maxsize=1)
def mapped(path: str) -> FloatArray:
    """The matrix in a file: one mapping a worker, so that what is computed from it can be kept between tasks."""
    return outcome.open_matrix(path)


def _leave_with(driver: int) -> None:
    """End this process, in the middle of a task too, when the driver was killed."""
    if not hasattr(os, "getppid") or os.getppid() != driver:
        return
    while os.getppid() == driver:
        time.sleep(0.5)
    os._exit(1)

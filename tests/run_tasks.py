"""Tasks that succeed or fail; every worker of the tests imports this module, so it imports little."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import numpy as np


def fate(matrix, task):
    """Do what the task says; by default return the sum of the matrix plus the length of the task."""
    if task == "raise":
        raise KeyError("there")
    if task == "leave":
        raise SystemExit(3)
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "hang":
        time.sleep(600)
    if task == "threads":
        from threadpoolctl import threadpool_info

        return {pool["num_threads"] for pool in threadpool_info()}
    return float(matrix.sum()) + len(task)


def die_while_answering(matrix, task):
    """Return a large result; task 1 kills its worker while it sends the result, on the first try."""
    number, marker = task
    if number == 1 and not marker.exists():
        marker.touch()
        threading.Thread(
            target=_kill_when_sending, args=(threading.main_thread().ident,), daemon=True
        ).start()
    return np.full(2_000_000, float(number))


def _kill_when_sending(main):
    while True:
        frame, names = sys._current_frames()[main], set()
        while frame is not None:
            names.add(frame.f_code.co_name)
            frame = frame.f_back
        if "_send" in names:
            os.kill(os.getpid(), signal.SIGKILL)


def pause(matrix, task):
    """Wait, then return the sum of the matrix plus the task."""
    time.sleep(0.1)
    return float(matrix.sum()) + task

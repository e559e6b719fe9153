"""Tasks of every fate; this module loads fast, for every worker of the tests loads it."""

from __future__ import annotations

import os
import signal
import time


def fate(matrix, task):
    """Do what the task says; by default the sum of the matrix and the length of the word."""
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


def pause(matrix, task):
    """Take a while."""
    time.sleep(0.1)
    return float(matrix.sum()) + task

"""A small study for tests of killed and failing runs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np

from conftest import make_tiny_cohort
from csv_files import write_csv
from leukotype.evaluation import Evaluation

PLUGIN = '''"""Models that are slow or fail."""

import os
import signal
import time

import numpy as np

from leukotype import Model


class Shares:
    def __init__(self, labels, setting):
        self.setting, self.probes = setting, None
        self.shares = np.bincount(labels) / len(labels)

    def predict_proba(self, fold):
        return np.tile(self.shares, (fold.n_test, 1))


def slow(fold, labels, grid, rng):
    time.sleep(0.05)
    return [Shares(labels, setting) for setting in grid]


def missing(fold, labels, grid, rng):
    return {"there": 1}["not there"]


def killed(fold, labels, grid, rng):
    os.kill(os.getpid(), signal.SIGKILL)


def stuck(fold, labels, grid, rng):
    time.sleep(600)


MODELS = (
    Model("slow", "Shares, slowly", slow, {"a": (1, 2)}),
    Model("missing", "A KeyError", missing),
    Model("killed", "Out of memory", killed),
    Model("stuck", "For ever", stuck),
)
'''


def write_plugin(folder: Path) -> Path:
    """Write the plug-in into `folder` and return its path."""
    path = folder / "slow_models.py"
    path.write_text(PLUGIN)
    return path


def write_tiny_csv(path: Path, seed: int = 20) -> Path:
    """Write the tiny cohort, or other samples of its population, as a CSV like those of CuMiDa."""
    write_csv(make_tiny_cohort(seed), path)
    return path


def start(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    """Start the command line in a new process with one thread of linear algebra."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "leukotype", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **threads},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def counts(store: Path) -> list[int]:
    """Return how often each finished task in a store was computed."""
    with closing(sqlite3.connect(store)) as connection:
        return [row[0] for row in connection.execute("SELECT computed FROM tasks")]


def content(evaluation: Evaluation) -> list[tuple[object, ...]]:
    """Return everything in an evaluation except times, bit by bit."""
    return [
        (
            result.model,
            result.repeat,
            result.fold,
            np.ascontiguousarray(result.probabilities).tobytes(),
            repr(result.setting),
            repr(result.inner_score),
            np.ascontiguousarray(result.inner_losses).tobytes(),
            None if result.probes is None else np.asarray(result.probes, dtype="<i8").tobytes(),
            result.notes,
        )
        for result in evaluation.results
    ]

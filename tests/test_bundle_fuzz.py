"""Mutated files are refused in one line or give the same calls, without crashes, hangs or high memory use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bundle_fuzz


def tried(first: int, last: int, *way: str) -> dict:
    script = Path(bundle_fuzz.__file__)
    # One thread: each thread of the linear algebra library reserves address space.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(first), str(last), *way],
        capture_output=True, text=True, env=environment, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def check(report: dict, number: int) -> None:
    assert sum(report["counts"].values()) == number
    # A few mutations change only bytes without meaning, such as a date.
    accidents = sum(way in bundle_fuzz.ACCIDENTS for _, way in bundle_fuzz.WAYS) / len(bundle_fuzz.WAYS)
    assert report["counts"]["accident refused"] > 0.9 * number * accidents
    # A forgery that replaces a number by another valid one gives a valid file; some mutants must reach this stage.
    assert report["counts"]["forgery other"] > 0.02 * number
    assert report["longest"] < 5
    assert report["MiB"] < 1024
    assert report["heavy"] == []


def test_some_mutants():
    check(tried(0, 300), 300)


@pytest.mark.slow
def test_two_thousand_mutants():
    check(tried(0, 2000), 2000)


def test_commands_answer_or_refuse_some_mutants():
    counts = tried(300, 420, "commands")["counts"]
    assert counts["forgery answered"] > 5
    assert counts["accident refused"] > 5


@pytest.mark.slow
def test_commands_answer_or_refuse_five_thousand_mutants():
    assert sum(tried(5000, 13500, "commands")["counts"].values()) > 5000


def test_every_mutation_is_applied_to_every_file():
    taken = {(file.name, way) for file, way, _ in map(bundle_fuzz.mutant, range(len(bundle_fuzz.WAYS)))}
    assert taken == {(file.name, way) for file, way in bundle_fuzz.WAYS}
    assert {file.stem for file, _ in bundle_fuzz.WAYS} == {
        "boosted-1", "linear-1", "neighbours-1", "trees-1", "none-1", "quantile-1", "quantile-2", "rank-1",
    }  # fmt: skip

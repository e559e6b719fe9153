"""Kills and flipped bits at random, as in `crash_trials.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import crash_trials


@pytest.mark.slow
def test_thirty_kills_and_flips_do_no_harm():
    # In a process of its own, because the trials fork.
    script = Path(crash_trials.__file__)
    done = subprocess.run(
        [sys.executable, script, "30", "12"], capture_output=True, text=True, check=False, timeout=1000
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "SIGKILL in time" in done.stdout


def test_some_flips_do_no_harm(tmp_path):
    rng = crash_trials.random.Random(3)
    data = crash_trials.write_tiny_csv(tmp_path / "tiny.csv")
    whole = crash_trials.store_bytes(tmp_path / "store")
    for _ in range(25):
        crash_trials.flip_cache(rng, data, tmp_path / "parsed")
        crash_trials.flip_store(rng, whole, tmp_path / "damaged")


def test_differences_are_found():
    assert crash_trials.difference({"a": b"1", "b": b"2"}, {"a": b"1", "b": b"3", "c": b""}) == ["b", "c"]

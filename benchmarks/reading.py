"""Compare pandas with leukotype for reading a wide CSV (64 × 22,283, 26 MB), with and without its cache.

    python benchmarks/reading.py [--rounds 5] [--file mine.csv]

Each reading runs in a new process and is timed after the imports.  The methods alternate, so that changes of the
machine's load affect all of them equally.  The best time of each is compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import leukotype as lt
from common import RESULTS, machine, simulated

WAYS = ("pandas.read_csv", "leukotype, cold", "leukotype, from the cache")
GOALS = {"leukotype, cold": 2.5, "leukotype, from the cache": 15.0}


def write_wide(file: Path) -> None:
    """Write the layout of GSE9476 with all digits of a double, like the original file."""
    cohort = simulated()
    digits = np.random.default_rng(0).uniform(0, 1e-6, cohort.expression.shape)
    table = pd.DataFrame(cohort.expression + digits, columns=cohort.probes)
    table.insert(0, "type", cohort.labels)
    table.insert(0, "samples", cohort.samples)
    table.to_csv(file, index=False)


def timed(way: str, file: Path, cache: Path) -> float:
    """Return the seconds of one reading in this process."""
    reading: dict[str, Callable[[], object]] = {
        WAYS[0]: lambda: pd.read_csv(file),
        WAYS[1]: lambda: lt.read(file),
        WAYS[2]: lambda: lt.read(file, cache=cache),
    }
    start = time.perf_counter()
    reading[way]()
    return time.perf_counter() - start


def fresh(way: str, file: Path, cache: Path) -> float:
    """Return the seconds of one reading in a new process."""
    command = [sys.executable, __file__, "--way", way, "--file", str(file), "--cache", str(cache)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(file: Path, cache: Path, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of every method, one value per round."""
    lt.read(file, cache=cache)
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            seconds[way].append(fresh(way, file, cache))
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(timed(arguments.way, arguments.file, arguments.cache))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = arguments.file or Path(folder) / "wide.csv"
        if arguments.file is None:
            write_wide(file)
        described = machine()
        seconds = compare(file, Path(folder) / "cache", arguments.rounds)
        size = file.stat().st_size
    base = min(seconds[WAYS[0]])
    rows = [
        {"way": way, "seconds": min(times), "ratio": base / min(times), "goal": GOALS.get(way)}
        for way, times in seconds.items()
    ]
    print(f"{size / 1e6:.1f} MB, best of {arguments.rounds}")
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))
    RESULTS.mkdir(exist_ok=True)
    found = {"machine": described, "bytes": size, "seconds": seconds, "table": rows}
    (RESULTS / "reading.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()

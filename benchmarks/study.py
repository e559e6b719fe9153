"""Seconds and peak memory of the whole command `leukotype study` at 64 × 22,283.

    python benchmarks/study.py [--repeats 5] [--jobs 2] [--data FILE]

Three studies of 5 × 3 folds run: four common models, the default models, and every model.  The time covers the whole
process, including reading, figures and report.  Memory is the peak of the process and its workers together, measured
ten times per second.  Shared memory is counted once (proportional set size).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import RESULTS, machine, simulated, write_cumida

STUDIES = {
    "logistic, knn, forest, xgboost": ["--models", "logistic,knn,forest,xgboost"],
    "the default": [],
    "every model": ["--models", "all"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--data", type=Path, help="CSV file (default: a simulated cohort)")
    args = parser.parse_args()

    described = machine()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        data = args.data
        if data is None:
            data = Path(place) / "simulated.csv"
            write_cumida(simulated(), data)
        for title, options in STUDIES.items():
            command = [sys.executable, "-m", "leukotype", "study", str(data), "--no-cache", *options]
            command += ["--repeats", str(args.repeats), "--jobs", str(args.jobs)]
            seconds, peak = watched([*command, "--out", str(Path(place) / title.replace(" ", ""))])
            rows.append({"models": title, "repeats": args.repeats, "seconds": seconds, "peak_mib": peak})
            print(f"{title:32s} {seconds:7.1f} s  {peak:7.0f} MiB", flush=True)
    RESULTS.mkdir(exist_ok=True)
    result = {"machine": described, "jobs": args.jobs, "rows": rows}
    (RESULTS / "study.json").write_text(json.dumps(result, indent=1) + "\n")


def watched(command: list[str]) -> tuple[float, float]:
    """Run a command; return its seconds and the peak memory of all its processes in MiB."""
    start = time.perf_counter()
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sum(held(member) for member in family(process.pid)))
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}.")
    return time.perf_counter() - start, peak


def family(pid: int) -> list[int]:
    """Return the process and its descendants."""
    members = [pid]
    for member in members:
        try:
            for thread in Path(f"/proc/{member}/task").iterdir():
                members += map(int, (thread / "children").read_text().split())
        except OSError:
            continue
    return members


def held(pid: int) -> float:
    """Return the MiB of one process; each shared page is divided among the processes that share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 2**10


if __name__ == "__main__":
    main()

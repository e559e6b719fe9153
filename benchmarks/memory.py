"""Memory of a benchmark on wide cohorts, driver and workers together.

    python benchmarks/memory.py [--samples 357 --probes 22277] [--models knn,centroids] [--jobs 2]

This script writes a synthetic file of that size, runs `leukotype benchmark` on it, and measures all its processes
five times per second.  It measures the proportional set size: a page shared by several processes is divided among
them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from common import RESULTS, machine

CLASSES = 6
MARKERS = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=357)
    parser.add_argument("--probes", type=int, default=22_277)
    parser.add_argument("--models", default="logistic,knn,centroids,majority,single-probe")
    parser.add_argument("--outer", type=int, default=2)
    parser.add_argument("--inner", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for the file (default: a temporary one)")
    parser.add_argument("--save", action="store_true", help="add the measurement to the results")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = args.keep or Path(temporary)
        file = place / f"wide_{args.samples}_{args.probes}.csv"
        if not file.exists():
            write(file, args.samples, args.probes)
        command = [
            *(
                sys.executable,
                "-m",
                "leukotype",
                "benchmark",
                str(file),
                "--no-cache",
                "--models",
                args.models,
            ),
            *("--outer", str(args.outer), "--inner", str(args.inner), "--jobs", str(args.jobs)),
            *("--out", str(Path(temporary) / "out")),
        ]
        found = watched(command)
    matrix = args.samples * args.probes * 8 / 2**20
    facts = {
        **{name: getattr(args, name) for name in ("samples", "probes", "models", "outer", "inner", "jobs")},
        "matrix_mib": round(matrix),
        **found,
    }
    print(json.dumps(facts, indent=2))
    if args.save:
        path = RESULTS / "memory.json"
        known = json.loads(path.read_text())["runs"] if path.exists() else []
        shape = ("samples", "probes", "models", "jobs")
        kept = [run for run in known if any(run[name] != facts[name] for name in shape)]
        path.write_text(json.dumps({"machine": machine(), "runs": [*kept, facts]}, indent=2) + "\n")


def write(file: Path, n_samples: int, n_probes: int) -> None:
    """Write a cohort in the CuMiDa layout: values with four decimals from a pool, some probes shifted by class."""
    rng = np.random.default_rng(0)
    pool = np.array([f",{value:.4f}" for value in rng.uniform(2, 9.9, 20_000)], dtype="S7")
    level = np.array([value[1:] for value in pool.tolist()]).astype(float)
    by_level = pool[np.argsort(level)]
    with file.open("wb") as stream:
        stream.write(b"samples,type," + ",".join(f"{k}_at" for k in range(n_probes)).encode() + b"\n")
        for sample in range(n_samples):
            number = sample % CLASSES
            chosen = rng.integers(0, len(pool), n_probes)
            own = slice(number * MARKERS, (number + 1) * MARKERS)
            chosen[own] = rng.integers(len(pool) // 2, len(pool), MARKERS)
            stream.write(f"S{sample},class{number}".encode() + by_level[chosen].tobytes() + b"\n")


def watched(command: list[str]) -> dict[str, object]:
    """Run a command; return its time and the peak memory in total, of the driver and of one worker."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    driver = psutil.Process(process.pid)
    peak = {"total": 0, "driver": 0, "worker": 0}
    while process.poll() is None:
        sizes = held(driver)
        own = sizes.pop(driver.pid, 0)
        peak["total"] = max(peak["total"], own + sum(sizes.values()))
        peak["driver"] = max(peak["driver"], own)
        peak["worker"] = max(peak["worker"], *sizes.values(), 0)
        time.sleep(0.2)
    output = process.stdout.read() if process.stdout else ""
    if process.returncode != 0:
        print(output, file=sys.stderr)
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "exit_code": process.returncode,
        **{f"peak_{name}_mib": round(size / 2**20) for name, size in peak.items()},
    }


def held(driver: psutil.Process) -> dict[int, int]:
    """Return the proportional set size of a process and its descendants, in bytes, by process id."""
    found = {}
    try:
        family = [driver, *driver.children(recursive=True)]
    except psutil.NoSuchProcess:
        return {}
    for member in family:
        try:
            found[member.pid] = int(member.memory_full_info().pss)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


if __name__ == "__main__":
    main()

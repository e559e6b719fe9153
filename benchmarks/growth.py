"""Growth of time and memory of a nested study with the number of samples and of probes.

    python benchmarks/growth.py [--models logistic knn ...] [--limit 300]

Each point runs in a new process on one core, with 5 outer and 3 inner folds and the model's own grid: 32 to 2,048
samples at 22,283 probes, and 2,000 to 200,000 probes at 64 samples.  A model that exceeds the time limit skips the
larger sizes.  Memory is the peak of the process, the cohort included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np

import leukotype
from common import RESULTS, machine, simulated
from leukotype.models import MODELS

SAMPLES = (32, 64, 128, 256, 512, 1024, 2048)
PROBES = (2_000, 6_000, 20_000, 60_000, 200_000)
FEW_SAMPLES, USUAL_PROBES = 64, 22_283
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = [model.name for model in MODELS if not model.baseline]
    parser.add_argument("--models", nargs="+", default=known, choices=known)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds")
    parser.add_argument("--samples", nargs="*", type=int, default=list(SAMPLES))
    parser.add_argument("--probes", nargs="*", type=int, default=list(PROBES))
    parser.add_argument("--name", default="growth")
    parser.add_argument("--point", nargs=3, metavar=("MODEL", "N", "P"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.point:
        print(json.dumps(point(args.point[0], int(args.point[1]), int(args.point[2]))))
        return

    described = machine()
    sweeps = [[(n, USUAL_PROBES) for n in args.samples], [(FEW_SAMPLES, p) for p in args.probes]]
    points = []
    for model in args.models:
        for sweep in sweeps:
            for n, p in sweep:
                found = in_a_process(model, n, p)
                print(
                    f"{model:12s} n {n:5d}  p {p:7d}  {found['seconds']:8.2f} s  {found['peak_mib']:7.0f} MiB",
                    flush=True,
                )
                points.append(found)
                if found["seconds"] > args.limit:
                    break
    print("\n" + exponents(points))
    RESULTS.mkdir(exist_ok=True)
    out = RESULTS / f"{args.name}.json"
    out.write_text(json.dumps({"machine": described, "points": points}, indent=1) + "\n")


def in_a_process(model: str, n: int, p: int) -> dict[str, float]:
    """Measure one point in a new process, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--point", model, str(n), str(p)]
    run = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}
    )
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def point(model: str, n: int, p: int) -> dict[str, object]:
    """Time one study, without the simulation of the cohort and the imports."""
    cohort = simulated(n, p)
    leukotype.evaluate(simulated(32, 50), models=[model], jobs=1)
    before = peak_mib()
    start = time.perf_counter()
    leukotype.evaluate(cohort, models=[model], jobs=1)
    seconds = time.perf_counter() - start
    matrix = cohort.expression.nbytes / 2**20
    return {
        "model": model,
        "n": n,
        "p": p,
        "seconds": seconds,
        "peak_mib": peak_mib(),
        "before_mib": before,
        "matrix_mib": matrix,
    }


def peak_mib() -> float:
    """Return the peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def exponents(points: list[dict[str, float]]) -> str:
    """Return the slope of log time over log p, and the time ratio of the largest to the smallest p, for each model."""
    lines = [
        f"| model | exponent of p | time ratio for {PROBES[-1] // PROBES[0]} times the probes |",
        "|---|---|---|",
    ]
    for model in dict.fromkeys(point["model"] for point in points):
        wide = [q for q in points if q["model"] == model and q["n"] == FEW_SAMPLES and q["p"] != USUAL_PROBES]
        if len(wide) < 2:
            continue
        p, seconds = np.log([q["p"] for q in wide]), np.log([q["seconds"] for q in wide])
        lines.append(
            f"| {model} | {np.polyfit(p, seconds, 1)[0]:.2f} | {np.exp(seconds[-1] - seconds[0]):.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

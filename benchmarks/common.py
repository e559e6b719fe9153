"""Shared parts of the benchmarks: description of the machine, simulated cohort, the peer's data format."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd

from leukotype.cohort import Cohort
from leukotype.datasets.simulate import simulate

RESULTS = Path(__file__).parent / "results"
CLASSES = {"AML": 26, "Bone_Marrow": 10, "Bone_Marrow_CD34": 8, "PB": 10, "PBSC_CD34": 10}
PACKAGES = ("numpy", "scipy", "scikit-learn", "xgboost", "pandas", "joblib")


def machine() -> dict[str, object]:
    """Describe processor, memory, system and versions."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    memory = next(
        (int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0
    )
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(memory / 2**20, 1),
        "load_at_start": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def wrapped(text: str) -> str:
    """Wrap a paragraph at 115 characters."""
    return textwrap.fill(text, 115, break_long_words=False, break_on_hyphens=False)


def simulated(n_samples: int = 64, n_probes: int = 22_283, seed: int = 0) -> Cohort:
    """Simulate a cohort of five classes in the proportions of GSE9476, with at least six samples per class."""
    sizes = np.array(list(CLASSES.values()))
    counts = np.maximum(sizes * n_samples // sizes.sum(), 6)
    counts[0] += n_samples - counts.sum()
    return simulate(dict(zip(CLASSES, counts.tolist(), strict=True)), n_probes, seed=seed).cohort


def write_cumida(cohort: Cohort, path: Path) -> None:
    """Write the CuMiDa layout, which the peer script reads."""
    frame = pd.DataFrame(cohort.expression, columns=cohort.probes.tolist())
    frame.insert(0, "type", cohort.labels)
    frame.insert(0, "samples", cohort.samples)
    frame.to_csv(path, index=False, float_format="%.6f")


def read_cumida(path: Path, log2: bool) -> Cohort:
    """Read a file like the peer script: drop classes of fewer than five samples."""
    frame = pd.read_csv(path)
    frame = frame[frame.groupby("type")["type"].transform("size") >= 5]
    expression = frame.drop(columns=["samples", "type"]).to_numpy(dtype=np.float64)
    if log2:
        expression = np.log2(np.maximum(expression, 1.0))
    return Cohort(
        expression=expression,
        labels=frame["type"].astype(str).to_numpy(),
        samples=frame["samples"].astype(str).to_numpy(),
        probes=frame.columns[2:].to_numpy(),
        name=path.name.split(".")[0],
    )

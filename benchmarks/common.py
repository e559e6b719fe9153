"""What the benchmarks share: the machine's description, the simulated cohort, the peer's data."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import numpy as np
import pandas as pd

from leukotype.cohort import Cohort, Provenance

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
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def simulated(n_samples: int = 64, n_probes: int = 22_283, n_classes: int = 5, seed: int = 0) -> Cohort:
    """A cohort with the classes of GSE9476 in proportion, correlated noise, and effects on a tenth of the probes."""
    rng = np.random.default_rng(seed)
    names, sizes = list(CLASSES)[:n_classes], np.array(list(CLASSES.values())[:n_classes], dtype=float)
    counts = np.maximum(np.floor(sizes / sizes.sum() * n_samples).astype(int), 1)
    counts[0] += n_samples - counts.sum()
    labels = np.repeat(names, counts)
    codes = np.repeat(np.arange(n_classes), counts)
    level = rng.uniform(3.4, 14.0, n_probes)
    spread = rng.gamma(2.0, 0.15, n_probes)
    factors = rng.normal(size=(n_samples, 8)) @ rng.normal(size=(8, n_probes)) / np.sqrt(8)
    expression = 0.6 * factors + 0.8 * rng.normal(size=(n_samples, n_probes))
    marked = rng.random(n_probes) < 0.1
    effects = rng.normal(size=(n_classes, n_probes)) * marked * 0.8
    expression = np.round(level + spread * (expression + effects[codes]), 6)
    order = rng.permutation(n_samples)
    return Cohort(
        expression=expression[order],
        labels=labels[order],
        samples=np.array([f"S{number}" for number in range(n_samples)]),
        probes=np.array([f"{200_000 + number}_at" for number in range(n_probes)]),
        name=f"simulated {n_samples} x {n_probes}",
        provenance=Provenance("benchmarks", simulated=True),
    )


def write_cumida(cohort: Cohort, path: Path) -> None:
    """Write the CuMiDa layout, as the peer reads it."""
    frame = pd.DataFrame(cohort.expression, columns=cohort.probes.tolist())
    frame.insert(0, "type", cohort.labels)
    frame.insert(0, "samples", cohort.samples)
    frame.to_csv(path, index=False, float_format="%.6f")


def read_cumida(path: Path, log2: bool) -> Cohort:
    """Read what the peer reads, as it reads it: classes of fewer than five samples are dropped."""
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

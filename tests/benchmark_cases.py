"""Cohorts and plug-ins for the tests of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from csv_files import write_csv
from leukotype.datasets import simulate

SIZES = {"AML": 12, "PB": 10}


def write_cohorts(folder: Path, n: int = 3, classes: Mapping[str, int] | None = None) -> list[Path]:
    """Write small simulated cohorts, each of its own seed; return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"set{k}.csv" for k in range(n)]
    for k, path in enumerate(paths):
        write_csv(simulate.simulate(classes or SIZES, 60, seed=k).cohort, path)
    return paths


# It fails on cohorts of 22 samples and on no others; a KeyError is what no code of ours foresees.
FAILING = """
from leukotype.models import Model
from leukotype.models.baselines import majority

def path(fold, labels, grid, rng):
    if len(fold.expression) == 22:
        raise KeyError("a probe that is not there")
    return majority(fold, labels, grid, rng)

MODELS = (Model("fragile", "Fragile", path),)
"""

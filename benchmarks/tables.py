"""False refusals of columns and misreadings of hostile tables, as decision 0013 states them.

    python benchmarks/tables.py [--real FOLDER]

Prints three counts: clean simulated cohorts with a column that is called not expression; random panels of two real
RNA-seq studies (in FOLDER/studies, for example LEUKOTYPE_DATA) with such a column; and hostile tables that are misread.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from leukotype.readers.columns import stray_columns

TESTS = Path(__file__).parents[1] / "tests"
N_COHORTS, N_PANELS, N_TABLES = 1500, 300, 5400
STUDIES = {
    "GSE84445_Raw_counts.txt.gz": "GSE84445_labels.csv",
    "immune63_counts.txt.gz": "immune63_labels.csv",
}


def simulated(seed: int) -> int:
    """Return how many of eight clean cohorts have a column that is called not expression."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(6, 70)), int(rng.choice([12, 40, 500, 5000]))
    codes = np.sort(rng.integers(0, 3, n))
    level = rng.uniform(3, 13, p)
    rates = 1 / (1 + 0.3 * np.exp(np.minimum(3 * rng.gamma(1, 1, p), 12)))
    low = rng.negative_binomial(2, 1 / (1 + 0.5 * np.exp(rng.normal(0, 2, p))), (n, p))
    depth = np.maximum(low.sum(axis=1, keepdims=True), 1)
    markers = (rng.random(p) < 0.3) * codes[:, None] * 3
    cohorts = [
        np.round(rng.normal(level, 0.7, (n, p)), 2),
        np.round(rng.normal(level, 0.7, (n, p)), 1),
        np.round(2 ** rng.normal(level - 1, 0.7, (n, p)), 1),
        np.round(rng.normal(0, 1, (n, p)), 3),
        np.round(rng.normal(level, 0.3, (n, p)) + markers, 2),
        rng.negative_binomial(3, rates, (n, p)).astype(float),
        np.round(np.log2(low + 1), 3),
        np.round(np.log2(1e6 * low / depth + 1), 3),
    ]
    return sum(bool(stray_columns(values, codes)) for values in cohorts)


def panels(folder: Path, counts: str, labels: str) -> int:
    """Return how many small panels of a study, in five units, have a column that is called not expression."""
    table = pd.read_csv(folder / counts, sep="\t", index_col=0)
    known = pd.read_csv(folder / labels).set_index("sample")["label"].reindex(table.columns).dropna()
    x = table[known.index].to_numpy(float).T
    codes = np.unique(known, return_inverse=True)[1]
    mean = x.mean(axis=0)
    middle = np.quantile(mean[mean > 0], 0.5)
    high, low = np.flatnonzero(mean > middle), np.flatnonzero((mean > 0) & (mean <= middle))
    cpm = 1e6 * x / x.sum(axis=1, keepdims=True)
    units = (x, np.log2(x + 1).round(3), np.log2(cpm + 1).round(3), np.log1p(cpm), np.log2(cpm + 0.5))
    found = 0
    for seed in range(N_PANELS):
        rng = np.random.default_rng(seed)
        p, n = int(rng.integers(10, 31)), int(rng.integers(6, 17))
        # Every second panel: genes of high expression and one of low expression.
        genes = (
            np.r_[rng.choice(high, p - 1, False), rng.choice(low, 1)]
            if seed % 2
            else rng.choice(len(mean), p, False)
        )
        rows, genes = rng.choice(len(x), n, False), rng.permutation(genes)
        found += sum(bool(stray_columns(values[np.ix_(rows, genes)], codes[rows])) for values in units)
    return found


def misread(numbers: range) -> int:
    sys.path.insert(0, str(TESTS))
    from test_hostile_tables import judge

    with tempfile.TemporaryDirectory() as folder:
        return sum(bool(judge(number, Path(folder))) for number in numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, help="folder with real studies")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"clean cohorts: {sum(map(simulated, range(N_COHORTS)))} of {8 * N_COHORTS} refused")
    if options.real is not None:
        found = sum(panels(options.real / "studies", *files) for files in STUDIES.items())
        print(f"real panels: {found} of {5 * N_PANELS * len(STUDIES)} refused")
    print(f"hostile tables: {misread(range(N_TABLES))} of {N_TABLES} misread")


if __name__ == "__main__":
    main()

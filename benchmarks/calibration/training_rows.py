"""Does `validate` recognise training samples, and no others?  Sketches of simulated and real cohorts.

    python benchmarks/calibration/training_rows.py

Real cohorts come from the folder LEUKOTYPE_DATA.  The sketch is learned from the training samples: Golub's 38, or one
half of a cohort.  The same samples are compared with it after changes of scale, rounding, alignment and removal of
probes, and the other samples of the cohort as they are.  Simulated cohorts have 40 training samples and 1,000 others.
The result is results/training_rows.csv.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray, IntArray
from leukotype.classifier.sketch import Sketch
from leukotype.datasets.simulate import simulate
from leukotype.readers import read, read_batch
from leukotype.recipes.alignment import Alignment

RESULT = Path(__file__).parent / "results" / "training_rows.csv"
HALVES = {
    "chowdary": "wide/chowdary_breast_colon.csv.gz",
    "nakayama": "wide/nakayama_sarcoma.csv.gz",
    "GSE9476, 1,219 probes": "cumida/Leukemia_GSE9476_slice.csv.gz",
}
PANELS = (20, 40, 100, 1000)


def _aligned(x: FloatArray) -> FloatArray:
    alignment = Alignment.learn(x[: len(x) // 2], "quantile")
    return np.array([alignment.complete(row) for row in x])


def _thinned(x: FloatArray, share: float) -> FloatArray:
    return np.where(np.random.default_rng(1).random(x.shape[1]) < share, np.nan, x)


def _noisy(x: FloatArray, deviation: float) -> FloatArray:
    return x + np.random.default_rng(2).normal(0, deviation, x.shape)


CHANGES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "as they were": lambda x: x,
    "linear values, whole numbers": lambda x: np.round(2.0**x),
    "one decimal": lambda x: x.round(1),
    "quantile alignment": _aligned,
    "z-scores of each sample": lambda x: (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True),
    "half of the probes missing": lambda x: _thinned(x, 0.5),
    "linear, half missing, 3 digits": lambda x: _three_digits(2.0 ** _thinned(x, 0.5)),
    "noise of 0.05 log2 units": lambda x: _noisy(x, 0.05),
    "noise of 0.2 log2 units": lambda x: _noisy(x, 0.2),
}
NEW = "other samples of the cohort"


def _three_digits(x: FloatArray) -> FloatArray:
    unit = 10.0 ** (np.floor(np.log10(x)) - 2)
    return np.asarray(np.round(x / unit) * unit)


def cohorts() -> Iterator[tuple[str, FloatArray, IntArray, FloatArray]]:
    """Yield name, training samples, their class codes and other samples."""
    sizes = {"a": 24, "b": 16}
    for n_probes in PANELS:
        one = simulate(sizes, n_probes, seed=n_probes)
        fresh = one.fresh({"a": 600, "b": 400}, 1)
        yield f"simulated, {n_probes:,} probes", one.cohort.expression, one.cohort.codes, fresh.expression
    data = Path(os.environ["LEUKOTYPE_DATA"])
    golub = read(data / "golub/data_set_ALL_AML_train.csv", labels=data / "golub/actual.csv")
    later = read_batch(data / "golub/data_set_ALL_AML_independent.csv")
    place = {probe: column for column, probe in enumerate(later.probes.tolist())}
    columns = [place[probe] for probe in golub.probes.tolist()]
    yield "Golub, 38 and 34", golub.expression, golub.codes, later.expression[:, columns]
    for name, file in HALVES.items():
        cohort = read(data / file)
        order = np.random.default_rng(1).permutation(cohort.n_samples)
        half, other = np.array_split(order, 2)
        yield name, cohort.expression[half], cohort.codes[half], cohort.expression[other]


def rows() -> Iterator[dict[str, object]]:
    for name, x, codes, others in cohorts():
        sketch = Sketch.learn(x, codes)
        if sketch is None:
            yield {
                "cohort": name,
                "samples": "",
                "n": len(x),
                "recognised": 0,
                "not compared": len(x),
                "limit": np.nan,
            }
            continue
        for what, samples in {**{what: change(x) for what, change in CHANGES.items()}, NEW: others}.items():
            found = [sketch.knows(row) for row in samples]
            yield {
                "cohort": name, "samples": what, "n": len(found), "recognised": found.count(True),
                "not compared": found.count(None), "limit": round(sketch.limit, 4),
            }  # fmt: skip


def main() -> None:
    pd.DataFrame(rows()).to_csv(RESULT, index=False)


if __name__ == "__main__":
    main()

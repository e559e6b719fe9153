"""Null cohorts: permutation p-values, and the best of eight models before and after correction.

    python benchmarks/calibration/null.py [--cohorts 200] [--models knn,centroids,logistic]

Every cohort has 60 samples and 1,000 probes that are independent of the labels.  It has 2 classes if its number is
even, and 5 if it is odd.  Rows are appended to results/null_best.csv and results/null_p.csv.  Existing rows are not
computed again, so an interrupted run resumes.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import pandas as pd

from leukotype.cohort import Cohort
from leukotype.datasets.simulate import null_cohort
from leukotype.evaluation import auto, evaluate
from leukotype.inference import corrected_best, permutation_tests

RESULTS = Path(__file__).parent / "results"
EIGHT = ("logistic", "knn", "centroids", "svm", "naive-bayes", "tree", "diagonal-lda", "ridge-lda")
SIZES = ({"a": 30, "b": 30}, dict.fromkeys("abcde", 12))


def cohort(number: int, n_probes: int = 1000) -> Cohort:
    return null_cohort(SIZES[number % 2], n_probes, seed=1000 + number)


def best_of_eight(number: int) -> pd.DataFrame:
    """Return one row per metric: the uncorrected best, the corrected best, and auto."""
    evaluation = evaluate(cohort(number), EIGHT, jobs=1)
    own = auto(evaluation).summary(["balanced_accuracy", "accuracy"]).set_index(["model", "metric"])
    rows = []
    for metric in ("balanced_accuracy", "accuracy"):
        best = corrected_best(evaluation, metric)
        rows.append(
            {
                "cohort": number,
                "n_classes": len(evaluation.classes),
                "metric": metric,
                "model": best.model,
                "uncorrected": best.uncorrected,
                "corrected": best.value,
                "low": best.low,
                "high": best.high,
                "auto": own.loc[("auto", metric), "value"],
            }
        )
    return pd.DataFrame(rows)


def p_values(number: int, models: tuple[str, ...], n_permutations: int = 99) -> pd.DataFrame:
    """Return one row per model and metric: the p-value and the number of permutations that tie with the labels."""
    evaluation = evaluate(cohort(number), models, jobs=1)
    rows = []
    tests = permutation_tests(evaluation, models=models, n_permutations=n_permutations, seed=number, jobs=1)
    for metric, test in tests.items():
        for model in models:
            ties = int((abs(test.null[model] - test.observed[model]) < 1e-12).sum())
            rows.append(
                {
                    "cohort": number,
                    "n_classes": len(evaluation.classes),
                    "model": model,
                    "metric": metric,
                    "p": test.p(model),
                    "ties": ties,
                }
            )
    return pd.DataFrame(rows)


def append(table: pd.DataFrame, name: str) -> None:
    path = RESULTS / name
    table.to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.6g")


def present(name: str) -> pd.DataFrame:
    """Return the rows of earlier runs in results/`name`."""
    path = RESULTS / name
    return pd.read_csv(path) if path.exists() else pd.DataFrame({"cohort": [], "model": []})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--models", default="knn,centroids,logistic", help="models for the permutation test")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    RESULTS.mkdir(exist_ok=True)
    start = time.perf_counter()
    best, permuted = present("null_best.csv"), present("null_p.csv")
    done = set(zip(permuted["cohort"], permuted["model"], strict=True))
    for number in range(options.cohorts):
        if number not in set(best["cohort"]):
            append(best_of_eight(number), "null_best.csv")
        missing = tuple(model for model in options.models.split(",") if (number, model) not in done)
        if missing:
            append(p_values(number, missing), "null_p.csv")
        print(number, *missing, f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()

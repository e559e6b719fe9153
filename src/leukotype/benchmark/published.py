"""Accuracies published by CuMiDa, compared with ours."""

from __future__ import annotations

from leukotype.benchmark.result import Benchmark, CohortResult
from leukotype.datasets import MEAN_OF_NINE, Dataset, catalogue

# Protocol of CuMiDa (Feltes et al. 2019): 3 folds.  Its models were not tuned; the inner folds are ours.
PROTOCOL = "cumida"
OUTER = 3

# Name of a method in CuMiDa, and the equivalent model here.
EQUIVALENT = {
    "ZeroR": "majority",
    "SVM": "svm",
    "MLP": "mlp",
    "DT": "tree",
    "NB": "naive-bayes",
    "RF": "forest",
    "KNN": "knn",
}


def known(benchmark: Benchmark) -> list[tuple[CohortResult, Dataset]]:
    """Return the cohorts of the benchmark with published accuracies, recognised by name and number of samples."""
    entries = catalogue()
    found = []
    for result in benchmark.cohorts:
        entry = entries.get(result.name)
        if entry is not None and entry.published and result.facts["n_samples"] == entry.fingerprint.n_samples:
            found.append((result, entry))
    return found


def rows(benchmark: Benchmark) -> list[tuple[str, str, float, str, float, float, float]]:
    """Cohort, method, published accuracy, model here, its accuracy, low and high; for methods in both."""
    found = []
    for result, entry in known(benchmark):
        ours = result.values("accuracy")
        for method, accuracy in entry.published.items():
            model = EQUIVALENT.get(method, "")
            if model in ours.index:
                value, low, high = (float(ours.loc[model, name]) for name in ("value", "low", "high"))  # type: ignore[arg-type]
                found.append((result.name, method, accuracy, model, value, low, high))
    return found


def means(benchmark: Benchmark) -> dict[str, float]:
    """Published mean accuracy of nine methods, by cohort."""
    return {
        result.name: entry.published[MEAN_OF_NINE]
        for result, entry in known(benchmark)
        if MEAN_OF_NINE in entry.published
    }

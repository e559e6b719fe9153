"""Accuracies that CuMiDa has published, beside ours."""

from __future__ import annotations

from leukotype.benchmark.outcome import Outcome
from leukotype.benchmark.result import Benchmark
from leukotype.datasets import MEAN_OF_NINE, Dataset, catalogue

# CuMiDa's protocol (Feltes et al. 2019): 3 folds.  The inner ones are ours: its models were not tuned.
PROTOCOL = "cumida"
OUTER = 3

# What CuMiDa calls a method, and the model here that does the same.
ALIKE = {
    "ZeroR": "majority",
    "SVM": "svm",
    "MLP": "mlp",
    "DT": "tree",
    "NB": "naive-bayes",
    "RF": "forest",
    "KNN": "knn",
}


def known(benchmark: Benchmark) -> list[tuple[Outcome, Dataset]]:
    """Return the cohorts of the benchmark for which there are published numbers.

    Told by name and shape: a file of other samples or probes is not the one that was published on.
    """
    entries = catalogue()
    found = []
    for outcome in benchmark.outcomes:
        entry = entries.get(outcome.name)
        if (
            entry is not None
            and entry.published
            and outcome.facts["n_samples"] == entry.fingerprint.n_samples
        ):
            found.append((outcome, entry))
    return found


def rows(benchmark: Benchmark) -> list[tuple[str, str, float, str, float, float, float]]:
    """Cohort, method, published accuracy, model here, its accuracy, low and high; of methods that stand in both."""
    found = []
    for outcome, entry in known(benchmark):
        ours = outcome.values("accuracy")
        for method, accuracy in entry.published.items():
            model = ALIKE.get(method, "")
            if model in ours.index:
                value, low, high = (float(ours.loc[model, name]) for name in ("value", "low", "high"))  # type: ignore[arg-type]
                found.append((outcome.name, method, accuracy, model, value, low, high))
    return found


def means(benchmark: Benchmark) -> dict[str, float]:
    """Published mean of nine by cohort."""
    return {
        outcome.name: entry.published[MEAN_OF_NINE]
        for outcome, entry in known(benchmark)
        if MEAN_OF_NINE in entry.published
    }

"""leukotype: reliable classification of gene-expression samples.

import leukotype as lt

cohort = lt.load("Leukemia_GSE9476")          # or lt.read("mine.csv")
study = lt.study(cohort, models=["logistic", "knn", "forest", "xgboost"])
study.summary()                                # a DataFrame: every metric with its interval
study.report("report.html")

classifier = lt.train(cohort, model="logistic")
classifier.save("aml.leuko")
calls = lt.load_classifier("aml.leuko").predict(lt.read_batch("new.csv"))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leukotype.classifier import Calls, Classifier, Target
    from leukotype.classifier import load as load_classifier
    from leukotype.classifier.training import train
    from leukotype.classifier.validation import validate
    from leukotype.cohort import Batch, Cohort
    from leukotype.datasets import load
    from leukotype.datasets.simulate import null_cohort, simulate
    from leukotype.evaluation import Evaluation, evaluate
    from leukotype.models import Model
    from leukotype.readers import read, read_batch
    from leukotype.recipes import Recipe
    from leukotype.resampling import Design, read_folds
    from leukotype.results import write_report as report
    from leukotype.studies import Study, study

__version__ = "0.1.0"

# Loaded on first use, so that `import leukotype` and `leukotype --help` are fast.
_HOME = {
    "Batch": ("leukotype.cohort", "Batch"),
    "Calls": ("leukotype.classifier", "Calls"),
    "Classifier": ("leukotype.classifier", "Classifier"),
    "Cohort": ("leukotype.cohort", "Cohort"),
    "Design": ("leukotype.resampling", "Design"),
    "Evaluation": ("leukotype.evaluation", "Evaluation"),
    "Model": ("leukotype.models", "Model"),
    "Recipe": ("leukotype.recipes", "Recipe"),
    "Study": ("leukotype.studies", "Study"),
    "Target": ("leukotype.classifier", "Target"),
    "evaluate": ("leukotype.evaluation", "evaluate"),
    "load": ("leukotype.datasets", "load"),
    "load_classifier": ("leukotype.classifier", "load"),
    "null_cohort": ("leukotype.datasets.simulate", "null_cohort"),
    "read": ("leukotype.readers", "read"),
    "read_batch": ("leukotype.readers", "read_batch"),
    "read_folds": ("leukotype.resampling", "read_folds"),
    "report": ("leukotype.results", "write_report"),
    "simulate": ("leukotype.datasets.simulate", "simulate"),
    "study": ("leukotype.studies", "study"),
    "train": ("leukotype.classifier.training", "train"),
    "validate": ("leukotype.classifier.validation", "validate"),
}

__all__ = [
    "Batch",
    "Calls",
    "Classifier",
    "Cohort",
    "Design",
    "Evaluation",
    "Model",
    "Recipe",
    "Study",
    "Target",
    "__version__",
    "evaluate",
    "load",
    "load_classifier",
    "null_cohort",
    "read",
    "read_batch",
    "read_folds",
    "report",
    "simulate",
    "study",
    "train",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'leukotype' has no attribute {name!r}")
    module, attribute = _HOME[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)

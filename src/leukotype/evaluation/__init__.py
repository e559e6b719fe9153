"""Evaluation: out-of-fold predictions of every model on one cohort, and how they come about."""

from leukotype.evaluation.auto import AUTO, AUTO_MODEL, auto, choose
from leukotype.evaluation.caching import CachingEngine
from leukotype.evaluation.nested import FailedTask, evaluate
from leukotype.evaluation.results import Evaluation, FoldResult

__all__ = [
    "AUTO",
    "AUTO_MODEL",
    "Evaluation",
    "FailedTask",
    "FoldResult",
    "CachingEngine",
    "auto",
    "choose",
    "evaluate",
]

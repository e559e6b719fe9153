"""Evaluation: out-of-fold predictions of every model on one cohort, and how they come about."""

from leukotype.evaluation.kept import KeptEngine
from leukotype.evaluation.nested import FailedTask, evaluate
from leukotype.evaluation.results import Evaluation, FoldResult

__all__ = ["Evaluation", "FailedTask", "FoldResult", "KeptEngine", "evaluate"]

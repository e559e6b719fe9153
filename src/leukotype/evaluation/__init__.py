"""Evaluation: out-of-fold predictions of every model on one cohort, and how they come about."""

from leukotype.evaluation.nested import evaluate
from leukotype.evaluation.results import Evaluation, FoldResult

__all__ = ["Evaluation", "FoldResult", "evaluate"]

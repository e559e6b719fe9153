"""Evaluation: out-of-fold predictions of every model on one cohort, and how they are computed."""

from leukotype.evaluation.auto import AUTO, auto, choose
from leukotype.evaluation.caching import CachingEngine
from leukotype.evaluation.nested import FailedTask, evaluate
from leukotype.evaluation.results import Evaluation
from leukotype.recipes.fitting import FoldResult

__all__ = ["AUTO", "CachingEngine", "Evaluation", "FailedTask", "FoldResult", "auto", "choose", "evaluate"]

"""inference: how reliable an evaluation is: intervals, comparisons, permutation tests and learning curves."""

from leukotype.inference.leaks import MISTAKES, N_SPLITS, price_leaks
from leukotype.inference.learning import FRACTIONS, LearningCurve, learning_curve, thinner
from leukotype.inference.paired import compare
from leukotype.inference.permutation import (
    MOST_SLOW,
    QUICK,
    PermutationTest,
    check_permutable,
    permutation_test,
    permutation_tests,
)
from leukotype.inference.selection import BestOfMany, corrected_best
from leukotype.inference.stability import difficulty, split_dependence

__all__ = [
    "FRACTIONS",
    "MISTAKES",
    "MOST_SLOW",
    "N_SPLITS",
    "QUICK",
    "BestOfMany",
    "LearningCurve",
    "PermutationTest",
    "check_permutable",
    "compare",
    "corrected_best",
    "difficulty",
    "learning_curve",
    "permutation_test",
    "permutation_tests",
    "price_leaks",
    "split_dependence",
    "thinner",
]

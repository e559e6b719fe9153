"""What a result is worth: how uncertain, against which null, after how many tries, and at what price in samples."""

from leukotype.inference.leaks import MISTAKES, N_SPLITS, Mistake, price_leaks
from leukotype.inference.learning import FRACTIONS, LearningCurve, learning_curve, thinner
from leukotype.inference.multiplicity import holm
from leukotype.inference.paired import compare, corrected_t, correlated_t, mcnemar
from leukotype.inference.permutation import (
    MOST_SLOW,
    QUICK,
    PermutationTest,
    check_permutable,
    permutation_test,
    permutation_tests,
)
from leukotype.inference.selection import BestOfMany, corrected_best
from leukotype.inference.stability import difficulty, hardest, split_dependence

__all__ = [
    "FRACTIONS",
    "MISTAKES",
    "MOST_SLOW",
    "N_SPLITS",
    "QUICK",
    "BestOfMany",
    "LearningCurve",
    "Mistake",
    "PermutationTest",
    "check_permutable",
    "compare",
    "corrected_best",
    "corrected_t",
    "correlated_t",
    "difficulty",
    "hardest",
    "holm",
    "learning_curve",
    "mcnemar",
    "permutation_test",
    "permutation_tests",
    "price_leaks",
    "split_dependence",
    "thinner",
]

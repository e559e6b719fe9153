"""Prediction sets: the classes that a sample may belong to, at a given confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.errors import UnknownName
from leukotype.wording import listed

LEVEL = 0.9
# Scores come from the fitted models, those of a new sample from the rules in the file; they agree to 1e-12, and equal
# votes must count as equal.
_ROUNDING = 1e-9


def check_level(level: float) -> None:
    """Raise UnknownName for a level outside (0, 1)."""
    if not 0 < level < 1:
        raise UnknownName(f"the level is {level:g}. Use a number above 0 and below 1, such as 0.9.")


@dataclass(frozen=True, eq=False)
class CrossConformal:
    """Out-of-fold scores of the training samples, for class-conditional cross-conformal prediction.

    scores : (n_train,) probability of each sample's own class when it was held out
    labels : (n_train,)
    folds  : (n_train,) fold that held it out, from 0
    donors : (n_train,) code of its donor, whose samples share a fold; None if each sample has its own donor

    The p-value of class y counts the training samples of y whose score is at most that of the new sample by the model
    of their fold.  The samples of a donor count as one: each has the weight 1 / number of the donor's samples in y.  A
    class is in the set if its p-value exceeds 1 - level.  A class of K donors has p-values of 1 / (K + 1) or more, so
    it is in every set at levels above K / (K + 1).

    Proven, for new donors from the same source: a class is in at least 1 - 2 alpha of the sets of its samples, less a
    term for few folds, with alpha = 1 - level (Barber et al. 2021, Theorem 4, for one sample a donor; Lee et al. 2023
    for several).  Measured: at least the level less 0.02 (benchmarks/calibration/prediction_sets.py).

    Vovk (2015), Annals of Mathematics and Artificial Intelligence 74, 9-28 (cross-conformal); Vovk, Gammerman & Shafer
    (2005), Algorithmic Learning in a Random World, on class-conditional categories; Barber, Candes, Ramdas & Tibshirani
    (2021), Annals of Statistics 49, 486-507; Dunn, Wasserman & Ramdas (2023), JASA 118, 2491-2502, and Lee, Barber &
    Willett (2023), arXiv:2306.06342, on several samples of a donor.
    """

    scores: FloatArray
    labels: IntArray
    folds: IntArray
    donors: IntArray | None = None

    def n_units(self, code: int) -> int:
        """Return the number of donors with training samples of a class."""
        own = self.labels == code
        return int(own.sum()) if self.donors is None else len(np.unique(self.donors[own]))

    def describe(self, level: float, classes: Sequence[str]) -> str:
        """Describe the coverage of the sets at a level."""
        unit = "samples" if self.donors is None else "donors"
        text = (
            f"In each class, about {100 * level:g} % of the sets contain the true class, for new {unit} from the same "
            "source."
        )
        few = {
            name: n for name, n in zip(classes, map(self.n_units, range(len(classes))), strict=True)
            if not attains(n, level)
        }  # fmt: skip
        if few:
            counts = listed(f"{name} ({n})" for name, n in few.items())
            lowest = min(few.values())
            text += (
                f" {100 * level:g} % needs {least(level)} training {unit} of a class. Classes with fewer are in every "
                f"set: {counts}. {lowest} {unit} allow a level of at most {attainable(lowest):.2f}."
            )
        return text

    def p_values(self, by_fold: Sequence[FloatArray]) -> FloatArray:
        """(n_classes,) p-values of one sample.

        by_fold : its probabilities (n_classes,) by the model of each fold
        """
        by_class = np.array(by_fold).T
        found = np.ones(len(by_class))
        for code, shown in enumerate(by_class):
            own = self.labels == code
            if not own.any():
                continue
            lower = self.scores[own] <= shown[self.folds[own]] + _ROUNDING
            if self.donors is None:
                found[code] = (int(lower.sum()) + 1) / (len(lower) + 1)
            else:
                _, unit, counts = np.unique(self.donors[own], return_inverse=True, return_counts=True)
                shares = np.bincount(unit, weights=lower) / counts
                found[code] = (shares.sum() + 1) / (len(counts) + 1)
        return found

    def inside(self, by_fold: Sequence[FloatArray], level: float) -> BoolArray:
        """(n_classes,) whether each class is in the set of one sample."""
        return np.asarray(self.p_values(by_fold) > 1 - level + 1e-12)


def attains(n: int, level: float) -> bool:
    """Return whether a class of `n` donors can be left out of a set at this level."""
    return 1 / (n + 1) <= 1 - level + 1e-12


def least(level: float) -> int:
    """Return the number of donors that a class needs for a level."""
    return math.ceil(level / (1 - level) - 1e-9)


def attainable(n: int) -> float:
    """Return the highest level, rounded down to two decimals, at which a class of `n` donors can be left out."""
    return math.floor(100 * n / (n + 1) + 1e-9) / 100

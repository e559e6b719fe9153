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

    The p-value of class y counts, over the folds k, the training samples of y in k whose score is at most that of the
    new sample by the model of k.  A class is in the set if its p-value is large enough.  In each class, about the
    stated share of the sets contain the true class, for any model.

    Vovk (2015), Annals of Mathematics and Artificial Intelligence 74, 9-28 (cross-conformal); Vovk, Gammerman & Shafer
    (2005), Algorithmic Learning in a Random World, on class-conditional categories.
    """

    scores: FloatArray
    labels: IntArray
    folds: IntArray

    def groups(self, level: float, n_classes: int) -> list[list[int]]:
        """Return the classes, with those joined that are too small for the level.

        With n samples, the smallest p-value is 1 / (n + 1), so a class of fewer than level / (1 - level) samples would
        be in every set.  Such classes are joined, smallest first, until they are large enough; the coverage then holds
        for them jointly.
        """
        counts = np.bincount(self.labels, minlength=n_classes)
        small: list[int] = []
        groups: list[list[int]] = []
        for code in np.argsort(counts, kind="stable").tolist():
            if attains(int(counts[code]), level) and (not small or attains(int(counts[small].sum()), level)):
                groups.append([code])
            else:
                small.append(code)
        if small:
            groups.append(sorted(small))
        return sorted(groups)

    def describe(self, level: float, classes: Sequence[str]) -> str:
        """Describe the coverage of the sets at a level."""
        counts = np.bincount(self.labels, minlength=len(classes))
        percent = f"{100 * level:g} %"
        text = f"In each class, about {percent} of the sets contain the true class, for samples from the same source."
        needed = least(level)
        for group in self.groups(level, len(classes)):
            names = listed(classes[code] for code in group)
            if not attains(int(counts[group].sum()), level):
                text += (
                    f" {names} {'is' if len(group) == 1 else 'are'} in every set: {percent} needs {needed} training "
                    f"samples, and there are {int(counts[group].sum())}."
                )
            elif len(group) > 1:
                text += f" {names} are covered jointly, because {percent} needs {needed} training samples."
        return text

    def p_values(self, by_fold: Sequence[FloatArray], groups: Sequence[Sequence[int]]) -> FloatArray:
        """(n_classes,) p-values of one sample.

        by_fold : its probabilities (n_classes,) by the model of each fold
        """
        by_class = np.array(by_fold).T
        found = np.ones(len(by_class))
        for group in groups:
            members = np.isin(self.labels, list(group))
            scores, folds = self.scores[members], self.folds[members]
            for code in group:
                lower = int((scores <= by_class[code][folds] + _ROUNDING).sum())
                found[code] = (lower + 1) / (len(scores) + 1)
        return found

    def inside(self, by_fold: Sequence[FloatArray], level: float) -> BoolArray:
        """(n_classes,) whether each class is in the set of one sample."""
        groups = self.groups(level, len(by_fold[0]))
        return np.asarray(self.p_values(by_fold, groups) > 1 - level + 1e-12)


def attains(n: int, level: float) -> bool:
    """Return whether a class of `n` samples can be left out of a set at this level."""
    return 1 / (n + 1) <= 1 - level + 1e-12


def least(level: float) -> int:
    """Return the number of training samples that a class needs for a level."""
    return math.ceil(level / (1 - level) - 1e-9)

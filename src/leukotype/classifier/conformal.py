"""Prediction sets: every class that a sample could belong to, at a stated confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.errors import UnknownName

LEVEL = 0.9
# Scores are of fitted models, a sample's own of the rules in the file, and the two agree to 1e-12: equal votes
# count as equal.
_ROUNDING = 1e-9


def check_level(level: float) -> None:
    """Raise UnknownName for a level that is none."""
    if not 0 < level < 1:
        raise UnknownName(f"the level is {level:g}, and must be above 0 and below 1, such as 0.9.")


@dataclass(frozen=True, eq=False)
class CrossConformal:
    """What each training sample's own class got where it was held out, and by which fold's model.

    scores : (n_train,) probability of its own class
    labels : (n_train,)
    folds  : (n_train,) fold that held it out, from 0

    A class stands in the set of a sample where enough training samples of that class looked no more like it: the
    p-value of class y counts, over the folds k, the samples of y in k whose score is at most the sample's own by the
    model of k.  So at least about the stated share of sets hold the truth, class by class, whatever the model is
    worth.

    Vovk (2015), Annals of Mathematics and Artificial Intelligence 74, 9-28 (cross-conformal); Vovk, Gammerman & Shafer
    (2005), Algorithmic Learning in a Random World, on class-conditional categories.
    """

    scores: FloatArray
    labels: IntArray
    folds: IntArray

    def groups(self, level: float, n_classes: int) -> list[list[int]]:
        """Return the classes, those together for which one alone is too small to attain the level.

        With n samples the least p-value is 1 / (n + 1): a class of fewer than level / (1 - level) samples would stand
        in every set.  Such classes are taken together, the smallest first, until they attain it: what the sets
        promise then holds for them together.
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

    def said(self, level: float, classes: Sequence[str]) -> str:
        """Say for whom the promise holds at a level, in words."""
        counts = np.bincount(self.labels, minlength=len(classes))
        percent = f"{100 * level:g} %"
        text = f"About {percent} of the sets hold the true class, class by class, for samples from the same source."
        needed = least(level)
        for group in self.groups(level, len(classes)):
            names = " and ".join(classes[code] for code in group)
            if not attains(int(counts[group].sum()), level):
                text += (
                    f" {names}: {int(counts[group].sum())} training samples, and {needed} are needed for {percent}; in "
                    "every set."
                )
            elif len(group) > 1:
                text += (
                    f" {names} are taken together, for a class of fewer than {needed} training samples cannot attain "
                    f"{percent} alone: for them the promise holds together, not for each."
                )
        return text

    def p_values(self, by_fold: Sequence[FloatArray], groups: Sequence[Sequence[int]]) -> FloatArray:
        """(n_classes,) of one sample.

        by_fold : (n_classes,) its probabilities by each fold's model
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
        """(n_classes,) which classes are in the set of one sample."""
        groups = self.groups(level, len(by_fold[0]))
        return np.asarray(self.p_values(by_fold, groups) > 1 - level + 1e-12)


def attains(n: int, level: float) -> bool:
    """Tell whether a class of `n` samples can be left out of a set at this level."""
    return 1 / (n + 1) <= 1 - level + 1e-12


def least(level: float) -> int:
    """Return how many training samples a class needs to attain a level."""
    return math.ceil(level / (1 - level) - 1e-9)

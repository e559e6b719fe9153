"""Nearest shrunken centroids: every threshold from one pass over the training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide.fold import Fold
from leukotype.wide.linear import ProbeRule
from leukotype.wide.path import Setting
from leukotype.wide.settings import complete, share


@dataclass(frozen=True, eq=False)
class FittedCentroids:
    """Class centroids, drawn towards the overall one.

    rule        : one margin per class: its discriminant less what all classes have in common
    threshold   : by which the standardised differences were shrunken
    differences : (n_classes, n_read) shrunken standardised differences of the probes that are read
    """

    setting: Setting
    rule: ProbeRule
    threshold: float
    differences: FloatArray

    @property
    def probes(self) -> IntArray:
        """Columns whose shrunken difference is other than 0 in some class, ascending."""
        return self.rule.probes

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) discriminant probabilities."""
        return np.asarray(softmax(self.rule.margins(fold), axis=1))

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """(n_classes, n_probes) and (n_classes,) for standardised probes; softmax gives the probabilities."""
        return self.rule.coefficients()


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedCentroids]:
    """Shrink the centroids by each threshold of the grid.

    Setting: `shrinkage` (0.0) between 0 and 1: the threshold, as a share of the smallest one that leaves no
    difference between the classes, which is found from the training part.

    For class k with n_k of the n samples and probe i: d_ik = (mean_ik - mean_i) / (m_k (s_i + s_0)), where
    s_i is the deviation within the classes (divisor n - n_classes), s_0 its median over the probes and
    m_k = sqrt(1 / n_k - 1 / n), which makes the denominator the standard error of the numerator (the authors'
    pamr; the paper prints a plus).  Soft thresholding of d_ik moves the centroids; the discriminant is
    sum_i (x_i - centroid_ik)^2 / (s_i + s_0)^2 - 2 log(n_k / n).  Values are raw: probes are scaled by
    s_i + s_0 alone.  Where s_0 would be 0, see ClassMoments.typical_deviation.  Nothing here is random: `rng`
    is not drawn from.

    Tibshirani, Hastie, Narasimhan & Chu (2002), PNAS 99, 6567-6572.
    """
    shares = [
        share("shrinkage", complete("shrunken centroids", {"shrinkage": 0.0}, setting)["shrinkage"])
        for setting in grid
    ]
    moments = fold.classes(labels)
    width = moments.deviation + moments.typical_deviation
    size = np.sqrt(1.0 / moments.counts - 1.0 / moments.n_samples)
    differences = moments.differences / (size[:, None] * width)
    extent = np.abs(differences).max(axis=0)
    largest = float(extent.max(initial=0.0))
    prior = np.log(moments.shares)
    fitted = []
    for setting, part in zip(grid, shares, strict=True):
        threshold = part * largest
        probes = np.flatnonzero(extent > threshold)
        raw = differences[:, probes]
        shrunken = np.sign(raw) * np.maximum(np.abs(raw) - threshold, 0.0)
        intercept = prior - size**2 / 2 * (shrunken**2).sum(axis=1)
        rule = ProbeRule(fold, probes, size[:, None] * shrunken / width[probes], intercept)
        fitted.append(FittedCentroids(setting, rule, threshold, shrunken))
    return fitted

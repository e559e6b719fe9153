"""Nearest shrunken centroids: every threshold from one pass over the training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import Linear
from leukotype.wide.fold import Fold
from leukotype.wide.path import RuleCandidate, Setting, share


@dataclass(frozen=True, eq=False)
class FittedCentroids(RuleCandidate):
    """Class centroids, shrunken towards the overall centroid; the rule has one discriminant per class.

    threshold   : by which the standardised differences were shrunken
    differences : (n_classes, n_read) shrunken standardised differences of the probes that the rule reads
    """

    threshold: float
    differences: FloatArray


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedCentroids]:
    """Shrink the centroids by each threshold of the grid.

    Setting: `shrinkage` (0.0) between 0 and 1: the threshold, as a share of the smallest one that leaves no
    difference between the classes of the training part.

    For class k with n_k of the n samples and probe i: d_ik = (mean_ik - mean_i) / (m_k (s_i + s_0)), where
    s_i is the deviation within the classes (divisor n - n_classes), s_0 its median over the probes and
    m_k = sqrt(1 / n_k - 1 / n), which makes the denominator the standard error of the numerator (as in the
    authors' pamr; the paper prints a plus). Soft thresholding of d_ik moves the centroids; the discriminant is
    sum_i (x_i - centroid_ik)^2 / (s_i + s_0)^2 - 2 log(n_k / n). Values are raw, and s_i + s_0 alone scales the
    probes. If s_0 would be 0, see ClassMoments.typical_deviation. Does not use `rng`.

    Tibshirani, Hastie, Narasimhan & Chu (2002), PNAS 99, 6567-6572.
    """
    shares = share("shrunken centroids", "shrinkage", 0.0, grid)
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
        weights = size[:, None] * shrunken / width[probes]
        rule = Linear(len(prior), fold.n_probes, probes, "softmax", fold.mean[probes], weights, intercept)
        fitted.append(FittedCentroids(setting, rule, threshold, shrunken))
    return fitted

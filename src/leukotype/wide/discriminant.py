"""Discriminant analysis for many probes: with a diagonal covariance, and with a ridge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leukotype.arrays import IntArray
from leukotype.rules import Linear
from leukotype.wide.fold import Fold
from leukotype.wide.linear import SpanCandidate
from leukotype.wide.path import RuleCandidate, Setting, positive, share


def diagonal_path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[RuleCandidate]:
    """Fit diagonal discriminants whose variances are shrunken towards their median.

    Setting: `shrinkage` (0.5) between 0, diagonal linear discriminant analysis, and 1, one variance for all
    probes: variance_i = (1 - shrinkage) * s_i^2 + shrinkage * median(s)^2, with s_i the deviation within the
    classes (divisor n - n_classes). Values are raw. At shrinkage 0 a probe that does not vary within the classes
    gets the median (see ClassMoments.typical_deviation). Does not use `rng`.

    With many probes the posterior probabilities are close to 0 and 1: each probe counts as independent evidence.

    Dudoit, Fridlyand & Speed (2002), JASA 97, 77-87; Opgen-Rhein & Strimmer (2007), Stat. Appl. Genet. Mol.
    Biol. 6(1), 9.
    """
    shares = share("diagonal discriminant", "shrinkage", 0.5, grid)
    moments = fold.classes(labels)
    typical = moments.typical_deviation**2
    prior = np.log(moments.shares)
    probes = np.flatnonzero(moments.total > 0)
    differences, own = moments.differences[:, probes], moments.deviation[probes] ** 2
    fitted = []
    for setting, part in zip(grid, shares, strict=True):
        variance = (1.0 - part) * own + part * typical
        weights = differences / np.where(variance > 0, variance, typical)
        intercept = prior - (weights * differences).sum(axis=1) / 2
        rule = Linear(len(prior), fold.n_probes, probes, "softmax", fold.mean[probes], weights, intercept)
        fitted.append(RuleCandidate(setting, rule))
    return fitted


def ridge_path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[SpanCandidate]:
    """Fit linear discriminants by the covariance within the classes plus a ridge.

    Setting: `ridge` (1.0), positive: added to the diagonal of the covariance (divisor n - n_classes) of the
    standardised probes, whose total variances are 1. With p probes and n samples the largest eigenvalues of that
    covariance are of order p / n, and so are useful ridges.

    The rule lies in the span of the training samples, where one eigendecomposition serves every ridge. Does not
    use `rng`.

    Hastie & Tibshirani (2004), Biostatistics 5, 329-340; Friedman (1989), JASA 84, 165-175.
    """
    ridges = positive("ridge discriminant", "ridge", 1.0, grid)
    counts = np.bincount(labels)
    members = np.eye(len(counts))[labels]
    x = fold.span.coordinates
    means = (members.T @ x) / counts[:, None]
    within = x - means[labels]
    variances, axes = np.linalg.eigh(within.T @ within / max(len(labels) - len(counts), 1))
    turned = means @ axes
    prior = np.log(counts / len(labels))
    fitted = []
    for setting, ridge in zip(grid, ridges, strict=True):
        weights = turned / (np.maximum(variances, 0.0) + ridge)
        intercept = prior - (weights * turned).sum(axis=1) / 2
        dual = fold.span.dual @ axes @ weights.T
        fitted.append(SpanCandidate(setting, fold, "softmax", len(counts), dual, intercept))
    return fitted

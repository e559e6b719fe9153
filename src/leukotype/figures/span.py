"""What the unsupervised figures compute: everything linear, in the span of the samples (n ≪ p)."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort


def filled(cohort: Cohort) -> FloatArray:
    """(n_samples, n_probes) expression; missing values take the median of their probe, else 0."""
    matrix = cohort.expression
    missing = np.isnan(matrix)
    if not missing.any():
        return matrix
    matrix = matrix.copy()
    for probe in np.flatnonzero(missing.any(axis=0)):
        column = matrix[:, probe]
        known = column[~missing[:, probe]]
        column[missing[:, probe]] = np.median(known) if len(known) else 0.0
    return matrix


def missing_note(cohort: Cohort) -> str:
    """A sentence for captions of figures that use `filled`; empty where no value is missing."""
    n_missing = int(np.isnan(cohort.expression).sum())
    if n_missing == 0:
        return ""
    share = n_missing / cohort.expression.size
    return f" {n_missing:,} missing values ({share:.2g} of all) stand as the median of their probe."


def principal_components(cohort: Cohort) -> tuple[FloatArray, FloatArray]:
    """Scores (n_samples, n_samples) of the centred probes, and the share of variance (n_samples,) of each.

    From the n × n Gram matrix: exact, and the cost does not grow with the square of the number of probes.
    The sign of a component is such that the sample farthest out lies on its positive side.
    """
    matrix = filled(cohort)
    # One thread: sums in another order would move the last digits, and pictures should be reproducible.
    with threadpool_limits(limits=1):
        centred = matrix - matrix.mean(axis=0)
        variances, vectors = np.linalg.eigh(centred @ centred.T)
    variances = np.maximum(variances[::-1], 0.0)
    # The mean takes away one dimension; what is left of it is rounding error.
    variances[-1] = 0.0
    scores = vectors[:, ::-1] * np.sqrt(variances)
    farthest = np.abs(scores).argmax(axis=0)
    scores = scores * np.where(scores[farthest, np.arange(len(farthest))] < 0, -1.0, 1.0)
    total = variances.sum()
    return scores, variances / total if total > 0 else variances


def varies(cohort: Cohort) -> bool:
    """Whether any probe differs between samples beyond rounding error."""
    low, high = np.fmin.reduce(cohort.expression, axis=0), np.fmax.reduce(cohort.expression, axis=0)
    return bool(np.nanmax(high - low, initial=0.0) > 1e-9)


def by_class(cohort: Cohort) -> IntArray:
    """(n_samples,) rows ordered by class, then as they stand in the cohort."""
    return np.argsort(cohort.codes, kind="stable")

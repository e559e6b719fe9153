"""Principal components and related checks, computed in the span of the samples (n ≪ p)."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray
from leukotype.audits.stats import filled as _filled
from leukotype.cohort import Cohort


def filled(cohort: Cohort) -> FloatArray:
    """(n_samples, n_probes) expression; missing values are replaced by the median of their probe, else 0."""
    return _filled(cohort.expression)


def missing_note(cohort: Cohort) -> str:
    """A sentence for captions of figures that use `filled`; empty if no value is missing."""
    n_missing = int(np.isnan(cohort.expression).sum())
    if n_missing == 0:
        return ""
    share = n_missing / cohort.expression.size
    return f" {n_missing:,} missing values ({share:.2g} of all) were replaced by the median of their probe."


def principal_components(cohort: Cohort) -> tuple[FloatArray, FloatArray]:
    """Scores (n_samples, n_samples) of the centred probes, and the share of variance (n_samples,) of each.

    Exact, from the n × n Gram matrix.  The sample farthest from 0 has a positive score on each component.
    """
    matrix = filled(cohort)
    # One thread: another order of summation would change the last digits.
    with threadpool_limits(limits=1):
        centred = matrix - matrix.mean(axis=0)
        variances, vectors = np.linalg.eigh(centred @ centred.T)
    variances = np.maximum(variances[::-1], 0.0)
    # Centring removes one dimension; its variance is rounding error.
    variances[-1] = 0.0
    scores = vectors[:, ::-1] * np.sqrt(variances)
    farthest = np.abs(scores).argmax(axis=0)
    scores = scores * np.where(scores[farthest, np.arange(len(farthest))] < 0, -1.0, 1.0)
    total = variances.sum()
    return scores, variances / total if total > 0 else variances


def constant(cohort: Cohort, lacking: str) -> str | None:
    """None if any probe differs between samples beyond rounding error, else a sentence with what is `lacking`."""
    low, high = np.fmin.reduce(cohort.expression, axis=0), np.fmax.reduce(cohort.expression, axis=0)
    varies = np.nanmax(high - low, initial=0.0) > 1e-9
    return None if varies else f"All probes have the same value in all samples, so there are no {lacking}."

"""Samples unlike the others of their class.

Both audits compare a sample with the median of its class, pooled over the classes, and look for a gap between a few
samples and the rest.  The unit is the distance from the median that 30 % of the samples on the same side exceed.  The
gap below the k-th most distant sample counts k-fold: with exponential tails, all such weighted gaps have one
distribution (Rényi 1953, Acta Mathematica Hungarica 4, 191-231).  A gap is reported if it is larger than the largest in
19 of 20 cohorts with the same class sizes and exponential tails.  Normal tails would be too light: in sound cohorts the
share of tumour cells or the quality of RNA varies with a long tail on one side, and modified z-scores (Iglewicz &
Hoaglin 1993) report up to 16 % of such cohorts.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.audits.finding import AuditInput, Observation
from leukotype.audits.labels import suspects
from leukotype.audits.stats import (
    LEAST_CLASS,
    centred_by_class,
    centred_on_means,
    correlation,
)
from leukotype.wording import shortlist

FALSE_ALARMS = 0.05
N_SIMULATED = 500
# Share of the samples on one side that lie beyond the unit.
BEYOND = 0.3
# Largest share of the samples that may lie beyond a gap; more are a group.
MOST_BEYOND = 0.15
LEAST_SAMPLES, LEAST_PROBES = 12, 30
# In standard deviations of the cohort's values; a smaller shift of a whole sample changes no prediction.
LEAST_SHIFT = 0.25
RIDGE = 0.1


def low_correlation(data: AuditInput) -> Observation | None:
    """Finds samples that correlate little with the other samples of their class and have unexplained variance.

    A sample is reported if two conditions hold.  Its median Pearson correlation over all probes is below the class
    median by at least 0.02; smaller differences are negligible.  And other samples explain less of its variance, after
    class means are subtracted: the logarithm of its unexplained variance lies beyond a gap that occurs in one of 20
    cohorts with exponential tails (Rényi 1953).  Tumour content and cell types lower the correlation too, but several
    samples share them.  Samples that LT024 reports are left out.
    """
    cohort = data.cohort
    if cohort.n_samples < LEAST_SAMPLES or cohort.n_probes < LEAST_PROBES:
        return None
    r, peers = correlation(data.matrix), _peers(cohort.codes)
    others = peers & ~np.eye(len(r), dtype=bool)
    median = np.array([np.median(r[row, own]) for row, own in enumerate(others)])
    typical = np.array([np.median(median[own]) for own in peers])
    own_variance = unexplained(data.matrix, cohort.codes)
    gap = gap_above(np.log(own_variance), cohort.codes)
    cut = gap_cut(cohort.codes)
    low = (gap > cut) & (typical - median >= 0.02)
    named = suspects(data)
    if named is not None:
        low[named.rows] = False
    found = np.flatnonzero(low)
    if len(found) == 0:
        return None
    found = found[np.argsort(-own_variance[found])]
    shown = [f"{cohort.samples[row]} ({median[row]:.2f}, typical {typical[row]:.2f})" for row in found]
    many = len(found) != 1
    return Observation(
        f"{len(found)} sample{'s correlate' if many else ' correlates'} less than usual with the others of "
        f"{'their' if many else 'its'} class (median r): {shortlist(shown, 5)}. Check the quality of "
        f"{'these arrays' if many else 'this array'} and the label{'s' if many else ''}. Exclude a sample only for its "
        "quality, never because it is misclassified.",
        {"samples": cohort.samples[found].tolist(), "cut": cut},
        pd.DataFrame(
            {"sample": cohort.samples, "class": cohort.labels, "median_r": median,
             "own_variance": own_variance, "gap": gap}
        ),
    )  # fmt: skip


def odd_intensities(data: AuditInput) -> Observation | None:
    """Finds samples whose values have an unusual mean or spread.

    A sample is reported if its mean or standard deviation over all probes lies beyond a gap (as in LT010) and differs
    by at least a quarter of the standard deviation in the cohort.  Quantiles are not used, because they take few values
    in counts.
    """
    cohort = data.cohort
    if cohort.n_samples < LEAST_SAMPLES or cohort.n_probes < LEAST_PROBES:
        return None
    means, spreads = data.matrix.mean(axis=1), data.matrix.std(axis=1)
    unit = float(np.median(spreads))
    if unit == 0:
        return None
    cut, peers = gap_cut(cohort.codes), _peers(cohort.codes)
    found = np.zeros(cohort.n_samples, dtype=bool)
    columns: dict[str, FloatArray] = {}
    for name, values in (("mean", means), ("spread", spreads)):
        gap = np.maximum(gap_above(values, cohort.codes), gap_above(-values, cohort.codes))
        far = np.array([abs(values[row] - np.median(values[own])) for row, own in enumerate(peers)])
        found |= (gap > cut) & (far >= LEAST_SHIFT * unit)
        columns |= {name: values, f"gap_{name}": gap}
    rows = np.flatnonzero(found)
    if len(rows) == 0:
        return None
    shown = [
        f"{cohort.samples[row]} (mean {means[row]:.2f}, standard deviation {spreads[row]:.2f})"
        for row in rows
    ]
    return Observation(
        f"{len(rows)} sample{' has' if len(rows) == 1 else 's have'} an unusual distribution of values: "
        f"{shortlist(shown, 5)}. Typical: mean {np.median(means):.2f}, standard deviation {unit:.2f}. Normalise the "
        "arrays, or check their quality.",
        {"samples": cohort.samples[rows].tolist(), "cut": cut},
        pd.DataFrame({"sample": cohort.samples, "class": cohort.labels, **columns, "odd": found}),
    )


def unexplained(matrix: FloatArray, codes: IntArray) -> FloatArray:
    """(n_samples,) variance of each sample that the other samples don't explain, after class means are subtracted.

    The variance of one variable given the others is 1 / (K^-1)_ii for their covariance K; here the samples are the
    variables, and K has a ridge of a tenth of its mean diagonal.
    """
    rest = centred_on_means(matrix, codes)
    covariance = rest @ rest.T / matrix.shape[1]
    ridge = RIDGE * float(np.trace(covariance)) / len(covariance)
    if ridge == 0:
        return np.ones(len(covariance))
    return np.asarray(1 / np.diag(np.linalg.inv(covariance + ridge * np.eye(len(covariance)))))


def gap_cut(codes: IntArray) -> float:
    """Return the weighted gap that samples with exponential tails exceed in 1 of 20 cohorts with these class sizes."""
    rng = np.random.default_rng(0)
    draws = rng.standard_exponential((N_SIMULATED, len(codes)))
    draws *= rng.choice([-1.0, 1.0], draws.shape)
    largest = np.maximum(gap_above(draws, codes), gap_above(-draws, codes)).max(axis=1)
    return float(np.quantile(largest, 1 - FALSE_ALARMS))


def gap_above(values: FloatArray, codes: IntArray) -> FloatArray:
    """(..., n) largest weighted gap between each value, with those above it, and the lower ones.

    Values are relative to the median of their class; only gaps below at most 15 % of the samples count.
    """
    centred = centred_by_class(values, codes)
    n = centred.shape[-1]
    order = np.argsort(-centred, axis=-1)
    ordered = np.maximum(np.take_along_axis(centred, order, axis=-1), 0.0)
    place = (BEYOND * (ordered > 0).sum(axis=-1, keepdims=True)).astype(np.intp)
    unit = np.take_along_axis(ordered, place, axis=-1)
    sure = unit > 1e-12 * np.abs(centred).max(axis=-1, keepdims=True, initial=0.0)
    most = max(1, int(MOST_BEYOND * n))
    weighted = (ordered[..., :most] - ordered[..., 1 : most + 1]) * np.arange(1, most + 1)
    weighted = np.where(sure, weighted / np.where(sure, unit, 1.0), 0.0)
    beyond = np.zeros_like(centred)
    beyond[..., :most] = np.maximum.accumulate(weighted[..., ::-1], axis=-1)[..., ::-1]
    found = np.empty_like(centred)
    np.put_along_axis(found, order, beyond, axis=-1)
    return found


def _peers(codes: IntArray) -> BoolArray:
    """(n_samples, n_samples) samples of the same class; all samples for classes with fewer than 4."""
    same = codes[:, None] == codes[None, :]
    return np.asarray(np.where(same.sum(axis=1, keepdims=True) >= LEAST_CLASS, same, True))

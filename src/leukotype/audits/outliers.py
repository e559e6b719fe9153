"""Samples unlike the others of their class.

Both audits compare a sample with the median of its class.  The unit is the distance from the median that 30 % of the
samples on the same side exceed, pooled over the classes.  An outlier lies beyond the most extreme value in 49 of 50
cohorts with the same class sizes and exponential tails.  Normal tails would be too light: in sound cohorts the share
of tumour cells or the quality of RNA varies with a long tail on one side, and modified z-scores (Iglewicz & Hoaglin
1993) report up to 16 % of such cohorts.
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

FALSE_ALARMS = 0.02
N_SIMULATED = 500
# Share of the samples on one side that lie beyond the unit; bad arrays are fewer.
BEYOND = 0.3
LEAST_SAMPLES, LEAST_PROBES = 12, 30
# In standard deviations of the cohort's values; a smaller shift of a whole sample changes no prediction.
LEAST_SHIFT = 0.25
RIDGE = 0.1


def low_correlation(data: AuditInput) -> Observation | None:
    """Finds samples with a low median correlation with the other samples of their class, for reasons of their own.

    Reports samples whose median Pearson correlation over all probes is below the class median by at least 0.02, since
    differences between arrays that correlate at 0.99 are negligible; and that have more variance than others that no
    other sample explains (after class means are subtracted, logarithm, threshold as above).  A share of other cells
    lowers the correlation too, but other samples have them too.  Samples that LT024 reports are left out.
    """
    cohort = data.cohort
    if cohort.n_samples < LEAST_SAMPLES or cohort.n_probes < LEAST_PROBES:
        return None
    r, peers = correlation(data.matrix), _peers(cohort.codes)
    others = peers & ~np.eye(len(r), dtype=bool)
    median = np.array([np.median(r[row, own]) for row, own in enumerate(others)])
    typical = np.array([np.median(median[own]) for own in peers])
    own_variance = unexplained(data.matrix, cohort.codes)
    z = _distance(np.log(own_variance), cohort.codes)
    cut = outlier_cut(cohort.codes)
    low = (z > cut) & (typical - median >= 0.02)
    named = suspects(data)
    if named is not None:
        low[named.rows] = False
    found = np.flatnonzero(low)
    if len(found) == 0:
        return None
    found = found[np.argsort(-z[found])]
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
             "own_variance": own_variance, "distance": z}
        ),
    )  # fmt: skip


def odd_intensities(data: AuditInput) -> Observation | None:
    """Finds samples whose values have an unusual mean or spread.

    Reports samples whose mean or standard deviation over all probes differs by more than the threshold and by at least
    a quarter of the standard deviation in the cohort.  Quantiles would be discrete in counts.
    """
    cohort = data.cohort
    if cohort.n_samples < LEAST_SAMPLES or cohort.n_probes < LEAST_PROBES:
        return None
    means, spreads = data.matrix.mean(axis=1), data.matrix.std(axis=1)
    unit = float(np.median(spreads))
    if unit == 0:
        return None
    cut, peers = outlier_cut(cohort.codes), _peers(cohort.codes)
    found = np.zeros(cohort.n_samples, dtype=bool)
    columns: dict[str, FloatArray] = {}
    for name, values in (("mean", means), ("spread", spreads)):
        z = _distance(values, cohort.codes)
        far = np.array([abs(values[row] - np.median(values[own])) for row, own in enumerate(peers)])
        found |= (np.abs(z) > cut) & (far >= LEAST_SHIFT * unit)
        columns |= {name: values, f"distance_{name}": z}
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


def outlier_cut(codes: IntArray) -> float:
    """Return the distance that samples with exponential tails exceed in 1 of 50 cohorts with these class sizes."""
    rng = np.random.default_rng(0)
    draws = rng.standard_exponential((N_SIMULATED, len(codes)))
    draws *= rng.choice([-1.0, 1.0], draws.shape)
    extremes = np.abs(_distance(draws, codes)).max(axis=1)
    return float(np.quantile(extremes, 1 - FALSE_ALARMS))


def _distance(values: FloatArray, codes: IntArray) -> FloatArray:
    """(..., n) signed distance of each value from the median of its class, in units of its own side.

    0 on a side without spread.
    """
    centred = centred_by_class(values, codes)
    ordered, n = np.sort(centred, axis=-1), centred.shape[-1]
    tiny = 1e-12 * np.abs(centred).max(axis=-1, keepdims=True, initial=0.0)
    below = (BEYOND * (ordered < 0).sum(axis=-1, keepdims=True)).astype(np.intp)
    above = (BEYOND * (ordered > 0).sum(axis=-1, keepdims=True)).astype(np.intp)
    unit = np.where(
        centred < 0,
        -np.take_along_axis(ordered, below, axis=-1),
        np.take_along_axis(ordered, n - 1 - above, axis=-1),
    )
    return np.asarray(np.where(unit > tiny, centred / np.where(unit > tiny, unit, 1.0), 0.0))


def _peers(codes: IntArray) -> BoolArray:
    """(n_samples, n_samples) samples of the same class; all samples for classes with fewer than 4."""
    same = codes[:, None] == codes[None, :]
    return np.asarray(np.where(same.sum(axis=1, keepdims=True) >= LEAST_CLASS, same, True))

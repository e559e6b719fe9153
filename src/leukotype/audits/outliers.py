"""Samples unlike the others of their class.

Both audits compare a sample with the median of its class, in robust deviations pooled over the classes.  An outlier
lies beyond 3.5 (Iglewicz & Hoaglin 1993, How to Detect and Handle Outliers) and beyond the most extreme value in 99 of
100 normal cohorts with the same class sizes.  Median and deviation are estimates, so that 60 clean samples in 3 classes
exceed 3.5 in about one of eight cohorts.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.audits.finding import AuditInput, Observation
from leukotype.audits.stats import (
    LEAST_CLASS,
    centred_by_class,
    correlation,
    fisher_z,
    pooled_spread,
    robust_z,
)
from leukotype.wording import shortlist

LEAST_CUT = 3.5
FALSE_ALARMS = 0.01
N_SIMULATED = 2000
LEAST_SAMPLES, LEAST_PROBES = 12, 30
# In interquartile ranges of the cohort's values; a smaller shift of a whole sample changes no prediction.
LEAST_SHIFT = 0.1


def low_correlation(data: AuditInput) -> Observation | None:
    """Finds samples with a low median correlation with the other samples of their class.

    Pearson correlation over all probes, Fisher's z.  Reports samples below the class median by more than the threshold
    and by at least 0.02 in r, since differences between arrays that correlate at 0.99 are negligible.
    """
    cohort = data.cohort
    if cohort.n_samples < LEAST_SAMPLES or cohort.n_probes < LEAST_PROBES:
        return None
    r, peers = correlation(data.matrix), _peers(cohort.codes)
    others = peers & ~np.eye(len(r), dtype=bool)
    median = np.array([np.median(r[row, own]) for row, own in enumerate(others)])
    typical = np.array([np.median(median[own]) for own in peers])
    z = robust_z(fisher_z(median), cohort.codes)
    cut = outlier_cut(cohort.codes)
    found = np.flatnonzero((z < -cut) & (typical - median >= 0.02))
    if len(found) == 0:
        return None
    found = found[np.argsort(z[found])]
    shown = [f"{cohort.samples[row]} ({median[row]:.2f}, typical {typical[row]:.2f})" for row in found]
    many = len(found) != 1
    return Observation(
        f"{len(found)} sample{'s correlate' if many else ' correlates'} less than usual with the others of "
        f"{'their' if many else 'its'} class (median r): {shortlist(shown, 5)}. Check the quality of "
        f"{'these arrays' if many else 'this array'} and the label{'s' if many else ''}. Exclude a sample only for its "
        "quality, never because it is misclassified.",
        {"samples": cohort.samples[found].tolist(), "cut": cut},
        pd.DataFrame({"sample": cohort.samples, "class": cohort.labels, "median_r": median, "robust_z": z}),
    )


def odd_intensities(data: AuditInput) -> Observation | None:
    """Finds samples whose values have an unusual median or spread.

    Reports samples whose median or interquartile range differs by more than the threshold and by at least a tenth of
    the interquartile range of the cohort.
    """
    cohort = data.cohort
    if cohort.n_samples < LEAST_SAMPLES or cohort.n_probes < LEAST_PROBES:
        return None
    low, middle, high = np.quantile(data.matrix, [0.25, 0.5, 0.75], axis=1)
    unit = float(np.median(high - low))
    if unit == 0:
        return None
    cut, peers = outlier_cut(cohort.codes), _peers(cohort.codes)
    found = np.zeros(cohort.n_samples, dtype=bool)
    columns: dict[str, FloatArray] = {}
    for name, values in (("median", middle), ("spread", high - low)):
        z = robust_z(values, cohort.codes)
        far = np.array([abs(values[row] - np.median(values[own])) for row, own in enumerate(peers)])
        found |= (np.abs(z) > cut) & (far >= LEAST_SHIFT * unit)
        columns |= {name: values, f"robust_z_{name}": z}
    rows = np.flatnonzero(found)
    if len(rows) == 0:
        return None
    shown = [
        f"{cohort.samples[row]} (median {middle[row]:.2f}, interquartile range {high[row] - low[row]:.2f})"
        for row in rows
    ]
    return Observation(
        f"{len(rows)} sample{' has' if len(rows) == 1 else 's have'} an unusual distribution of values: "
        f"{shortlist(shown, 5)}. Typical: median {np.median(middle):.2f}, interquartile range {unit:.2f}. "
        "Normalise the arrays, or check their quality.",
        {"samples": cohort.samples[rows].tolist(), "cut": cut},
        pd.DataFrame({"sample": cohort.samples, "class": cohort.labels, **columns, "odd": found}),
    )


def outlier_cut(codes: IntArray) -> float:
    """Return the robust deviation that normal values exceed in 1 of 100 cohorts with these class sizes."""
    centred = centred_by_class(np.random.default_rng(0).standard_normal((N_SIMULATED, len(codes))), codes)
    spread = pooled_spread(centred, len(np.unique(codes)))
    extremes = np.abs(centred / spread[:, None]).max(axis=1)
    return max(LEAST_CUT, float(np.quantile(extremes, 1 - FALSE_ALARMS)))


def _peers(codes: IntArray) -> BoolArray:
    """(n_samples, n_samples) samples of the same class; all samples for classes with fewer than 4."""
    same = codes[:, None] == codes[None, :]
    return np.asarray(np.where(same.sum(axis=1, keepdims=True) >= LEAST_CLASS, same, True))

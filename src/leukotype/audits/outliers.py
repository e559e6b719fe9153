"""Samples that stand apart from the others of their class.

Both audits compare a sample with the median of its class, in robust deviations pooled over the classes.  An
outlier lies beyond 3.5, as Iglewicz & Hoaglin (1993), How to Detect and Handle Outliers, propose, and beyond
what the most extreme of as many normal values reaches in 1 of 100 cohorts with the same class sizes: median
and deviation are estimates, so that 60 clean samples in 3 classes pass 3.5 in about every eighth cohort.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.audits.finding import Observation, Source
from leukotype.audits.profiles import LEAST_CLASS, correlation, fisher_z, listed, pooled_spread, robust_z

LEAST_CUT = 3.5
FALSE_ALARMS = 0.01
N_SIMULATED = 2000
LEAST_SAMPLES = 12
# In interquartile ranges of the cohort's values: a smaller shift of a whole sample changes no call.
LEAST_SHIFT = 0.1


def low_correlation(source: Source) -> Observation | None:
    """Samples whose median correlation with the others of their class is low.

    Pearson, on all probes as they stand; Fisher's z; beyond the cut below the class's median
    and lower by at least 0.02 in r, since arrays that all correlate at 0.99 differ by next to nothing.
    """
    cohort = source.cohort
    if cohort.n_samples < LEAST_SAMPLES or cohort.n_probes < 30:
        return None
    r = correlation(source.matrix)
    median, typical = _median_within(r, source), np.empty(cohort.n_samples)
    for row in range(cohort.n_samples):
        typical[row] = np.median(median[_peers(source, row)])
    z = robust_z(fisher_z(median), cohort.codes)
    cut = outlier_cut(cohort.codes)
    found = np.flatnonzero((z < -cut) & (typical - median >= 0.02))
    if len(found) == 0:
        return None
    found = found[np.argsort(z[found])]
    shown = [f"{cohort.samples[row]} ({median[row]:.2f} against {typical[row]:.2f})" for row in found]
    many = len(found) != 1
    return Observation(
        f"{len(found)} sample{'s correlate' if many else ' correlates'} less with the others of "
        f"{'their' if many else 'its'} class than the rest do (median r): {listed(shown)}. Look at the quality of "
        f"{'these arrays' if many else 'this array'} and at the label{'s' if many else ''}; a sample may be left "
        "out for its quality, never because it is called wrongly.",
        {"samples": cohort.samples[found].tolist(), "cut": cut},
        pd.DataFrame({"sample": cohort.samples, "class": cohort.labels, "median_r": median, "robust_z": z}),
    )


def odd_intensities(source: Source) -> Observation | None:
    """Samples whose median or spread of values is unlike that of the others.

    The median and the interquartile range of each sample, either side, beyond the cut and
    different by at least a tenth of the cohort's interquartile range.
    """
    cohort = source.cohort
    if cohort.n_samples < LEAST_SAMPLES or cohort.n_probes < 30:
        return None
    low, middle, high = np.quantile(source.matrix, [0.25, 0.5, 0.75], axis=1)
    unit = float(np.median(high - low))
    if unit == 0:
        return None
    cut = outlier_cut(cohort.codes)
    found = np.zeros(cohort.n_samples, dtype=bool)
    columns: dict[str, FloatArray] = {}
    for name, values in (("median", middle), ("spread", high - low)):
        z = robust_z(values, cohort.codes)
        # The distance itself, in the unit of the values.
        far = np.array(
            [abs(values[row] - np.median(values[_peers(source, row)])) for row in range(len(values))]
        )
        found |= (np.abs(z) > cut) & (far >= LEAST_SHIFT * unit)
        columns |= {name: values, f"robust_z_{name}": z}
    rows = np.flatnonzero(found)
    if len(rows) == 0:
        return None
    table = pd.DataFrame({"sample": cohort.samples, "class": cohort.labels, **columns, "odd": found})
    shown = [
        f"{cohort.samples[row]} (median {middle[row]:.2f}, interquartile range {high[row] - low[row]:.2f})"
        for row in rows
    ]
    return Observation(
        f"the values of {len(rows)} sample{'' if len(rows) == 1 else 's'} are distributed unlike those of the "
        f"others (median {np.median(middle):.2f}, interquartile range {unit:.2f}): {listed(shown)}. Normalise "
        "the arrays, or look at their quality.",
        {"samples": cohort.samples[rows].tolist(), "cut": cut},
        table,
    )


def outlier_cut(codes: IntArray) -> float:
    """Return the robust deviations that clean normal values exceed in 1 of 100 cohorts with these class sizes."""
    draws = np.random.default_rng(0).standard_normal((N_SIMULATED, len(codes)))
    centred = draws - np.median(draws, axis=1, keepdims=True)
    for code in np.unique(codes):
        rows = codes == code
        if rows.sum() >= LEAST_CLASS:
            centred[:, rows] = draws[:, rows] - np.median(draws[:, rows], axis=1, keepdims=True)
    spread = pooled_spread(centred, len(np.unique(codes)))
    extremes = np.abs(centred / spread[:, None]).max(axis=1)
    return max(LEAST_CUT, float(np.quantile(extremes, 1 - FALSE_ALARMS)))


def _peers(source: Source, row: int) -> BoolArray:
    """(n_samples,) the samples of the same class; all where the class is too small to have a centre."""
    same = source.cohort.codes == source.cohort.codes[row]
    return same if same.sum() >= LEAST_CLASS else np.ones(len(same), dtype=bool)


def _median_within(r: FloatArray, source: Source) -> FloatArray:
    medians = np.empty(len(r))
    for row in range(len(r)):
        others = _peers(source, row)
        others[row] = False
        medians[row] = np.median(r[row, others])
    return medians

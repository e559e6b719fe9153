"""How the samples of each class were measured: level, spread, floor values and RNA degradation."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from scipy.stats import kruskal

from leukotype.arrays import FloatArray, StrArray
from leukotype.audits.finding import AuditInput, Observation
from leukotype.audits.matrix import mixed_scales
from leukotype.audits.stats import holm
from leukotype.wording import listed

LEVEL = 0.001
LEAST_SAMPLES, LEAST_PROBES = 12, 100
# Smallest difference of class medians that matters: in interquartile ranges of the cohort's values for level and
# spread, as a share of the probes for floor values, in log2 for 3'/5' ratios.
LEAST_DIFFERENCE = {"mean": 0.15, "spread": 0.15, "floor share": 0.05, "3'/5' ratio": 0.5}
# AFFX-HSAC07/X00351_3_at and _5_at measure both ends of a transcript.
_END = re.compile(r"(AFFX.*)_([35])_at", re.IGNORECASE)
_HOUSEKEEPING = ("HSAC07", "HUMGAPDH", "GAPDH", "BACTIN")


def measured_differently(data: AuditInput) -> Observation | None:
    """Finds classes whose samples differ in mean, spread, share of floor values, or 3'/5' ratio of control probes.

    Kruskal-Wallis test of each statistic with Holm correction, level 0.001.  The class medians must also differ: mean
    and interquartile range by 0.15 of the interquartile range of the cohort's values, the share of values at the
    lowest value by 5 percentage points, and the 3'/5' ratio of actin and GAPDH (only with --keep-controls) by 0.5 on
    the log2 scale.  Only classes of at least 5 samples are compared, and no cohorts with mixed scales (LT016).
    """
    cohort = data.cohort
    sizes = cohort.class_counts
    names = [name for name in cohort.classes if sizes[name] >= 5]
    if cohort.n_samples < LEAST_SAMPLES or cohort.n_probes < LEAST_PROBES or len(names) < 2:
        return None
    table = statistics(data.matrix, cohort.probes)
    if table is None or mixed_scales(data) is not None:
        return None
    rows = []
    for column in table.columns:
        values = table[column].to_numpy()
        groups = {name: values[cohort.labels == name] for name in names}
        p = 1.0 if np.ptp(values) == 0 else float(kruskal(*groups.values()).pvalue)
        medians = {name: float(np.median(group)) for name, group in groups.items()}
        low, high = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
        rows.append((column, p, low, medians[low], high, medians[high]))
    found = pd.DataFrame(rows, columns=["statistic", "p", "lowest", "low", "highest", "high"])
    found["p_holm"] = holm(found["p"].to_numpy())
    least = found["statistic"].map(LEAST_DIFFERENCE)
    found = found[(found["p_holm"] <= LEVEL) & (found["high"] - found["low"] >= least)]
    if len(found) == 0:
        return None
    shown = [
        f"{row['statistic']} (median {row['high']:.2f} in {row['highest']}, {row['low']:.2f} in {row['lowest']})"
        for row in found.to_dict("records")
    ]
    return Observation(
        f"the samples of the classes differ in {listed(shown)}, over all probes. Tissues may differ in this way. "
        "But if arrays, laboratories or RNA quality differ between the classes, models may learn that instead of "
        "biology. Check how each class was measured.",
        {"statistics": found["statistic"].tolist(), "p": found["p_holm"].tolist()},
        pd.concat([pd.DataFrame({"sample": cohort.samples, "class": cohort.labels}), table], axis=1),
    )


def statistics(matrix: FloatArray, probes: StrArray) -> pd.DataFrame | None:
    """Return mean, spread, floor share and 3'/5' ratio of each sample; None for values without spread.

    Mean and interquartile range are in units of the median interquartile range.  The floor is the lowest value of the
    cohort; a single sample may not define it, so it must occur in at least 1 % of all values.
    """
    low, high = np.quantile(matrix, [0.25, 0.75], axis=1)
    unit = float(np.median(high - low))
    if unit <= 0:
        return None
    columns = {"mean": matrix.mean(axis=1) / unit, "spread": (high - low) / unit}
    at_floor = matrix == matrix.min()
    if at_floor.mean() >= 0.01:
        columns["floor share"] = at_floor.mean(axis=1)
    ratio = degradation(matrix, probes)
    if ratio is not None:
        columns["3'/5' ratio"] = ratio
    return pd.DataFrame(columns)


def degradation(matrix: FloatArray, probes: StrArray) -> FloatArray | None:
    """(n_samples,) mean log2 ratio of 3' to 5' control probes of actin and GAPDH; None without both ends of one.

    Reverse transcription begins at the 3' end, so degraded RNA lacks the 5' end.
    """
    ends: dict[str, dict[str, int]] = {}
    for place, probe in enumerate(probes.tolist()):
        parts = _END.fullmatch(probe)
        if parts and any(name in parts[1].upper() for name in _HOUSEKEEPING):
            ends.setdefault(parts[1].upper(), {})[parts[2]] = place
    both = [(end["3"], end["5"]) for end in ends.values() if len(end) == 2]
    if not both:
        return None
    three, five = np.array(both).T
    return np.asarray((matrix[:, three] - matrix[:, five]).mean(axis=1))

"""Classes too small for prediction sets, a precise AUC, or an assessment of calibration."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from leukotype.arrays import FloatArray
from leukotype.audits.finding import AuditInput, Observation
from leukotype.metrics.estimate import Units
from leukotype.wording import percent_floor, shortlist

CONFORMAL_LEVEL = 0.95
AUC, AUC_HALF_WIDTH = 0.9, 0.1
CALIBRATION_EVENTS, FEWEST_EVENTS = 100, 20


def too_few_for_conformal(data: AuditInput) -> Observation | None:
    """Finds classes too small for prediction sets that contain their own class with a coverage of 95 %.

    The smallest p-value from n calibration samples of a class is 1 / (n + 1), so no set can exclude the class at a
    level above n / (n + 1).  95 % needs 19 samples, 90 % needs 9.

    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World (label-conditional prediction).
    """
    sizes, unit = _sizes(data)
    attainable = sizes / (sizes + 1)
    small = np.flatnonzero(attainable < CONFORMAL_LEVEL)
    if len(small) == 0:
        return None
    names = data.cohort.classes
    shown = [
        f"{percent_floor(attainable[code], 1)} for {names[code]} (n = {sizes[code]:.0f})" for code in small
    ]
    needed = int(np.ceil(CONFORMAL_LEVEL / (1 - CONFORMAL_LEVEL) - 1e-9))
    return Observation(
        f"prediction sets with a coverage of {percent_floor(CONFORMAL_LEVEL)} in each class need {needed} {unit} of "
        f"it. The highest possible coverage is {shortlist(shown)}. Use a lower level; at a higher one the sets always "
        "contain the class.",
        {"attainable": dict(zip(names, attainable.tolist(), strict=True)), "needed": needed},
        pd.DataFrame({"class": names, unit: sizes.astype(int), "attainable_level": attainable}),
    )


def too_few_for_auc(data: AuditInput) -> Observation | None:
    """Finds classes whose one-vs-rest AUC can't be estimated to within 0.1.

    Half the width of the 95 % interval of an AUC of 0.9, by the standard error of Hanley & McNeil (1982), Radiology
    143.
    """
    sizes, unit = _sizes(data)
    half = _auc_half_width(sizes, sizes.sum() - sizes)
    small = np.flatnonzero(half > AUC_HALF_WIDTH)
    if len(small) == 0:
        return None
    names = data.cohort.classes
    shown = [f"± {half[code]:.2f} for {names[code]} (n = {sizes[code]:.0f})" for code in small]
    return Observation(
        f"the 95 % interval of an AUC of {AUC} would be wide: {shortlist(shown)}. Read the curves of these classes "
        "with their intervals, and don't rank models by them.",
        {"half_width": dict(zip(names, half.tolist(), strict=True))},
        pd.DataFrame({"class": names, unit: sizes.astype(int), "auc_half_width": half}),
    )


def too_few_for_calibration(data: AuditInput) -> Observation | None:
    """Finds classes too small to assess the calibration of their probabilities.

    Reports classes with fewer than 20 samples, or 20 other samples.  A reliable calibration curve needs at least 100 of
    both: Collins, Ogundimu & Altman (2016), Statistics in Medicine 35.  Van Calster et al. (2016), Journal of Clinical
    Epidemiology 74, recommend 200.
    """
    sizes, unit = _sizes(data)
    least = np.minimum(sizes, sizes.sum() - sizes)
    small = np.flatnonzero(least < FEWEST_EVENTS)
    if len(small) == 0:
        return None
    names = data.cohort.classes
    return Observation(
        f"{len(small)} of {len(names)} classes are too small to assess calibration: it takes {CALIBRATION_EVENTS} "
        f"{unit} with the class and {CALIBRATION_EVENTS} without, and the fewest here are {least.min():.0f}. The "
        "curves and the calibration error show only large deviations.",
        {"fewest": int(least.min()), "classes": [names[code] for code in small]},
        pd.DataFrame({"class": names, unit: sizes.astype(int), "others": (sizes.sum() - sizes).astype(int)}),
    )


def _sizes(data: AuditInput) -> tuple[FloatArray, str]:
    donors = data.cohort.donors
    if donors is None:
        return np.array(list(data.cohort.class_counts.values()), dtype=np.float64), "samples"
    units = Units(data.cohort.codes, donors) if data.evaluation is None else data.evaluation.units
    return units.per_class, "donors"


def _auc_half_width(positives: FloatArray, negatives: FloatArray) -> FloatArray:
    q1, q2 = AUC / (2 - AUC), 2 * AUC**2 / (1 + AUC)
    spread = AUC * (1 - AUC) + (positives - 1) * (q1 - AUC**2) + (negatives - 1) * (q2 - AUC**2)
    return np.asarray(norm.ppf(0.975) * np.sqrt(spread / (positives * np.maximum(negatives, 1))))

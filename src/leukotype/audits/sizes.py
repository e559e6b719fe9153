"""What classes of this size can't show."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from leukotype.arrays import FloatArray
from leukotype.audits.finding import Observation, Source
from leukotype.audits.profiles import listed, percent
from leukotype.metrics.estimate import Units

CONFORMAL_LEVEL = 0.95
AUC, AUC_HALF_WIDTH = 0.9, 0.1
CALIBRATION_EVENTS = 100


def too_few_for_conformal(source: Source) -> Observation | None:
    """Classes too small for prediction sets that hold their own class at 95 %.

    The smallest p-value that n calibration samples of a class can give is 1 / (n + 1): no set excludes the
    class at a level above n / (n + 1).  95 % needs 19, 90 % needs 9.

    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World (label-conditional prediction).
    """
    sizes, unit = _sizes(source)
    attainable = sizes / (sizes + 1)
    small = np.flatnonzero(attainable < CONFORMAL_LEVEL)
    if len(small) == 0:
        return None
    names = source.cohort.classes
    shown = [f"{names[code]} (n = {sizes[code]:.0f}) {percent(attainable[code], 1)}" for code in small]
    needed = int(np.ceil(CONFORMAL_LEVEL / (1 - CONFORMAL_LEVEL) - 1e-9))
    return Observation(
        f"prediction sets that hold each class at {percent(CONFORMAL_LEVEL)} need {needed} {unit} of it; the highest "
        f"attainable level is for {listed(shown, 8)}. "
        "Ask for a lower level, or expect sets that never exclude the class.",
        {"attainable": dict(zip(names, attainable.tolist(), strict=True)), "needed": needed},
        pd.DataFrame({"class": names, unit: sizes.astype(int), "attainable_level": attainable}),
    )


def too_few_for_auc(source: Source) -> Observation | None:
    """Classes whose one-against-rest AUC can't be known to within 0.1.

    Half the 95 % interval around an AUC of 0.9, by the standard error of Hanley & McNeil (1982), Radiology 143.
    """
    sizes, unit = _sizes(source)
    half = _auc_half_width(sizes, sizes.sum() - sizes)
    small = np.flatnonzero(half > AUC_HALF_WIDTH)
    if len(small) == 0:
        return None
    names = source.cohort.classes
    shown = [f"{names[code]} (n = {sizes[code]:.0f}) ± {half[code]:.2f}" for code in small]
    return Observation(
        f"an AUC of {AUC} would be known only to within: {listed(shown, 8)}. Read the curves of these classes with "
        "their intervals, and rank no models by them.",
        {"half_width": dict(zip(names, half.tolist(), strict=True))},
        pd.DataFrame({"class": names, unit: sizes.astype(int), "auc_half_width": half}),
    )


def too_few_for_calibration(source: Source) -> Observation | None:
    """Classes too small to judge whether their probabilities are right.

    100 samples with and 100 without the class are the least that a calibration curve needs: Collins, Ogundimu
    & Altman (2016), Statistics in Medicine 35; Van Calster et al. (2016), Journal of Clinical Epidemiology 74,
    ask for 200.
    """
    sizes, unit = _sizes(source)
    least = np.minimum(sizes, sizes.sum() - sizes)
    small = np.flatnonzero(least < CALIBRATION_EVENTS)
    if len(small) == 0:
        return None
    names = source.cohort.classes
    return Observation(
        f"calibration can't be judged for {len(small)} of {len(names)} classes: it takes {CALIBRATION_EVENTS} {unit} "
        f"with the class and {CALIBRATION_EVENTS} without, and the fewest here are {least.min():.0f}. The curves and "
        "the calibration error show gross failure only.",
        {"fewest": int(least.min()), "classes": [names[code] for code in small]},
        pd.DataFrame({"class": names, unit: sizes.astype(int), "others": (sizes.sum() - sizes).astype(int)}),
    )


def _sizes(source: Source) -> tuple[FloatArray, str]:
    donors = source.cohort.donors
    if donors is None:
        return np.array(list(source.cohort.class_counts.values()), dtype=np.float64), "samples"
    units = Units.of(source.cohort.codes, donors) if source.evaluation is None else source.evaluation.units
    return units.per_class, "donors"


def _auc_half_width(positives: FloatArray, negatives: FloatArray) -> FloatArray:
    q1, q2 = AUC / (2 - AUC), 2 * AUC**2 / (1 + AUC)
    spread = AUC * (1 - AUC) + (positives - 1) * (q1 - AUC**2) + (negatives - 1) * (q2 - AUC**2)
    return np.asarray(stats.norm.ppf(0.975) * np.sqrt(spread / (positives * np.maximum(negatives, 1))))

"""Detect the scale of expression values and transform them to log2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from leukotype.arrays import FloatArray

Scale = Literal["log2", "linear"]
SCALES = ("auto", "log2", "linear")

# Below 1 the logarithm inflates noise without limit; intensities are given to a tenth of a unit.
FLOOR = 1.0


@dataclass(frozen=True)
class ScaleFound:
    """The detected scale of the values.

    scale   : "linear" or "log2"; "log2" includes every scale that is not linear
    reason  : the numbers behind the decision
    certain : False if the values fit neither scale well
    """

    scale: Scale
    reason: str
    certain: bool = True


def detect_scale(values: FloatArray) -> ScaleFound:
    """Tell linear intensities from logarithms by the rule of GEO2R, with a guard against outliers; NaN is ignored.

    Linear: the 99th percentile exceeds 100, or it exceeds 25 and the range exceeds 50 with a positive first quartile.
    The guard of 25 is ours: RMA's log2 intensities lie between about 2 and 16, and a few damaged cells must not make
    them look linear.

    Barrett et al. (2013), Nucleic Acids Research 41, D991-D995 (GEO2R).
    """
    low, top = values.min(), values.max()
    if np.isnan(low):
        low, top = np.nanmin(values), np.nanmax(values)
    if low >= 0 and 5 <= top <= 25:
        # Neither rule can hold, and quantiles of a wide matrix are slow.
        return ScaleFound("log2", f"values from {low:.4g} to {top:.4g}")
    first, high = np.nanquantile(values, [0.25, 0.99])
    reason = f"values from {low:.4g} to {top:.4g}, 99 % of them below {high:.4g}"
    if high > 100 or (high > 25 and top - low > 50 and first > 0):
        return ScaleFound("linear", reason)
    return ScaleFound("log2", reason, certain=False)


def to_log2(values: FloatArray) -> tuple[FloatArray, int]:
    """Return log2(max(x, 1)) and the number of values below 1; NaN stays.

    Early Affymetrix software gave negative intensities, which mean "not above background".
    """
    floored = int(np.sum(values < FLOOR))
    return np.log2(np.maximum(values, FLOOR)), floored


def apply(values: FloatArray, wanted: str) -> tuple[FloatArray, str, tuple[str, ...]]:
    """Return values on log2, their unit, and the steps for the provenance.

    wanted : scale of the file's values: "auto" (detect), "log2" (leave unchanged), "linear" (take logarithms)
    """
    found = detect_scale(values)
    scale = found.scale if wanted == "auto" else wanted
    if scale == "linear":
        logged, floored = to_log2(values)
        why = f"Linear scale detected ({found.reason})" if wanted == "auto" else "Linear scale, as specified"
        step = f"{why}: transformed to log2(max(x, {FLOOR:g})); values below {FLOOR:g}: {floored:,}."
        if wanted == "linear" and found.scale != "linear":
            step += f" Caution: the values do not look linear ({found.reason})."
        return logged, "log2 intensity", (step,)
    if wanted == "log2" and found.scale == "linear":
        step = f"Left unchanged, as specified, although the values look linear ({found.reason})."
        return values, "log2, as specified", (step,)
    if not found.certain:
        step = (
            f"Neither linear nor plain log2 intensities ({found.reason}): left unchanged. "
            "Use --scale linear to take logarithms."
        )
        return values, "as given", (step,)
    return values, "log2 intensity", ()


def apply_by_sample(values: FloatArray, wanted: str) -> tuple[FloatArray, list[str]]:
    """Return values on log2 and a note on each sample; each sample's scale depends on that sample alone.

    wanted : as in `apply`
    """
    logged, notes = values.copy(), []
    for row in logged:
        known = row[~np.isnan(row)]
        if not len(known):
            # A failed array must not cost the others their calls; the classifier abstains on it.
            notes.append("no value at all")
            continue
        if (detect_scale(known).scale if wanted == "auto" else wanted) == "linear":
            row[:], floored = to_log2(row)
            how = "linear" if wanted == "auto" else "linear, as specified"
            notes.append(f"{how}: log2(max(x, {FLOOR:g})) taken, {floored} below the floor")
        else:
            notes.append("as given" if wanted == "auto" else "as given, as specified")
    return logged, notes

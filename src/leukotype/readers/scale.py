"""The scale of expression values: found by their distribution, brought to log2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from leukotype.arrays import FloatArray

Scale = Literal["log2", "linear"]
SCALES = ("auto", "log2", "linear")

# Below one unit a logarithm stretches noise without end; intensities are given to a tenth of a unit.
FLOOR = 1.0


@dataclass(frozen=True)
class ScaleFound:
    """What the values look like, and why.

    scale   : "linear" or "log2"; "log2" stands for any scale that is no longer linear
    reason  : the figures that speak for it
    certain : False where the values fit neither picture well
    """

    scale: Scale
    reason: str
    certain: bool = True


def detect_scale(values: FloatArray) -> ScaleFound:
    """Tell linear intensities from logarithms by the rule of GEO2R, guarded against outliers; NaN is passed over.

    Linear: the 99th percentile exceeds 100, or it exceeds 25 and the range exceeds 50 with a positive first quartile.
    The guard of 25, which is ours, keeps a few broken cells from making logarithms look linear: RMA's log2
    intensities lie between about 2 and 16.

    Barrett et al. (2013), Nucleic Acids Research 41, D991-D995 (GEO2R).
    """
    low, top = values.min(), values.max()
    if np.isnan(low):
        low, top = np.nanmin(values), np.nanmax(values)
    if low >= 0 and 5 <= top <= 25:
        # Neither rule can hold, and the quantiles of a wide matrix take a while.
        return ScaleFound("log2", f"values from {low:.4g} to {top:.4g}")
    first, high = np.nanquantile(values, [0.25, 0.99])
    figures = f"values from {low:.4g} to {top:.4g}, 99 % of them below {high:.4g}"
    if high > 100 or (high > 25 and top - low > 50 and first > 0):
        return ScaleFound("linear", figures)
    return ScaleFound("log2", figures, certain=False)


def to_log2(values: FloatArray) -> tuple[FloatArray, int]:
    """Return log2(max(x, 1)) and the number of values that were below 1; NaN stays.

    Negative intensities, as early Affymetrix software gave them, mean "not above background".
    """
    floored = int(np.sum(values < FLOOR))
    return np.log2(np.maximum(values, FLOOR)), floored


def apply(values: FloatArray, wanted: str) -> tuple[FloatArray, str, tuple[str, ...]]:
    """Return values on log2, their unit, and what was done, for the provenance.

    wanted : what the file's values are: "auto" (look), "log2" (leave them), "linear" (take logarithms)
    """
    found = detect_scale(values)
    scale = found.scale if wanted == "auto" else wanted
    if scale == "linear":
        logged, floored = to_log2(values)
        why = f"Linear scale found ({found.reason})" if wanted == "auto" else "Linear scale, as told"
        step = f"{why}: log2(max(x, {FLOOR:g})) was taken; {floored} values were below the floor."
        if wanted == "linear" and found.scale != "linear":
            step += f" Mind that they do not look linear ({found.reason})."
        return logged, "log2 intensity", (step,)
    if wanted == "log2" and found.scale == "linear":
        return (
            values,
            "as told log2",
            (f"Left as they are, as told, although they look linear ({found.reason}).",),
        )
    if not found.certain:
        return values, "as given", (
            f"Neither linear nor plain log2 intensities ({found.reason}): left as they are. "
            "Say --scale linear if logarithms are to be taken.",
        )  # fmt: skip
    return values, "log2 intensity", ()

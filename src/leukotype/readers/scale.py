"""Detect the scale of expression values and transform them to log2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.errors import BadValues
from leukotype.wording import counted

Scale = Literal["log2", "linear"]
SCALES = ("auto", "log2", "linear")

# Log2 intensities lie between about 2 and 16.
_LOG2_TOP = 25.0
COUNTS, LOG2 = "counts", "log2 intensities"
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
    if low >= 0 and _are_whole(values):
        reason = f"whole numbers from {low:.4g} to {top:.4g}"
        return ScaleFound("linear", reason) if top > _LOG2_TOP else ScaleFound("log2", reason, certain=False)
    if low >= 0 and 5 <= top <= _LOG2_TOP:
        # Neither rule can hold, and quantiles of a wide matrix are slow.
        return ScaleFound("log2", f"values from {low:.4g} to {top:.4g}")
    high = np.nanquantile(values, 0.99)
    reason = f"values from {low:.4g} to {top:.4g}, 99 % of them below {high:.4g}"
    return ScaleFound("linear", reason) if _is_linear(values) else ScaleFound("log2", reason, certain=False)


def _are_whole(values: FloatArray) -> bool:
    """Tell whether all values are whole numbers, at least 0 and not all equal; NaN is ignored."""
    some = values.ravel()[:1000]
    if not ((some == np.floor(some)) | np.isnan(some)).all():
        return False
    return bool(((values == np.floor(values)) | np.isnan(values)).all() and np.nanmin(values) >= 0)


def _is_linear(values: FloatArray) -> bool:
    first, high = np.nanquantile(values, [0.25, 0.99])
    return bool(high > 100 or (high > _LOG2_TOP and np.nanmax(values) - np.nanmin(values) > 50 and first > 0))


def _agreed(values: FloatArray, found: ScaleFound, samples: Sequence[str], path: str) -> ScaleFound:
    """Return the scale that most samples have; raises BadValues if some are linear and others log2."""
    if found.scale == "log2" and found.certain:
        return found
    if _are_whole(values):
        # Counts of all depths.
        return found
    top = np.array([np.nanmax(row, initial=-np.inf) for row in values])
    linear = np.array([bool(len(known := row[~np.isnan(row)])) and _is_linear(known) for row in values])
    log2 = ~linear & (top <= _LOG2_TOP) & np.isfinite(top)
    if linear.any() and log2.any():
        raise BadValues(
            f"{path} mixes scales: {counted(int(linear.sum()), 'sample')} with linear values ("
            f"{samples[int(np.argmax(linear))]!r}, up to {top[linear].max():.4g}) and {int(log2.sum())} with log2 "
            f"values ({samples[int(np.argmax(log2))]!r}, up to {top[log2].max():.4g}). Put all on one scale, or force "
            "one with --scale."
        )
    scale: Scale = "linear" if 2 * linear.sum() > len(linear) else "log2"
    return found if scale == found.scale else ScaleFound(scale, found.reason, certain=False)


def to_log2(values: FloatArray) -> tuple[FloatArray, int]:
    """Return log2(max(x, 1)) and the number of values below 1; NaN stays.

    Early Affymetrix software gave negative intensities, which mean "not above background".
    """
    floored = int(np.sum(values < FLOOR))
    return np.log2(np.maximum(values, FLOOR)), floored


def apply(
    values: FloatArray, wanted: str, samples: Sequence[str], path: str
) -> tuple[FloatArray, str, tuple[str, ...]]:
    """Return values on log2, their unit, and the steps for the provenance.

    wanted  : scale of the file's values: "auto" (detect), "log2" (leave unchanged), "linear" (take logarithms)
    samples : ids, for the message

    Raises BadValues if some samples are linear and others log2.
    """
    found = detect_scale(values)
    if wanted == "auto":
        found = _agreed(values, found, samples, path)
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
        step = f"Neither linear nor plain log2 intensities ({found.reason}): left unchanged."
        if _are_whole(values):
            step += " If these are counts, use --scale linear to take logarithms."
        # Negative values have no logarithm, and cycle thresholds are logarithms already.
        elif float(np.nanmean(values < 0)) < 0.1 and np.nanmax(values) > 50:
            step += " Use --scale linear to take logarithms."
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
        look = look_of(known)
        if (detect_scale(known).scale if wanted == "auto" else wanted) == "linear":
            row[:], floored = to_log2(row)
            how = ("counts" if look == COUNTS else "linear") if wanted == "auto" else "linear, as specified"
            notes.append(f"{how}: log2(max(x, {FLOOR:g})) taken, {floored} below the floor")
        elif wanted != "auto":
            notes.append("as given, as specified")
        else:
            notes.append("as given" if look == LOG2 else f"as given: {look}")
    return logged, notes


def look_of(values: FloatArray) -> str:
    """Say what the values of one sample look like; no value may be missing.

    values : (n_probes,)
    """
    low, quarter, high = values.min(), np.quantile(values, 0.25), values.max()
    if _are_whole(values) and high > _LOG2_TOP:
        return COUNTS
    if _is_linear(values):
        return "linear intensities"
    if quarter < 0 and high < _LOG2_TOP:
        return "z-scores, log ratios or centred values"
    if low >= 0 and high <= 1 and high > low:
        return "shares between 0 and 1"
    return LOG2

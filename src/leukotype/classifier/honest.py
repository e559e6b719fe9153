"""What the whole procedure is worth, abstention included: every rule judged on samples that had no say in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukotype.classifier import abstention, calibration, unlikeness
from leukotype.classifier.abstention import Target
from leukotype.classifier.calibration import Calibration, Method
from leukotype.classifier.calls import MARGIN, UNLIKE
from leukotype.cohort import FloatArray, IntArray
from leukotype.metrics import intervals


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What held-out samples got, in every repeat.

    p         : (n_repeats, n, n_classes) probabilities before calibration
    labels    : (n,)
    fold_of   : (n_repeats, n) outer fold that held each sample out
    distances : (n_repeats, n) unlikeness
    n_units   : donors where they are known, else samples
    """

    p: FloatArray
    labels: IntArray
    fold_of: IntArray
    distances: FloatArray
    n_units: int


def decisions(
    seen: OutOfFold, classes: Sequence[str], method: Method, target: Target, level: float
) -> dict[str, Any]:
    """Return what to expect of the calls, as JSON facts.

    Calibration, thresholds and the distances to compare with are learned from the other outer folds of a repeat, and
    applied to the one left out; means over repeats, 95 % intervals by Clopper and Pearson with donors or samples as
    units.
    """
    calibrated, margin, unlike = _crossed(seen, method, target, level)
    called = ~margin & ~unlike
    right = calibrated.argmax(axis=2) == seen.labels
    n_repeats = len(called)

    def share(hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> dict[str, float | None]:
        n = among.sum() / n_repeats
        if not n:
            return {"value": None, "low": None, "high": None, "n": 0.0}
        value = float((hits & among).sum() / among.sum())
        units = n * seen.n_units / len(seen.labels)
        low, high = intervals.clopper_pearson(value * units, units)
        return {"value": value, "low": low, "high": high, "n": float(n)}

    everyone = np.ones_like(called)
    losses = [calibration.log_losses(p, seen.labels).mean() for p in calibrated]
    per_class = {}
    for code, name in enumerate(classes):
        own = everyone & (seen.labels == code)
        per_class[name] = {"called": share(called, own), "right_among_called": share(right, own & called)}
    return {
        "target": {"kind": target.kind, "value": target.value},
        "unlike_level": level,
        "called": share(called, everyone),
        "right_among_called": share(right, called),
        "right_among_all": share(right, everyone),
        "log_loss": float(np.mean(losses)),
        "reasons": {MARGIN: float(margin.mean()), UNLIKE: float(unlike.mean())},
        "classes": per_class,
        "risk_coverage": abstention.risk_coverage(calibrated.max(axis=2).ravel(), right.ravel()),
    }


def _crossed(
    seen: OutOfFold, method: Method, target: Target, level: float
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.bool_]]:
    """Calibrated probabilities, and who falls to the margin or to unlikeness, each by the other folds' rules."""
    calibrated = np.empty_like(seen.p)
    margin = np.zeros(seen.fold_of.shape, dtype=bool)
    unlike = np.zeros(seen.fold_of.shape, dtype=bool)
    for repeat, (p, folds, distances) in enumerate(zip(seen.p, seen.fold_of, seen.distances, strict=True)):
        for fold in np.unique(folds):
            out = folds == fold
            learned = Calibration.fit(method, p[~out], seen.labels[~out])
            least = abstention.thresholds(learned.apply(p[~out])[None], seen.labels[~out], target)
            shown = learned.apply(p[out])
            calibrated[repeat, out] = shown
            codes = shown.argmax(axis=1)
            margin[repeat, out] = shown.max(axis=1) < least[codes]
            unlike[repeat, out] = [unlikeness.p_value(distances[~out], d) <= level for d in distances[out]]
    return calibrated, margin, unlike

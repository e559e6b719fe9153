"""What the whole procedure is worth, abstention included: every rule judged on samples that had no say in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.classifier import abstention, calibration, novelty
from leukotype.classifier.abstention import Target
from leukotype.classifier.calibration import Method
from leukotype.classifier.calls import MARGIN, UNLIKE
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

    For each outer fold, calibration, thresholds and the distances to compare with are learned from what the samples
    outside it got in all repeats, as those of the file are from all samples; means over repeats, 95 % intervals by
    Clopper and Pearson with donors or samples as units. They take the thresholds for fixed: in simulated cohorts of 40
    samples, 70 % of the intervals of the share called held the share of new samples that the file then called.
    """
    calibrated, margin, unlike = _crossed(seen, method, target, level)
    called = ~margin & ~unlike
    predicted = calibrated.argmax(axis=2)
    right = predicted == seen.labels
    n_repeats = len(called)

    def share(hits: BoolArray, among: BoolArray) -> dict[str, float | None]:
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
        per_class[name] = {
            "called": share(called, own),
            "right_among_called": share(right, own & called),
            # What a target of accuracy is for: of those that are called so, whatever they are.
            "right_among_calls_of_it": share(right, called & (predicted == code)),
        }
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
) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Calibrated probabilities, and who falls to the margin or to unlikeness, each by rules of the other samples."""
    calibrated = np.empty_like(seen.p)
    margin = np.zeros(seen.fold_of.shape, dtype=bool)
    unlike = np.zeros(seen.fold_of.shape, dtype=bool)
    for repeat, folds in enumerate(seen.fold_of):
        for fold in np.unique(folds):
            out = folds == fold
            others, labels = seen.p[:, ~out], seen.labels[~out]
            learned = calibration.fitted(method, others, labels)
            least = abstention.thresholds(np.array([learned.apply(p) for p in others]), labels, target)
            shown = learned.apply(seen.p[repeat, out])
            calibrated[repeat, out] = shown
            margin[repeat, out] = shown.max(axis=1) < least[shown.argmax(axis=1)]
            held_out = seen.distances[:, ~out].mean(axis=0)
            unlike[repeat, out] = [novelty.p_value(held_out, d) <= level for d in seen.distances[repeat, out]]
    return calibrated, margin, unlike

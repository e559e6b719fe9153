"""Abstention by margin: from which confidence on a call of each class is let out, learned out of fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.errors import UnknownName

# Above every probability: no call of this class reached the target.
NEVER = 2.0
_EVEN = 0.5


@dataclass(frozen=True)
class Target:
    """What abstaining is for.

    kind  : "accuracy": of the calls of each class at least this share shall be right; "coverage": of the samples
            that a class would be called for at least this share shall be called
    value : in (0, 1]
    """

    kind: str = "accuracy"
    value: float = 0.95

    def __post_init__(self) -> None:
        if self.kind not in ("accuracy", "coverage"):
            raise UnknownName(f"no target {self.kind!r}. There are accuracy and coverage.")
        if not 0 < self.value <= 1:
            raise UnknownName(f"the target is {self.value:g}, and must be above 0 and at most 1.")

    def __str__(self) -> str:
        what = "of the calls of each class right" if self.kind == "accuracy" else "of the samples called"
        return f"{100 * self.value:g} % {what}"


def thresholds(p: FloatArray, labels: IntArray, target: Target) -> FloatArray:
    """(n_classes,) the least confidence of a call of each class.

    p      : (n_repeats, n, n_classes) calibrated out-of-fold probabilities
    labels : (n,)

    For a target of accuracy it is the lowest confidence from which on that share of the calls of the class was right,
    and `NEVER` where no confidence reached it.  For one of coverage it is the confidence that this share of them had.
    Where all of them may be let out, it is the lowest confidence that was tested, or even odds where that is lower.

    Geifman & El-Yaniv (2017), NeurIPS, on selective classification; here without their bound, which needs hundreds of
    samples.
    """
    flat, truth = p.reshape(-1, p.shape[2]), np.tile(labels, len(p))
    called = flat.argmax(axis=1)
    found = np.zeros(p.shape[2])
    for code in range(p.shape[2]):
        own = called == code
        found[code] = _threshold(flat[own, code], truth[own] == code, target)
    return found


def _threshold(confidence: FloatArray, right: BoolArray, target: Target) -> float:
    if not len(confidence):
        # Nobody was called so: even odds are the least that can be asked.
        return _EVEN
    order = np.argsort(-confidence, kind="stable")
    descending, hits = confidence[order], np.cumsum(right[order])
    counts = np.arange(1, len(order) + 1)
    # Equal confidences are let out together.
    last = np.append(descending[1:] != descending[:-1], True)
    reached = (
        hits >= target.value * counts - 1e-12
        if target.kind == "accuracy"
        else counts >= target.value * len(order) - 1e-9
    )
    places = np.flatnonzero(reached & last)
    if not len(places):
        return NEVER
    place = places[-1] if target.kind == "accuracy" else places[0]
    least = float(descending[place])
    return min(least, _EVEN) if place == len(order) - 1 else least


def risk_coverage(confidence: FloatArray, right: BoolArray, points: int = 50) -> list[dict[str, float]]:
    """Error among the most confident calls against the share of samples that they are, from few to all.

    confidence, right : (n,) any number of repeats one after another
    """
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(~right[order])
    last = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))
    kept = last[np.unique(np.linspace(0, len(last) - 1, min(points, len(last))).round().astype(int))]
    return [
        {"coverage": float((k + 1) / len(order)), "error": float(wrong[k] / (k + 1)),
         "confidence": float(confidence[order[k]])}
        for k in kept.tolist()
    ]  # fmt: skip

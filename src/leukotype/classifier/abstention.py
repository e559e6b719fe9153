"""Abstention: confidence thresholds learned out of fold, and the expected result of the decisions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.classifier import calibration, novelty
from leukotype.classifier.calibration import Method
from leukotype.classifier.calls import MARGIN, UNLIKE
from leukotype.errors import InfeasibleDesign, UnknownName

# Above every probability: no confidence of this class reached the target.
NEVER = 2.0
_EVEN = 0.5
# Probability with which the calls reach the target of accuracy.
ASSURANCE = 0.85
# Of the simulated classifiers that call samples, the share that missed a target of 0.9 or 0.95: the largest for 40, 64
# and 100 training samples (benchmarks/calibration/abstention.py).
SHORTFALL = 0.16


@dataclass(frozen=True)
class Target:
    """The target of abstention.

    kind  : "accuracy": at least this share of the calls is correct, with `ASSURANCE` for all classes together, and out
            of fold for each class; "coverage": at least this share of the samples predicted as each class is called
    value : in (0, 1]; below 1 for accuracy
    """

    kind: str = "accuracy"
    value: float = 0.95

    def __post_init__(self) -> None:
        if self.kind not in ("accuracy", "coverage"):
            raise UnknownName(f"unknown target {self.kind!r}. Choose accuracy or coverage.")
        if not 0 < self.value <= 1:
            raise UnknownName(f"the target is {self.value:g}. Use a number above 0 and at most 1.")
        if self.value == 1 and self.kind == "accuracy":
            raise UnknownName(
                "no number of samples assures an accuracy of 1. Use a target below 1, such as 0.99."
            )

    @classmethod
    def of(cls, accuracy: float | None, coverage: float | None) -> Self:
        """Return the target for the one that is given; raises InfeasibleDesign if both are."""
        if accuracy is not None and coverage is not None:
            raise InfeasibleDesign(
                "--target-accuracy and --target-coverage exclude each other. Use one of the two."
            )
        if coverage is not None:
            return cls("coverage", coverage)
        return cls() if accuracy is None else cls("accuracy", accuracy)

    def __str__(self) -> str:
        what = "of the calls correct" if self.kind == "accuracy" else "of the samples called"
        return f"{100 * self.value:g} % {what}"


def thresholds(p: FloatArray, labels: IntArray, target: Target, n_units: int | None = None) -> FloatArray:
    """(n_classes,) minimum confidence of a call of each class: those `by_class`, and for accuracy at least `floor`.

    p       : (n_repeats, n, n_classes) calibrated out-of-fold probabilities
    labels  : (n,)
    n_units : number of donors, if they are known; by default n
    """
    found = by_class(p, labels, target)
    return found if target.kind == "coverage" else np.maximum(found, floor(p, labels, target.value, n_units))


def by_class(p: FloatArray, labels: IntArray, target: Target) -> FloatArray:
    """(n_classes,) minimum confidence at which the out-of-fold calls of each class reach the target.

    For accuracy: the lowest confidence at or above which this share of the calls is correct; `NEVER` if there is none.
    For coverage: the highest confidence that this share of the samples reaches.  If all may be called: the lowest
    observed confidence, at most 0.5.
    """
    flat, truth = p.reshape(-1, p.shape[2]), np.tile(labels, len(p))
    called = flat.argmax(axis=1)
    found = np.zeros(p.shape[2])
    for code in range(p.shape[2]):
        own = called == code
        found[code] = _threshold(flat[own, code], truth[own] == code, target)
    return found


def floor(p: FloatArray, labels: IntArray, accuracy: float, n_units: int | None = None) -> float:
    """Return the lowest confidence at or above which the calls of all classes reach an accuracy with `ASSURANCE`.

    0 if all may be called; `NEVER` if no confidence is enough.  p, labels, n_units: as in `thresholds`.

    Geifman & El-Yaniv (2017), NeurIPS (selective classification with a guaranteed risk); Angelopoulos et al. (2021),
    arXiv:2110.01052 (Learn then Test).  Their exact bounds need hundreds of samples.  This one holds on average over
    cohorts, which benchmarks/calibration/abstention.py measures.
    """
    confidence, bounds = _bounds(p, labels, n_units)
    places = np.flatnonzero(bounds >= accuracy)
    if not len(places):
        return NEVER
    return 0.0 if places[-1] == len(confidence) - 1 else float(confidence[places[-1]])


def supported(p: FloatArray, labels: IntArray, n_units: int | None = None) -> float:
    """Return the highest accuracy that `floor` can reach, rounded down to two decimals."""
    return math.floor(100 * float(_bounds(p, labels, n_units)[1].max())) / 100


def _bounds(p: FloatArray, labels: IntArray, n_units: int | None) -> tuple[FloatArray, FloatArray]:
    """Confidences in descending order, and the accuracy of the calls down to each that holds with `ASSURANCE`.

    Quantile of the posterior under Jeffreys' prior.  A sample counts once for all repeats; with donors, all samples
    together count as many as there are donors.
    """
    # Loaded here, because calling samples does not need it.
    from scipy.special import betaincinv

    flat, truth = p.reshape(-1, p.shape[2]), np.tile(labels, len(p))
    confidence = flat.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    descending = confidence[order]
    # Equal confidences are called together.
    last = np.flatnonzero(np.append(descending[1:] != descending[:-1], True))
    weight = (n_units or len(labels)) / len(flat)
    hits = np.cumsum(flat.argmax(axis=1)[order] == truth[order])[last] * weight
    wrong = (last + 1) * weight - hits
    return descending[last], np.asarray(betaincinv(hits + 0.5, np.maximum(wrong, 0.0) + 0.5, 1 - ASSURANCE))


def _threshold(confidence: FloatArray, right: BoolArray, target: Target) -> float:
    if not len(confidence):
        # No sample was predicted as this class.
        return _EVEN
    order = np.argsort(-confidence, kind="stable")
    descending, hits = confidence[order], np.cumsum(right[order])
    counts = np.arange(1, len(order) + 1)
    # Equal confidences are called together.
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
    """Error of the most confident calls against their share of the samples, from few to all.

    confidence, right : (n,) of any number of repeats, concatenated
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


def shortfall(decisions: Mapping[str, Any]) -> str:
    """Return how often simulated classifiers missed the target, in brackets; "" if it was not measured."""
    if decisions["target"]["kind"] != "accuracy" or "assurance" not in decisions:
        return ""
    return f" (missed by up to {100 * SHORTFALL:.0f} % of the simulated classifiers that call samples)"


def never_called(decisions: Mapping[str, Any]) -> str:
    """Return why a classifier calls no sample, and what to do."""
    value, best = decisions["target"]["value"], decisions.get("supported", 0.0)
    return (
        f"No sample will be called: at no confidence do the training samples assure an accuracy of {value:g}. They "
        f"assure at most {best:.2f}. Use --target-accuracy {best:.2f} or less, or --target-coverage."
    )


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions and distances of held-out samples in every repeat.

    p         : (n_repeats, n, n_classes) probabilities before calibration
    labels    : (n,)
    fold_of   : (n_repeats, n) outer fold that held each sample out
    distances : (n_repeats, n) novelty
    n_units   : number of donors if they are known, else of samples
    """

    p: FloatArray
    labels: IntArray
    fold_of: IntArray
    distances: FloatArray
    n_units: int


def decisions(
    seen: OutOfFold, classes: Sequence[str], method: Method, target: Target, level: float
) -> dict[str, Any]:
    """Return the expected results of the calls, as JSON facts.

    For each outer fold, calibration, thresholds and reference distances are learned from the predictions of all other
    samples in all repeats, like those of the file from all samples.  Values are means over repeats; 95 % intervals are
    Clopper-Pearson with donors or samples as units.  They treat the thresholds as fixed: in simulated cohorts of 40
    samples, 70 % of the intervals of the share called covered the share of new samples that the file called.
    """
    # Loads scikit-learn, which calling samples does not need.
    from leukotype.metrics import intervals

    calibrated, margin, unlike = _crossed(seen, method, target, level)
    learned = calibration.fitted(method, seen.p, seen.labels)
    best = supported(np.array([learned.apply(p) for p in seen.p]), seen.labels, seen.n_units)
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
            # The quantity that an accuracy target refers to.
            "right_among_calls_of_it": share(right, called & (predicted == code)),
        }
    return {
        "target": {"kind": target.kind, "value": target.value},
        "assurance": ASSURANCE,
        "supported": best,
        "unlike_level": level,
        "called": share(called, everyone),
        "right_among_called": share(right, called),
        "right_among_all": share(right, everyone),
        "log_loss": float(np.mean(losses)),
        "reasons": {MARGIN: float(margin.mean()), UNLIKE: float(unlike.mean())},
        "classes": per_class,
        "risk_coverage": risk_coverage(calibrated.max(axis=2).ravel(), right.ravel()),
    }


def _crossed(
    seen: OutOfFold, method: Method, target: Target, level: float
) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Calibrated probabilities and abstentions by margin and novelty, each by rules of the other samples."""
    calibrated = np.empty_like(seen.p)
    margin = np.zeros(seen.fold_of.shape, dtype=bool)
    unlike = np.zeros(seen.fold_of.shape, dtype=bool)
    for repeat, folds in enumerate(seen.fold_of):
        for fold in np.unique(folds):
            out = folds == fold
            others, labels = seen.p[:, ~out], seen.labels[~out]
            learned = calibration.fitted(method, others, labels)
            # As many units as for the file: fewer would assure less, and call fewer samples than the file does.
            least = thresholds(np.array([learned.apply(p) for p in others]), labels, target, seen.n_units)
            shown = learned.apply(seen.p[repeat, out])
            calibrated[repeat, out] = shown
            margin[repeat, out] = shown.max(axis=1) < least[shown.argmax(axis=1)]
            held_out = seen.distances[:, ~out].mean(axis=0)
            unlike[repeat, out] = [novelty.p_value(held_out, d) <= level for d in seen.distances[repeat, out]]
    return calibrated, margin, unlike

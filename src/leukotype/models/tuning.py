"""Tuning one model on one training part: the same inside the folds and on a whole cohort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from leukotype.cohort import FloatArray, IntArray
from leukotype.wide import Candidate, Fold, Setting

if TYPE_CHECKING:
    from leukotype.models import Model

Criterion = Literal["log_loss", "accuracy", "balanced_accuracy"]
CRITERIA: tuple[Criterion, ...] = ("log_loss", "accuracy", "balanced_accuracy")


@dataclass(frozen=True, eq=False)
class Tuned:
    """The candidate chosen, refitted on the whole training part.

    inner_score : mean of the criterion over the inner folds (log loss with its sign turned), or the
                  candidate's own score where the model needs no inner folds; nan where there was no choice
    temperature : by which scores are divided before the softmax; None where the model gives probabilities
    """

    candidate: Candidate
    inner_score: float
    temperature: float | None

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) probabilities of the test part of `fold`."""
        output = self.candidate.predict_proba(fold)
        return output if self.temperature is None else softmax(output / self.temperature, axis=1)


def tune(
    model: Model,
    fold: Fold,
    inner: Sequence[tuple[Fold, IntArray, IntArray]],
    labels: IntArray,
    *,
    criterion: Criterion,
    rng: np.random.Generator,
) -> Tuned:
    """Choose a setting without a look at the test part of `fold`, and fit it on the training part.

    inner  : folds within the training part, each with the labels of its own training and test part
    labels : (n_train,) class codes of the training part of `fold`

    Ties go to the setting that comes first in the grid: grids are ordered from plain to complex.
    """
    grid = model.settings()
    outer_rng, inner_rng = rng.spawn(2)
    if model.own_score:
        candidates = model.path(fold, labels, grid, outer_rng)
        scores = [float(candidate.own_score) for candidate in candidates]  # type: ignore[attr-defined]
        best = int(np.argmax(scores))
        return Tuned(candidates[best], scores[best], None)
    calibrated = "scores" in model.gives
    if len(grid) == 1 and not calibrated:
        return Tuned(model.path(fold, labels, grid, outer_rng)[0], float("nan"), None)

    outputs = [
        [candidate.predict_proba(part) for candidate in model.path(part, own, grid, child)]
        for (part, own, _), child in zip(inner, inner_rng.spawn(len(inner)), strict=True)
    ]
    truths = [held_out for _, _, held_out in inner]
    temperatures = [
        fit_temperature(np.concatenate([output[i] for output in outputs]), np.concatenate(truths))
        if calibrated
        else None
        for i in range(len(grid))
    ]
    scores = [
        _mean_score(criterion, [output[i] for output in outputs], truths, temperatures[i])
        for i in range(len(grid))
    ]
    best = int(np.argmax(scores))
    chosen: Setting = grid[best]
    candidate = model.path(fold, labels, [chosen], outer_rng)[0]
    return Tuned(candidate, scores[best], temperatures[best])


def fit_temperature(scores: FloatArray, labels: IntArray) -> float:
    """Return the temperature T that minimises the log loss of softmax(scores / T).

    scores : (n, n_classes) of samples the scorer was not fitted on

    Guo et al. (2017), ICML, 1321-1330.
    """
    size = float(np.abs(scores - scores.mean(axis=1, keepdims=True)).mean()) or 1.0
    rows = np.arange(len(labels))

    def loss(log_inverse: float) -> float:
        return -float(log_softmax(scores / size * np.exp(log_inverse), axis=1)[rows, labels].mean())

    # Bounds keep a perfect ranking of a few samples from claiming certainty, and a useless one finite.
    best = minimize_scalar(loss, bounds=(-6.0, 4.0), method="bounded", options={"xatol": 1e-6})
    return float(size * np.exp(-best.x))


def _mean_score(
    criterion: Criterion, outputs: Sequence[FloatArray], truths: Sequence[IntArray], temperature: float | None
) -> float:
    score = _SCORES[criterion]
    values = []
    for output, truth in zip(outputs, truths, strict=True):
        p = output if temperature is None else softmax(output / temperature, axis=1)
        values.append(score(p, truth))
    return float(np.average(values))


def _log_score(p: FloatArray, truth: IntArray) -> float:
    own = p[np.arange(len(truth)), truth]
    return float(np.log(np.clip(own, np.finfo(np.float64).eps, 1.0)).mean())


def _accuracy(p: FloatArray, truth: IntArray) -> float:
    return float(np.mean(p.argmax(axis=1) == truth))


def _balanced_accuracy(p: FloatArray, truth: IntArray) -> float:
    hit = p.argmax(axis=1) == truth
    return float(np.mean([hit[truth == code].mean() for code in np.unique(truth)]))


_SCORES: dict[Criterion, Callable[[FloatArray, IntArray], float]] = {
    "log_loss": _log_score,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
}

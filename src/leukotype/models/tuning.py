"""Tuning of one model on one training part, of a fold or of a whole cohort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide import Candidate, Fold

if TYPE_CHECKING:
    from leukotype.models import Model

Criterion = Literal["log_loss", "accuracy", "balanced_accuracy"]
CRITERIA: tuple[Criterion, ...] = ("log_loss", "accuracy", "balanced_accuracy")


@dataclass(frozen=True, eq=False)
class Tuned:
    """The chosen candidate, refitted on the whole training part.

    inner_score    : mean of the criterion over the inner folds (minus the log loss), or the candidate's own score if
                     the model needs no inner folds
    inner_losses   : (n_train,) log loss of each training sample when it was held out, against smoothed labels, for
                     any criterion: models are compared by it; NaN if it never was
    temperature    : divides scores before the softmax; None if the model gives probabilities
    """

    candidate: Candidate
    inner_score: float
    inner_losses: FloatArray
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
    """Choose a setting by the inner folds, and fit it on the training part of `fold`; its test part is not read.

    inner  : folds within the training part, each with the labels of its own training and test part
    labels : (n_train,) class codes of the training part of `fold`

    Ties go to the first setting of the grid: grids are ordered from simple to complex.
    """
    grid = model.settings()
    outer_rng, inner_rng = rng.spawn(2)
    _spare(fold, *(part for part, _, _ in inner))
    if model.own_score:
        candidates = model.path(fold, labels, grid, outer_rng)
        own = [float(candidate.own_score) for candidate in candidates]  # type: ignore[attr-defined]
        best = int(np.argmax(own))
        return Tuned(candidates[best], own[best], _own_losses(candidates[best], labels, own[best]), None)

    outputs = []
    for (part, part_labels, _), child in zip(inner, inner_rng.spawn(len(inner)), strict=True):
        candidates = model.path(part, part_labels, grid, child)
        outputs.append([candidate.predict_proba(part) for candidate in candidates])
        _spare(part)
    truths = [held_out for _, _, held_out in inner]
    trials = [_Trial.of([output[i] for output in outputs], truths, model) for i in range(len(grid))]
    scores = [trial.mean(criterion) for trial in trials]
    best = int(np.argmax(scores))
    candidate = model.path(fold, labels, [grid[best]], outer_rng)[0]
    losses = np.full(fold.n_train, np.nan)
    losses[_places(fold, inner)] = trials[best].losses()
    return Tuned(candidate, scores[best], losses, trials[best].temperature)


def _spare(*folds: Fold) -> None:
    # The models of one split share what its folds have computed, if memory allows.
    for fold in folds:
        if fold.is_large:
            fold.release()


def _places(fold: Fold, inner: Sequence[tuple[Fold, IntArray, IntArray]]) -> IntArray:
    """Return the positions in `fold.train` of the samples that the inner folds hold out, in their order."""
    order = np.argsort(fold.train)
    held_out = np.concatenate([part.test for part, _, _ in inner])
    return order[np.searchsorted(fold.train, held_out, sorter=order)]


def _own_losses(candidate: Candidate, labels: IntArray, own_score: float) -> FloatArray:
    """(n_train,) losses of a candidate that scores itself; its mean for every sample if it has no `held_out`."""
    held_out = getattr(candidate, "held_out", None)
    if held_out is None:
        return np.full(len(labels), -own_score)
    losses = np.full(len(labels), np.nan)
    known = ~np.isnan(held_out).any(axis=1)
    losses[known] = smoothed_losses(held_out[known], labels[known])
    return losses


@dataclass(frozen=True, eq=False)
class _Trial:
    """The predictions of one setting on the inner folds."""

    probabilities: tuple[FloatArray, ...]
    truths: Sequence[IntArray]
    temperature: float | None

    @classmethod
    def of(cls, outputs: Sequence[FloatArray], truths: Sequence[IntArray], model: Model) -> _Trial:
        if "scores" not in model.gives:
            return cls(tuple(outputs), truths, None)
        # The temperature of each inner fold is fitted on the others: on its own samples it would be optimistic.
        probabilities = []
        for number, output in enumerate(outputs):
            rest = [other for other in range(len(outputs)) if other != number]
            apart = fit_temperature(
                np.concatenate([outputs[other] for other in rest]),
                np.concatenate([truths[other] for other in rest]),
            )
            probabilities.append(softmax(output / apart, axis=1))
        return cls(
            tuple(probabilities), truths, fit_temperature(np.concatenate(outputs), np.concatenate(truths))
        )

    def mean(self, criterion: Criterion) -> float:
        # The unweighted mean over folds, as in scikit-learn's grid search.
        pairs = zip(self.probabilities, self.truths, strict=True)
        return float(np.average([_SCORES[criterion](p, truth) for p, truth in pairs]))

    def losses(self) -> FloatArray:
        """(n_held_out,) of all held-out samples, in the order of the folds."""
        return smoothed_losses(np.concatenate(self.probabilities), np.concatenate(list(self.truths)))


def smoothed_losses(p: FloatArray, labels: IntArray) -> FloatArray:
    """(n,) log loss of each sample, with probability (n + 1/2) / (n + 1) for its label.

    p : (n, n_classes) probabilities of samples that the model was not fitted on

    After n correct predictions, Jeffreys' prior expects that share of the next ones to be correct. Without smoothing,
    a model that is certain of everything wins if no inner sample contradicts it, and then loses more on the first
    outer sample that does.
    """
    log_p = np.log(np.clip(p, np.finfo(np.float64).eps, 1.0))
    return -(_smoothed(labels, p.shape[1], 0.5 / (len(labels) + 1)) * log_p).sum(axis=1)


def _smoothed(labels: IntArray, n_classes: int, doubt: float) -> FloatArray:
    """(n, n_classes) 1 - doubt for each sample's class, the doubt split among the others."""
    targets = np.full((len(labels), n_classes), doubt / (n_classes - 1))
    targets[np.arange(len(labels)), labels] = 1 - doubt
    return targets


def fit_temperature(scores: FloatArray, labels: IntArray) -> float:
    """Return the temperature T that minimises the log loss of softmax(scores / T) against smoothed labels.

    scores : (n, n_classes) of samples that the scorer was not fitted on

    A label has probability (n + 1) / (n + 2): without smoothing, n correct predictions would give T = 0.

    Guo et al. (2017), ICML, 1321-1330; Platt (1999), Advances in Large Margin Classifiers, on the smoothing.
    """
    size = float(np.abs(scores - scores.mean(axis=1, keepdims=True)).mean()) or 1.0
    targets = _smoothed(labels, scores.shape[1], 1 / (len(labels) + 2))

    def loss(log_inverse: float) -> float:
        log_p = log_softmax(scores / size * np.exp(log_inverse), axis=1)
        return -float((targets * log_p).sum(axis=1).mean())

    # Bounds keep the temperature of a useless ranking finite.
    best = minimize_scalar(loss, bounds=(-6.0, 4.0), method="bounded", options={"xatol": 1e-6})
    return float(size * np.exp(-best.x))


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

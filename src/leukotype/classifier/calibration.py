"""Calibration of probabilities, learned from out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.recipes.scorer import softmax

Method = Literal["raw", "temperature", "sigmoid"]
METHODS: tuple[Method, ...] = get_args(Method)
# Samples that the smallest class needs: temperature fits one number, sigmoid two per class.
LEAST: dict[Method, int] = {"raw": 0, "temperature": 5, "sigmoid": 10}
# Probabilities can be shares of votes, of which 0 has no logarithm.
_FLOOR = 1e-6


@dataclass(frozen=True, eq=False)
class Calibration:
    """A map from the probabilities of a model to calibrated ones.

    method : "raw": no change; "temperature": logarithms are divided by one number; "sigmoid": the log odds of each
             class are transformed linearly, and the probabilities normalised to sum 1
    slope  : sigmoid: (n_classes,), at least 0; temperature: (1,) 1 / temperature; raw: empty
    offset : sigmoid: (n_classes,); otherwise empty

    Guo et al. (2017), ICML, 1321-1330 (temperature); Platt (1999), Advances in Large Margin Classifiers (sigmoid).
    """

    method: Method
    slope: FloatArray
    offset: FloatArray

    @classmethod
    def fit(cls, method: Method, p: FloatArray, labels: IntArray) -> Self:
        """Learn from probabilities `p` (n, n_classes) of samples that the model was not fitted on."""
        if method == "raw":
            return cls("raw", np.empty(0), np.empty(0))
        # Imported here, because loading a classifier does not need it.
        from leukotype.models.tuning import fit_temperature

        logs = np.log(_floored(p))
        if method == "temperature":
            return cls(method, np.array([1 / fit_temperature(logs, labels)]), np.empty(0))
        lines = [_platt(_log_odds(p)[:, code], labels == code) for code in range(p.shape[1])]
        return cls(method, np.array([line[0] for line in lines]), np.array([line[1] for line in lines]))

    def apply(self, p: FloatArray) -> FloatArray:
        """(n, n_classes) calibrated probabilities; rows are independent."""
        if self.method == "raw":
            return p
        if self.method == "temperature":
            return softmax(np.log(_floored(p)) * self.slope)
        # In logarithms, so that the sum is never 0.
        return softmax(-np.logaddexp(0, -(_log_odds(p) * self.slope + self.offset)))


@dataclass(frozen=True, eq=False)
class Choice:
    """The chosen calibration.

    losses : mean log loss of each method tried, on samples that it was not fitted on
    reason : the choice in one sentence
    """

    calibration: Calibration
    losses: dict[str, float]
    reason: str


def choose(p: FloatArray, labels: IntArray, fold_of: IntArray) -> Choice:
    """Choose a method by its log loss on folds that it was not fitted on, and fit it on all samples.

    p       : (n_repeats, n, n_classes) out-of-fold probabilities
    labels  : (n,)
    fold_of : (n_repeats, n) outer fold that held each sample out

    Simpler methods are preferred, see `evaluation.choose`.  Methods for which a class is too small are not tried.
    """
    from leukotype.evaluation import choose as simplest

    smallest = int(np.bincount(labels, minlength=p.shape[2]).min())
    tried = [method for method in METHODS if smallest >= LEAST[method]]
    losses = [_crossed_losses(method, p, labels, fold_of) for method in tried]
    method = tried[simplest(losses)]
    means: dict[str, float] = {name: float(loss.mean()) for name, loss in zip(tried, losses, strict=True)}
    return Choice(fitted(method, p, labels), means, _reason(method, tried, smallest))


def fitted(method: Method, p: FloatArray, labels: IntArray) -> Calibration:
    """Fit one method on all repeats at once: (n_repeats, n, n_classes)."""
    return Calibration.fit(method, p.reshape(-1, p.shape[2]), np.tile(labels, len(p)))


def log_losses(p: FloatArray, labels: IntArray) -> FloatArray:
    """(n,) log loss of each sample."""
    own = p[np.arange(len(labels)), labels]
    return np.asarray(-np.log(np.clip(own, np.finfo(np.float64).eps, 1.0)))


def _crossed_losses(method: Method, p: FloatArray, labels: IntArray, fold_of: IntArray) -> FloatArray:
    """(n,) log loss of each sample under calibrations fitted without its fold, mean over repeats."""
    losses = np.zeros(len(labels))
    for own, folds in zip(p, fold_of, strict=True):
        for fold in np.unique(folds):
            held_out = folds == fold
            learned = Calibration.fit(method, own[~held_out], labels[~held_out])
            losses[held_out] += log_losses(learned.apply(own[held_out]), labels[held_out])
    return losses / len(p)


def _reason(method: Method, tried: Sequence[Method], smallest: int) -> str:
    untried = [name for name in METHODS if name not in tried]
    small = ""
    if untried:
        needs = " and ".join(f"{LEAST[name]} for {name}" for name in untried)
        small = f" Not all methods were tried: the smallest class has {smallest} samples; {needs} are needed."
    if method == "raw":
        cause = "no method had a clearly lower log loss" if len(tried) > 1 else "a class is too small"
        return f"Probabilities are not calibrated: {cause}.{small}"
    return f"Probabilities are calibrated by {method}, chosen by out-of-fold log loss.{small}"


def _platt(odds: FloatArray, hit: FloatArray) -> tuple[float, float]:
    """Slope (at least 0) and offset of logistic regression on the log odds, against smoothed labels."""
    from scipy.optimize import minimize

    n_hit, n = int(hit.sum()), len(hit)
    target = np.where(hit, (n_hit + 1) / (n_hit + 2), 1 / (n - n_hit + 2))

    def loss(line: FloatArray) -> tuple[float, FloatArray]:
        margin = odds * line[0] + line[1]
        wrong = 1 / (1 + np.exp(-margin)) - target
        value = (np.logaddexp(0, margin) - target * margin).sum()
        return float(value), np.array([(wrong * odds).sum(), wrong.sum()])

    best = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0, 100), (-100, 100)])
    return float(best.x[0]), float(best.x[1])


def _log_odds(p: FloatArray) -> FloatArray:
    inside = np.clip(p, _FLOOR, 1 - _FLOOR)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _floored(p: FloatArray) -> FloatArray:
    return np.maximum(p, _FLOOR)

"""The two baselines that every other model must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import f_classif

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import Linear
from leukotype.wide import Fold, RuleCandidate, Setting
from leukotype.wide.path import class_shares

_WIDTH = 4096


def majority(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[RuleCandidate]:
    """Predict the class shares of the training part; the predicted class is its most frequent one."""
    return [class_shares(fold, labels, setting) for setting in grid]


@dataclass(frozen=True, eq=False)
class SingleProbe:
    """A linear discriminant on one probe."""

    discriminant: LinearDiscriminantAnalysis
    setting: Setting
    probes: IntArray

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) posterior of normal classes with a common variance, as scikit-learn rounds it."""
        return np.asarray(self.discriminant.predict_proba(fold.x_test[:, self.probes]), dtype=np.float64)

    def rule(self, fold: Fold) -> Linear:
        weights, centre = np.asarray(self.discriminant.coef_), fold.mean[self.probes]
        return Linear(
            n_classes=len(self.discriminant.classes_),
            n_probes=fold.n_probes,
            reads=self.probes,
            link="softmax" if len(weights) > 1 else "logistic",
            centre=centre,
            weights=weights,
            intercept=self.discriminant.intercept_ + weights @ centre,
        )


def single_probe(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[SingleProbe | RuleCandidate]:
    """Classify by the one probe with the largest ANOVA F in the training part."""
    varying = np.flatnonzero(np.ptp(fold.x_train, axis=0) > 0)
    if len(varying) == 0:
        return [*majority(fold, labels, grid, rng)]
    # In blocks of columns: scikit-learn makes several copies of its input.
    blocks = np.array_split(varying, -(-len(varying) // _WIDTH))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = np.concatenate([f_classif(fold.x_train[:, block], labels)[0] for block in blocks])
    best = varying[[int(np.argmax(np.nan_to_num(statistics, nan=-1.0)))]]
    column = fold.x_train[:, best]
    parts = [column[labels == code] for code in np.unique(labels)]
    varies = np.ptp(np.concatenate([part - part.mean() for part in parts])) > 0
    covariance = None if varies else _SmallVariance(float(np.ptp(column)))
    discriminant = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=covariance)
    discriminant.fit(column, labels)
    return [SingleProbe(discriminant, setting, best) for setting in grid]


class _SmallVariance:
    """The deviation is a thousandth of the range, for a probe that does not vary within the classes."""

    def __init__(self, spread: float) -> None:
        self.spread = spread

    def fit(self, values: FloatArray) -> _SmallVariance:
        self.covariance_ = np.array([[(self.spread / 1000) ** 2]])
        return self

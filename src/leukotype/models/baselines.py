"""The two baselines without which no number means anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import f_classif

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide import Fold, Setting
from leukotype.wide.adapter import ClassShares

_WIDTH = 4096


def majority(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[ClassShares]:
    """Predict the class shares of the training part; the call is its most frequent class."""
    return [ClassShares.of(labels, setting) for setting in grid]


@dataclass(frozen=True, eq=False)
class SingleProbe:
    """A linear discriminant on one probe."""

    rule: LinearDiscriminantAnalysis
    setting: Setting
    probes: IntArray

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) posterior of normal classes with a common variance."""
        return np.asarray(self.rule.predict_proba(fold.x_test[:, self.probes]), dtype=np.float64)


def single_probe(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[SingleProbe | ClassShares]:
    """Classify by the one probe with the largest ANOVA F in the training part."""
    varying = np.flatnonzero(np.ptp(fold.x_train, axis=0) > 0)
    if len(varying) == 0:
        return [*majority(fold, labels, grid, rng)]
    # Some columns at a time: scikit-learn makes several copies of what it is given.
    blocks = np.array_split(varying, -(-len(varying) // _WIDTH))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = np.concatenate([f_classif(fold.x_train[:, block], labels)[0] for block in blocks])
    best = varying[[int(np.argmax(np.nan_to_num(statistics, nan=-1.0)))]]
    column = fold.x_train[:, best]
    # Equal values within each class leave no variance to divide by; a trace of it keeps the rule defined.
    rule = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=None)
    within = np.concatenate(
        [column[labels == code] - column[labels == code].mean() for code in np.unique(labels)]
    )
    if np.ptp(within) == 0:
        rule = LinearDiscriminantAnalysis(
            solver="lsqr", covariance_estimator=_UnitTrace(float(np.ptp(column)))
        )
    rule.fit(column, labels)
    return [SingleProbe(rule, setting, best) for setting in grid]


class _UnitTrace:
    """A covariance of a thousandth of the range, for a probe without variance inside the classes."""

    def __init__(self, spread: float) -> None:
        self.spread = spread

    def fit(self, values: FloatArray) -> _UnitTrace:
        self.covariance_ = np.array([[(self.spread / 1000) ** 2]])
        return self

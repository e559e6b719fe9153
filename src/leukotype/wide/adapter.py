"""Any scikit-learn classifier as a path: one fit per setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting

View = Literal["raw", "standardised", "span"]


@dataclass(frozen=True, eq=False)
class FittedEstimator:
    """A fitted scikit-learn classifier and the view of the fold it was fitted on."""

    estimator: Any
    setting: Setting
    view: View
    probes: IntArray | None

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) probabilities of the test part of `fold`, or its scores."""
        part = test_view(fold, self.view)
        if hasattr(self.estimator, "predict_proba"):
            return np.asarray(self.estimator.predict_proba(part), dtype=np.float64)
        scores = np.asarray(self.estimator.decision_function(part), dtype=np.float64)
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores


@dataclass(frozen=True, eq=False)
class ClassShares:
    """The class shares of the training part, for every sample."""

    shares: FloatArray
    setting: Setting
    probes: IntArray

    @classmethod
    def of(cls, labels: IntArray, setting: Setting) -> ClassShares:
        return cls(np.bincount(labels) / len(labels), setting, np.array([], dtype=np.intp))

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) the same shares in every row."""
        return np.tile(self.shares, (fold.n_test, 1))


@dataclass(frozen=True)
class SklearnPath:
    """A path that fits `build(**setting, random_state=seed)` once per setting.

    build  : the estimator's class, or a function that returns an estimator
    view   : "standardised" by the training part, "raw", or "span": coordinates in the span of the training
             samples, which hold the same inner products as the standardised probes in at most n_train columns
    seeded : whether `build` takes random_state
    """

    build: Callable[..., Any]
    view: View = "standardised"
    seeded: bool = False

    def __call__(
        self, fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
    ) -> list[FittedEstimator | ClassShares]:
        """Fit every setting of the grid on the training part of `fold`."""
        seed = {"random_state": int(rng.integers(2**31))} if self.seeded else {}
        part = train_view(fold, self.view)
        # Where nothing varies only the labels can be learned from, and some estimators divide by zero.
        if not (part.size and np.ptp(part, axis=0).any()):
            return [ClassShares.of(labels, setting) for setting in grid]
        fitted: list[FittedEstimator | ClassShares] = []
        for setting in grid:
            estimator = self.build(**setting, **seed).fit(part, labels)
            fitted.append(FittedEstimator(estimator, setting, self.view, _probes_of(estimator, self.view)))
        return fitted


def train_view(fold: Fold, view: View) -> FloatArray:
    """(n_train, n_columns) training part of `fold` in one of the views."""
    if view == "span":
        return _span(fold)[0]
    return fold.x_train if view == "raw" else fold.z_train


def test_view(fold: Fold, view: View) -> FloatArray:
    """(n_test, n_columns) test part of `fold` in one of the views."""
    if view == "span":
        return _span(fold)[1]
    return fold.x_test if view == "raw" else fold.z_test


def span_axes(fold: Fold) -> FloatArray:
    """(n_train, rank) weights of the training samples: inner products with them give the view "span"."""
    vectors, root, size = _eigen(fold)
    return size * vectors / root


def _span(fold: Fold) -> tuple[FloatArray, FloatArray]:
    vectors, root, size = _eigen(fold)
    return size * vectors * root, size * fold.cross @ vectors / root


def _eigen(fold: Fold) -> tuple[FloatArray, FloatArray, float]:
    values, vectors = np.linalg.eigh(fold.gram)
    kept = values > values[-1] * fold.n_train * np.finfo(np.float64).eps
    # As if the columns were as many as the probes: sums of squares per column stay of order one.
    return vectors[:, kept], np.sqrt(values[kept]), float(np.sqrt(kept.sum() / fold.n_probes))


def _probes_of(estimator: Any, view: View) -> IntArray | None:
    if view == "span" or not hasattr(estimator, "feature_importances_"):
        return None
    return np.flatnonzero(estimator.feature_importances_).astype(np.intp)

"""Any scikit-learn classifier as a path: one fit per setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import Gaussian, Perceptron, Rule, Tree, Trees, TreeSums
from leukotype.wide.fold import Fold
from leukotype.wide.path import RuleCandidate, Setting, class_shares

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
        part = _test_view(fold, self.view)
        if hasattr(self.estimator, "predict_proba"):
            return np.asarray(self.estimator.predict_proba(part), dtype=np.float64)
        scores = np.asarray(self.estimator.decision_function(part), dtype=np.float64)
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores

    @property
    def rule(self) -> Callable[[Fold], Rule] | None:
        """`rule(fold)` for the estimators in `_RULES`, else None."""
        # Not for their subclasses, which may predict in another way.
        make = _RULES.get((type(self.estimator), self.view))
        if make is None or getattr(self.estimator, "activation", "relu") != "relu":
            return None
        return partial(make, self.estimator)


@dataclass(frozen=True)
class SklearnPath:
    """A path that fits `build(**setting, random_state=seed)` once per setting.

    build  : the estimator's class, or a function that returns an estimator
    view   : "standardised" by the training part, "raw", or "span": coordinates in the span of the training
             samples, with the same inner products as the standardised probes in at most n_train columns
    seeded : whether `build` takes random_state
    """

    build: Callable[..., Any]
    view: View = "standardised"
    seeded: bool = False

    def __call__(
        self, fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
    ) -> list[FittedEstimator | RuleCandidate]:
        """Fit every setting of the grid on the training part of `fold`."""
        seed = {"random_state": int(rng.integers(2**31))} if self.seeded else {}
        part = _span(fold)[0] if self.view == "span" else fold.x_train if self.view == "raw" else fold.z_train
        # Some estimators divide by zero if nothing varies.
        if not (part.size and np.ptp(part, axis=0).any()):
            return [class_shares(fold, labels, setting) for setting in grid]
        fitted: list[FittedEstimator | RuleCandidate] = []
        for setting in grid:
            estimator = self.build(**setting, **seed).fit(part, labels)
            fitted.append(FittedEstimator(estimator, setting, self.view, _probes_of(estimator, self.view)))
        return fitted


def sklearn_tree(tree: Any, columns: IntArray | None = None) -> Tree:
    """Return the nodes of a fitted decision tree of scikit-learn.

    columns : of the fold, on which it was fitted, in its order; None for all

    Leaves of a classifier hold class shares, those of a regressor its value.
    """
    grown = tree.tree_
    return Tree(
        # A leaf has feature -2, which no column has.
        feature=grown.feature if columns is None else columns[np.maximum(grown.feature, 0)],
        threshold=grown.threshold,
        left=grown.children_left,
        right=grown.children_right,
        value=grown.value[:, 0, :],
    )


def _gaussian(estimator: GaussianNB, fold: Fold) -> Gaussian:
    n_classes, reads = len(estimator.classes_), np.arange(fold.n_probes)
    return Gaussian(n_classes, fold.n_probes, reads, estimator.class_prior_, estimator.theta_, estimator.var_)


def _single_tree(estimator: DecisionTreeClassifier, fold: Fold) -> TreeSums:
    return TreeSums.of(Trees.join([sklearn_tree(estimator)]), fold.x_train)


def _perceptron(estimator: MLPClassifier, fold: Fold) -> Perceptron:
    # The first layer takes the probes themselves: the axes of the span are multiplied into it.
    vectors, root, size = _eigen(fold)
    first = fold.onto_probes(size * vectors / root @ estimator.coefs_[0]).T
    reads = np.flatnonzero(first.any(axis=1))
    return Perceptron(
        n_classes=len(estimator.classes_),
        n_probes=fold.n_probes,
        reads=reads,
        link="logistic" if estimator.out_activation_ == "logistic" else "softmax",
        centre=fold.mean[reads],
        weights=(first[reads] / fold.scale[reads, None], *estimator.coefs_[1:]),
        biases=tuple(estimator.intercepts_),
    )


_RULES: dict[tuple[type, View], Callable[[Any, Fold], Rule]] = {
    (GaussianNB, "raw"): _gaussian,
    (DecisionTreeClassifier, "raw"): _single_tree,
    (MLPClassifier, "span"): _perceptron,
}


def _test_view(fold: Fold, view: View) -> FloatArray:
    """(n_test, n_columns) test part of `fold` in one of the views."""
    return _span(fold)[1] if view == "span" else fold.x_test if view == "raw" else fold.z_test


def _span(fold: Fold) -> tuple[FloatArray, FloatArray]:
    """(n_train, rank) and (n_test, rank) coordinates in the span of the training samples."""
    vectors, root, size = _eigen(fold)
    return size * vectors * root, size * fold.cross @ vectors / root


def _eigen(fold: Fold) -> tuple[FloatArray, FloatArray, float]:
    values, vectors = np.linalg.eigh(fold.gram)
    kept = values > values[-1] * fold.n_train * np.finfo(np.float64).eps
    # Scaled as if there were as many columns as probes: sums of squares per column stay of order one.
    return vectors[:, kept], np.sqrt(values[kept]), float(np.sqrt(kept.sum() / fold.n_probes))


def _probes_of(estimator: Any, view: View) -> IntArray | None:
    if view == "span" or not hasattr(estimator, "feature_importances_"):
        return None
    return np.flatnonzero(estimator.feature_importances_).astype(np.intp)

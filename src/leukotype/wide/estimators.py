"""The paths as scikit-learn classifiers, for any pipeline or grid search."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from leukotype.arrays import FloatArray
from leukotype.wide import (
    boosting,
    centroids,
    discriminant,
    elasticnet,
    forest,
    logistic,
    neighbors,
    pairs,
    svm,
)
from leukotype.wide.fold import Fold
from leukotype.wide.path import Candidate, Path


class PathClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that fits a path at one setting: its parameters.

    A subclass names its path, and has the settings of that path as parameters of __init__.

    Attributes
    ----------
    classes_ : (n_classes,) labels in sorted order
    candidate_ : the fitted candidate of the path
    """

    _path: ClassVar[Path]

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit on X (n_samples, n_features), integers or floats, and y (n_samples,) of two classes or more.

        Raises ValueError for NaN or infinity, for a single class, and for a parameter out of range.
        """
        matrix, y = validate_data(self, X, y, ensure_min_samples=2)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {str(self.classes_[0])!r}, and must have at least 2.")
        fold = Fold(matrix, np.arange(len(matrix)), [])
        setting = self.get_params()
        rng = np.random.default_rng(setting.pop("random_state", None))
        (self.candidate_,) = type(self)._path(fold, codes.astype(np.intp), [setting], rng)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """(n_samples,) class with the highest output; of equal ones the first."""
        best = self._output(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def _output(self, X: ArrayLike) -> FloatArray:
        check_is_fitted(self)
        matrix = validate_data(self, X, reset=False)
        candidate: Candidate = self.candidate_
        return candidate.predict_proba(Fold(matrix, [], np.arange(len(matrix))))


class ProbabilityClassifier(PathClassifier):
    """A path classifier whose path gives probabilities."""

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """(n_samples, n_classes) probabilities, columns in the order of classes_."""
        return self._output(X)


class WideLogisticRegression(ProbabilityClassifier):
    """Ridge-penalised logistic regression on standardised features; see `leukotype.wide.logistic.path`.

    C : inverse strength of the penalty, as in sklearn.linear_model.LogisticRegression
    """

    _path = staticmethod(logistic.path)

    def __init__(self, C: float = 1.0) -> None:
        self.C = C


class WideKNeighborsClassifier(ProbabilityClassifier):
    """k nearest neighbours by standardised features; see `leukotype.wide.neighbors.path`.

    n_neighbors : k; more than the number of samples means all
    weights     : "uniform" or "distance"
    """

    _path = staticmethod(neighbors.path)

    def __init__(self, n_neighbors: int = 5, weights: str = "uniform") -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights


class WideLinearSVC(PathClassifier):
    """Linear support vector machine on standardised features; see `leukotype.wide.svm.path`.

    C : inverse strength of the penalty, as in sklearn.svm.SVC
    """

    _path = staticmethod(svm.path)

    def __init__(self, C: float = 1.0) -> None:
        self.C = C

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """(n_samples, n_classes) scores; for two classes (n_samples,), positive for the second."""
        scores = self._output(X)
        return scores[:, 1] if len(self.classes_) == 2 else scores


class ShrunkenCentroids(ProbabilityClassifier):
    """Nearest shrunken centroids; see `leukotype.wide.centroids.path`.

    shrinkage : between 0 and 1, share of the smallest threshold that leaves no feature
    """

    _path = staticmethod(centroids.path)

    def __init__(self, shrinkage: float = 0.0) -> None:
        self.shrinkage = shrinkage


class DiagonalDiscriminant(ProbabilityClassifier):
    """Diagonal discriminant analysis with shrunken variances; see `leukotype.wide.discriminant`.

    shrinkage : between 0 and 1, of the variances towards their median
    """

    _path = staticmethod(discriminant.diagonal_path)

    def __init__(self, shrinkage: float = 0.5) -> None:
        self.shrinkage = shrinkage


class RidgeDiscriminant(ProbabilityClassifier):
    """Linear discriminant analysis with a ridge, on standardised features; see `leukotype.wide.discriminant`.

    ridge : positive, added to the diagonal of the covariance within the classes
    """

    _path = staticmethod(discriminant.ridge_path)

    def __init__(self, ridge: float = 1.0) -> None:
        self.ridge = ridge


class WideElasticNet(ProbabilityClassifier):
    """Sparse multinomial or binomial regression on standardised features; see `leukotype.wide.elasticnet.path`.

    l1_ratio : above 0 and at most 1, share of the absolute penalty
    strength : above 0 and at most 1, share of the smallest penalty that leaves no feature
    """

    _path = staticmethod(elasticnet.path)

    def __init__(self, l1_ratio: float = 0.5, strength: float = 0.1) -> None:
        self.l1_ratio = l1_ratio
        self.strength = strength


class ScreenedForest(ProbabilityClassifier):
    """Random forest in which each tree has a screen of its own; see `leukotype.wide.forest.path`.

    screen       : features with the highest F statistic that each tree considers; None for all
    random_state : seed; None for a different forest each time
    """

    _path = staticmethod(forest.path)

    def __init__(
        self,
        screen: int | None = 2000,
        n_estimators: int = 500,
        max_features: str | float | None = "sqrt",
        min_samples_leaf: int = 1,
        random_state: int | None = None,
    ) -> None:
        self.screen = screen
        self.n_estimators = n_estimators
        self.max_features = max_features
        self.min_samples_leaf = min_samples_leaf
        self.random_state = random_state


class ScreenedBoosting(ProbabilityClassifier):
    """Gradient-boosted trees by XGBoost behind an F screen; see `leukotype.wide.boosting.path`.

    screen           : features with the highest F statistic that are considered; None for all
    columns_per_tree : features that each tree sees, drawn at random; None for all
    random_state     : seed; None for different trees each time
    """

    _path = staticmethod(boosting.path)

    def __init__(
        self,
        screen: int | None = 2000,
        n_estimators: int = 100,
        max_depth: int = 2,
        learning_rate: float = 0.3,
        min_child_weight: float = 1.0,
        reg_lambda: float = 1.0,
        reg_alpha: float = 0.0,
        columns_per_tree: int | None = 100,
        random_state: int | None = None,
    ) -> None:
        self.screen = screen
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.min_child_weight = min_child_weight
        self.reg_lambda = reg_lambda
        self.reg_alpha = reg_alpha
        self.columns_per_tree = columns_per_tree
        self.random_state = random_state


class TopScoringPairs(ProbabilityClassifier):
    """Votes of pairs of features on which of the two is higher; see `leukotype.wide.pairs.path`.

    k      : odd number of pairs for each two classes
    screen : number of features that can form pairs
    """

    _path = staticmethod(pairs.path)

    def __init__(self, k: int = 1, screen: int = 500) -> None:
        self.k = k
        self.screen = screen

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Two or three features have too few orders to vote on.
        tags.classifier_tags.poor_score = True
        return tags

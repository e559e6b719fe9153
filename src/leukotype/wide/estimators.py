"""The paths as scikit-learn classifiers, for anyone's pipeline or grid search."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from leukotype.arrays import FloatArray
from leukotype.wide import centroids, discriminant, logistic, neighbors, svm
from leukotype.wide.fold import Fold
from leukotype.wide.path import Candidate, Path


class PathClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that fits a path at one setting: its parameters.

    A subclass names its path, and takes the settings of that path in __init__.

    Attributes
    ----------
    classes_ : (n_classes,) labels in sorted order
    candidate_ : the fitted rule, as the path returns it
    """

    _path: ClassVar[Path]

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit on X (n_samples, n_features), integers or floats, and y (n_samples,) of two classes or more.

        Raises ValueError for NaN or infinity, for one class alone, and for a parameter out of range.
        """
        matrix, y = validate_data(self, X, y, ensure_min_samples=2)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class, {str(self.classes_[0])!r}, and at least 2 are needed.")
        fold = Fold(matrix, np.arange(len(matrix)), [])
        setting = self.get_params()
        rng = np.random.default_rng(setting.pop("random_state", None))
        (self.candidate_,) = type(self)._path(fold, codes.astype(np.intp), [setting], rng)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """(n_samples,) class of the highest output; of equal ones the first."""
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

    n_neighbors : k; more than there are samples means all
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

    ridge : above 0, added to the diagonal of the covariance within the classes
    """

    _path = staticmethod(discriminant.ridge_path)

    def __init__(self, ridge: float = 1.0) -> None:
        self.ridge = ridge

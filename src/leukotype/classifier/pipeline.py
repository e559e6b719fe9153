"""A classifier's alignment and rule as a fitted scikit-learn pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from leukotype.arrays import FloatArray, StrArray
from leukotype.errors import BadValues
from leukotype.recipes.scorer import ClassMeans, Scorer

if TYPE_CHECKING:
    from leukotype.classifier.classifier import Classifier


def aligned(x: Any, scorer: Scorer, means: ClassMeans) -> FloatArray:
    """(n, n_probes) aligned samples with missing values imputed; columns in the order of `Classifier.probes`."""
    rows = np.asarray(x, dtype=np.float64)
    n_probes = len(scorer.alignment.centre)
    if rows.ndim != 2 or rows.shape[1] != n_probes:
        raise BadValues(
            f"the samples have shape {rows.shape}. Give {n_probes} columns, one per probe in the classifier's order."
        )
    complete = [means.fill(scorer.alignment.complete(row), np.flatnonzero(~np.isnan(row))) for row in rows]
    return np.array(complete).reshape(rows.shape)


class RuleClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """The rule of a classifier for aligned samples; `fit` changes nothing.

    classes_ : (n_classes,) str
    """

    def __init__(self, scorer: Scorer, classes: tuple[str, ...]) -> None:
        self.scorer = scorer
        self.classes = classes

    @property
    def classes_(self) -> StrArray:
        return np.array(self.classes)

    def fit(self, x: Any, y: Any = None) -> RuleClassifier:
        return self

    def predict_proba(self, x: Any) -> FloatArray:
        """(n, n_classes) before calibration."""
        return self.scorer.probabilities(np.asarray(x, dtype=np.float64))

    def predict(self, x: Any) -> StrArray:
        """(n,) the most probable class, without abstention."""
        return np.asarray(self.classes_[self.predict_proba(x).argmax(axis=1)])

    def __sklearn_is_fitted__(self) -> bool:
        return True


def of_classifier(classifier: Classifier) -> Pipeline:
    """Return the steps `align` and `rule`; input is log2 intensity, columns in the order of `Classifier.probes`.

    Probabilities are before calibration, and the pipeline never abstains; use `Classifier.predict` for both.
    """
    options = {"scorer": classifier.scorer, "means": classifier.novelty.classes}
    rule = RuleClassifier(classifier.scorer, classifier.classes)
    return Pipeline([("align", FunctionTransformer(aligned, kw_args=options)), ("rule", rule)])

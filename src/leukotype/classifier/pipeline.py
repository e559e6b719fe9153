"""A classifier's alignment and rule as a fitted scikit-learn pipeline, for those who want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.pipeline import Pipeline

from leukotype.arrays import FloatArray, StrArray
from leukotype.errors import BadValues
from leukotype.recipes.scorer import ClassMeans, Scorer

if TYPE_CHECKING:
    from leukotype.classifier.classifier import Classifier


class Aligner(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Brings each sample to the training samples' distribution; it is fitted already, and `fit` changes nothing."""

    def __init__(self, scorer: Scorer, means: ClassMeans) -> None:
        self.scorer = scorer
        self.means = means

    def fit(self, x: Any, y: Any = None) -> Aligner:
        return self

    def transform(self, x: Any) -> FloatArray:
        """(n, n_probes) aligned, what is missing filled in; columns in the order of `Classifier.probes`."""
        rows = np.asarray(x, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.scorer.alignment.centre):
            raise BadValues(
                f"the samples have shape {rows.shape}, and {len(self.scorer.alignment.centre)} columns are needed: "
                "one for each of the classifier's probes, in its order."
            )
        return np.array([self._one(row) for row in rows]).reshape(rows.shape)

    def _one(self, row: FloatArray) -> FloatArray:
        present = np.flatnonzero(~np.isnan(row))
        return self.means.fill(self.scorer.alignment.complete(row), present)

    def __sklearn_is_fitted__(self) -> bool:
        return True


class RuleClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """The rule as a fitted classifier; `fit` changes nothing.

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
        """(n,) the most probable class; nothing is abstained on."""
        return np.asarray(self.classes_[self.predict_proba(x).argmax(axis=1)])

    def __sklearn_is_fitted__(self) -> bool:
        return True


def of_classifier(classifier: Classifier) -> Pipeline:
    """Return the steps `align` and `rule`; input is log2 intensity, columns in the order of `Classifier.probes`.

    Probabilities are those before calibration, and nothing is abstained on: that is what `Classifier.predict` is for.
    """
    scorer = classifier.scorer
    return Pipeline(
        [
            ("align", Aligner(scorer, classifier.novelty.classes)),
            ("rule", RuleClassifier(scorer, classifier.classes)),
        ]
    )

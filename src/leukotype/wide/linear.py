"""Candidates that are linear in the span of the training samples, and probabilities from margins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from leukotype.arrays import FloatArray
from leukotype.rules import Linear
from leukotype.rules.margins import apply_link, row_products, softmax
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting


@dataclass(frozen=True, eq=False)
class SpanCandidate:
    """Margins whose coefficients are weighted sums of the standardised training samples, through a link.

    fold      : the fold it was fitted on
    link      : see `leukotype.rules.margins`
    n_classes : number of classes
    dual      : (n_train, n_margins) weights of the samples in the sums
    intercept : (n_margins,)
    """

    setting: Setting
    fold: Fold
    link: str
    n_classes: int
    dual: FloatArray
    intercept: FloatArray

    @property
    def probes(self) -> None:
        """None: the rule reads every probe."""

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) probabilities or scores of the test part of `fold`."""
        if self.fold.n_probes < self.fold.n_train:
            products = row_products(self.fold.standardised(fold.x_test), self._coefficients.T)
        else:
            # The fold shares these products among models and settings. The rule needs a pass over the probes for each
            # candidate, and differs in the last digits.
            products = row_products(self.fold.cross_from(fold), self.dual)
        return apply_link(self.link, products + self.intercept, self.n_classes)

    def rule(self, fold: Fold) -> Linear:
        reads = np.flatnonzero(self._coefficients.any(axis=0))
        weights, centre = self._coefficients[:, reads] / fold.scale[reads], fold.mean[reads]
        return Linear(self.n_classes, fold.n_probes, reads, self.link, centre, weights, self.intercept)

    @cached_property
    def _coefficients(self) -> FloatArray:
        """(n_margins, n_probes) coefficients of the standardised probes."""
        return self.fold.onto_probes(self.dual)


def probabilities(margins: FloatArray) -> FloatArray:
    """(n, n_classes) softmax of the margins; for a single margin, of the second class, the logistic function."""
    if margins.shape[1] > 1:
        return softmax(margins)
    # A rule takes softmax(0, margin), which needs no SciPy and may differ in the last digit.
    return np.concatenate([expit(-margins), expit(margins)], axis=1)

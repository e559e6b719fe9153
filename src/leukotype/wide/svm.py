"""Linear support vector machines, from the Gram matrix."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from sklearn.svm import SVC

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide.fold import Fold
from leukotype.wide.linear import SpanCandidate
from leukotype.wide.path import Setting, positive

# The default 1e-3 of libsvm leaves the third decimal of the margins uncertain; this costs little more here.
_TOLERANCE = 1e-7


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[SpanCandidate]:
    """Fit one machine for each two classes and each setting.

    Setting: `C` (1.0), positive, as in scikit-learn's SVC(kernel="linear", C=C) on the standardised training part.
    The candidates give its decision_function, not probabilities: hinge loss, one against one, turned into one score
    per class by `leukotype.rules.margins.apply_link`. Does not use `rng`.

    Cortes & Vapnik (1995), Machine Learning 20, 273-297; Chang & Lin (2011), ACM TIST 2(3), 27.
    """
    fitted = []
    for setting, strength in zip(grid, positive("the support vector machine", "C", 1.0, grid), strict=True):
        machine = SVC(kernel="precomputed", C=strength, tol=_TOLERANCE).fit(fold.gram, labels)
        dual, intercept = _dual(machine, labels), np.asarray(machine.intercept_)
        fitted.append(SpanCandidate(setting, fold, "duels", len(machine.classes_), dual, intercept))
    return fitted


def _dual(machine: SVC, labels: IntArray) -> FloatArray:
    """(n_train, n_duels) weights of the training samples in the margin of each duel."""
    # For a support vector, libsvm stores its weights against the other classes in their order.
    n_classes = len(machine.classes_)
    dual = np.zeros((len(labels), n_classes * (n_classes - 1) // 2))
    own = labels[machine.support_]
    for duel, (first, second) in enumerate(combinations(range(n_classes), 2)):
        for side, row in ((first, second - 1), (second, first)):
            dual[machine.support_[own == side], duel] = machine.dual_coef_[row, own == side]
    return dual

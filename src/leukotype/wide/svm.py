"""Linear support vector machines, from the Gram matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sklearn.svm import SVC

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide.fold import Fold
from leukotype.wide.linear import SampleRule
from leukotype.wide.path import Setting
from leukotype.wide.settings import complete, positive

# libsvm's own 1e-3 leaves margins uncertain in the third decimal; ten thousand times less costs little here.
_TOLERANCE = 1e-7


@dataclass(frozen=True, eq=False)
class FittedSVM:
    """One machine for each two classes.

    rule  : one margin for each two classes i < j, in the order (0, 1), (0, 2), ..., (1, 2), ...; positive
            for i; for two classes alone one margin, positive for the second
    """

    setting: Setting
    rule: SampleRule
    n_classes: int
    probes: None = None

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) decision scores, not probabilities: see `scores`."""
        return scores(self.rule.margins(fold), self.n_classes)

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """(n_margins, n_probes) and (n_margins,) for standardised probes; `scores` combines the margins."""
        return self.rule.coefficients()


def scores(margins: FloatArray, n_classes: int) -> FloatArray:
    """(n, n_classes) decision scores from margins; the highest is the call.

    For two classes (-margin, margin).  For more, the duels that a class wins, and as a fraction, less than a
    third, the sum of its margins, which orders classes with equally many: decision_function_shape="ovr".
    """
    if n_classes == 2:
        return np.concatenate([-margins, margins], axis=1)
    sides = np.zeros((margins.shape[1], n_classes))
    for duel, (first, second) in enumerate(combinations(range(n_classes), 2)):
        sides[duel, [first, second]] = 1.0, -1.0
    won = ((np.where(margins >= 0, 1.0, -1.0)[:, :, None] * sides).sum(axis=1) + n_classes - 1) / 2
    confidence = (margins[:, :, None] * sides).sum(axis=1)
    return won + confidence / (3 * (np.abs(confidence) + 1))


def path(fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator) -> list[FittedSVM]:
    """Fit one machine for each two classes and each setting.

    Setting: `C` (1.0), above 0, as in scikit-learn's SVC(kernel="linear", C=C) on the standardised training
    part, whose decision_function this gives (hinge loss, one against one, turned into one score per class).
    Nothing here is random: `rng` is not drawn from.

    Cortes & Vapnik (1995), Machine Learning 20, 273-297; Chang & Lin (2011), ACM TIST 2(3), 27.
    """
    fitted = []
    for setting in grid:
        strength = positive("C", complete("the support vector machine", {"C": 1.0}, setting)["C"])
        machine = SVC(kernel="precomputed", C=strength, tol=_TOLERANCE).fit(fold.gram, labels)
        rule = SampleRule(fold, _dual(machine, labels), np.asarray(machine.intercept_))
        fitted.append(FittedSVM(setting, rule, len(machine.classes_)))
    return fitted


def _dual(machine: SVC, labels: IntArray) -> FloatArray:
    # libsvm keeps, for a support vector of one class, its weight against each other class, in their order.
    n_classes = len(machine.classes_)
    dual = np.zeros((len(labels), n_classes * (n_classes - 1) // 2))
    own = labels[machine.support_]
    for duel, (first, second) in enumerate(combinations(range(n_classes), 2)):
        for side, row in ((first, second - 1), (second, first)):
            dual[machine.support_[own == side], duel] = machine.dual_coef_[row, own == side]
    return dual

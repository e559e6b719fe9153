"""Ridge-penalised logistic regression, exact, in the span of the training samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide._newton import Problem
from leukotype.wide.fold import Fold
from leukotype.wide.linear import SampleRule
from leukotype.wide.path import Setting
from leukotype.wide.settings import complete, positive


@dataclass(frozen=True, eq=False)
class FittedLogistic:
    """The minimum at one penalty.

    rule          : one margin per class; for two classes that of the first is 0
    gradient_norm : Euclidean norm, at the solution, of the gradient of the mean log loss plus
                    |coefficients|^2 / (2 C n_train), over all coefficients of the probes and the intercepts
    """

    setting: Setting
    rule: SampleRule
    gradient_norm: float
    probes: None = None

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) softmax of the margins."""
        return np.asarray(softmax(self.rule.margins(fold), axis=1))

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """(n_classes, n_probes) and (n_classes,) for standardised probes; softmax gives the probabilities."""
        return self.rule.coefficients()


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedLogistic]:
    """Fit every penalty of the grid, from the strongest to the weakest, each from the last.

    Setting: `C` (1.0), above 0: inverse strength of the penalty, as in scikit-learn's LogisticRegression(C=C)
    on the standardised training part, whose optimum this is: sum of log losses + |coefficients|^2 / (2 C),
    intercepts free; a softmax for three classes or more, one margin for two.

    The optimum lies in the span of the training samples, so the problem has (n_train, n_classes) unknowns
    however many probes there are.  Nothing here is random: `rng` is not drawn from.

    Hastie & Tibshirani (2004), Biostatistics 5, 329-340.
    """
    strengths = [positive("C", complete("logistic regression", {"C": 1.0}, setting)["C"]) for setting in grid]
    problem = Problem(fold.span.coordinates, fold.span.lengths, labels)
    weights = problem.start()
    fitted: dict[float, tuple[SampleRule, float]] = {}
    for strength in sorted(set(strengths)):
        optimum = problem.minimise(1.0 / (strength * fold.n_train), weights)
        weights = optimum.weights
        dual = fold.span.dual @ weights[:-1] @ problem.contrasts.T
        fitted[strength] = SampleRule(fold, dual, problem.contrasts @ weights[-1]), optimum.gradient_norm
    return [
        FittedLogistic(setting, *fitted[strength]) for setting, strength in zip(grid, strengths, strict=True)
    ]

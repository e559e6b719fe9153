"""Ridge-penalised logistic regression, exact, by Newton's method in the span of the training samples."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide.fold import Fold
from leukotype.wide.linear import SpanCandidate
from leukotype.wide.path import Setting, positive

_MOST_STEPS = 100
_MOST_INNER_STEPS = 1000
_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class FittedLogistic(SpanCandidate):
    """The optimum at one penalty: one margin per class; for two classes that of the first is 0.

    gradient_norm : Euclidean norm, at the solution, of the gradient of the mean log loss plus
                    |coefficients|^2 / (2 C n_train), over the coefficients of all probes and the intercepts
    """

    gradient_norm: float


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedLogistic]:
    """Fit every penalty of the grid, from the strongest to the weakest, each started from the last.

    Setting: `C` (1.0), positive: inverse strength of the penalty, as in scikit-learn's LogisticRegression(C=C) on the
    standardised training part. This is its optimum: sum of log losses + |coefficients|^2 / (2 C), intercepts free; a
    softmax for three classes or more, one margin for two.

    The optimum lies in the span of the training samples, so the problem has (n_train, n_classes) unknowns for any
    number of probes. Does not use `rng`.

    Hastie & Tibshirani (2004), Biostatistics 5, 329-340.
    """
    strengths = positive("logistic regression", "C", 1.0, grid)
    problem = Problem(fold.span.coordinates, fold.span.lengths, labels)
    weights = problem.start()
    fitted: dict[float, tuple[FloatArray, FloatArray, float]] = {}
    for strength in sorted(set(strengths)):
        weights, norm = problem.minimise(1.0 / (strength * fold.n_train), weights)
        dual = fold.span.dual @ weights[:-1] @ problem.contrasts.T
        fitted[strength] = dual, problem.contrasts @ weights[-1], norm
    n_classes = len(problem.contrasts)
    return [
        FittedLogistic(setting, fold, "softmax", n_classes, *fitted[strength])
        for setting, strength in zip(grid, strengths, strict=True)
    ]


class Problem:
    """Minimise mean log loss + penalty / 2 * |weights|^2, intercepts free.

    The margins of the classes are [x, 1] @ weights @ contrasts.T. For three classes or more the contrasts are an
    orthonormal basis of the vectors with sum 0, where the optimum lies; for two, they are one margin for the second.

    x       : (n_samples, n_columns), columns orthogonal to each other and to a constant
    lengths : (n_columns,) sum of squares of each column
    labels  : (n_samples,) int codes 0 .. n_classes - 1, each present
    """

    def __init__(self, x: FloatArray, lengths: FloatArray, labels: IntArray) -> None:
        n_classes = int(labels.max()) + 1
        self.x = np.column_stack([x, np.ones(len(x))])
        self.lengths = np.append(lengths, len(x))
        self.truth = np.eye(n_classes)[labels]
        if n_classes == 2:
            self.contrasts = np.array([[0.0], [1.0]])
        else:
            self.contrasts = np.linalg.qr(np.eye(n_classes) - 1.0 / n_classes)[0][:, : n_classes - 1]
        # Sums of products of this size have rounding errors of this size.
        self.tolerance = _TOLERANCE * float(np.sqrt(self.lengths.max() / len(x)))

    def start(self) -> FloatArray:
        """Return the optimum under an infinite penalty: intercepts that give the class shares."""
        weights = np.zeros((self.x.shape[1], self.contrasts.shape[1]))
        logarithms = np.log(self.truth.mean(axis=0))
        differences = self.contrasts[1:] - self.contrasts[0]
        weights[-1] = np.linalg.lstsq(differences, logarithms[1:] - logarithms[0])[0]
        return weights

    def minimise(self, penalty: float, weights: FloatArray) -> tuple[FloatArray, float]:
        """Return the optimum, by Newton steps from `weights`, and the norm of the gradient there.

        weights : (n_columns + 1, n_free), the intercepts last
        """
        penalties = np.full((len(self.lengths), 1), penalty)
        penalties[-1] = 0.0
        value, p = self._objective(penalties, weights)
        norm = np.inf
        for _ in range(_MOST_STEPS):
            gradient = self.x.T @ ((p - self.truth) @ self.contrasts / len(self.x)) + penalties * weights
            norm = float(np.linalg.norm(gradient))
            if norm <= self.tolerance:
                return weights, norm
            step = _Quadratic(self, penalties, p).minimise(gradient, accuracy=min(0.1, norm))
            size = 1.0
            # Near the optimum values differ by rounding alone, and the Newton step is still right.
            allowed = value + 1e-14 * abs(value)
            while (found := self._objective(penalties, weights + size * step))[0] > allowed and size > 1e-10:
                size /= 2
            if size <= 1e-10:
                break
            weights = weights + size * step
            value, p = found
        if norm > 1e3 * self.tolerance:
            message = f"logistic regression stopped at a gradient of norm {norm:.1e}."
            warnings.warn(message, ConvergenceWarning, stacklevel=3)
        return weights, norm

    def _objective(self, penalties: FloatArray, weights: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective, and the probabilities (n_samples, n_classes) that the next step needs."""
        margins = self.x @ weights @ self.contrasts.T
        margins -= margins.max(axis=1, keepdims=True)
        p = np.exp(margins)
        totals = p.sum(axis=1)
        p /= totals[:, None]
        loss = (np.log(totals).sum() - np.vdot(margins, self.truth)) / len(p)
        return float(loss + np.vdot(penalties * weights, weights) / 2), p


class _Quadratic:
    """The second-order model of a problem at probabilities `p`."""

    def __init__(self, problem: Problem, penalties: FloatArray, p: FloatArray) -> None:
        self.x = problem.x
        self.penalties = penalties
        contrasts = problem.contrasts
        mean = p @ contrasts
        # (n_samples, n_free, n_free) Hessian of each sample's share of the mean loss by its own margins
        self.curvature = (
            np.einsum("nk,ka,kb->nab", p, contrasts, contrasts) - mean[:, :, None] * mean[:, None, :]
        ) / len(p)
        # If all samples had the same curvature, orthogonal columns would leave blocks of one column each, all
        # diagonal in the same basis; that Hessian preconditions the true one.
        values, self.basis = np.linalg.eigh(self.curvature.sum(axis=0))
        values = np.maximum(values, np.finfo(np.float64).tiny)
        self.scale = problem.lengths[:, None] * values / len(p) + penalties

    def minimise(self, gradient: FloatArray, accuracy: float) -> FloatArray:
        """Return the step to the minimum, by preconditioned conjugate gradients."""
        step = np.zeros_like(gradient)
        residual = -gradient
        direction = self._precondition(residual)
        size = float(np.vdot(residual, direction))
        goal = accuracy**2 * size
        for _ in range(_MOST_INNER_STEPS):
            image = self._times(direction)
            bend = float(np.vdot(direction, image))
            if size <= goal or bend <= 0:
                break
            step += size / bend * direction
            residual -= size / bend * image
            scaled = self._precondition(residual)
            previous, size = size, float(np.vdot(residual, scaled))
            direction = scaled + size / previous * direction
        return step

    def _times(self, step: FloatArray) -> FloatArray:
        moved = np.einsum("nab,nb->na", self.curvature, self.x @ step)
        return self.x.T @ moved + self.penalties * step

    def _precondition(self, step: FloatArray) -> FloatArray:
        return (step @ self.basis / self.scale) @ self.basis.T

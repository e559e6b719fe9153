"""Newton's method for the ridge-penalised softmax, on orthogonal columns."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from leukotype.arrays import FloatArray, IntArray

_MOST_STEPS = 100
_MOST_INNER_STEPS = 1000
_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where the objective is least.

    weights       : (n_columns + 1, n_free), the intercepts last
    gradient_norm : Euclidean norm of the gradient of the objective there
    """

    weights: FloatArray
    gradient_norm: float


class Problem:
    """Minimise mean log loss + penalty / 2 * |weights|^2, intercepts free.

    The margins of the classes are [x, 1] @ weights @ contrasts.T: for three classes or more the contrasts are
    an orthonormal basis of what sums to 0, where the optimum lies; for two, one margin for the second.

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
        # Sums of products of this size carry rounding of this size.
        self.tolerance = _TOLERANCE * float(np.sqrt(self.lengths.max() / len(x)))

    def start(self) -> FloatArray:
        """Return the optimum under an infinite penalty: intercepts that give the class shares."""
        weights = np.zeros((self.x.shape[1], self.contrasts.shape[1]))
        logarithms = np.log(self.truth.mean(axis=0))
        weights[-1] = np.linalg.lstsq(self.contrasts[1:] - self.contrasts[0], logarithms[1:] - logarithms[0])[
            0
        ]
        return weights

    def minimise(self, penalty: float, weights: FloatArray) -> Optimum:
        """Return the optimum, by Newton steps from `weights`."""
        penalties = np.full((len(self.lengths), 1), penalty)
        penalties[-1] = 0.0
        value, p = self._objective(penalties, weights)
        norm = np.inf
        for _ in range(_MOST_STEPS):
            gradient = self.x.T @ ((p - self.truth) @ self.contrasts / len(self.x)) + penalties * weights
            norm = float(np.linalg.norm(gradient))
            if norm <= self.tolerance:
                return Optimum(weights, norm)
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
            warnings.warn(
                f"logistic regression stopped at a gradient of norm {norm:.1e}.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return Optimum(weights, norm)

    def _objective(self, penalties: FloatArray, weights: FloatArray) -> tuple[float, FloatArray]:
        # Also returns the probabilities (n_samples, n_classes), which the next step wants.
        margins = self.x @ weights @ self.contrasts.T
        margins -= margins.max(axis=1, keepdims=True)
        p = np.exp(margins)
        totals = p.sum(axis=1)
        p /= totals[:, None]
        loss = (np.log(totals).sum() - np.vdot(margins, self.truth)) / len(p)
        return float(loss + np.vdot(penalties * weights, weights) / 2), p


class _Quadratic:
    """The second-order model of a problem where its probabilities are `p`."""

    def __init__(self, problem: Problem, penalties: FloatArray, p: FloatArray) -> None:
        self.x = problem.x
        self.penalties = penalties
        contrasts = problem.contrasts
        mean = p @ contrasts
        # (n_samples, n_free, n_free) Hessian of each sample's share of the mean loss by its own margins
        self.curvature = (
            np.einsum("nk,ka,kb->nab", p, contrasts, contrasts) - mean[:, :, None] * mean[:, None, :]
        ) / len(p)
        # If all samples had the same curvature, orthogonal columns would leave blocks of one column each,
        # all diagonal in the same basis; that Hessian preconditions the true one.
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

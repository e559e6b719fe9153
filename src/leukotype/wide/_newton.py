"""Newton's method for the ridge-penalised softmax, on orthogonal columns."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from sklearn.exceptions import ConvergenceWarning

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_MOST_STEPS = 100
_MOST_INNER_STEPS = 1000
_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Point:
    """Where the minimiser stands, or a step from there.

    slopes    : (rank, n_free)
    intercept : (n_free,)
    """

    slopes: FloatArray
    intercept: FloatArray

    def dot(self, other: Point) -> float:
        return float(np.vdot(self.slopes, other.slopes) + self.intercept @ other.intercept)

    def plus(self, size: float, step: Point) -> Point:
        return Point(self.slopes + size * step.slopes, self.intercept + size * step.intercept)


class Problem:
    """Minimise mean log loss + penalty / 2 * |slopes|^2, intercepts free.

    The margins of the classes are contrasts @ (slopes.T x + intercept): for three classes or more the
    contrasts are an orthonormal basis of what sums to 0, where the optimum lies; for two, one margin.

    x       : (n_samples, rank), columns orthogonal to each other and to a constant
    lengths : (rank,) sum of squares of each column
    labels  : (n_samples,) int codes 0 .. n_classes - 1, each present
    """

    def __init__(self, x: FloatArray, lengths: FloatArray, labels: IntArray) -> None:
        self.x = x
        self.lengths = lengths
        n_classes = int(labels.max()) + 1
        self.truth = np.eye(n_classes)[labels]
        if n_classes == 2:
            self.contrasts = np.array([[0.0], [1.0]])
        else:
            self.contrasts = np.linalg.qr(np.eye(n_classes) - 1.0 / n_classes)[0][:, : n_classes - 1]
        # The gradient is a sum of products of this size, and no smaller than their rounding.
        self.tolerance = _TOLERANCE * max(1.0, float(np.sqrt(lengths.max(initial=0.0) / len(x))))

    def start(self) -> Point:
        """Return the optimum under an infinite penalty: the class shares."""
        logarithms = np.log(self.truth.mean(axis=0))
        intercept = np.linalg.lstsq(self.contrasts, logarithms - self._reference(logarithms), rcond=None)[0]
        return Point(np.zeros((self.x.shape[1], len(intercept))), intercept)

    def _reference(self, logarithms: FloatArray) -> float:
        return float(logarithms[0] if len(logarithms) == 2 else logarithms.mean())

    def minimise(self, penalty: float, point: Point) -> tuple[Point, float]:
        """Return the optimum and the norm of the gradient there, by Newton steps from `point`."""
        value = self._objective(penalty, point)
        for _ in range(_MOST_STEPS):
            p = softmax(self._margins(point), axis=1)
            gradient = self._gradient(penalty, point, p)
            norm = float(np.sqrt(gradient.dot(gradient)))
            if norm <= self.tolerance:
                return point, norm
            step = _Quadratic(self, penalty, p).solve(gradient, accuracy=min(0.1, norm))
            moved = self._descend(penalty, point, value, step)
            if moved is None:
                break
            point, value = moved
        if norm > 1e3 * self.tolerance:
            warnings.warn(
                f"logistic regression stopped at a gradient of norm {norm:.1e}.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return point, norm

    def _descend(self, penalty: float, point: Point, value: float, step: Point) -> tuple[Point, float] | None:
        size = 1.0
        while size > 1e-10:
            tried = point.plus(size, step)
            found = self._objective(penalty, tried)
            # Near the optimum values differ by rounding alone, and the Newton step is still right.
            if found <= value + 1e-14 * abs(value):
                return tried, found
            size /= 2
        return None

    def _margins(self, point: Point) -> FloatArray:
        return (self.x @ point.slopes + point.intercept) @ self.contrasts.T

    def _objective(self, penalty: float, point: Point) -> float:
        loss = -float((log_softmax(self._margins(point), axis=1) * self.truth).sum()) / len(self.x)
        return loss + penalty / 2 * float(np.vdot(point.slopes, point.slopes))

    def _gradient(self, penalty: float, point: Point, p: FloatArray) -> Point:
        excess = (p - self.truth) @ self.contrasts / len(self.x)
        return Point(self.x.T @ excess + penalty * point.slopes, excess.sum(axis=0))


class _Quadratic:
    """The second-order model of a problem where its probabilities are `p`."""

    def __init__(self, problem: Problem, penalty: float, p: FloatArray) -> None:
        self.x = problem.x
        self.penalty = penalty
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
        self.intercept_scale = values
        self.slope_scale = problem.lengths[:, None] * values / len(p) + penalty

    def solve(self, gradient: Point, accuracy: float) -> Point:
        """Return the step to the minimum by preconditioned conjugate gradients."""
        step = Point(np.zeros_like(gradient.slopes), np.zeros_like(gradient.intercept))
        residual = step.plus(-1.0, gradient)
        scaled = self._precondition(residual)
        direction, size = scaled, residual.dot(scaled)
        goal = accuracy**2 * size
        for _ in range(_MOST_INNER_STEPS):
            image = self._times(direction)
            bend = direction.dot(image)
            if size <= goal or bend <= 0:
                break
            step = step.plus(size / bend, direction)
            residual = residual.plus(-size / bend, image)
            scaled = self._precondition(residual)
            previous, size = size, residual.dot(scaled)
            direction = scaled.plus(size / previous, direction)
        return step

    def _times(self, step: Point) -> Point:
        moved = np.einsum("nab,nb->na", self.curvature, self.x @ step.slopes + step.intercept)
        return Point(self.x.T @ moved + self.penalty * step.slopes, moved.sum(axis=0))

    def _precondition(self, step: Point) -> Point:
        slopes = (step.slopes @ self.basis / self.slope_scale) @ self.basis.T
        return Point(slopes, (step.intercept @ self.basis / self.intercept_scale) @ self.basis.T)

"""The elastic-net path of a multinomial or binomial regression, for many more columns than rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, softmax

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.wide._quadratic import lasso_quadratic

_TOLERANCE = 1e-8
_MOST_STEPS = 200
# The strong rule discards little when the penalty falls by more than this between two solutions.
_STEEPEST = 0.6
_FEWEST_ENTERING = 20
_SHARE_ENTERING = 0.2


@dataclass(frozen=True, eq=False)
class SparseSolution:
    """The optimum at one penalty.

    coefficients : (n_columns, n_margins) of the standardised columns; one margin for two classes, in favour
                   of the second
    intercept    : (n_margins,)
    kkt_residual : largest violation of the optimality conditions over all columns, in units of the gradient
                   of the mean loss
    """

    penalty: float
    coefficients: FloatArray
    intercept: FloatArray
    kkt_residual: float


class SparsePath:
    """Solutions for falling penalties, each started from the last.

    Minimises mean log loss + penalty * (l1_ratio * |b|_1 + (1 - l1_ratio) / 2 * |b|_2^2), the intercept free:
    glmnet's objective for standardised columns.

    z        : (n_samples, n_columns) standardised, divisor n_samples
    labels   : (n_samples,) int codes 0 .. n_classes - 1, each present
    l1_ratio : in (0, 1]

    Friedman, Hastie & Tibshirani (2010), Journal of Statistical Software 33(1); the strong rule: Tibshirani
    et al. (2012), JRSS B 74, 245-266; proximal Newton: Lee, Sun & Saunders (2014), SIAM J. Optim. 24.
    """

    def __init__(self, z: FloatArray, labels: IntArray, l1_ratio: float) -> None:
        self.z = z
        self.l1_ratio = l1_ratio
        n_classes = int(labels.max()) + 1
        self.truth = np.eye(n_classes)[labels]
        self.n_margins = n_classes if n_classes > 2 else 1
        share = self.truth.mean(axis=0)
        margin = np.log(share) - np.log(share).mean() if n_classes > 2 else [np.log(share[1] / share[0])]
        self.intercept = np.asarray(margin, dtype=np.float64)
        self.b = np.zeros((z.shape[1], self.n_margins))
        self.gradient = self._slope(z, np.zeros((len(z), self.n_margins)) + self.intercept)
        self.largest = float(np.abs(self.gradient).max(initial=0.0)) / l1_ratio
        self.penalty = self.largest

    def descend(self, penalties: FloatArray) -> Iterator[SparseSolution]:
        """Yield the solution at each of `penalties`, which fall."""
        for penalty in penalties:
            while penalty < self.penalty * _STEEPEST:
                self._move(self.penalty * _STEEPEST)
            self._move(float(penalty))
            yield SparseSolution(
                float(penalty), self.b.copy(), self.intercept.copy(), self._residual(float(penalty))
            )

    def _move(self, penalty: float) -> None:
        if penalty >= self.largest:
            return
        strong = np.abs(self.gradient).max(axis=1) >= self.l1_ratio * (2 * penalty - self.penalty)
        kept = strong | self.b.any(axis=1)
        while True:
            columns = np.flatnonzero(kept)
            part = _Restricted(self, np.ascontiguousarray(self.z[:, columns]), penalty)
            self.b[columns], self.intercept = part.solve(self.b[columns], self.intercept)
            self.gradient = self._slope(self.z, part.margin(self.b[columns], self.intercept))
            missed = np.abs(self.gradient).max(axis=1) > penalty * self.l1_ratio + _TOLERANCE
            if not (missed & ~kept).any():
                break
            kept |= missed
        self.penalty = penalty

    def _slope(self, z: FloatArray, margin: FloatArray) -> FloatArray:
        return np.asarray(z.T @ self.excess(margin))

    def excess(self, margin: FloatArray) -> FloatArray:
        """(n_samples, n_margins) derivative of the mean loss by each sample's margins."""
        return (_probabilities(margin) - self.truth)[:, -self.n_margins :] / len(margin)

    def loss(self, margin: FloatArray) -> float:
        """Mean log loss."""
        if self.n_margins == 1:
            signed = np.where(self.truth[:, 1] > 0, margin[:, 0], -margin[:, 0])
            return float(np.logaddexp(0.0, -signed).mean())
        return -float((log_softmax(margin, axis=1) * self.truth).sum(axis=1).mean())

    def _residual(self, penalty: float) -> float:
        slope = self.gradient + penalty * (1 - self.l1_ratio) * self.b
        margin = self.z[:, self.b.any(axis=1)] @ self.b[self.b.any(axis=1)] + self.intercept
        free = np.abs(self.excess(margin).sum(axis=0)).max()
        wrong = violation(slope, self.b, penalty * self.l1_ratio)
        return max(float(wrong.max(initial=0.0)), float(free))


class _Restricted:
    """The problem on the columns that the strong rule kept."""

    def __init__(self, path: SparsePath, z: FloatArray, penalty: float) -> None:
        self.path = path
        self.z = z
        self.absolute = penalty * path.l1_ratio
        self.ridge = penalty * (1 - path.l1_ratio)

    def margin(self, b: FloatArray, intercept: FloatArray) -> FloatArray:
        used = b.any(axis=1)
        return self.z[:, used] @ b[used] + intercept

    def solve(self, b: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Proximal Newton steps until no coordinate violates its condition."""
        b, margin = b.copy(), self.margin(b, intercept)
        for _ in range(_MOST_STEPS):
            excess = self.path.excess(margin)
            slope = self.z.T @ excess + self.ridge * b
            wrong = violation(slope, b, self.absolute)
            if max(wrong.max(initial=0.0), np.abs(excess.sum(axis=0)).max()) <= _TOLERANCE / 2:
                break
            chosen = np.nonzero(_worth_moving(b, wrong))
            step, intercept_step = self._newton_step(chosen, b[chosen], margin, excess, slope[chosen])
            moved = np.zeros_like(b)
            moved[chosen] = step
            columns = np.unique(chosen[0])
            margin_step = self.z[:, columns] @ moved[columns] + intercept_step
            size = self._line_search(b[chosen], step, margin, margin_step)
            if size == 0.0:
                break
            b[chosen] += size * step
            intercept = intercept + size * intercept_step
            margin = margin + size * margin_step
        return b, intercept

    def _newton_step(
        self,
        chosen: tuple[IntArray, ...],
        start: FloatArray,
        margin: FloatArray,
        excess: FloatArray,
        slope: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        column, group = chosen
        root = _curvature_root(margin)
        design = self.z[:, None, column] * root[:, :, group]
        design = design.reshape(-1, len(column)) / np.sqrt(len(margin))
        free = root.reshape(-1, root.shape[2]) / np.sqrt(len(margin))
        # The intercepts carry no penalty: they are solved for, which leaves a quadratic in b alone.
        inverse = np.linalg.pinv(free.T @ free, rcond=1e-10, hermitian=True)
        across = free.T @ design
        at_rest = -inverse @ excess.sum(axis=0)
        curvature = design.T @ design - across.T @ inverse @ across
        # Copies of a column would make it singular.
        jitter = 1e-10 * max(1e-3, float(curvature.max(initial=0.0)))
        curvature[np.diag_indices_from(curvature)] += self.ridge + jitter
        linear = curvature @ start - slope - across.T @ at_rest
        step = lasso_quadratic(curvature, linear, self.absolute, start) - start
        return step, at_rest - inverse @ across @ step

    def _line_search(
        self, start: FloatArray, step: FloatArray, margin: FloatArray, margin_step: FloatArray
    ) -> float:
        # Coordinates that are not among `start` are 0 and stay so.
        def objective(size: float) -> float:
            b = start + size * step
            penalty = self.absolute * np.abs(b).sum() + self.ridge / 2 * (b @ b)
            return self.path.loss(margin + size * margin_step) + float(penalty)

        before, size = objective(0.0), 1.0
        while size > 1e-10:
            # Near the optimum the values differ by rounding alone, and the Newton step is still right.
            if objective(size) <= before + 1e-14 * abs(before):
                return size
            size /= 2
        return 0.0


def violation(slope: FloatArray, b: FloatArray, absolute: float) -> FloatArray:
    """Distance of 0 from the subgradient, coordinate by coordinate: 0 everywhere at the optimum."""
    wrong = np.abs(slope)
    wrong -= absolute
    np.maximum(wrong, 0.0, out=wrong)
    moved = np.nonzero(b)
    wrong[moved] = np.abs(slope[moved] + absolute * np.sign(b[moved]))
    return wrong


def _worth_moving(b: FloatArray, wrong: FloatArray) -> BoolArray:
    # Most zeros that violate their condition obey it again once the worst of them have moved.
    worth = b != 0
    outside = np.where(worth, 0.0, wrong)
    room = max(_FEWEST_ENTERING, int(worth.sum() * _SHARE_ENTERING))
    violated = np.flatnonzero(outside > _TOLERANCE / 2)
    worst = violated[np.argsort(-outside.ravel()[violated], kind="stable")[:room]]
    worth.ravel()[worst] = True
    return worth


def _probabilities(margin: FloatArray) -> FloatArray:
    if margin.shape[1] == 1:
        margin = np.concatenate([np.zeros_like(margin), margin], axis=1)
    return np.asarray(softmax(margin, axis=1))


def _curvature_root(margin: FloatArray) -> FloatArray:
    # (n, r, n_margins) with root' root = diag(p) - p p', the Hessian of one sample's loss.
    p = _probabilities(margin)
    if margin.shape[1] == 1:
        return np.asarray(np.sqrt(p[:, :1] * p[:, 1:])[:, :, None])
    s = np.sqrt(p)
    return np.asarray((np.eye(p.shape[1]) - s[:, :, None] * s[:, None, :]) * s[:, None, :])

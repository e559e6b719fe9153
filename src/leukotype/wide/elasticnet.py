"""Sparse multinomial and binomial regression: the elastic net with glmnet's objective, for more columns than rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import log_softmax

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.rules import Linear
from leukotype.rules.margins import apply_link
from leukotype.wide.fold import Fold
from leukotype.wide.linear import probabilities
from leukotype.wide.path import Setting, complete

_DEFAULTS: dict[str, Any] = {"l1_ratio": 0.5, "strength": 0.1}
_TOLERANCE = 1e-8
_MOST_STEPS = 200
# The strong rule discards few columns if the penalty falls by a larger factor between two solutions.
_STEEPEST = 0.6
_FEWEST_ENTERING = 20
_SHARE_ENTERING = 0.2


@dataclass(frozen=True, eq=False)
class FittedElasticNet:
    """A sparse linear rule on raw expression.

    solution     : the optimum for standardised probes
    probes       : (n_chosen,) columns with a nonzero coefficient, ascending
    coefficients : (n_chosen, n_margins) per unit of raw expression
    intercept    : (n_margins,)
    """

    setting: Setting
    solution: SparseSolution
    probes: IntArray
    coefficients: FloatArray
    intercept: FloatArray

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) logistic or softmax of the linear predictors."""
        # Uncentred values, summed probe by probe; the rule centres them, and differs in the last digits.
        margins = np.zeros((fold.n_test, len(self.intercept)))
        for probe, coefficients in zip(self.probes.tolist(), self.coefficients, strict=True):
            margins += fold.x_test[:, probe, None] * coefficients
        return probabilities(margins + self.intercept)

    def rule(self, fold: Fold) -> Linear:
        n_margins, centre = len(self.intercept), fold.mean[self.probes]
        return Linear(
            n_classes=max(n_margins, 2),
            n_probes=fold.n_probes,
            reads=self.probes,
            link="softmax" if n_margins > 1 else "logistic",
            centre=centre,
            weights=self.coefficients.T,
            intercept=self.intercept + centre @ self.coefficients,
        )


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedElasticNet]:
    """Fit the elastic net along falling penalties, once per `l1_ratio`.

    Settings: `l1_ratio` (0.5) in (0, 1]: the share of the absolute penalty, 1 for the lasso; `strength` (0.1) in
    (0, 1]: the penalty, as a share of the smallest one that makes every coefficient 0 in the training part. Time and
    memory grow with the number of nonzero coefficients: for an l1_ratio near 0 use the ridge path.

    The minimum is certified: `kkt_residual` is at most 1e-8 per standardised probe. Does not use `rng`.

    Zou & Hastie (2005), JRSS B 67, 301-320; Friedman, Hastie & Tibshirani (2010), J. Stat. Softw. 33(1).
    """
    full = [_complete(setting) for setting in grid]
    solutions: dict[tuple[float, float], SparseSolution] = {}
    for ratio in sorted({setting["l1_ratio"] for setting in full}):
        strengths = sorted({s["strength"] for s in full if s["l1_ratio"] == ratio}, reverse=True)
        sparse = SparsePath(fold.z_train, labels, ratio)
        for strength, solution in zip(
            strengths, sparse.descend(sparse.largest * np.array(strengths)), strict=True
        ):
            solutions[ratio, strength] = solution
    return [
        _on_raw_scale(fold, solutions[setting["l1_ratio"], setting["strength"]], wanted)
        for setting, wanted in zip(full, grid, strict=True)
    ]


def _on_raw_scale(fold: Fold, solution: SparseSolution, setting: Setting) -> FittedElasticNet:
    probes = np.flatnonzero(solution.coefficients.any(axis=1)).astype(np.intp)
    coefficients = solution.coefficients[probes] / fold.scale[probes, None]
    intercept = solution.intercept - fold.mean[probes] @ coefficients
    return FittedElasticNet(setting, solution, probes, coefficients, intercept)


def _complete(setting: Setting) -> dict[str, Any]:
    full = {name: float(value) for name, value in complete("the elastic net", _DEFAULTS, setting).items()}
    for name, value in full.items():
        if not 0 < value <= 1:
            raise ValueError(f"{name} is {value:g}, and must be above 0 and at most 1.")
    return full


@dataclass(frozen=True, eq=False)
class SparseSolution:
    """The optimum at one penalty.

    coefficients : (n_columns, n_margins) of the standardised columns; one margin for the second of two classes, else
                   one per class
    intercept    : (n_margins,)
    kkt_residual : largest violation of the optimality conditions over all columns, in units of the gradient of the
                   mean loss
    """

    penalty: float
    coefficients: FloatArray
    intercept: FloatArray
    kkt_residual: float


class SparsePath:
    """Solutions for falling penalties, each started from the last.

    Minimises mean log loss + penalty * (l1_ratio * |b|_1 + (1 - l1_ratio) / 2 * |b|_2^2), intercepts free: glmnet's
    objective for standardised columns.

    z        : (n_samples, n_columns) standardised, divisor n_samples
    labels   : (n_samples,) int codes 0 .. n_classes - 1, each present
    l1_ratio : in (0, 1]

    Friedman, Hastie & Tibshirani (2010), Journal of Statistical Software 33(1); the strong rule: Tibshirani et al.
    (2012), JRSS B 74, 245-266; proximal Newton: Lee, Sun & Saunders (2014), SIAM J. Optim. 24.
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
        """Yield the solution at each of `penalties`, in falling order."""
        for penalty in map(float, penalties):
            while penalty < self.penalty * _STEEPEST:
                self._move(self.penalty * _STEEPEST)
            self._move(penalty)
            yield SparseSolution(penalty, self.b.copy(), self.intercept.copy(), self._residual(penalty))

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
        return (_shares(margin) - self.truth)[:, -self.n_margins :] / len(margin)

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
        wrong = _violation(slope, self.b, penalty * self.l1_ratio)
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
            wrong = _violation(slope, b, self.absolute)
            if max(wrong.max(initial=0.0), np.abs(excess.sum(axis=0)).max()) <= _TOLERANCE / 2:
                break
            chosen = np.nonzero(_entering(b, wrong))
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
        # The intercepts have no penalty: solving for them leaves a quadratic in b alone.
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
        # The other coordinates are 0 and stay 0.
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


def _violation(slope: FloatArray, b: FloatArray, absolute: float) -> FloatArray:
    """Distance of 0 from the subgradient, per coordinate: 0 everywhere at the optimum."""
    wrong = np.abs(slope)
    wrong -= absolute
    np.maximum(wrong, 0.0, out=wrong)
    moved = np.nonzero(b)
    wrong[moved] = np.abs(slope[moved] + absolute * np.sign(b[moved]))
    return wrong


def _entering(b: FloatArray, wrong: FloatArray) -> BoolArray:
    """The coordinates of the next step: those that are not 0, and the zeros with the largest violations."""
    # Most other zeros obey their condition again once the worst have moved.
    chosen = b != 0
    outside = np.where(chosen, 0.0, wrong)
    room = max(_FEWEST_ENTERING, int(chosen.sum() * _SHARE_ENTERING))
    violated = np.flatnonzero(outside > _TOLERANCE / 2)
    worst = violated[np.argsort(-outside.ravel()[violated], kind="stable")[:room]]
    chosen.ravel()[worst] = True
    return chosen


def _shares(margin: FloatArray) -> FloatArray:
    return apply_link("softmax" if margin.shape[1] > 1 else "logistic", margin, max(margin.shape[1], 2))


def _curvature_root(margin: FloatArray) -> FloatArray:
    """(n, r, n_margins) with root' root = diag(p) - p p', the Hessian of one sample's loss."""
    p = _shares(margin)
    if margin.shape[1] == 1:
        return np.asarray(np.sqrt(p[:, :1] * p[:, 1:])[:, :, None])
    s = np.sqrt(p)
    return np.asarray((np.eye(p.shape[1]) - s[:, :, None] * s[:, None, :]) * s[:, None, :])


def lasso_quadratic(
    curvature: FloatArray, linear: FloatArray, penalty: float, start: FloatArray
) -> FloatArray:
    """Minimise b' curvature b / 2 - linear' b + penalty * |b|_1 by feature-sign search.

    curvature : (m, m) positive definite
    start     : (m,) initial b; the closer its signs, the fewer the steps

    Lee, Battle, Raina & Ng (2006), Advances in Neural Information Processing Systems 19.
    """
    b = start.copy()
    tolerance = 1e-12 * max(penalty, float(np.abs(linear).max(initial=0.0)))
    settled = False
    for _ in range(20 * len(b) + 100):
        slope = curvature @ b - linear
        sign = np.sign(b)
        entering = np.zeros(len(b), dtype=bool)
        if settled:
            entering = (b == 0) & (np.abs(slope) > penalty + tolerance)
            if not entering.any():
                break
            sign[entering] = -np.sign(slope[entering])
        step, active = _step(curvature, linear, penalty, b, sign, entering)
        if not active.any():
            settled = True
            continue
        b, settled = _advance(b, step, slope, curvature, penalty, active)
    return b


def _step(
    curvature: FloatArray,
    linear: FloatArray,
    penalty: float,
    b: FloatArray,
    sign: FloatArray,
    entering: BoolArray,
) -> tuple[FloatArray, BoolArray]:
    """Return the step to the minimum for these signs, and the coordinates that take part."""
    # Coordinates that would enter with the wrong sign are excluded: a descent is certain only if all enter with the
    # right one, and the last alone always does.
    active = sign != 0
    while True:
        step = np.zeros_like(b)
        if not active.any():
            return step, active
        block = cho_factor(curvature[np.ix_(active, active)], check_finite=False)
        target = linear[active] - penalty * sign[active]
        step[active] = cho_solve(block, target, check_finite=False) - b[active]
        astray = entering & active & (step * sign <= 0)
        if not astray.any():
            return step, active
        if (entering & active).sum() == astray.sum() == 1:
            return np.zeros_like(b), np.zeros_like(active)
        if (entering & active & ~astray).any():
            active &= ~astray
        else:
            worst = np.flatnonzero(astray)
            active[worst[:-1]] = False


def _advance(
    b: FloatArray,
    step: FloatArray,
    slope: FloatArray,
    curvature: FloatArray,
    penalty: float,
    active: BoolArray,
) -> tuple[FloatArray, bool]:
    crossing = active & (b != 0) & (b * (b + step) < 0)
    if not crossing.any():
        return b + step, True
    # The objective is convex along the step, with a kink at each change of sign.
    where = np.append(np.unique(-b[crossing] / step[crossing]), 1.0)
    path = b + where[:, None] * step
    bend = float(step @ curvature @ step)
    values = where * float(slope @ step) + where**2 * bend / 2 + penalty * np.abs(path).sum(axis=1)
    best = int(values.argmin())
    reached = path[best]
    if best < len(where) - 1:
        reached[crossing & (-b / np.where(step == 0, 1.0, step) == where[best])] = 0.0
    return reached, False

"""A small quadratic with an absolute penalty, to the last digit."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from leukotype.arrays import BoolArray, FloatArray


def lasso_quadratic(
    curvature: FloatArray, linear: FloatArray, penalty: float, start: FloatArray
) -> FloatArray:
    """Minimise b' curvature b / 2 - linear' b + penalty * |b|_1 by feature-sign search.

    curvature : (m, m) positive definite
    start     : (m,) where to begin; the closer its signs, the fewer the steps

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
    # To the minimum for these signs.  A coordinate that would enter on the wrong side is held back, for a
    # descent is certain only when all enter on the right one; the last alone always does.
    active = sign != 0
    while True:
        step = np.zeros_like(b)
        if not active.any():
            return step, active
        block = cho_factor(curvature[np.ix_(active, active)], check_finite=False)
        step[active] = (
            cho_solve(block, linear[active] - penalty * sign[active], check_finite=False) - b[active]
        )
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
    # The objective is convex along the step, with a kink where a coordinate changes its sign.
    where = np.append(np.unique(-b[crossing] / step[crossing]), 1.0)
    path = b + where[:, None] * step
    bend = float(step @ curvature @ step)
    values = where * float(slope @ step) + where**2 * bend / 2 + penalty * np.abs(path).sum(axis=1)
    best = int(values.argmin())
    reached = path[best]
    if best < len(where) - 1:
        reached[crossing & (-b / np.where(step == 0, 1.0, step) == where[best])] = 0.0
    return reached, False

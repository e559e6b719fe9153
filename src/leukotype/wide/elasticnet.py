"""Sparse multinomial and binomial regression: the elastic net, by glmnet's objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide._sparse import SparsePath, SparseSolution
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting
from leukotype.wide.settings import complete

_DEFAULTS: dict[str, Any] = {"l1_ratio": 0.5, "strength": 0.1}


@dataclass(frozen=True, eq=False)
class FittedElasticNet:
    """A sparse linear rule on raw expression.

    probes       : (n_chosen,) columns with a coefficient other than 0, ascending
    coefficients : (n_chosen, n_margins) per unit of raw expression; one margin for two classes, in favour of
                   the second, else one per class
    intercept    : (n_margins,)
    penalty      : lambda of the objective, on standardised probes
    kkt_residual : largest violation of the optimality conditions over all probes
    """

    setting: Setting
    probes: IntArray
    coefficients: FloatArray
    intercept: FloatArray
    penalty: float
    kkt_residual: float

    def margin(self, x: NDArray[Any]) -> FloatArray:
        """(n_samples, n_margins) linear predictors of raw samples `x` (n_samples, n_probes)."""
        # Summed probe by probe: a matrix product would round one row differently in another batch.
        part = x[:, self.probes].astype(np.float64)
        return np.asarray((part[:, :, None] * self.coefficients).sum(axis=1) + self.intercept)

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) logistic or softmax of the linear predictors."""
        margin = self.margin(fold.x_test)
        if margin.shape[1] > 1:
            return np.asarray(softmax(margin, axis=1))
        return np.concatenate([expit(-margin), expit(margin)], axis=1)


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedElasticNet]:
    """Fit the elastic net along falling penalties, once per `l1_ratio`.

    Settings: `l1_ratio` (0.5) in (0, 1]: the share of the absolute penalty, 1 for the lasso; `strength` (0.1)
    in (0, 1]: the penalty, as a share of the smallest one that leaves every coefficient 0, which is found
    from the training part.  Time and memory grow with the number of coefficients other than 0: for an
    l1_ratio near 0 use the ridge path.

    The minimum is certified: `kkt_residual` is at most 1e-8 per standardised probe.  Nothing here is random:
    `rng` is not drawn from.

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
    return FittedElasticNet(setting, probes, coefficients, intercept, solution.penalty, solution.kkt_residual)


def _complete(setting: Setting) -> dict[str, Any]:
    full = {name: float(value) for name, value in complete("the elastic net", _DEFAULTS, setting).items()}
    for name, value in full.items():
        if not 0 < value <= 1:
            raise ValueError(f"{name} is {value:g}, and must be above 0 and at most 1.")
    return full

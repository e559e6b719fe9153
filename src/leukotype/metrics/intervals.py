"""Confidence intervals from out-of-fold predictions; nothing is refitted.

The unit is the donor if donors are known, else the sample.  Repeats of the folds see the same samples again, so
they are averaged and add no units.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from leukotype.arrays import FloatArray, IntArray, StrArray
from leukotype.claims import LEVEL, Interval, clopper_pearson
from leukotype.metrics.weighted import Scored, Weighted

__all__ = [
    "LEVEL", "N_RESAMPLES", "Interval", "bootstrap", "bootstrap_weights", "clopper_pearson", "mean_of_proportions",
    "wilson",
]  # fmt: skip

N_RESAMPLES = 2000


def wilson(hits: float, n: float, level: float = LEVEL) -> Interval:
    """Score interval of a proportion; (nan, nan) for n = 0.

    Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    if n == 0:
        return float("nan"), float("nan")
    z = float(stats.norm.ppf(1 - (1 - level) / 2))
    share = hits / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # Rounding must not move the ends past the share.
    return float(max(min(centre - half, share), 0.0)), float(min(max(centre + half, share), 1.0))


def mean_of_proportions(hits: ArrayLike, sizes: ArrayLike, level: float = LEVEL) -> Interval:
    """Interval of the mean of independent proportions, such as balanced accuracy.

    hits, sizes : (n_classes,) successes and trials of each class

    MOVER: the squared distances between the Clopper-Pearson limits and their proportions are summed.  Unlike a
    bootstrap interval it has width even if every class is perfect.  Wilson limits, which suffice for independent
    samples, cover too seldom in cross-validation (docs/calibration.md).

    Zou & Donner (2008), Statistics in Medicine 27, 1693-1702.
    """
    hits, sizes = np.asarray(hits, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    shares = hits / sizes
    limits = np.array([clopper_pearson(h, n, level) for h, n in zip(hits, sizes, strict=True)])
    mean = float(shares.mean())
    below = float(np.sqrt(((shares - limits[:, 0]) ** 2).sum())) / len(shares)
    above = float(np.sqrt(((limits[:, 1] - shares) ** 2).sum())) / len(shares)
    return max(mean - below, 0.0), min(mean + above, 1.0)


def bootstrap_weights(
    labels: IntArray, donors: StrArray | None = None, *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> FloatArray:
    """(n_resamples, n_samples) draws of each sample in a bootstrap stratified by class.

    With donors, whole donors are drawn within their class.
    """
    rng = np.random.default_rng(seed)
    weights = np.zeros((n_resamples, len(labels)))
    for code in np.unique(labels):
        rows = np.flatnonzero(labels == code)
        unit = np.arange(len(rows)) if donors is None else np.unique(donors[rows], return_inverse=True)[1]
        n_units = int(unit.max()) + 1
        drawn = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_resamples)
        weights[:, rows] = drawn[:, unit]
    return weights


def bootstrap(
    metric: Weighted, repeats: Sequence[Scored], weights: FloatArray, level: float = LEVEL
) -> tuple[FloatArray, FloatArray]:
    """Percentile interval of a metric, averaged over repeats within each resample.

    Returns the lower and upper ends, of shape () or, for a per-class metric, (n_classes,).

    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    values = np.mean([metric(scored, weights) for scored in repeats], axis=0)
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return np.asarray(low), np.asarray(high)

"""Confidence intervals from out-of-fold predictions; nothing is refitted.

The unit is the donor if donors are known, else the sample.  Repeats of the folds see the same samples again, so
they are averaged and add no units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from leukotype.arrays import FloatArray, IntArray, StrArray
from leukotype.claims import LEVEL, Interval, clopper_pearson
from leukotype.metrics.weighted import Scored, Weighted

__all__ = [
    "LEVEL", "N_RESAMPLES", "Interval", "bayesian_bootstrap", "bayesian_weights", "bootstrap_weights",
    "clopper_pearson", "mean_of_proportions", "wilson",
]  # fmt: skip

N_RESAMPLES = 2000


@dataclass(frozen=True)
class Added:
    """The samples that the Bayesian bootstrap adds to the predictions.

    right : whether they are called right
    rank  : which sample gives an added sample of a class its probabilities, among the samples of the class (right) or
            of the other classes (wrong): 0 for the lowest probability of the class, 0.5 the median, 1 the highest
    total : number of added samples over all classes; a class gets one at most
    """

    right: bool
    rank: float
    total: float = np.inf

    def mass(self, n_classes: int) -> float:
        """Return the number of samples added to each class."""
        return min(1.0, self.total / n_classes)


RIGHT, WRONG = Added(right=True, rank=1.0), Added(right=False, rank=0.5)
# An unbounded metric depends on rare confident errors, hence the lower rank.  Simulations chose both numbers
# (docs/calibration.md).
WRONG_UNBOUNDED = Added(right=False, rank=0.1, total=2.0)


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


def bayesian_weights(
    labels: IntArray,
    donors: StrArray | None = None,
    added: Added = WRONG,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> FloatArray:
    """(n_resamples, n_samples + n_present) random weights of the samples, then of one added sample of each class.

    n_present is the number of classes with samples.  The weights of the units of a class have a Dirichlet distribution
    with parameter 1, that of the added unit its mass, and their sum is the size of the class.  The unit is the donor if
    donors are known.
    """
    rng = np.random.default_rng(seed)
    present, n = np.unique(labels), len(labels)
    weights = np.zeros((n_resamples, n + len(present)))
    mass = added.mass(len(present))
    for last, code in enumerate(present, start=n):
        rows = np.flatnonzero(labels == code)
        unit = np.arange(len(rows)) if donors is None else np.unique(donors[rows], return_inverse=True)[1]
        n_units = int(unit.max()) + 1
        drawn = rng.exponential(size=(n_resamples, n_units + 1))
        if mass < 1:
            drawn[:, -1] = rng.gamma(mass, size=n_resamples)
        columns = np.append(rows, last)
        weights[:, columns] = drawn[:, np.append(unit, n_units)]
        # The added donor has as many samples as a mean donor.
        weights[:, last] *= len(rows) / n_units
        weights[:, columns] *= len(rows) / weights[:, columns].sum(axis=1, keepdims=True)
    return weights


def with_added(scored: Scored, added: Added) -> Scored:
    """Return the predictions with one more sample of each class that has samples."""
    present = np.unique(scored.labels)
    rows = []
    for code in present:
        own = scored.labels == code
        candidates = np.flatnonzero(own if added.right or own.all() else ~own)
        ranked = candidates[np.argsort(scored.probabilities[candidates, code], kind="stable")]
        rows.append(ranked[int(added.rank * (len(ranked) - 1))])
    copied = scored.probabilities[rows]
    others = copied.copy()
    others[np.arange(len(present)), present] = -1.0
    return Scored(
        np.append(scored.labels, present),
        np.append(scored.predicted, present if added.right else others.argmax(axis=1)),
        np.concatenate([scored.probabilities, copied]),
    )


def bayesian_bootstrap(
    metric: Weighted, repeats: Sequence[Scored], weights: FloatArray, added: Added, share: float
) -> FloatArray:
    """One end of an interval of a metric by a Bayesian bootstrap with one added sample per class.

    weights : from `bayesian_weights` for the same added samples
    share   : quantile of the resampled metric

    The worse end of an interval has added samples that are called wrong, the better end those that are called right.
    For the recall of a class this gives the Clopper-Pearson interval, and for a mean of bounded values the interval of
    Learned-Miller & Thomas.  So the interval has width even if every sample is correct.  The ends are averaged over
    repeats, so repeats of the folds do not make the interval narrower.

    Returns an array of shape () or, for a per-class metric, (n_classes,).

    Rubin (1981), Annals of Statistics 9, 130-134; Learned-Miller & Thomas (2019), arXiv:1905.06208.
    """
    values = np.array([metric(with_added(scored, added), weights) for scored in repeats])
    return np.asarray(np.quantile(values, share, axis=1).mean(axis=0))

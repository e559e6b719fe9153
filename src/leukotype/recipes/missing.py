"""Accuracy of held-out samples against the share of missing probes, and the limit for calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.recipes.alignment import Sorted
from leukotype.recipes.scorer import ClassMeans, Scorer

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
# Loss of accuracy above which samples with so many missing probes are not called.
TOLERANCE = 0.02
# Approximate number of simulated calls for each share, over all samples and draws.
_CALLS = 300


@dataclass(frozen=True)
class MissingLimit:
    """The largest tolerated share of missing probes.

    curve : share of probes missing at random and out-of-fold accuracy without abstention, for each of SHARES
    limit : the largest share up to which accuracy stays within TOLERANCE of that without missing probes
    """

    curve: tuple[tuple[float, float], ...]
    limit: float

    def exceeded(self, missing: int, n_read: int) -> bool:
        """Return whether too many of the `n_read` probes that the rule reads are missing."""
        return n_read > 0 and missing / n_read > self.limit + 1e-12


def draws(n_samples: int) -> int:
    """Return the number of draws per sample."""
    return max(1, min(5, _CALLS // max(n_samples, 1)))


def simulate(
    scorer: Scorer,
    classes: ClassMeans,
    x: FloatArray,
    labels: IntArray,
    n_draws: int,
    rng: np.random.Generator,
) -> FloatArray:
    """(n_shares,) correct calls of held-out samples with probes missing at random, over samples and draws.

    x : (n, n_probes) log2 expression, NaN for values that are missing in the data
    """
    n_probes = x.shape[1]
    hits = np.zeros(len(SHARES))
    for row, label in zip(x, labels.tolist(), strict=True):
        ranked = Sorted.of(row)
        for _ in range(n_draws):
            # One order for all shares, so that the missing probes are nested.
            order = rng.permutation(n_probes)
            for number, share in enumerate(SHARES):
                gone = order[: round(share * n_probes)]
                left = ranked.without(gone, n_probes)
                thinned = row.copy()
                thinned[gone] = np.nan
                aligned = classes.fill(scorer.alignment.complete(thinned, left), left.present)
                p = scorer.probabilities(aligned[None])
                hits[number] += p[0].argmax() == label
    return hits


def limit_of(accuracies: Sequence[float]) -> MissingLimit:
    """Return the limit, given the accuracy at each of SHARES."""
    limit = 0.0
    for share, accuracy in zip(SHARES, accuracies, strict=True):
        if accuracy < accuracies[0] - TOLERANCE - 1e-12:
            break
        limit = share
    return MissingLimit(tuple(zip(SHARES, map(float, accuracies), strict=True)), limit)

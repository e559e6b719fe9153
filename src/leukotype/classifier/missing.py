"""How many probes may be missing: accuracy of held-out samples against the share of probes they lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.classifier.alignment import Sorted
from leukotype.classifier.novelty import ClassMeans
from leukotype.classifier.scorer import Scorer

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
# How much accuracy may go before a sample with so many probes missing is not called.
TOLERANCE = 0.02
# Calls simulated for each share, over all samples and draws, or a little more.
_CALLS = 300


@dataclass(frozen=True)
class MissingLimit:
    """From which share of missing probes on a sample is not called.

    curve : share of probes missing at random, and accuracy out of fold, abstention apart, for each of SHARES
    limit : the largest share for which, and for all smaller ones, accuracy is within TOLERANCE of that of no missing
            probe
    """

    curve: tuple[tuple[float, float], ...]
    limit: float

    def exceeded(self, missing: int, n_read: int) -> bool:
        """Tell whether so many missing ones of the probes that are read are too many."""
        return n_read > 0 and missing / n_read > self.limit + 1e-12


def draws(n_samples: int) -> int:
    """How often each sample is simulated."""
    return max(1, min(5, _CALLS // max(n_samples, 1)))


def simulate(
    scorer: Scorer,
    classes: ClassMeans,
    x: FloatArray,
    labels: IntArray,
    n_draws: int,
    rng: np.random.Generator,
) -> FloatArray:
    """(n_shares,) right calls of held-out samples, summed over samples and draws, with probes missing at random.

    x : (n, n_probes) log2 intensity as read, NaN where a value is missing anyway
    """
    n_probes = x.shape[1]
    hits = np.zeros(len(SHARES))
    for row, label in zip(x, labels.tolist(), strict=True):
        ranked = Sorted.of(row)
        for _ in range(n_draws):
            # One order of the probes for all shares: each share lacks what the smaller one lacks.
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
    """Return the limit that follows from the accuracy at each of SHARES."""
    limit = 0.0
    for share, accuracy in zip(SHARES, accuracies, strict=True):
        if accuracy < accuracies[0] - TOLERANCE - 1e-12:
            break
        limit = share
    return MissingLimit(tuple(zip(SHARES, map(float, accuracies), strict=True)), limit)

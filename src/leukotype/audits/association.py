"""Whether two classifications of the same samples go together."""

from __future__ import annotations

import numpy as np

from leukotype.arrays import FloatArray, IntArray, StrArray

N_PERMUTATIONS = 4999


def cramer(values: StrArray, codes: IntArray) -> tuple[float, float]:
    """Return Cramér's V of two classifications of the same samples, and the chi-squared test's p-value.

    By permutation, since cells are small; the smallest p is 0.0002.
    """
    levels, at = np.unique(values, return_inverse=True)
    _, rows = np.unique(codes, return_inverse=True)
    n_rows, n_levels = int(rows.max()) + 1, len(levels)
    if n_rows < 2 or n_levels < 2:
        return 0.0, 1.0
    expected = np.outer(np.bincount(rows), np.bincount(at)) / len(rows)

    def statistic(order: IntArray) -> float:
        counts = np.bincount(order * n_levels + at, minlength=n_rows * n_levels).reshape(n_rows, n_levels)
        return float(((counts - expected) ** 2 / expected).sum())

    rng = np.random.default_rng(0)
    observed = statistic(rows)
    # The same table can come out a rounding error below itself.
    hits = sum(statistic(rng.permutation(rows)) >= observed * (1 - 1e-9) for _ in range(N_PERMUTATIONS))
    effect = float(np.sqrt(observed / (len(rows) * (min(n_rows, n_levels) - 1))))
    return min(effect, 1.0), (1 + hits) / (1 + N_PERMUTATIONS)


def holm(p: FloatArray) -> FloatArray:
    """(n,) p-values adjusted for their number.

    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    order = np.argsort(p, kind="stable")
    scaled = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(scaled, 1.0)
    return adjusted

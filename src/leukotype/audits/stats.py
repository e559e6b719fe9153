"""Statistics that several audits use: correlations, robust distances, association of categories."""

from __future__ import annotations

import numpy as np

from leukotype.arrays import FloatArray, IntArray, StrArray

# Scales the median absolute deviation to the standard deviation of a normal distribution.
MAD_TO_SD = 1.4826
# Smaller classes are centred on the whole cohort.
LEAST_CLASS = 4
N_PERMUTATIONS = 4999


def filled(expression: FloatArray) -> FloatArray:
    """Return the matrix with missing values replaced by the median of their probe (0 if all are missing)."""
    missing = np.isnan(expression)
    if not missing.any():
        return expression
    columns = np.flatnonzero(missing.any(axis=0))
    block = expression[:, columns]
    medians = np.zeros(len(columns))
    known = ~missing[:, columns].all(axis=0)
    medians[known] = np.nanmedian(block[:, known], axis=0)
    whole = expression.copy()
    whole[:, columns] = np.where(np.isnan(block), medians, block)
    return whole


def correlation(rows: FloatArray) -> FloatArray:
    """(n, n) Pearson correlation between rows; 0 for a row with one value."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    norms = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    flat = norms[:, 0] <= 1e-12 * np.abs(rows).max(initial=1.0)
    unit = centred / np.where(flat[:, None], 1.0, norms)
    r = np.clip(unit @ unit.T, -1.0, 1.0)
    r[flat] = 0.0
    r[:, flat] = 0.0
    return np.asarray(r)


def residual_correlation(matrix: FloatArray, codes: IntArray) -> FloatArray:
    """(n, n) correlation between samples after the class mean of each probe is subtracted.

    Otherwise all samples of a class would be similar.
    """
    return correlation(centred_on_means(matrix, codes))


def centred_on_means(matrix: FloatArray, codes: IntArray) -> FloatArray:
    """(n, p) matrix minus the mean of each class, or of all samples for classes with fewer than 4."""
    rest = np.empty_like(matrix)
    overall = matrix.mean(axis=0)
    for code in np.unique(codes):
        rows = codes == code
        rest[rows] = matrix[rows] - (matrix[rows].mean(axis=0) if rows.sum() >= LEAST_CLASS else overall)
    return rest


def copy_correlation(matrix: FloatArray, codes: IntArray) -> FloatArray:
    """(n, n) correlation between samples after subtracting one class mean from both, to find copies across classes.

    For samples of different classes the smaller of the two correlations counts.  Each class mean in turn is subtracted
    from both samples, so that copies of one sample agree under both, and samples of one class with different labels
    under neither.
    """
    n = len(matrix)
    rest = matrix - matrix.mean(axis=0)
    rest -= rest.mean(axis=1, keepdims=True)
    inner = rest @ rest.T
    squares = np.diag(inner)
    r = np.zeros((n, n))
    for code in np.unique(codes):
        rows = codes == code
        # The class mean is this combination of the samples; small classes keep the mean of the cohort.
        weights = rows / rows.sum() if rows.sum() >= LEAST_CLASS else np.zeros(n)
        along = inner @ weights
        length = float(weights @ along)
        norms = np.sqrt(np.maximum(squares - 2 * along + length, 0.0))
        norms[norms <= 1e-7 * np.sqrt(squares.max(initial=1.0))] = np.inf
        products = inner[rows] - along[rows, None] - along + length
        r[rows] = np.clip(products / norms[rows, None] / norms, -1.0, 1.0)
    return np.minimum(r, r.T)


def fisher_z(r: FloatArray) -> FloatArray:
    """Fisher's transformation, finite for a correlation of 1."""
    return np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))


def robust_sd(values: FloatArray) -> float:
    """Return the median absolute deviation, scaled to the standard deviation of a normal distribution."""
    return float(MAD_TO_SD * np.median(np.abs(values - np.median(values))))


def centred_by_class(values: FloatArray, codes: IntArray) -> FloatArray:
    """(..., n) values minus the median of their class, or of all samples for classes with fewer than 4."""
    centred = values - np.median(values, axis=-1, keepdims=True)
    for code in np.unique(codes):
        rows = codes == code
        if rows.sum() >= LEAST_CLASS:
            own = values[..., rows]
            centred[..., rows] = own - np.median(own, axis=-1, keepdims=True)
    return np.asarray(centred)


def cramer(values: StrArray, codes: IntArray) -> tuple[float, float]:
    """Return Cramér's V of two categories of the same samples, and the p-value of the chi-squared test.

    The test permutes, since counts are small; its smallest p-value is 0.0002.
    """
    levels, at = np.unique(values, return_inverse=True)
    _, rows = np.unique(codes, return_inverse=True)
    n_rows, n_levels = int(rows.max()) + 1, len(levels)
    if n_rows < 2 or n_levels < 2:
        return 0.0, 1.0
    expected = np.outer(np.bincount(rows), np.bincount(at)) / len(rows)

    def statistics(orders: IntArray) -> FloatArray:
        table = np.arange(len(orders))[:, None] * n_rows + orders
        counts = np.bincount((table * n_levels + at).ravel(), minlength=len(orders) * n_rows * n_levels)
        return ((counts.reshape(-1, n_rows, n_levels) - expected) ** 2 / expected).sum(axis=(1, 2))

    rng = np.random.default_rng(0)
    observed = float(statistics(rows[None])[0])
    hits, left = 0, N_PERMUTATIONS
    while left:
        n = min(left, 500)
        orders = rng.permuted(np.tile(rows, (n, 1)), axis=1)
        # Equal tables can differ by rounding.
        hits += int((statistics(orders) >= observed * (1 - 1e-9)).sum())
        left -= n
    effect = float(np.sqrt(observed / (len(rows) * (min(n_rows, n_levels) - 1))))
    return min(effect, 1.0), (1 + hits) / (1 + N_PERMUTATIONS)


def holm(p: FloatArray) -> FloatArray:
    """(n,) p-values adjusted for multiple testing.

    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    order = np.argsort(p, kind="stable")
    scaled = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(scaled, 1.0)
    return adjusted

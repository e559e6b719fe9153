"""How samples compare with each other: correlations, robust distances."""

from __future__ import annotations

import numpy as np

from leukotype.arrays import FloatArray, IntArray

# Makes the median absolute deviation an estimate of a normal distribution's standard deviation.
MAD_TO_SD = 1.4826
# Below this many samples a class has no centre of its own worth subtracting.
LEAST_CLASS = 4


def filled(expression: FloatArray) -> FloatArray:
    """Return the matrix with missing values replaced by the median of their probe (0 where all are missing)."""
    holes = np.isnan(expression)
    if not holes.any():
        return expression
    columns = holes.any(axis=0)
    block = expression[:, columns]
    medians = np.zeros(block.shape[1])
    known = ~np.isnan(block).all(axis=0)
    medians[known] = np.nanmedian(block[:, known], axis=0)
    whole = expression.copy()
    whole[:, columns] = np.where(np.isnan(block), medians, block)
    return whole


def correlation(rows: FloatArray) -> FloatArray:
    """(n, n) Pearson correlation between rows; 0 with a row that does not vary."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    norms = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    flat = norms[:, 0] <= 1e-12 * np.abs(rows).max(initial=1.0)
    unit = centred / np.where(flat[:, None], 1.0, norms)
    r = np.clip(unit @ unit.T, -1.0, 1.0)
    r[flat] = 0.0
    r[:, flat] = 0.0
    return np.asarray(r)


def residual_correlation(matrix: FloatArray, codes: IntArray) -> FloatArray:
    """(n, n) correlation between samples after each probe's class mean is subtracted.

    Without that all samples of one class would look alike.  Classes of fewer than 4 samples are centred on
    the mean of the cohort.
    """
    rest = np.empty_like(matrix)
    overall = matrix.mean(axis=0)
    for code in np.unique(codes):
        rows = codes == code
        rest[rows] = matrix[rows] - (matrix[rows].mean(axis=0) if rows.sum() >= LEAST_CLASS else overall)
    return correlation(rest)


def fisher_z(r: FloatArray) -> FloatArray:
    """Fisher's transformation, finite at a correlation of 1."""
    return np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))


def robust_sd(values: FloatArray) -> float:
    """Return the median absolute deviation from the median, scaled to a normal's standard deviation."""
    return float(MAD_TO_SD * np.median(np.abs(values - np.median(values))))


def robust_z(values: FloatArray, codes: IntArray) -> FloatArray:
    """(n,) distance of each value from the median of its class, in robust deviations pooled over classes.

    A class of fewer than 4 samples would hide its own outlier: it is compared with the cohort's median.
    All are 0 where the values do not vary.
    """
    centred = values - np.median(values)
    for code in np.unique(codes):
        rows = codes == code
        if rows.sum() >= LEAST_CLASS:
            centred[rows] = values[rows] - np.median(values[rows])
    spread = float(pooled_spread(centred, len(np.unique(codes))))
    flat = spread <= 1e-12 * np.abs(values).max(initial=1.0)
    return np.zeros(len(values)) if flat else centred / spread


def pooled_spread(centred: FloatArray, n_classes: int) -> FloatArray:
    """(...) robust deviation of values (..., n) that were centred by class."""
    n = centred.shape[-1]
    # Centring by each class's own median takes one degree of freedom a class.
    return np.asarray(MAD_TO_SD * np.median(np.abs(centred), axis=-1) * np.sqrt(n / max(n - n_classes, 1)))


def percent(share: float, digits: int = 0) -> str:
    """Return a share as it is printed, rounded down: 18 of 19 is not 95 %."""
    unit = 10.0**digits
    return f"{np.floor(100 * unit * share + 1e-9) / unit:g} %"


def listed(names: list[str], most: int = 5) -> str:
    """Return names for a sentence: the first few, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

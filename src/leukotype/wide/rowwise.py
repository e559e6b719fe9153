"""Products for one sample at a time.

A product of whole matrices may round a row differently in another batch; a sample called alone must get what
it gets among others, to the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def row_products(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """(n_rows, n_columns) rows @ matrix."""
    products = np.zeros((len(rows), matrix.shape[1]))
    add_row_products(products, rows, np.ascontiguousarray(matrix.T))
    return products


def add_row_products(sums: FloatArray, rows: FloatArray, others: FloatArray) -> None:
    """Add to `sums` (n_rows, n_others) the inner products of `rows` with `others`, both (n, length)."""
    for own, row in zip(sums, rows, strict=True):
        own += others @ row

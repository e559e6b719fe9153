"""Products of samples that come out the same for a sample alone and among others, to the last bit.

A product of whole matrices may round a row differently when it stands in another place of a larger batch.
"""

from __future__ import annotations

import numpy as np

from leukotype.arrays import FloatArray

# Products are taken of so many rows at a time, always: linear algebra libraries fill tiles of one shape alike
# in every row, and almost as fast as a product of whole matrices.
_TILE = 4


def row_products(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """(n_rows, n_columns) rows @ matrix."""
    products = np.zeros((len(rows), matrix.shape[1]))
    add_row_products(products, rows, np.ascontiguousarray(matrix.T))
    return products


def add_row_products(sums: FloatArray, rows: FloatArray, others: FloatArray) -> None:
    """Add to `sums` (n_rows, n_others) the inner products of `rows` with `others`, both (n, length)."""
    tile = np.zeros((_TILE, rows.shape[1]))
    for start in range(0, len(rows), _TILE):
        part = rows[start : start + _TILE]
        tile[: len(part)] = part
        sums[start : start + _TILE] += (tile @ others.T)[: len(part)]

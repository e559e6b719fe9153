"""Linear sums of samples, and the links from such margins to probabilities or scores.

Every row is computed independently of the others, to the last bit: a product of whole matrices may round a row
differently at another place of a larger batch.
"""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np

from leukotype.arrays import FloatArray

Link = Literal["softmax", "logistic", "duels"]
LINKS: tuple[Link, ...] = ("softmax", "logistic", "duels")
# What `evidence` weighs, in words for a report.
MEANING = {
    "softmax": "log p(class) minus the mean over the other classes",
    "logistic": "log odds of the class",
    "duels": "mean margin of the class against each other class",
}
# Products always take this many rows: BLAS then rounds every row alike, almost as fast as for whole matrices.
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


def n_margins(link: str, n_classes: int) -> int:
    """Number of margins: one per class, one for the second of two classes, or one per pair of classes."""
    if link == "duels":
        return n_classes * (n_classes - 1) // 2
    return 1 if link == "logistic" else n_classes


def apply_link(link: str, margins: FloatArray, n_classes: int) -> FloatArray:
    """(n, n_classes) probabilities, or for "duels" scores; the highest score is the predicted class.

    margins : (n, n_margins(link, n_classes)); for "duels" positive for the first class of each pair, in the order
              (0, 1), (0, 2), ..., (1, 2), ..., but for two classes positive for the second

    The score of a class is the number of duels that it wins plus a fraction below a third, the sum of its margins,
    which orders classes with equally many (scikit-learn's decision_function_shape="ovr"). For two classes the
    scores are (-margin, margin).
    """
    if link == "softmax":
        return softmax(margins)
    if link == "logistic":
        return softmax(np.concatenate([np.zeros_like(margins), margins], axis=1))
    if n_classes == 2:
        return np.concatenate([-margins, margins], axis=1)
    sides = _sides(n_classes)
    won = (row_products(np.where(margins >= 0, 1.0, -1.0), sides) + n_classes - 1) / 2
    confidence = row_products(margins, sides)
    return won + confidence / (3 * (np.abs(confidence) + 1))


def evidence(link: str, code: int, n_classes: int) -> FloatArray:
    """(n_margins,) weights of the margins in the evidence for class `code`.

    The evidence is, for probabilities, log p(class) minus the mean of the other classes' log p (for two classes the
    log odds), and for duels the mean margin of the class's duels.
    """
    if link == "softmax":
        weights = np.full(n_classes, -1.0 / (n_classes - 1))
        weights[code] = 1.0
        return weights
    if link == "logistic" or n_classes == 2:
        return np.array([1.0 if code == 1 else -1.0])
    return np.asarray(_sides(n_classes)[:, code] / (n_classes - 1))


def softmax(margins: FloatArray) -> FloatArray:
    """(n, n_classes) exp(margins), each row divided by its sum."""
    powers = np.exp(np.ascontiguousarray(margins - margins.max(axis=1, keepdims=True)))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _sides(n_classes: int) -> FloatArray:
    """(n_duels, n_classes) 1 for the first class of a duel, -1 for the second."""
    sides = np.zeros((n_margins("duels", n_classes), n_classes))
    for duel, (first, second) in enumerate(combinations(range(n_classes), 2)):
        sides[duel, first], sides[duel, second] = 1.0, -1.0
    return sides

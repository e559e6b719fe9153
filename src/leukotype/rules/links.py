"""From margins to probabilities or scores, each row by itself."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.wide.rowwise import row_products

Link = Literal["softmax", "logistic", "duels"]
LINKS: tuple[Link, ...] = ("softmax", "logistic", "duels")
# What `evidence` weighs, in words for a report.
MEANING = {
    "softmax": "log probability of the class less the mean of the others'",
    "logistic": "log odds of the class",
    "duels": "mean margin of the class against each other class",
}


def n_margins(link: str, n_classes: int) -> int:
    """Margins that a link takes: one per class, one for the second of two, or one for each two classes."""
    if link == "duels":
        return n_classes * (n_classes - 1) // 2
    return 1 if link == "logistic" else n_classes


def apply(link: str, margins: FloatArray, n_classes: int) -> FloatArray:
    """(n, n_classes) probabilities, or for "duels" the scores of one-against-one machines.

    margins : (n, n_margins(link, n_classes))
    """
    if link == "softmax":
        return softmax(margins)
    if link == "logistic":
        both = np.concatenate([np.zeros_like(margins), margins], axis=1)
        return softmax(both)
    if n_classes == 2:
        return np.concatenate([-margins, margins], axis=1)
    sides = _sides(n_classes)
    won = (row_products(np.where(margins >= 0, 1.0, -1.0), sides) + n_classes - 1) / 2
    confidence = row_products(margins, sides)
    return won + confidence / (3 * (np.abs(confidence) + 1))


def evidence(link: str, code: int, n_classes: int) -> FloatArray:
    """(n_margins,) weights of the margins in what speaks for class `code`.

    For probabilities that sum is the logarithm of the class's probability less the mean logarithm of the
    others' (for two classes its log odds); for duels it is the mean margin of the duels the class is in.
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
    # Duels in the order (0, 1), (0, 2), ..., (1, 2), ...: a margin above 0 is for the first of the two.
    sides = np.zeros((n_margins("duels", n_classes), n_classes))
    for duel, (first, second) in enumerate(combinations(range(n_classes), 2)):
        sides[duel, first], sides[duel, second] = 1.0, -1.0
    return sides

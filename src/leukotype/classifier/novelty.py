"""Novelty: distance of a sample to the nearest class, compared with held-out training samples."""

from __future__ import annotations

from dataclasses import dataclass

from leukotype.arrays import FloatArray
from leukotype.recipes.scorer import ClassMeans

LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Novelty:
    """The rule by which a sample counts as unlike the training samples.

    held_out : (n_train,) distances of the training samples when they were held out, ascending
    level    : share of samples from the training source that the rule rejects

    The share of held-out samples at least as distant is a p-value for samples from the source of the training samples
    (Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World).
    """

    classes: ClassMeans
    held_out: FloatArray
    level: float = LEVEL

    def p_value(self, distance: float) -> float:
        """Return the p-value of a distance among the held-out ones."""
        return p_value(self.held_out, distance)


def p_value(held_out: FloatArray, distance: float) -> float:
    """(1 + number of `held_out` at least as large as `distance`) / (1 + their number)."""
    return float((1 + (held_out >= distance).sum()) / (1 + len(held_out)))

"""The rule that reads nothing: the class shares of the training samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules.fields import Fields, refuse
from leukotype.rules.rule import Contributions, Parts, Rule

# Shares of a few samples, summed in another order.
CLOSE = 1e-9


@dataclass(frozen=True, eq=False)
class Constant(Rule):
    """The same probabilities for every sample.

    shares : (n_classes,)
    """

    shares: FloatArray

    kind = "constant"

    def _output(self, x: FloatArray) -> FloatArray:
        return np.tile(self.shares, (len(x), 1))

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        return Contributions(np.zeros(x.shape), "exact", float(self.shares[code]), "probability of the class")

    def _own_parts(self) -> Parts:
        return {}, {"shares": self.shares}

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        if len(reads):
            refuse("a rule of constant probabilities reads no probe")
        shares = fields.floats("shares", (n_classes,), 0.0, 1.0)
        if abs(shares.sum() - 1.0) > CLOSE:
            refuse("its class shares do not add up to 1")
        return cls(n_classes, n_probes, reads, shares)

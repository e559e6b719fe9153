"""Gaussian naive Bayes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import links
from leukotype.rules.fields import LARGEST, Fields, refuse
from leukotype.rules.rule import Contributions, Parts, Rule

_CLOSE = 1e-9


@dataclass(frozen=True, eq=False)
class Gaussian(Rule):
    """Independent normal probes within each class.

    shares   : (n_classes,) prior probabilities, above 0
    mean     : (n_classes, n_read)
    variance : (n_classes, n_read)
    """

    shares: FloatArray
    mean: FloatArray
    variance: FloatArray

    kind = "gaussian"

    def _output(self, x: FloatArray) -> FloatArray:
        normal = -0.5 * np.log(2.0 * np.pi * self.variance).sum(axis=1)
        joint = np.empty((len(x), self.n_classes))
        for own, sample in zip(joint, x, strict=True):
            squares = (sample - self.mean) ** 2
            squares /= self.variance
            own[:] = np.log(self.shares) + (normal - 0.5 * squares.sum(axis=1))
        return links.softmax(joint)

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        towards = links.evidence("softmax", code, self.n_classes)
        values = np.empty(x.shape)
        for own, sample in zip(values, x, strict=True):
            own[:] = towards @ (-0.5 * (np.log(self.variance) + (sample - self.mean) ** 2 / self.variance))
        base = float(towards @ np.log(self.shares))
        return Contributions(values, "exact", base, links.MEANING["softmax"])

    def _own_parts(self) -> Parts:
        return {}, {"shares": self.shares, "mean": self.mean, "variance": self.variance}

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        shares = fields.floats("shares", (n_classes,), 1e-12, 1.0)
        if abs(shares.sum() - 1.0) > _CLOSE:
            refuse("its class shares do not add up to 1")
        shape = (n_classes, len(reads))
        variance = fields.floats("variance", shape, 1 / LARGEST)
        return cls(n_classes, n_probes, reads, shares, fields.floats("mean", shape), variance)

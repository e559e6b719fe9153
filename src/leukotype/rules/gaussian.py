"""Gaussian naive Bayes, and the class shares alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules.fields import LARGEST, Fields, refuse
from leukotype.rules.margins import MEANING, evidence, softmax
from leukotype.rules.rule import Contributions, Parts, Rule


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

    def unchecked_output(self, x: FloatArray) -> FloatArray:
        normal = -0.5 * np.log(2.0 * np.pi * self.variance).sum(axis=1)
        joint = np.empty((len(x), self.n_classes))
        for own, sample in zip(joint, x, strict=True):
            squares = (sample - self.mean) ** 2
            squares /= self.variance
            own[:] = np.log(self.shares) + (normal - 0.5 * squares.sum(axis=1))
        return softmax(joint)

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        towards = evidence("softmax", code, self.n_classes)
        values = np.empty(x.shape)
        for own, sample in zip(values, x, strict=True):
            own[:] = towards @ (-0.5 * (np.log(self.variance) + (sample - self.mean) ** 2 / self.variance))
        return Contributions(values, "exact", float(towards @ np.log(self.shares)), MEANING["softmax"])

    def _own_parts(self) -> Parts:
        return {}, {"shares": self.shares, "mean": self.mean, "variance": self.variance}

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        shares = fields.shares(n_classes, least=1e-12)
        shape = (n_classes, len(reads))
        variance = fields.floats("variance", shape, 1 / LARGEST)
        return cls(n_classes, n_probes, reads, shares, fields.floats("mean", shape), variance)


@dataclass(frozen=True, eq=False)
class Constant(Rule):
    """The class shares of the training samples, for every sample.

    shares : (n_classes,)
    """

    shares: FloatArray

    kind = "constant"

    def unchecked_output(self, x: FloatArray) -> FloatArray:
        return np.tile(self.shares, (len(x), 1))

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        return Contributions(np.zeros(x.shape), "exact", float(self.shares[code]), "probability of the class")

    def _own_parts(self) -> Parts:
        return {}, {"shares": self.shares}

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        if len(reads):
            refuse("a rule of constant probabilities must not read probes")
        return cls(n_classes, n_probes, reads, fields.shares(n_classes))

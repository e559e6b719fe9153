"""Rules of linear sums of the probes, without hidden layers and with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules.fields import Fields, refuse
from leukotype.rules.margins import LINKS, MEANING, Link, apply_link, evidence, n_margins, row_products
from leukotype.rules.rule import Contributions, Parts, Rule

MOST_LAYERS = 4
_NETWORK_LINKS: tuple[Link, ...] = ("softmax", "logistic")
# Products along four layers stay finite.
_LARGEST_WEIGHT = 1e20
_STEPS = 64


@dataclass(frozen=True, eq=False)
class Linear(Rule):
    """(x - centre) @ weights.T + intercept, through a link: regressions, SVMs, centroids, linear discriminants.

    link      : one of `margins.LINKS`
    centre    : (n_read,) mean of the training samples
    weights   : (n_margins, n_read) per unit of raw expression
    intercept : (n_margins,) margins of the mean training sample
    """

    link: str
    centre: FloatArray
    weights: FloatArray
    intercept: FloatArray

    kind = "linear"

    def unchecked_output(self, x: FloatArray) -> FloatArray:
        margins = row_products(x - self.centre, self.weights.T) + self.intercept
        return apply_link(self.link, margins, self.n_classes)

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        towards = evidence(self.link, code, self.n_classes)
        values = (x - self.centre) * (towards @ self.weights)
        return Contributions(values, "exact", float(towards @ self.intercept), MEANING[self.link])

    def _own_parts(self) -> Parts:
        arrays = {"centre": self.centre, "weights": self.weights, "intercept": self.intercept}
        return {"link": self.link}, arrays

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        link = fields.link(LINKS, n_classes)
        height = n_margins(link, n_classes)
        centre = fields.floats("centre", (len(reads),))
        weights = fields.floats("weights", (height, len(reads)))
        return cls(n_classes, n_probes, reads, link, centre, weights, fields.floats("intercept", (height,)))


@dataclass(frozen=True, eq=False)
class Perceptron(Rule):
    """A neural network: layers of linear sums with rectified linear units between them.

    link    : of the last layer's sums
    centre  : (n_read,) mean of the training samples
    weights : one (n_in, n_out) per layer; the first takes x - centre in raw expression
    biases  : one (n_out,) per layer
    """

    link: str
    centre: FloatArray
    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]

    kind = "perceptron"

    def unchecked_output(self, x: FloatArray) -> FloatArray:
        first = row_products(x - self.centre, self.weights[0]) + self.biases[0]
        return apply_link(self.link, self._onward(first), self.n_classes)

    def _onward(self, sums: FloatArray) -> FloatArray:
        for weights, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            sums = row_products(np.maximum(sums, 0.0), weights) + bias
        return sums

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        towards = evidence(self.link, code, self.n_classes)
        apart = x - self.centre
        path = row_products(apart, self.weights[0])
        values = np.empty(x.shape)
        for row, direction in enumerate(path):
            # The mean gradient along the straight line from the mean training sample.
            shares = (np.arange(_STEPS) + 0.5) / _STEPS
            slope = self._slopes(shares[:, None] * direction + self.biases[0], towards).mean(axis=0)
            values[row] = apart[row] * (self.weights[0] @ slope)
        base = float((self._onward(self.biases[0][None, :]) @ towards)[0])
        meaning = MEANING[self.link] + " (integrated gradients from the mean training sample)"
        return Contributions(values, "approximate", base, meaning)

    def _slopes(self, sums: FloatArray, towards: FloatArray) -> FloatArray:
        """(n, n_first) derivative of the evidence by the first layer's sums."""
        active = []
        for weights, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            active.append(sums > 0)
            sums = np.maximum(sums, 0.0) @ weights + bias
        slope = np.broadcast_to(towards, sums.shape)
        for weights, on in zip(self.weights[:0:-1], active[::-1], strict=True):
            slope = (slope @ weights.T) * on
        return slope

    def _own_parts(self) -> Parts:
        arrays = {"centre": self.centre}
        for number, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            arrays |= {f"weights_{number}": weights, f"bias_{number}": bias}
        return {"link": self.link, "n_layers": len(self.weights)}, arrays

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        link = fields.link(_NETWORK_LINKS, n_classes)
        weights, biases, width = [], [], len(reads)
        for number in range(fields.whole("n_layers", 1, MOST_LAYERS)):
            bounds = -_LARGEST_WEIGHT, _LARGEST_WEIGHT
            weights.append(fields.floats(f"weights_{number}", (width, None), *bounds))
            width = weights[-1].shape[1]
            biases.append(fields.floats(f"bias_{number}", (width,), *bounds))
        if width != n_margins(link, n_classes):
            refuse(f"its last layer has {width} sums, which does not fit {n_classes} classes")
        centre = fields.floats("centre", (len(reads),))
        return cls(n_classes, n_probes, reads, link, centre, tuple(weights), tuple(biases))

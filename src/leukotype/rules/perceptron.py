"""Neural networks of a few layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import links
from leukotype.rules.fields import Fields, refuse
from leukotype.rules.rule import Contributions, Parts, Rule
from leukotype.wide.rowwise import row_products

LINKS: tuple[links.Link, ...] = ("softmax", "logistic")
MOST_LAYERS = 4
# Products along four layers stay finite.
_LARGEST = 1e20
_STEPS = 64


@dataclass(frozen=True, eq=False)
class Perceptron(Rule):
    """Layers of linear sums, cut off below 0 between one and the next.

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

    def _output(self, x: FloatArray) -> FloatArray:
        first = row_products(x - self.centre, self.weights[0]) + self.biases[0]
        return links.apply(self.link, self._onward(first), self.n_classes)

    def _onward(self, sums: FloatArray) -> FloatArray:
        for weights, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            sums = row_products(np.maximum(sums, 0.0), weights) + bias
        return sums

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        towards = links.evidence(self.link, code, self.n_classes)
        apart = x - self.centre
        path = row_products(apart, self.weights[0])
        values = np.empty(x.shape)
        for row, direction in enumerate(path):
            # Along the straight line from the mean training sample: its slopes, averaged.
            shares = (np.arange(_STEPS) + 0.5) / _STEPS
            slope = self._slopes(shares[:, None] * direction + self.biases[0], towards).mean(axis=0)
            values[row] = apart[row] * (self.weights[0] @ slope)
        base = float((self._onward(self.biases[0][None, :]) @ towards)[0])
        meaning = links.MEANING[self.link] + " (integrated gradients from the mean training sample)"
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
        link = fields.choice("link", LINKS)
        if link == "logistic" and n_classes != 2:
            refuse(f"one margin cannot tell {n_classes} classes apart")
        n_layers = fields.whole("n_layers", 1, MOST_LAYERS)
        weights, biases, width = [], [], len(reads)
        for number in range(n_layers):
            weights.append(fields.floats(f"weights_{number}", (width, None), -_LARGEST, _LARGEST))
            width = weights[-1].shape[1]
            biases.append(fields.floats(f"bias_{number}", (width,), -_LARGEST, _LARGEST))
        if width != links.n_margins(link, n_classes):
            refuse(f"its last layer has {width} sums, which is not what {n_classes} classes need")
        centre = fields.floats("centre", (len(reads),))
        return cls(n_classes, n_probes, reads, link, centre, tuple(weights), tuple(biases))

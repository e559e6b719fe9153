"""Rules that are linear in the probes: regressions, machines, centroids, linear discriminants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import links
from leukotype.rules.fields import Fields, refuse
from leukotype.rules.rule import Contributions, Parts, Rule
from leukotype.wide.rowwise import row_products


@dataclass(frozen=True, eq=False)
class Linear(Rule):
    """(x - centre) @ weights.T + intercept, through a link.

    link      : one of `links.LINKS`
    centre    : (n_read,) mean of the training samples
    weights   : (n_margins, n_read) per unit of raw expression
    intercept : (n_margins,) margins of the mean training sample
    """

    link: str
    centre: FloatArray
    weights: FloatArray
    intercept: FloatArray

    kind = "linear"

    def _output(self, x: FloatArray) -> FloatArray:
        margins = row_products(x - self.centre, self.weights.T) + self.intercept
        return links.apply(self.link, margins, self.n_classes)

    def _contributions(self, x: FloatArray, code: int) -> Contributions:
        towards = links.evidence(self.link, code, self.n_classes)
        values = (x - self.centre) * (towards @ self.weights)
        return Contributions(values, "exact", float(towards @ self.intercept), links.MEANING[self.link])

    def _own_parts(self) -> Parts:
        arrays = {"centre": self.centre, "weights": self.weights, "intercept": self.intercept}
        return {"link": self.link}, arrays

    @classmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self:
        link = fields.choice("link", links.LINKS)
        if link == "logistic" and n_classes != 2:
            refuse(f"one margin cannot tell {n_classes} classes apart")
        height = links.n_margins(link, n_classes)
        return cls(
            n_classes,
            n_probes,
            reads,
            link,
            fields.floats("centre", (len(reads),)),
            fields.floats("weights", (height, len(reads))),
            fields.floats("intercept", (height,)),
        )

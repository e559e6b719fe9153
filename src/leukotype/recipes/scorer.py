"""Scorer: a fitted rule with its alignment. ClassMeans: class means for missing values and distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.recipes.alignment import Alignment
from leukotype.rules import Rule


@dataclass(frozen=True, eq=False)
class Scorer:
    """A rule, the alignment of its samples, and the temperature of its scores.

    temperature : divides the scores before the softmax; None if the rule gives probabilities
    """

    alignment: Alignment
    rule: Rule
    temperature: float | None

    def probabilities(self, aligned: FloatArray) -> FloatArray:
        """(n, n_classes) for aligned samples (n, n_probes) without missing values; rows are independent."""
        output = self.rule.output(aligned[:, self.rule.reads])
        if self.temperature is None:
            return output
        return softmax(output / self.temperature)


def softmax(margins: FloatArray) -> FloatArray:
    """(n, n_classes) exp(margins), each row divided by its sum."""
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """Class means of aligned training samples, and the unit of distance of each probe.

    means : (n_classes, n_probes)
    scale : (n_probes,) pooled within-class standard deviation plus its median over the probes, so that probes with
            little variance do not dominate (Tibshirani et al. 2002)
    """

    means: FloatArray
    scale: FloatArray

    @classmethod
    def learn(cls, x: FloatArray, labels: IntArray) -> Self:
        """Learn from aligned samples `x` (n_train, n_probes) of classes 0 .. n_classes - 1."""
        n_classes = int(labels.max()) + 1
        means = np.array([x[labels == code].mean(axis=0) for code in range(n_classes)])
        squares = np.zeros(x.shape[1])
        for row, code in zip(x, labels.tolist(), strict=True):
            squares += (row - means[code]) ** 2
        within = np.sqrt(squares / max(len(x) - n_classes, 1))
        typical = float(np.median(within))
        return cls(means, within + (typical or 1.0))

    def fill(self, aligned: FloatArray, present: IntArray) -> FloatArray:
        """(n_probes,) a sample with its missing values imputed from the class means.

        aligned : (n_probes,) any number at a missing value
        present : probes that have a value

        The sample is modelled as the mean of the class means plus a combination of their differences, fitted by least
        squares to the observed probes in within-class standard deviations, with a unit normal prior on the weights.
        The mean over all training samples would favour the largest class.
        """
        missing = np.ones(len(aligned), dtype=bool)
        missing[present] = False
        if not missing.any():
            return aligned
        centre = self.means.mean(axis=0)
        differences = self.means - centre
        weighed = differences[:, present] / self.scale[present]
        z = (aligned[present] - centre[present]) / self.scale[present]
        # Negative eigenvalues are rounding errors; with very distant means they would outweigh the prior.
        values, vectors = np.linalg.eigh(np.einsum("ip,jp->ij", weighed, weighed))
        along = np.einsum("ij,i->j", vectors, np.einsum("ip,p->i", weighed, z))
        shares = np.einsum("ij,j->i", vectors, along / (np.maximum(values, 0.0) + 1.0))
        filled = aligned.copy()
        filled[missing] = centre[missing] + np.einsum("i,ip->p", shares, differences[:, missing])
        return filled

    def distance(self, aligned: FloatArray, present: IntArray | None = None) -> float:
        """Mean squared distance per probe of a sample (n_probes,) to the nearest class mean.

        present : probes that have a value; all by default
        """
        means, scale = self.means, self.scale
        if present is not None and len(present) < len(aligned):
            aligned, means, scale = aligned[present], means[:, present], scale[present]
        if not len(aligned):
            return 0.0
        return float(min((((aligned - mean) / scale) ** 2).mean() for mean in means))

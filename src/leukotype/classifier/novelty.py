"""How unlike its training samples a sample is: distance to the nearest class, against that of held-out samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray

LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """Class means of aligned training samples, and what a probe's distance is measured in.

    means : (n_classes, n_probes)
    scale : (n_probes,) pooled deviation within the classes, plus its median over the probes, so that probes of
            little variance don't count for more than all others (Tibshirani et al. 2002)
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
        """(n_probes,) a sample with what it lacks as samples with its other values have it.

        aligned : (n_probes,) whatever stands where a value is missing
        present : the probes that have a value

        The sample is taken for the mean of the class means and some of their differences, by least squares over the
        probes it has, in within-class deviations, with a unit normal prior on how much of each; what is missing is
        read off there.  A mean over all training samples would speak for the largest class.
        """
        missing = np.ones(len(aligned), dtype=bool)
        missing[present] = False
        if not missing.any():
            return aligned
        centre = self.means.mean(axis=0)
        differences = self.means - centre
        weighed = differences[:, present] / self.scale[present]
        z = (aligned[present] - centre[present]) / self.scale[present]
        # By eigenvalues, none below 0: beside means that are very far apart rounding loses the prior.
        values, vectors = np.linalg.eigh(np.einsum("ip,jp->ij", weighed, weighed))
        along = np.einsum("ij,i->j", vectors, np.einsum("ip,p->i", weighed, z))
        shares = np.einsum("ij,j->i", vectors, along / (np.maximum(values, 0.0) + 1.0))
        filled = aligned.copy()
        filled[missing] = centre[missing] + np.einsum("i,ip->p", shares, differences[:, missing])
        return filled

    def distance(self, aligned: FloatArray, present: IntArray | None = None) -> float:
        """Mean squared distance per probe of a sample (n_probes,) to the nearest class mean.

        present : the probes that count, where some have no value
        """
        means, scale = self.means, self.scale
        if present is not None:
            aligned, means, scale = aligned[present], means[:, present], scale[present]
        if not len(aligned):
            return 0.0
        return float(min((((aligned - mean) / scale) ** 2).mean() for mean in means))


@dataclass(frozen=True, eq=False)
class Unlikeness:
    """The rule by which a sample counts as unlike those of training.

    held_out : (n_train,) distances of the training samples where they were held out, ascending
    level    : share of samples like those of training that is abstained on

    The share of held-out samples at least as far off is a p-value where the new sample comes from where the training
    samples came from (Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World).
    """

    classes: ClassMeans
    held_out: FloatArray
    level: float = LEVEL

    def p_value(self, distance: float) -> float:
        """Share of held-out training samples, and of this one, at least as far off."""
        return p_value(self.held_out, distance)


def p_value(held_out: FloatArray, distance: float) -> float:
    """(1 + number of `held_out` at least as large as `distance`) / (1 + their number)."""
    return float((1 + (held_out >= distance).sum()) / (1 + len(held_out)))

"""What a metric sees: the truth, the call and the probabilities of every sample, out of fold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leukotype.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Scored:
    """One set of out-of-fold predictions.

    labels        : (n_samples,) class codes 0 .. n_classes - 1; every class has at least one sample
    predicted     : (n_samples,) class codes
    probabilities : (n_samples, n_classes), rows summing to 1
    """

    labels: IntArray
    predicted: IntArray
    probabilities: FloatArray

    @property
    def n_samples(self) -> int:
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        return int(self.probabilities.shape[1])

    @cached_property
    def ones(self) -> FloatArray:
        """(1, n_samples) the weights that count every sample once."""
        return np.ones((1, self.n_samples))

    @cached_property
    def cells(self) -> FloatArray:
        """(n_samples, n_classes²) indicator of the confusion-matrix cell of each sample."""
        cell = self.labels * self.n_classes + self.predicted
        return np.eye(self.n_classes**2)[cell]

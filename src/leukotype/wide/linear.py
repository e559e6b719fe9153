"""Rules linear in the probes, in the two forms in which they are found: by samples and by probes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide.fold import Fold
from leukotype.wide.rowwise import row_products


@dataclass(frozen=True, eq=False)
class SampleRule:
    """Margins whose coefficients are sums of standardised training samples.

    fold      : the fold it was fitted on
    dual      : (n_train, n_margins) weights of the samples in the sums
    intercept : (n_margins,)
    """

    fold: Fold
    dual: FloatArray
    intercept: FloatArray

    def margins(self, fold: Fold) -> FloatArray:
        """(fold.n_test, n_margins) of the test part of `fold`."""
        if self.fold.n_probes < self.fold.n_train:
            rows = self.fold.standardised(fold.x_test)
            return row_products(rows, self._on_probes.T) + self.intercept
        return row_products(self.fold.cross_from(fold), self.dual) + self.intercept

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """(n_margins, n_probes) and (n_margins,): margins are z @ coefficients.T + intercept.

        z is standardised by the mean and the scale of the fold it was fitted on.
        """
        return self._on_probes, self.intercept

    @cached_property
    def _on_probes(self) -> FloatArray:
        return self.fold.onto_probes(self.dual)


@dataclass(frozen=True, eq=False)
class ProbeRule:
    """Margins that read some of the probes, as differences from their training means.

    fold      : the fold it was fitted on
    probes    : (n_read,) columns, ascending
    weights   : (n_margins, n_read) per unit of raw expression
    intercept : (n_margins,) margins of the mean training sample
    """

    fold: Fold
    probes: IntArray
    weights: FloatArray
    intercept: FloatArray

    def margins(self, fold: Fold) -> FloatArray:
        """(fold.n_test, n_margins) of the test part of `fold`."""
        rows = fold.x_test[:, self.probes] - self.fold.mean[self.probes]
        return row_products(rows, self.weights.T) + self.intercept

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """(n_margins, n_probes) and (n_margins,): margins are z @ coefficients.T + intercept.

        z is standardised by the mean and the scale of the fold it was fitted on.
        """
        coefficients = np.zeros((len(self.weights), self.fold.n_probes))
        coefficients[:, self.probes] = self.weights * self.fold.scale[self.probes]
        return coefficients, self.intercept

"""The interface of every solver: a fold and a grid go in, one fitted candidate per setting comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide.fold import Fold

Setting = Mapping[str, Any]


class Candidate(Protocol):
    """One setting, fitted on the training part of one fold."""

    @property
    def setting(self) -> Setting:
        """The setting of the grid that this candidate was fitted with."""

    @property
    def probes(self) -> IntArray | None:
        """Columns the fitted rule reads; None where it reads every column."""

    def predict_proba(self, fold: Fold) -> FloatArray:
        """Return (n_test, n_classes) for the test part of `fold`, rows summing to 1.

        Models that give "scores" instead of "probabilities" return decision scores of that shape.
        """


class Path(Protocol):
    """A solver of a whole grid on one fold.

    fold   : the split; only its training part may be read while fitting
    labels : (n_train,) int, class codes 0 .. n_classes - 1 of the training part; every class is present
    grid   : the settings wanted, in order
    rng    : source of whatever randomness the solver needs

    Returns one candidate per setting, in the order of the grid.
    """

    def __call__(
        self, fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
    ) -> Sequence[Candidate]: ...

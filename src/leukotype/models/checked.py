"""What a stranger's model gives, looked at before it is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide import Candidate, Fold, Path, Setting

# Single precision adds up to one within this.
_CLOSE = 1e-4


@dataclass(frozen=True)
class Checked:
    """A path whose candidates are counted, and whose predictions are looked at.

    gives : as `Model.gives`

    Raises ValueError, in words for the author of the model.
    """

    path: Path
    gives: frozenset[str]

    def __call__(
        self, fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
    ) -> list[Candidate]:
        """Return one checked candidate per setting."""
        candidates = list(self.path(fold, labels, grid, rng))
        if len(candidates) != len(grid):
            raise ValueError(
                f"{len(candidates)} candidates came back for {len(grid)} settings; one each is needed"
            )
        n_classes = int(labels.max()) + 1
        return [_CheckedCandidate(candidate, n_classes, self.gives) for candidate in candidates]


@dataclass(frozen=True, eq=False)
class _CheckedCandidate:
    inner: Any
    n_classes: int
    gives: frozenset[str]

    @property
    def setting(self) -> Setting:
        return dict(self.inner.setting)

    @property
    def probes(self) -> IntArray | None:
        read = getattr(self.inner, "probes", None)
        return None if read is None else np.asarray(read, dtype=np.intp)

    @property
    def own_score(self) -> float:
        return float(self.inner.own_score)

    @property
    def held_out(self) -> FloatArray | None:
        given = getattr(self.inner, "held_out", None)
        return None if given is None else np.asarray(given, dtype=np.float64)

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) what the candidate gives, if it is that."""
        given = np.asarray(self.inner.predict_proba(fold), dtype=np.float64)
        needed = (fold.n_test, self.n_classes)
        if given.shape != needed:
            raise ValueError(f"predict_proba gave an array of shape {given.shape}, and {needed} is needed")
        if not np.isfinite(given).all():
            raise ValueError("predict_proba gave values that are no numbers")
        sums = given.sum(axis=1)
        if "scores" not in self.gives and ((given < 0).any() or (np.abs(sums - 1) > _CLOSE).any()):
            raise ValueError("predict_proba gave rows that do not add up to 1, or values below 0")
        return given


def unchecked(candidate: Candidate) -> Candidate:
    """Return what the author of a model gave, where `candidate` is that and a look at its predictions."""
    return candidate.inner if isinstance(candidate, _CheckedCandidate) else candidate

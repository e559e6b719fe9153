"""Calls: for each new sample a class or an abstention with its reasons, and what speaks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leukotype.arrays import BoolArray, FloatArray, IntArray, StrArray

ABSTAINED = "abstained"
OFF_SCALE, MISSING, UNLIKE, MARGIN = (
    "off-scale",
    "too many probes missing",
    "unlike the training samples",
    "low margin",
)
# In the order in which they make what follows meaningless.
REASONS = (OFF_SCALE, MISSING, UNLIKE, MARGIN)


@dataclass(frozen=True)
class Driver:
    """A probe and what it adds to the evidence for the class called, or nearest to a call.

    value   : expression after alignment: log2 intensity, or a normal score where samples are aligned by rank
    usual   : mean over the training samples
    imputed : whether the sample has no value of its own
    """

    probe: str
    symbol: str
    contribution: float
    value: float
    usual: float
    imputed: bool


@dataclass(frozen=True, eq=False)
class Evidence:
    """What drove one call.

    code    : class whose evidence is shared out
    drivers : probes with the greatest contributions in absolute value, the greatest first
    rest    : sum of what all other probes add
    base    : evidence that no probe accounts for
    how     : "exact" or "approximate"
    meaning : what is shared out, in words
    """

    code: int
    drivers: tuple[Driver, ...]
    rest: float
    base: float
    how: str
    meaning: str


@dataclass(frozen=True, eq=False)
class Calls:
    """What a classifier says of some samples; each row follows from its own sample alone.

    classes       : order of the columns of `probabilities` and `sets`
    samples       : (n,) sample ids
    probabilities : (n, n_classes) calibrated
    reasons       : one tuple per sample, of REASONS: why there is no call; empty where there is one
    sets          : (n, n_classes) which classes are in the prediction set; None where the file has none
    level         : confidence of those sets
    unlikeness    : (n,) mean squared distance per probe to the nearest class, in within-class deviations
    p_like        : (n,) share of held-out training samples at least as far off; small is unlike
    missing       : (n,) how many of the `n_read` probes that the rule reads have no value
    scales        : one per sample: what was done to the scale of its values
    matched       : how probes were matched, in words
    sets_said     : for whom the promise of the sets holds, in words; why there are none, where there are none
    evidence      : one per sample where asked for, else empty
    """

    classes: tuple[str, ...]
    samples: StrArray
    probabilities: FloatArray
    reasons: tuple[tuple[str, ...], ...]
    sets: BoolArray | None
    level: float
    novelty: FloatArray
    p_like: FloatArray
    missing: IntArray
    n_read: int
    scales: tuple[str, ...]
    matched: str = ""
    sets_said: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def n_samples(self) -> int:
        return len(self.samples)

    @property
    def predicted(self) -> IntArray:
        """(n,) code of the most probable class, whether it is called or not; the first where two tie."""
        return self.probabilities.argmax(axis=1)

    @property
    def called(self) -> BoolArray:
        """(n,) whether there is a call."""
        return np.array([not reasons for reasons in self.reasons], dtype=bool)

    @property
    def calls(self) -> list[str]:
        """The class of each sample, or `abstained`."""
        pairs = zip(self.predicted.tolist(), self.reasons, strict=True)
        return [ABSTAINED if reasons else self.classes[code] for code, reasons in pairs]

    def set_of(self, row: int) -> tuple[str, ...]:
        """Return the classes in the prediction set of a sample."""
        if self.sets is None:
            return ()
        return tuple(name for name, inside in zip(self.classes, self.sets[row], strict=True) if inside)

    def table(self) -> pd.DataFrame:
        """One row per sample: its call with the reason, probabilities, prediction set, unlikeness, probes and scale."""
        columns: dict[str, Any] = {
            "sample": self.samples,
            "call": self.calls,
            "reason": ["; ".join(reasons) for reasons in self.reasons],
        }
        columns |= {f"p[{name}]": self.probabilities[:, k] for k, name in enumerate(self.classes)}
        if self.sets is not None:
            columns[f"set_{100 * self.level:g}"] = [" | ".join(self.set_of(k)) for k in range(self.n_samples)]
        columns |= {
            "unlikeness": self.novelty,
            "p_like": self.p_like,
            "probes_used": self.n_read - self.missing,
            "probes_missing": self.missing,
            "scale": self.scales,
        }
        return pd.DataFrame(columns)

    def to_csv(self) -> str:
        """The table as CSV: the shortest digits that give back each number, lines ended by a newline alone."""
        return self.table().to_csv(index=False, lineterminator="\n")

    def __repr__(self) -> str:
        called = int(self.called.sum())
        return f"Calls({self.n_samples} samples: {called} called, {self.n_samples - called} abstained)"

"""Calls: for each new sample, a class or an abstention with its reasons, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leukotype.arrays import BoolArray, FloatArray, IntArray, StrArray
from leukotype.csv_text import csv_text

ABSTAINED = "abstained"
OFF_SCALE, MISSING, UNLIKE, MARGIN = (
    "off-scale",
    "too many probes missing",
    "unlike the training samples",
    "low margin",
)
# A flag of a call, not a reason to abstain.
OUTSIDE = "call outside its prediction set"
# In order of precedence: each makes those after it meaningless.
REASONS = (OFF_SCALE, MISSING, UNLIKE, MARGIN)


@dataclass(frozen=True)
class Driver:
    """The contribution of one probe to the evidence for the most probable class.

    value   : expression after alignment: log2 intensity, or a normal score after alignment by rank
    usual   : mean over the training samples
    imputed : whether the sample's own value is missing
    """

    probe: str
    symbol: str
    contribution: float
    value: float
    usual: float
    imputed: bool


@dataclass(frozen=True, eq=False)
class Evidence:
    """The contributions of probes to one call.

    code    : class that the contributions refer to
    drivers : probes with the largest absolute contributions, in descending order
    rest    : sum of the contributions of all other probes
    base    : evidence without any probe
    how     : "exact" or "approximate"
    meaning : the quantity that the contributions add up to, in words
    """

    code: int
    drivers: tuple[Driver, ...]
    rest: float
    base: float
    how: str
    meaning: str


@dataclass(frozen=True, eq=False)
class Calls:
    """The calls of a batch; each row depends on its own sample alone.

    classes       : order of the columns of `probabilities` and `sets`
    samples       : (n,) sample ids
    probabilities : (n, n_classes) calibrated
    reasons       : one tuple of REASONS per sample; empty if it is called
    sets          : (n, n_classes) whether each class is in the prediction set; None if the classifier has no sets
    level         : confidence of the sets
    novelty       : (n,) mean squared distance per probe to the nearest class mean, in within-class standard deviations
    p_like        : (n,) share of held-out training samples that are at least as distant
    missing       : (n,) number of missing probes among the `n_read` that the rule reads
    scales        : how the scale of each sample was treated
    matched       : how probes were matched
    sets_note     : coverage of the sets, or the reason why there are none
    evidence      : one per sample if requested, else empty
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
    sets_note: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def n_samples(self) -> int:
        return len(self.samples)

    @property
    def predicted(self) -> IntArray:
        """(n,) code of the most probable class, called or not; ties go to the first class name."""
        return self.probabilities.argmax(axis=1)

    @property
    def called(self) -> BoolArray:
        """(n,) whether each sample is called."""
        return np.array([not reasons for reasons in self.reasons], dtype=bool)

    @property
    def calls(self) -> list[str]:
        """The class of each sample, or ABSTAINED."""
        pairs = zip(self.predicted.tolist(), self.reasons, strict=True)
        return [ABSTAINED if reasons else self.classes[code] for code, reasons in pairs]

    def set_of(self, row: int) -> tuple[str, ...]:
        """Return the classes in the prediction set of a sample."""
        if self.sets is None:
            return ()
        return tuple(name for name, inside in zip(self.classes, self.sets[row], strict=True) if inside)

    @property
    def outside(self) -> BoolArray:
        """(n,) whether a sample is called although its prediction set lacks the class, often because it is empty.

        Such calls are wrong several times as often as others (benchmarks/calibration/abstention.py).
        """
        if self.sets is None or not self.n_samples:
            return np.zeros(self.n_samples, dtype=bool)
        return self.called & ~self.sets[np.arange(self.n_samples), self.predicted]

    def table(self) -> pd.DataFrame:
        """One row per sample: call, reason, probabilities, prediction set, flag, unlikeness, probes and scale."""
        columns: dict[str, Any] = {
            "sample": self.samples,
            "call": self.calls,
            "reason": ["; ".join(reasons) for reasons in self.reasons],
        }
        columns |= {f"p[{name}]": self.probabilities[:, k] for k, name in enumerate(self.classes)}
        if self.sets is not None:
            columns[f"set_{100 * self.level:g}"] = [" | ".join(self.set_of(k)) for k in range(self.n_samples)]
            columns["flag"] = np.where(self.outside, OUTSIDE, "")
        columns |= {
            "unlikeness": self.novelty,
            "p_like": self.p_like,
            "probes_used": self.n_read - self.missing,
            "probes_missing": self.missing,
            "scale": self.scales,
        }
        return pd.DataFrame(columns)

    @property
    def other_units(self) -> list[str]:
        """What the values look like, for each sample that was not called and has no log2 intensities."""
        looks = (how.partition("as given: ")[2] for how in self.scales)
        return [look for look, own in zip(looks, self.reasons, strict=True) if look and own]

    def to_csv(self, *, safe: bool = False) -> str:
        """Return the table as CSV with numbers at full precision; lines end with a newline.

        safe : whether text that looks like a formula is defused for spreadsheets
        """
        return csv_text(self.table(), safe=safe)

    def __repr__(self) -> str:
        called = int(self.called.sum())
        return f"Calls({self.n_samples} samples: {called} called, {self.n_samples - called} abstained)"

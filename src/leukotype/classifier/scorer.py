"""Scorer: a fitted rule with all it takes to feed it one sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.classifier.alignment import Alignment
from leukotype.rules import Rule


@dataclass(frozen=True, eq=False)
class Scorer:
    """A rule, the alignment its samples came by, and the temperature of its scores.

    temperature : by which scores are divided before the softmax; None where the rule gives probabilities
    """

    alignment: Alignment
    rule: Rule
    temperature: float | None

    def probabilities(self, aligned: FloatArray) -> FloatArray:
        """(n, n_classes) for samples that are aligned and complete (n, n_probes); no row depends on another."""
        output = self.rule.output(aligned[:, self.rule.reads])
        if self.temperature is None:
            return output
        return softmax(output / self.temperature)


def softmax(margins: FloatArray) -> FloatArray:
    """(n, n_classes) exp(margins), each row divided by its sum."""
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))

"""What was asked about one evaluation, kept together: the source of figures and of a report's section."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from leukotype.evaluation import Evaluation
from leukotype.inference.learning import LearningCurve
from leukotype.inference.permutation import PermutationTest


@dataclass(frozen=True, eq=False)
class Findings:
    """An evaluation and whatever was inferred from it; None where it was not asked for.

    permutation : test of one metric
    learning    : curve of one metric
    leaks       : table of `price_leaks`
    """

    evaluation: Evaluation
    permutation: PermutationTest | None = None
    learning: LearningCurve | None = None
    leaks: pd.DataFrame | None = None

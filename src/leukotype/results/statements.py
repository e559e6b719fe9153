"""Statements: what the report says, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass

from leukotype.evaluation import Evaluation
from leukotype.studies import Study, of_evaluation


@dataclass(frozen=True)
class Paragraph:
    """A heading and its text."""

    title: str
    text: str


def as_study(source: Evaluation | Study) -> Study:
    """Return `source` if it is a study, else a study of it without refits."""
    return source if isinstance(source, Study) else of_evaluation(source)

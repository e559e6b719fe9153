"""EXTERNAL: the figures of an external validation, as FIGURES are those of a study's data and results."""

from __future__ import annotations

from leukotype.figures import called, discrimination, likeness, precision, reliability, risk, roc
from leukotype.figures.figure import Figure

EXTERNAL: tuple[Figure, ...] = (
    Figure("called", called.TITLE, "external", called.draw, called.applies),
    Figure("roc", roc.TITLE, "external", discrimination.roc_curves, discrimination.applies),
    Figure(
        "precision-recall",
        precision.TITLE,
        "external",
        discrimination.precision_recall,
        discrimination.applies,
    ),
    Figure("reliability", reliability.TITLE, "external", reliability.draw, reliability.applies),
    Figure("risk-coverage", risk.TITLE, "external", risk.draw, risk.applies),
    Figure("likeness", likeness.TITLE, "external", likeness.draw, likeness.applies),
)

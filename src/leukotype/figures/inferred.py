"""INFERENCE: the figures of what was inferred from a study, as FIGURES are those of its data and results."""

from __future__ import annotations

from leukotype.figures import leaks, learning, permutation, stability
from leukotype.figures.figure import Drawing, Figure
from leukotype.study import Study


def _draw_stability(study: Study) -> Drawing:
    return stability.draw(study.evaluation)


def _stability_applies(study: Study) -> str | None:
    return stability.applies(study.evaluation)


INFERENCE: tuple[Figure, ...] = (
    Figure("stability", stability.TITLE, "inference", _draw_stability, _stability_applies),
    Figure("permutation", permutation.TITLE, "inference", permutation.draw, permutation.applies),
    Figure("leaks", leaks.TITLE, "inference", leaks.draw, leaks.applies),
    Figure("learning-curve", learning.TITLE, "inference", learning.draw, learning.applies),
)

"""FIGURES: one entry a figure: what it is called, what it is drawn from, how, and when it applies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leukotype.errors import UnknownName
from leukotype.figures import (
    calibration,
    called,
    class_counts,
    comparison,
    confusion,
    correlation,
    discrimination,
    heatmap,
    intensity,
    leaks,
    learning,
    likeness,
    pca,
    permutation,
    precision,
    ranks,
    reliability,
    risk,
    roc,
    samples,
    scores,
    stability,
    tsne,
    unsupervised,
)
from leukotype.figures.figure import Chart, Drawing, Figure, Part
from leukotype.figures.files import save, svg
from leukotype.studies import Study

__all__ = [
    "FIGURES",
    "Chart",
    "Drawing",
    "Figure",
    "Part",
    "by_name",
    "charts",
    "of_part",
    "of_study",
    "save",
    "svg",
]

# fmt: off
FIGURES: tuple[Figure, ...] = (
    Figure("class-counts", class_counts.TITLE, "data", class_counts.draw, class_counts.applies),
    Figure("intensity", intensity.TITLE, "data", intensity.draw, intensity.applies),
    Figure("pca", pca.TITLE, "data", pca.draw, pca.applies),
    Figure("tsne", tsne.TITLE, "data", tsne.draw, tsne.applies),
    Figure("correlation", correlation.TITLE, "data", correlation.draw, correlation.applies),
    Figure("heatmap", heatmap.TITLE, "data", heatmap.draw, heatmap.applies),
    Figure("unsupervised", unsupervised.TITLE, "data", unsupervised.draw, unsupervised.applies),
    Figure("comparison", comparison.TITLE, "evaluation", comparison.draw, comparison.applies),
    Figure("confusion", confusion.TITLE, "evaluation", confusion.draw, confusion.applies),
    Figure("roc", roc.TITLE, "evaluation", roc.draw, roc.applies),
    Figure("precision-recall", precision.TITLE, "evaluation", precision.draw, precision.applies),
    Figure("calibration", calibration.TITLE, "evaluation", calibration.draw, calibration.applies),
    Figure("samples", samples.TITLE, "evaluation", samples.draw, samples.applies),
    Figure("stability", stability.TITLE, "study", stability.draw, stability.applies),
    Figure("permutation", permutation.TITLE, "study", permutation.draw, permutation.applies),
    Figure("leaks", leaks.TITLE, "study", leaks.draw, leaks.applies),
    Figure("learning-curve", learning.TITLE, "study", learning.draw, learning.applies),
    Figure("critical-difference", ranks.TITLE, "benchmark", ranks.draw, ranks.applies),
    Figure("scores", scores.TITLE, "benchmark", scores.draw, scores.applies),
    Figure("called", called.TITLE, "validation", called.draw, called.applies),
    Figure("roc", roc.TITLE, "validation", discrimination.roc_curves, discrimination.applies),
    Figure("precision-recall", precision.TITLE, "validation", discrimination.precision_recall, discrimination.applies),
    Figure("reliability", reliability.TITLE, "validation", reliability.draw, reliability.applies),
    Figure("risk-coverage", risk.TITLE, "validation", risk.draw, risk.applies),
    Figure("likeness", likeness.TITLE, "validation", likeness.draw, likeness.applies),
)
# fmt: on


def of_part(part: Part) -> tuple[Figure, ...]:
    """Return the figures of one part, in the order of FIGURES."""
    return tuple(figure for figure in FIGURES if figure.part == part)


def by_name(name: str) -> Figure:
    """Return the figure called `name`, of an evaluation rather than of a validation if both have one.

    Raises UnknownName with the names of all figures.
    """
    for figure in FIGURES:
        if figure.name == name:
            return figure
    known = ", ".join(dict.fromkeys(figure.name for figure in FIGURES))
    raise UnknownName(f"no figure {name!r}. Choose from {known}.")


def of_study(study: Study) -> list[tuple[Figure, Any]]:
    """Return every figure of a study, each with what it is drawn from."""
    sources: dict[Part, Any] = {"data": study.cohort, "evaluation": study.evaluation, "study": study}
    return [(figure, source) for part, source in sources.items() for figure in of_part(part)]


def charts(study: Study) -> Mapping[str, Chart]:
    """Return the Altair chart of every figure that applies, by name; each is drawn when it is read."""
    return _Charts({figure.name: (figure, source) for figure, source in of_study(study)})


class _Charts(Mapping[str, Chart]):
    def __init__(self, found: Mapping[str, tuple[Figure, Any]]) -> None:
        self._figures = {name: entry for name, entry in found.items() if entry[0].applies(entry[1]) is None}

    def __getitem__(self, name: str) -> Chart:
        figure, source = self._figures[name]
        return figure.draw(source).chart()

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)

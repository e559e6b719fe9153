"""FIGURES: one entry a figure: what it is called, what it is drawn from, how, and when it applies."""

from __future__ import annotations

from leukotype.errors import UnknownName
from leukotype.figures import (
    calibration,
    class_counts,
    comparison,
    confusion,
    correlation,
    heatmap,
    intensity,
    pca,
    precision,
    roc,
    samples,
    tsne,
    unsupervised,
)
from leukotype.figures.figure import Chart, Drawing, Figure
from leukotype.figures.files import save, svg

__all__ = ["FIGURES", "Chart", "Drawing", "Figure", "by_name", "save", "svg"]

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
)
# fmt: on


def by_name(name: str) -> Figure:
    """Return the figure called `name`; raises UnknownName with the names there are."""
    for figure in FIGURES:
        if figure.name == name:
            return figure
    known = ", ".join(figure.name for figure in FIGURES)
    raise UnknownName(f"no figure {name!r}. There are {known}.")

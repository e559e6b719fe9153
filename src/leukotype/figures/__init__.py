"""FIGURES: one entry per figure, with its name, title, source, and the functions that draw it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leukotype.errors import UnknownName
from leukotype.evaluation import Evaluation
from leukotype.figures import (
    benchmark,
    calibration,
    clustering,
    cohort,
    comparison,
    confusion,
    curves,
    heatmaps,
    inference,
    maps,
    samples,
    validation,
)
from leukotype.figures.figure import Drawing, Figure, Part
from leukotype.figures.files import save, svg
from leukotype.figures.theme import Chart
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


def _has_models(evaluation: Evaluation) -> str | None:
    return None if evaluation.names else "No model was evaluated."


_ROC, _PR = "ROC curves, each class against the rest", "Precision-recall curves, each class against the rest"

# fmt: off
FIGURES: tuple[Figure, ...] = (
    Figure("class-counts", "Samples of each class", "data", cohort.class_counts, cohort.has_samples),
    Figure("intensity", "Expression in each sample", "data", cohort.intensity, cohort.has_samples),
    Figure("pca", "Principal components", "data", maps.pca, maps.pca_applies),
    Figure("tsne", "t-SNE map", "data", maps.tsne, maps.tsne_applies),
    Figure("correlation", "Correlation between samples", "data", heatmaps.correlation, heatmaps.correlation_applies),
    Figure("heatmap", "The most variable probes", "data", heatmaps.variable_probes, heatmaps.variable_probes_applies),
    Figure("unsupervised", "Agreement of clusters with classes", "data", clustering.agreement, clustering.agreement_applies),
    Figure("comparison", "Comparison of models", "evaluation", comparison.models, _has_models),
    Figure("confusion", "Confusion matrices", "evaluation", confusion.matrices, _has_models),
    Figure("roc", _ROC, "evaluation", curves.roc, _has_models),
    Figure("precision-recall", _PR, "evaluation", curves.precision_recall, _has_models),
    Figure("calibration", "Calibration of the confidence", "evaluation", calibration.models, _has_models),
    Figure("samples", "Misclassified samples", "evaluation", samples.errors, samples.errors_apply),
    Figure("stability", "Predictions over repeats of the folds", "study", inference.stability, inference.stability_applies),
    Figure("permutation", "Permutation test", "study", inference.permutation, inference.permutation_applies),
    Figure("leaks", "Effect of common mistakes", "study", inference.leaks, inference.leaks_applies),
    Figure("learning-curve", "Learning curve", "study", inference.learning, inference.learning_applies),
    Figure("critical-difference", "Critical-difference diagram", "benchmark", benchmark.critical_difference, benchmark.critical_difference_applies),
    Figure("scores", "Every model on every cohort", "benchmark", benchmark.scores, benchmark.scores_applies),
    Figure("called", "Calls by true class", "validation", confusion.calls, confusion.calls_applies),
    Figure("roc", _ROC, "validation", curves.external_roc, curves.external_applies),
    Figure("precision-recall", _PR, "validation", curves.external_precision_recall, curves.external_applies),
    Figure("reliability", "Calibration on the external samples", "validation", calibration.external, calibration.external_applies),
    Figure("risk-coverage", "Error against share called", "validation", validation.risk, validation.risk_applies),
    Figure("likeness", "Similarity to the training samples", "validation", validation.likeness, validation.likeness_applies),
)
# fmt: on


def of_part(part: Part) -> tuple[Figure, ...]:
    """Return the figures of one part, in the order of FIGURES."""
    return tuple(figure for figure in FIGURES if figure.part == part)


def by_name(name: str) -> Figure:
    """Return the figure called `name`: of an evaluation, if a validation has one of that name too.

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

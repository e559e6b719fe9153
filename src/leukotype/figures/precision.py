"""Precision against recall: how far a call of a class can be trusted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve

from leukotype import wording
from leukotype.arrays import FloatArray
from leukotype.evaluation import Evaluation
from leukotype.figures import curves, theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Precision-recall curves, each class against the rest"
PREVALENCE = "prevalence of the class"


def draw(evaluation: Evaluation) -> Drawing:
    source = curves.of_evaluation(evaluation, "average_precision")
    n = len(evaluation.cohort.labels)
    caption = (
        "Out-of-fold precision against recall of every class against the rest, "
        f"{wording.counted(n, 'sample')}, pooled over the outer folds, drawn as steps since linear "
        "interpolation would flatter (Davis & Goadrich 2006). The dotted line is the share of the class, "
        "which a rule without knowledge reaches: it differs from class to class, and areas (AP, average "
        "precision) must be read against it (Saito & Rehmsmeier "
        f"2015).{curves.repeats_note(evaluation, 'the average precision')}"
    )
    summary = (
        f"Precision-recall curves, one panel for each of {len(evaluation.classes)} classes. "
        f"Macro average precision: {source.listed}."
    )
    return drawing(source, theme.subtitle(evaluation.cohort, "out of fold"), caption, summary)


def applies(evaluation: Evaluation) -> str | None:
    return None if evaluation.names else "No model was evaluated."


def curve(truth: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Recall rising from 0 to 1, and the precision of the step that ends there; the first step begins at 0.

    Of thresholds with the same recall the highest counts, as in average precision: the area of the steps.
    """
    precision, recall, _ = precision_recall_curve(truth, scores)
    # Recall falls along scikit-learn's arrays; points without any recall bound no area.
    recall, precision = recall[::-1], precision[::-1]
    steps = np.flatnonzero(np.diff(recall, prepend=0.0) > 0)
    return np.r_[0.0, recall[steps]], np.r_[precision[steps[0]], precision[steps]]


def _prevalence(truth: FloatArray, _: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.array([0.0, 1.0]), np.full(2, truth.mean())


def drawing(source: curves.Source, subtitle: list[str], caption: str, summary: str) -> Drawing:
    """The curves of a study, or of a validation, and the line of a rule without knowledge."""

    def paint(table: pd.DataFrame) -> Chart:
        chart = curves.panels(
            table,
            source,
            names=("recall", "precision"),
            titles=("Recall", "Precision"),
            area_title="AP",
            label=PREVALENCE,
            interpolate="step-before",
        )
        return theme.dress(chart, TITLE, subtitle)

    return Drawing(
        curves.long(source, curve, ("recall", "precision"), _prevalence, PREVALENCE), paint, caption, summary
    )

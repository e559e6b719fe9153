"""Receiver operating characteristic: what each class costs in false alarms."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

from leukotype import wording
from leukotype.arrays import FloatArray
from leukotype.evaluation import Evaluation
from leukotype.figures import curves, theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "ROC curves, each class against the rest"
CHANCE = "chance"


def draw(evaluation: Evaluation) -> Drawing:
    source = curves.of_evaluation(evaluation, "roc_auc")
    best = str(source.macro.idxmax())
    n = len(evaluation.cohort.labels)
    caption = (
        "Out-of-fold receiver operating characteristic (Fawcett 2006) of every class against the rest, "
        f"{wording.counted(n, 'sample')}, pooled over the outer folds; n is the number of samples of the "
        "class. The macro AUC is the unweighted mean over classes. A class of few samples gives a curve of "
        "few steps, and an uncertain area. Chance is 0.5, but pooling over folds can bring a rule without "
        "knowledge below it, since a fold that holds out more of a class is trained on fewer (Airola et al. "
        f"2011).{curves.repeats_note(evaluation, 'the AUC')}"
    )
    summary = (
        f"ROC curves, one panel for each of {len(evaluation.classes)} classes. Macro AUC: {source.listed}. "
        f"The largest is that of {best}; chance is 0.5."
    )
    return drawing(source, theme.subtitle(evaluation.cohort, "out of fold"), caption, summary)


def applies(evaluation: Evaluation) -> str | None:
    return None if evaluation.names else "No model was evaluated."


def curve(truth: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """False and true positive rates from (0, 0) to (1, 1)."""
    fpr, tpr, _ = roc_curve(truth, scores)
    return fpr, tpr


_DIAGONAL = np.array([0.0, 1.0])


def drawing(source: curves.Source, subtitle: list[str], caption: str, summary: str) -> Drawing:
    """The curves of a study, or of a validation, and the line of a rule without knowledge."""

    def paint(table: pd.DataFrame) -> Chart:
        chart = curves.panels(
            table,
            source,
            names=("fpr", "tpr"),
            titles=("False positive rate", "True positive rate"),
            area_title="AUC",
            label=CHANCE,
            interpolate="linear",
        )
        return theme.dress(chart, TITLE, subtitle)

    return Drawing(
        curves.long(source, curve, ("fpr", "tpr"), lambda *_: (_DIAGONAL, _DIAGONAL), CHANCE),
        paint,
        caption,
        summary,
    )

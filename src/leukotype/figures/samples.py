"""Samples that models misclassify."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype.evaluation import Evaluation
from leukotype.figures import layout, theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.wording import counted, shortlist


def errors(evaluation: Evaluation) -> Drawing:
    cohort, models = evaluation.cohort, theme.informative(evaluation)
    n, repeats = len(cohort.labels), evaluation.folds.design.repeats
    wrong = np.array([(evaluation.predicted(model) != cohort.codes).mean(axis=0) for model in models])
    shown = np.flatnonzero(wrong.any(axis=0))
    # By class, then by the share of wrong predictions.
    shown = shown[np.lexsort((shown, -wrong[:, shown].mean(axis=0), cohort.codes[shown]))]
    numbers = pd.DataFrame(
        [
            {
                "sample": str(cohort.samples[row]),
                "class": str(cohort.labels[row]),
                "model": model,
                "wrong": float(wrong[m, row]),
                "called": _called(evaluation, model, int(row)),
                "p_true": float(evaluation.probabilities(model)[:, row, cohort.codes[row]].mean()),
            }
            for row in shown
            for m, model in enumerate(models)
        ]
    )
    by_all = [str(cohort.samples[row]) for row in shown if (wrong[:, row] == 1).all()]
    times = "" if repeats == 1 else f" in at least one of {repeats} repeats"
    everywhere = (
        f" Misclassified by all models in all repeats: {shortlist(by_all)}."
        if by_all and len(models) > 1
        else ""
    )
    left_out = "; baselines are not shown" if len(models) < len(evaluation.names) else ""
    return Drawing(
        numbers,
        lambda table: _paint(table, evaluation),
        f"The {len(shown)} of {counted(n, 'sample')} that at least one of {counted(len(models), 'model')} "
        f"misclassified out of fold{times}. The other {n - len(shown)} were always predicted "
        f"correctly{left_out}.{everywhere} Check the label and the quality of samples that different models "
        "misclassify.",
        f"Heatmap of {counted(len(shown), 'sample')} by {counted(len(models), 'model')}, showing how often each was "
        f"misclassified.{everywhere}",
        theme.subtitle(cohort, f"{len(shown)} misclassified by at least one model"),
    )


def errors_apply(evaluation: Evaluation) -> str | None:
    models = theme.informative(evaluation)
    if not models:
        return "No model was evaluated."
    if all((evaluation.predicted(model) == evaluation.cohort.codes).all() for model in models):
        return "No model misclassified any sample."
    return None


def _called(evaluation: Evaluation, model: str, row: int) -> str:
    """Predicted classes of a sample, the most frequent first."""
    counts = np.bincount(evaluation.predicted(model)[:, row], minlength=len(evaluation.classes))
    order = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
    return ", ".join(evaluation.classes[code] for code in order)


def _paint(table: pd.DataFrame, evaluation: Evaluation) -> Chart:
    order = table.drop_duplicates("sample")[["sample", "class"]]
    models = table["model"].drop_duplicates().tolist()
    n = len(order)
    step = 14.0 if n <= 40 else 10.0 if n <= theme.MOST_LABELS else layout.cell_step(n, 600, 7)
    height, width = n * step, len(models) * 34.0
    reds = alt.Scale(range=["#f0f0f0", "#f7b28a", theme.COLOURS[3], "#7a2f00"], domain=[0, 0.34, 0.67, 1])
    sample_axis = theme.samples_axis("Sample, ordered by class", n, height)
    heat = (
        alt.Chart(theme.rows(table))
        .mark_rect(stroke="white", strokeWidth=1 if step >= 7 else 0, aria=False)
        .encode(
            x=alt.X("model:N", sort=models, axis=theme.names_axis("Model", labelAngle=-90)),
            y=alt.Y("sample:N", sort=order["sample"].tolist(), axis=sample_axis),
            color=alt.Color("wrong:Q", scale=reds, legend=_key(evaluation.folds.design.repeats)),
            tooltip=[
                *theme.hover(
                    {"sample": "Sample", "class": "Class", "model": "Model"},
                    {"wrong": ("Share wrong", ".0%")},
                ),
                *theme.hover({"called": "Predicted"}, {"p_true": ("Probability of its class", ".3f")}),
            ],
        )
        .properties(width=width, height=height)
    )
    legend = alt.Legend(title="Class", orient="right", labelLimit=230)
    band = layout.strip(order, evaluation.classes, None, height, side="y", legend=legend)
    return alt.hconcat(heat, band, spacing=3).resolve_scale(color="independent")


def _key(repeats: int) -> alt.Legend:
    if repeats == 1:
        return alt.Legend(
            title="Predicted", orient="bottom", type="symbol", symbolType="square", values=[0, 1],
            labelExpr="datum.value > 0 ? 'wrongly' : 'correctly'",
        )  # fmt: skip
    return alt.Legend(
        title=f"Misclassified, share of {repeats} repeats", orient="bottom", direction="horizontal", format=".0%",
        gradientLength=120, gradientThickness=12, values=[0, 0.5, 1],
    )  # fmt: skip

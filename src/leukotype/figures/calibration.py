"""Whether a model that is 80 % sure is right four times in five."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype.evaluation import Evaluation
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing
from leukotype.metrics import intervals, weighted

TITLE = "Calibration of the confidence"


def draw(evaluation: Evaluation) -> Drawing:
    numbers = pd.DataFrame([row for model in evaluation.models for row in _bins(evaluation, model)])
    n, repeats = len(evaluation.cohort.labels), evaluation.folds.design.repeats
    pooled = f" Predictions of {repeats} repeats are pooled, and counts divided by {repeats}." if repeats > 1 else ""
    caption = (
        "Reliability of the probability of the called class, out of fold: share of correct calls against mean "
        f"confidence in {weighted.N_BINS} bins of equal width (Guo et al. 2017), with 95 % Wilson intervals; the area of a "
        "dot is the number of samples in the bin. Dots on the diagonal are calibrated, below it over-confident. "
        f"{theme.counted(n, 'sample')} over so many bins are few: judge no model by a single dot.{pooled}"
    )
    gaps = numbers.assign(gap=(numbers["correct"] - numbers["confidence"]).abs() * numbers["samples"])
    errors = gaps.groupby("model", sort=False)["gap"].sum() / n
    listed = ", ".join(f"{model} {error:.2f}" for model, error in errors.items())
    summary = (
        f"Reliability diagrams, one panel per model. Mean distance from the diagonal, weighted by samples: {listed}."
    )
    return Drawing(numbers, lambda table: _paint(table, evaluation), caption, summary)


def applies(evaluation: Evaluation) -> str | None:
    return None if evaluation.models else "No model was evaluated."


def _bins(evaluation: Evaluation, model: str) -> list[dict[str, object]]:
    repeats = evaluation.folds.design.repeats
    p = evaluation.probabilities(model).reshape(-1, len(evaluation.classes))
    hits = p.argmax(axis=1) == np.tile(evaluation.cohort.codes, repeats)
    number = weighted.confidence_bins(p)
    rows: list[dict[str, object]] = []
    for code in np.unique(number):
        inside = number == code
        # The repeats see the same samples again: they add nothing to what an interval rests on.
        samples = inside.sum() / repeats
        low, high = intervals.wilson(hits[inside].sum() / repeats, samples)
        rows.append(
            {
                "model": model,
                "bin": f"{code / weighted.N_BINS:.1f} to {(code + 1) / weighted.N_BINS:.1f}",
                "samples": samples,
                "confidence": p[inside].max(axis=1).mean(),
                "correct": hits[inside].mean(),
                "low": low,
                "high": high,
            }
        )
    return rows


def _paint(table: pd.DataFrame, evaluation: Evaluation) -> Chart:
    models = list(evaluation.models)
    columns = len(models) if len(models) <= 4 else 4
    side = {1: 300, 2: 230, 3: 165, 4: 122}[columns]
    unit = alt.Scale(domain=[0, 1], nice=False)
    x_axis = alt.Axis(title="Mean confidence", values=[0, 0.5, 1])
    y_axis = alt.Axis(title="Share of correct calls", values=[0, 0.5, 1])
    base = alt.Chart().encode(
        x=alt.X("confidence:Q", scale=unit, axis=x_axis),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("bin:N", title="Confidence"),
            alt.Tooltip("samples:Q", title="Samples", format=".3~f"),
            alt.Tooltip("confidence:Q", title="Mean confidence", format=".3f"),
            alt.Tooltip("correct:Q", title="Share correct", format=".3f"),
            alt.Tooltip("low:Q", title="95 % interval from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
        ],
    )
    diagonal = (
        alt.Chart()
        .transform_aggregate(first="min(confidence)", groupby=["model"])
        .mark_rule(strokeDash=[4, 3], color=theme.GREY)
        .encode(x=alt.datum(0), y=alt.datum(0), x2=alt.datum(1), y2=alt.datum(1))
    )
    whiskers = base.mark_rule(strokeWidth=1.3, color=theme.COLOURS[0]).encode(
        y=alt.Y("low:Q", scale=unit, axis=y_axis), y2="high:Q"
    )
    most = float(table["samples"].max())
    dots = base.mark_circle(color=theme.COLOURS[0], opacity=1).encode(
        y=alt.Y("correct:Q", scale=unit, axis=y_axis),
        size=alt.Size(
            "samples:Q",
            scale=alt.Scale(domain=[0, most], range=[8, 170]),
            legend=alt.Legend(title="Samples in the bin", orient="bottom", values=_ticks(most)),
        ),
    )
    chart = (
        alt.layer(diagonal, whiskers, dots, data=theme.rows(table))
        .properties(width=side, height=side)
        .facet(facet=alt.Facet("model:N", sort=models, header=alt.Header(title=None)), columns=columns)
    )
    return theme.dress(chart, TITLE, theme.subtitle(evaluation.cohort, "out of fold"))


def _ticks(most: float) -> list[float]:
    return sorted({1.0, float(round(most / 4)) or 1.0, float(round(most)) or 1.0})

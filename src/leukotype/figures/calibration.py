"""Whether a model that is 80 % sure is right four times in five."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.evaluation import Evaluation
from leukotype.figures import multiples, theme
from leukotype.figures.figure import Chart, Drawing
from leukotype.metrics import intervals, weighted

TITLE = "Calibration of the confidence"


def draw(evaluation: Evaluation) -> Drawing:
    numbers = pd.DataFrame([row for model in evaluation.names for row in _bins(evaluation, model)])
    n, repeats = len(evaluation.cohort.labels), evaluation.folds.design.repeats
    pooled = (
        f" Predictions of {repeats} repeats are pooled, and counts divided by {repeats}."
        if repeats > 1
        else ""
    )
    caption = (
        "Reliability of the probability of the called class, out of fold: share of correct calls against "
        f"mean confidence in {weighted.N_BINS} bins of equal width (Guo et al. 2017), with 95 % Wilson "
        "intervals; the area of a dot is the number of samples in the bin. Dots on the diagonal are "
        f"calibrated, below it over-confident. {wording.counted(n, 'sample')} over so many bins are few: judge "
        f"no model by a single dot.{pooled}"
    )
    gaps = numbers.assign(gap=(numbers["correct"] - numbers["confidence"]).abs() * numbers["samples"])
    errors = gaps.groupby("model", sort=False)["gap"].sum() / n
    listed = ", ".join(f"{model} {error:.2f}" for model, error in errors.items())
    summary = (
        "Reliability diagrams, one panel per model. Mean distance from the diagonal, weighted by samples: "
        f"{listed}."
    )
    return Drawing(numbers, lambda table: _paint(table, evaluation), caption, summary)


def applies(evaluation: Evaluation) -> str | None:
    return None if evaluation.names else "No model was evaluated."


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
    columns = multiples.columns_for(len(evaluation.names), 4)
    side = {1: 300, 2: 230, 3: 165, 4: 124}[columns]
    unit = alt.Scale(domain=[0, 1], nice=False)
    x_axis = alt.Axis(title="Mean confidence", values=[0, 0.5, 1], format=".1~f")
    y_axis = alt.Axis(title="Share of correct calls", values=[0, 0.5, 1], format=".1~f")
    most = float(table["samples"].max())
    size = alt.Size(
        "samples:Q",
        scale=alt.Scale(domain=[0, most], range=[8, 170]),
        legend=alt.Legend(title="Samples in the bin", orient="bottom", values=_ticks(most)),
    )

    def panel(model: str, place: multiples.Place) -> Chart:
        base = alt.Chart(theme.rows(table[table["model"] == model])).encode(
            x=alt.X("confidence:Q", scale=unit, axis=place.x(x_axis)),
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
        ends = alt.InlineData(values=[{"at": 0}, {"at": 1}])
        diagonal = (
            alt.Chart(ends)
            .mark_line(strokeDash=[4, 3], strokeWidth=1, color=theme.GREY, aria=False)
            .encode(x=alt.X("at:Q", scale=unit), y=alt.Y("at:Q", scale=unit))
        )
        correct = place.y(y_axis)
        whiskers = base.mark_rule(strokeWidth=1.3, color=theme.COLOURS[0]).encode(
            y=alt.Y("low:Q", scale=unit, axis=correct), y2="high:Q"
        )
        dots = base.mark_circle(color=theme.COLOURS[0], opacity=1).encode(
            y=alt.Y("correct:Q", scale=unit, axis=correct), size=size
        )
        chart: Chart = alt.layer(whiskers, diagonal, dots).properties(width=side, height=side)
        return chart

    names = dict(zip(evaluation.names, evaluation.names, strict=True))
    chart = multiples.wrap(names, panel, columns=columns, width=side)
    return theme.dress(chart, TITLE, theme.subtitle(evaluation.cohort, "out of fold"))


def _ticks(most: float) -> list[float]:
    return sorted({1.0, float(round(most / 4)) or 1.0, float(round(most)) or 1.0})

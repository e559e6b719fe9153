"""Which class is taken for which."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.evaluation import Evaluation
from leukotype.figures import multiples, theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Confusion matrices"


def draw(evaluation: Evaluation) -> Drawing:
    classes = np.array(evaluation.classes)
    k = len(classes)
    blocks = []
    for model in evaluation.names:
        counts = evaluation.confusion(model)
        cells = {
            "model": model,
            "truth": np.repeat(classes, k),
            "predicted": np.tile(classes, k),
            "count": counts.ravel(),
            "share": (counts / counts.sum(axis=1, keepdims=True)).ravel(),
        }
        blocks.append(pd.DataFrame(cells))
    numbers = pd.concat(blocks, ignore_index=True)
    n, repeats = len(evaluation.cohort.labels), evaluation.folds.design.repeats
    mean = f" Numbers are means over {repeats} repeats." if repeats > 1 else ""
    caption = (
        f"Out-of-fold calls of {wording.counted(n, 'sample')}: rows are the true class, columns the call; the "
        f"number is of samples, the colour its share of the row, so that the diagonal shows recall.{mean} "
        "Cells without a number are 0."
    )
    # The errors of a baseline are many and tell nothing.
    told = [model.name for model in evaluation.models if not model.baseline] or list(evaluation.names)
    worst = numbers[(numbers["truth"] != numbers["predicted"]) & numbers["model"].isin(told)].sort_values(
        "count", ascending=False, kind="stable"
    )
    summary = f"Confusion matrices of {wording.counted(len(evaluation.names), 'model')} over {k} classes."
    if len(worst) and worst["count"].iloc[0] > 0:
        row = worst.iloc[0]
        summary += (
            f" The most frequent error is {row['truth']} called {row['predicted']} by {row['model']} "
            f"({_number(row['count'])} samples)."
        )
    return Drawing(numbers, lambda table: _paint(table, evaluation), caption, summary)


def applies(evaluation: Evaluation) -> str | None:
    return None if evaluation.names else "No model was evaluated."


def _number(count: float) -> str:
    if count == 0:
        return ""
    return f"{count:.0f}" if abs(count - round(count)) < 1e-9 else f"{count:.1f}"


def _paint(table: pd.DataFrame, evaluation: Evaluation) -> Chart:
    classes = list(evaluation.classes)
    k = len(classes)
    cell = 34.0 if k <= 4 else 28.0 if k <= 8 else max(16.0, 250 // k)
    room = theme.WIDTH + 90 - 6.2 * min(max(map(len, classes)), 22)
    columns = multiples.columns_for(len(evaluation.names), max(1, min(4, int(room // (k * cell + 16)))))
    table = table.assign(text=[_number(count) for count in table["count"]])
    x_axis = theme.names_axis("Called class", domain=False, labelAngle=-90)
    y_axis = theme.names_axis("True class", domain=False)
    share = alt.Color(
        "share:Q",
        scale=alt.Scale(domain=[0, 0.5, 1], range=["#f4f6f9", "#6aaed6", "#08306b"]),
        legend=alt.Legend(
            title="Share of the true class",
            format=".0%",
            orient="bottom",
            direction="horizontal",
            gradientLength=160,
            gradientThickness=12,
            values=[0, 0.5, 1],
        ),
    )
    ink = alt.condition("datum.share > 0.55", alt.value("white"), alt.value(theme.INK))

    def panel(model: str, place: multiples.Place) -> Chart:
        base = alt.Chart(theme.rows(table[table["model"] == model])).encode(
            x=alt.X("predicted:N", sort=classes, axis=place.x(x_axis)),
            y=alt.Y("truth:N", sort=classes, axis=place.y(y_axis)),
            tooltip=[
                alt.Tooltip("model:N", title="Model"),
                alt.Tooltip("truth:N", title="True class"),
                alt.Tooltip("predicted:N", title="Called"),
                alt.Tooltip("count:Q", title="Samples", format=".3~f"),
                alt.Tooltip("share:Q", title="Share of the true class", format=".1%"),
            ],
        )
        cells = base.mark_rect(stroke="white", strokeWidth=1, aria=False).encode(color=share)
        size = 11 if cell >= 28 else 9 if cell >= 22 else 8
        text = base.mark_text(fontSize=size, aria=False).encode(text="text:N", color=ink)
        chart: Chart = alt.layer(cells, text).properties(width=k * cell, height=k * cell)
        return chart

    names = dict(zip(evaluation.names, evaluation.names, strict=True))
    chart = multiples.wrap(names, panel, columns=columns, width=k * cell)
    return theme.dress(chart, TITLE, theme.subtitle(evaluation.cohort, "out of fold"))

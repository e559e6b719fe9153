"""Which class is taken for which."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype.evaluation import Evaluation
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Confusion matrices"


def draw(evaluation: Evaluation) -> Drawing:
    classes = np.array(evaluation.classes)
    k = len(classes)
    blocks = []
    for model in evaluation.models:
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
        f"Out-of-fold calls of {theme.counted(n, 'sample')}: rows are the true class, columns the call; the number is of "
        f"samples, the colour its share of the row, so that the diagonal shows recall.{mean} Cells without a number are 0."
    )
    worst = numbers[numbers["truth"] != numbers["predicted"]].sort_values("count", ascending=False, kind="stable")
    summary = f"Confusion matrices of {theme.counted(len(evaluation.models), 'model')} over {k} classes."
    if len(worst) and worst["count"].iloc[0] > 0:
        row = worst.iloc[0]
        summary += (
            f" The most frequent error is {row['truth']} called {row['predicted']} by {row['model']} "
            f"({_number(row['count'])} samples)."
        )
    return Drawing(numbers, lambda table: _paint(table, evaluation), caption, summary)


def applies(evaluation: Evaluation) -> str | None:
    return None if evaluation.models else "No model was evaluated."


def _number(count: float) -> str:
    if count == 0:
        return ""
    return f"{count:.0f}" if abs(count - round(count)) < 1e-9 else f"{count:.1f}"


def _paint(table: pd.DataFrame, evaluation: Evaluation) -> Chart:
    classes, models = list(evaluation.classes), list(evaluation.models)
    cell = max(22.0, min(36.0, 170 / len(classes)))
    side = cell * len(classes)
    columns = max(1, min(len(models), int((theme.WIDTH - 60) // (side + 14))))
    table = table.assign(text=[_number(count) for count in table["count"]])
    axis = theme.names_axis("True class", domain=False)
    below = theme.names_axis("Called class", domain=False, labelAngle=-90 if len(classes) > 1 else 0)
    base = alt.Chart().encode(
        x=alt.X("predicted:N", sort=classes, axis=below),
        y=alt.Y("truth:N", sort=classes, axis=axis),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("truth:N", title="True class"),
            alt.Tooltip("predicted:N", title="Called"),
            alt.Tooltip("count:Q", title="Samples", format=".3~f"),
            alt.Tooltip("share:Q", title="Share of the true class", format=".1%"),
        ],
    )
    share = alt.Color(
        "share:Q",
        scale=alt.Scale(scheme="blues", domain=[0, 1]),
        legend=alt.Legend(title=["Share of", "true class"], format=".0%", gradientLength=110, values=[0, 0.5, 1]),
    )
    ink = alt.condition("datum.share > 0.55", alt.value("white"), alt.value(theme.INK))
    text = base.mark_text(fontSize=11 if cell >= 26 else 9, aria=False).encode(text="text:N", color=ink)
    chart = (
        alt.layer(base.mark_rect(stroke="white", strokeWidth=1).encode(color=share), text, data=theme.rows(table))
        .properties(width=side, height=side)
        .facet(
            facet=alt.Facet("model:N", sort=models, header=alt.Header(title=None, labelLimit=int(side) + 20)),
            columns=columns,
        )
    )
    return theme.dress(chart, TITLE, theme.subtitle(evaluation.cohort, "out of fold"))

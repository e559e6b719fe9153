"""Confusion matrices: of the models of an evaluation, and of the calls in a validation."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype.classifier.calls import ABSTAINED
from leukotype.classifier.validation import Validation
from leukotype.evaluation import Evaluation
from leukotype.figures import layout, theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.wording import counted

_READING = "rows are true classes, columns predictions; numbers are samples, colours their share of the row"


def matrices(evaluation: Evaluation) -> Drawing:
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
    repeats = evaluation.folds.design.repeats
    # The errors of baselines are not informative.
    real = numbers["model"].isin(theme.informative(evaluation))
    worst = numbers[(numbers["truth"] != numbers["predicted"]) & real].nlargest(1, "count")
    frequent = "".join(
        f" The most frequent error is {truth} classified as {called} by {model} "
        f"({_number(count)} sample{'' if count == 1 else 's'})."
        for model, truth, called, count, _ in worst[worst["count"] > 0].itertuples(index=False)
    )
    return Drawing(
        numbers,
        lambda table: _paint_matrices(table, evaluation),
        f"Out-of-fold predictions of {counted(len(evaluation.cohort.labels), 'sample')}: {_READING}, so that the "
        f"diagonal shows recall.{f' Numbers are means over {repeats} repeats.' if repeats > 1 else ''} Cells without a "
        "number are 0.",
        f"Confusion matrices of {counted(len(evaluation.names), 'model')} over {k} classes.{frequent}",
        theme.subtitle(evaluation.cohort, "out of fold"),
    )


def _number(count: float) -> str:
    if count == 0:
        return ""
    return f"{count:.0f}" if abs(count - round(count)) < 1e-9 else f"{count:.1f}"


def _paint_matrices(table: pd.DataFrame, evaluation: Evaluation) -> Chart:
    classes = list(evaluation.classes)
    k = len(classes)
    cell = 34.0 if k <= 4 else 28.0 if k <= 8 else max(16.0, 250 // k)
    room = theme.WIDTH + 90 - 6.2 * min(max(map(len, classes)), 22)
    columns = layout.columns_for(len(evaluation.names), max(1, min(4, int(room // (k * cell + 16)))))
    x_axis = theme.names_axis("Predicted class", domain=False, labelAngle=-90)
    y_axis = theme.names_axis("True class", domain=False)
    table = table.assign(text=[_number(count) for count in table["count"]])

    def panel(model: str, place: layout.Place) -> Chart:
        return _cells(
            table[table["model"] == model],
            alt.X("predicted:N", sort=classes, axis=place.x(x_axis)),
            alt.Y("truth:N", sort=classes, axis=place.y(y_axis)),
            {"model": "Model", "truth": "True class", "predicted": "Predicted"},
            ".3~f",
            11 if cell >= 28 else 9 if cell >= 22 else 8,
        ).properties(width=k * cell, height=k * cell)

    names = dict(zip(evaluation.names, evaluation.names, strict=True))
    return layout.wrap(names, panel, columns=columns, width=k * cell)


def _cells(table: pd.DataFrame, x: alt.X, y: alt.Y, texts: dict[str, str], form: str, size: int) -> Chart:
    """Cells coloured by `share`, with the numbers in `text`."""
    legend = alt.Legend(
        title="Share of the true class", format=".0%", orient="bottom", direction="horizontal", gradientLength=160,
        gradientThickness=12, values=[0, 0.5, 1],
    )  # fmt: skip
    blues = alt.Scale(domain=[0, 0.5, 1], range=["#f4f6f9", "#6aaed6", "#08306b"])
    hover = theme.hover(texts, {"count": ("Samples", form), "share": ("Share of the true class", ".1%")})
    base = alt.Chart(theme.rows(table)).encode(x=x, y=y, tooltip=hover)
    cells = base.mark_rect(stroke="white", strokeWidth=1, aria=False).encode(
        color=alt.Color("share:Q", scale=blues, legend=legend)
    )
    ink = alt.ColorValue(**alt.condition("datum.share > 0.55", alt.value("white"), alt.value(theme.INK)))
    text = base.mark_text(fontSize=size, aria=False).encode(text=alt.Text("text:N"), color=ink)
    chart: Chart = alt.layer(cells, text)
    return chart


def calls(validation: Validation) -> Drawing:
    here = set(validation.labels.tolist())
    known = [name for name in validation.classes if name in here]
    new = sorted(here - set(known))
    made = np.array(validation.calls.calls)
    unknown = f" Not among the training classes: {', '.join(new)}." if new else ""
    rows = []
    for truth in known + new:
        own = made[validation.labels == truth]
        for call in (*validation.classes, ABSTAINED):
            count = int((own == call).sum())
            rows.append(
                {"truth": truth, "call": call, "count": count, "share": count / len(own), "of": len(own)}
            )
    numbers = pd.DataFrame(rows)
    wrong = numbers[(numbers["truth"] != numbers["call"]) & (numbers["call"] != ABSTAINED)]
    return Drawing(
        numbers,
        _paint_calls,
        f"Calls of {counted(len(made), 'external sample')}: {_READING}. Cells without a number are 0.{unknown}",
        f"{int(wrong['count'].sum())} wrong calls and {int((made == ABSTAINED).sum())} abstentions among {len(made)} "
        f"samples of {counted(len(known + new), 'class')}.",
        theme.batch_subtitle(validation.batch, validation.classifier.name),
    )


def calls_applies(validation: Validation) -> str | None:
    return None if validation.calls.n_samples else "There are no samples."


def _paint_calls(table: pd.DataFrame) -> Chart:
    truths, columns = table["truth"].unique().tolist(), table["call"].unique().tolist()
    cell = 44.0 if len(columns) <= 8 else max(18.0, 360 / len(columns))
    return _cells(
        table.assign(text=[str(count) if count else "" for count in table["count"]]),
        alt.X("call:N", sort=columns, axis=theme.names_axis("Call", domain=False, labelAngle=-90)),
        alt.Y("truth:N", sort=truths, axis=theme.names_axis("True class", domain=False)),
        {"truth": "True class", "call": "Call"},
        "",
        12 if cell >= 28 else 8,
    ).properties(width=len(columns) * cell, height=len(truths) * cell)

"""Which class is called what, and which is abstained on."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.classifier.calls import ABSTAINED
from leukotype.classifier.validation import Validation
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Calls by true class"


def draw(validation: Validation) -> Drawing:
    truths = _truths(validation)
    columns = (*validation.classes, ABSTAINED)
    calls = np.array(validation.calls.calls)
    rows = []
    for truth in truths:
        own = calls[validation.labels == truth]
        for call in columns:
            count = int((own == call).sum())
            share = count / len(own)
            rows.append({"truth": truth, "call": call, "count": count, "share": share, "of": len(own)})
    numbers = pd.DataFrame(rows)
    strangers = [truth for truth in truths if truth not in validation.classes]
    extra = f" {', '.join(strangers)}: not among the classes trained on." if strangers else ""
    caption = (
        f"Calls of {wording.counted(len(calls), 'external sample')}: rows are the true class, columns the call; the "
        f"number is of samples, the colour its share of the row. Cells without a number are 0.{extra}"
    )
    wrong = numbers[(numbers["truth"] != numbers["call"]) & (numbers["call"] != ABSTAINED)]
    summary = (
        f"{int(wrong['count'].sum())} wrong calls and {int((calls == ABSTAINED).sum())} abstentions among "
        f"{len(calls)} samples of {wording.counted(len(truths), 'class')}."
    )
    return Drawing(numbers, lambda table: _paint(table, validation), caption, summary)


def applies(validation: Validation) -> str | None:
    return None if validation.calls.n_samples else "There are no samples."


def _truths(validation: Validation) -> list[str]:
    here = set(validation.labels.tolist())
    known = [name for name in validation.classes if name in here]
    return known + sorted(here - set(known))


def _paint(table: pd.DataFrame, validation: Validation) -> Chart:
    truths, columns = _truths(validation), [*validation.classes, ABSTAINED]
    cell = 44.0 if len(columns) <= 8 else max(18.0, 360 / len(columns))
    table = table.assign(text=[str(count) if count else "" for count in table["count"]])
    share = alt.Color(
        "share:Q",
        scale=alt.Scale(domain=[0, 0.5, 1], range=["#f4f6f9", "#6aaed6", "#08306b"]),
        legend=alt.Legend(
            title="Share of the true class", format=".0%", orient="bottom", direction="horizontal",
            gradientLength=160, gradientThickness=12, values=[0, 0.5, 1],
        ),
    )  # fmt: skip
    base = alt.Chart(theme.rows(table)).encode(
        x=alt.X("call:N", sort=columns, axis=theme.names_axis("Call", domain=False, labelAngle=-90)),
        y=alt.Y("truth:N", sort=truths, axis=theme.names_axis("True class", domain=False)),
        tooltip=[
            alt.Tooltip("truth:N", title="True class"),
            alt.Tooltip("call:N", title="Call"),
            alt.Tooltip("count:Q", title="Samples"),
            alt.Tooltip("share:Q", title="Share of the true class", format=".1%"),
        ],
    )
    cells = base.mark_rect(stroke="white", strokeWidth=1, aria=False).encode(color=share)
    ink = alt.condition("datum.share > 0.55", alt.value("white"), alt.value(theme.INK))
    size = 12 if cell >= 28 else 8
    text = base.mark_text(fontSize=size, aria=False).encode(text="text:N", color=ink)
    chart: Chart = alt.layer(cells, text).properties(width=len(columns) * cell, height=len(truths) * cell)
    return theme.dress(chart, TITLE, theme.external(validation.batch, validation.classifier.name))

"""Whether the probabilities of a locked classifier hold on other samples."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.classifier.validation import Validation
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing
from leukotype.metrics import intervals, weighted

TITLE = "Calibration on the external samples"


def draw(validation: Validation) -> Drawing:
    p, right = validation.probabilities, validation.right
    number = weighted.confidence_bins(p)
    rows = []
    for code in np.unique(number).tolist():
        inside = number == code
        low, high = intervals.wilson(float(right[inside].sum()), int(inside.sum()))
        rows.append(
            {
                "bin": f"{code / weighted.N_BINS:.1f} to {(code + 1) / weighted.N_BINS:.1f}",
                "samples": int(inside.sum()),
                "confidence": float(p[inside].max(axis=1).mean()),
                "correct": float(right[inside].mean()),
                "low": low,
                "high": high,
            }
        )
    accuracy = float(right.mean())
    caption = (
        "Reliability of the probability of the most probable class: share of right ones against mean confidence in "
        f"{weighted.N_BINS} bins of equal width (Guo et al. 2017), with 95 % Wilson intervals; the area of a dot is "
        f"the number of samples. Over all {wording.counted(len(p), 'sample')} of known classes the mean confidence is "
        f"{validation.confidence:.2f}, and {accuracy:.2f} are right. {wording.counted(len(p), 'sample')} over so many "
        "bins are few: judge by no single dot."
    )
    summary = (
        f"Reliability diagram of {wording.counted(len(rows), 'bin')}. Mean confidence {validation.confidence:.2f}, share "
        f"right {accuracy:.2f}."
    )
    return Drawing(pd.DataFrame(rows), lambda table: _paint(table, validation), caption, summary)


def applies(validation: Validation) -> str | None:
    return None if len(validation.codes) else "No sample is of a class that the classifier knows."


def _paint(table: pd.DataFrame, validation: Validation) -> Chart:
    unit = alt.Scale(domain=[0, 1], nice=False)
    most = float(table["samples"].max())
    values = sorted({1.0, float(round(most / 4)) or 1.0, most})
    base = alt.Chart(theme.rows(table)).encode(
        x=alt.X("confidence:Q", scale=unit, title="Mean confidence"),
        tooltip=[
            alt.Tooltip("bin:N", title="Confidence"),
            alt.Tooltip("samples:Q", title="Samples"),
            alt.Tooltip("confidence:Q", title="Mean confidence", format=".3f"),
            alt.Tooltip("correct:Q", title="Share right", format=".3f"),
            alt.Tooltip("low:Q", title="95 % interval from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
        ],
    )
    diagonal = (
        alt.Chart(alt.InlineData(values=[{"at": 0}, {"at": 1}]))
        .mark_line(strokeDash=[4, 3], strokeWidth=1, color=theme.GREY, aria=False)
        .encode(x=alt.X("at:Q", scale=unit), y=alt.Y("at:Q", scale=unit))
    )
    title = "Share right"
    whiskers = base.mark_rule(strokeWidth=1.3, color=theme.COLOURS[0]).encode(
        y=alt.Y("low:Q", scale=unit, title=title), y2="high:Q"
    )
    dots = base.mark_circle(color=theme.COLOURS[0], opacity=1).encode(
        y=alt.Y("correct:Q", scale=unit, title=title),
        size=alt.Size(
            "samples:Q",
            scale=alt.Scale(domain=[0, most], range=[12, 260]),
            legend=alt.Legend(title="Samples in the bin", orient="bottom", values=values),
        ),
    )
    chart: Chart = alt.layer(whiskers, diagonal, dots).properties(width=320, height=320)
    lines = theme.external(validation.batch, validation.classifier.name, "dashed: calibrated")
    return theme.dress(chart, TITLE, lines)

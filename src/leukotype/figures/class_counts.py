"""How many samples, and donors where they are known, each class has."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.cohort import Cohort
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Samples of each class"


def draw(cohort: Cohort) -> Drawing:
    counts = np.array(list(cohort.class_counts.values()))
    numbers = pd.DataFrame({"class": cohort.classes, "samples": counts, "share": counts / counts.sum()})
    donors = ""
    if cohort.donors is not None:
        numbers["donors"] = [len(np.unique(cohort.donors[cohort.labels == name])) for name in cohort.classes]
        donors = f" They come from {wording.counted(len(np.unique(cohort.donors)), 'donor')}."
    largest, smallest = cohort.classes[int(counts.argmax())], cohort.classes[int(counts.argmin())]
    caption = (
        f"The {wording.counted(int(counts.sum()), 'sample')} of {cohort.name} by class.{donors} A rule that "
        f"always says {largest} would be right for {wording.percent(counts.max() / counts.sum())} of them, so "
        "accuracy must be read against that; balanced accuracy weighs every class alike."
    )
    listed = ", ".join(f"{name} {count}" for name, count in cohort.class_counts.items())
    summary = (
        f"Bar chart of the number of samples of each class: {listed}. "
        f"The largest class is {largest}, the smallest {smallest}."
    )
    return Drawing(numbers, lambda table: _paint(table, cohort), caption, summary)


def applies(cohort: Cohort) -> str | None:
    return None if cohort.classes else "The cohort has no samples."


def _paint(table: pd.DataFrame, cohort: Cohort) -> Chart:
    table = table.assign(
        label=[f"{n} ({wording.percent(s)})" for n, s in zip(table["samples"], table["share"], strict=True)]
    )
    names = list(cohort.classes)
    tooltips = [alt.Tooltip("class:N", title="Class"), alt.Tooltip("samples:Q", title="Samples")]
    tooltips += [alt.Tooltip("share:Q", title="Share", format=".1%")]
    if "donors" in table:
        tooltips.append(alt.Tooltip("donors:Q", title="Donors"))
    base = alt.Chart(theme.rows(table)).encode(
        y=alt.Y("class:N", sort=names, axis=theme.names_axis("Class", limit=230)),
        x=alt.X(
            "samples:Q",
            axis=alt.Axis(title="Number of samples", format="d", tickMinStep=1, grid=False),
            # Room for the number beside the longest bar.
            scale=alt.Scale(domain=[0, int(table["samples"].max()) * 1.15 + 0.5], nice=False),
        ),
        tooltip=tooltips,
    )
    bars = base.mark_bar(height={"band": 0.72}).encode(
        color=alt.Color("class:N", scale=theme.class_scale(names), legend=None)
    )
    labels = base.mark_text(align="left", dx=5, fontSize=11, color=theme.INK).encode(text="label:N")
    chart = alt.layer(bars, labels).properties(width=theme.WIDTH - 120, height=alt.Step(26))
    return theme.dress(
        chart, TITLE, theme.subtitle(cohort, wording.counted(len(names), "class")), axisY={"grid": False}
    )

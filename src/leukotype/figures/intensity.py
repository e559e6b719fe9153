"""The distribution of expression in every sample: an array that went wrong stands out."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.cohort import Cohort
from leukotype.figures import span, theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Expression in each sample"
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def draw(cohort: Cohort) -> Drawing:
    order = span.by_class(cohort)
    quantiles = [_quantiles(row[~np.isnan(row)]) for row in cohort.expression[order]]
    numbers = pd.DataFrame({"sample": cohort.samples[order], "class": cohort.labels[order]})
    numbers[list(QUANTILES)] = np.array(quantiles).reshape(len(order), len(QUANTILES))
    numbers["missing"] = np.isnan(cohort.expression[order]).sum(axis=1)
    n_missing = int(numbers["missing"].sum())
    medians = numbers["median"]
    caption = (
        f"Quantiles of the {wording.counted(cohort.n_probes, 'probe')} of each of "
        f"{wording.counted(cohort.n_samples, 'sample')}: white tick the median, bar the middle half, line from "
        "the 5th to the 95th percentile (a box plot after Tukey 1977, with fixed percentiles for its ends). "
        "Samples whose distribution lies apart from the others were measured or normalised otherwise; where "
        "that goes with the class, a model can learn it in place of biology."
    )
    if n_missing:
        caption += f" {n_missing:,} missing values are left out."
    summary = (
        f"Box plot of expression in {wording.counted(cohort.n_samples, 'sample')}, ordered by class. "
        f"The medians of the samples range from {medians.min():.3g} to {medians.max():.3g}."
    )
    return Drawing(numbers, lambda table: _paint(table, cohort), caption, summary)


def applies(cohort: Cohort) -> str | None:
    return None if cohort.n_samples else "The cohort has no samples."


def _quantiles(known: np.ndarray) -> np.ndarray:
    if len(known) == 0:
        return np.full(len(QUANTILES), np.nan)
    return np.quantile(known, list(QUANTILES.values()))


def _paint(table: pd.DataFrame, cohort: Cohort) -> Chart:
    n = len(table)
    width = min(theme.WIDTH, max(18 * n, 240))
    step = width / n
    base = alt.Chart(theme.rows(table)).encode(
        x=alt.X(
            "sample:N",
            sort=table["sample"].tolist(),
            axis=theme.samples_axis("Sample, ordered by class", n, width),
        ),
        tooltip=[alt.Tooltip("sample:N", title="Sample"), alt.Tooltip("class:N", title="Class")]
        + [alt.Tooltip(f"{name}:Q", title=name, format=".4g") for name in (*QUANTILES, "missing")],
    )
    colour = theme.class_colour(cohort.classes)
    title = alt.Axis(title=theme.expression_title(cohort))
    lines = base.mark_rule(strokeWidth=max(0.6, min(1.5, step / 5))).encode(
        y=alt.Y("q05:Q", axis=title, scale=alt.Scale(zero=False)), y2="q95:Q", color=colour
    )
    boxes = base.mark_bar(width={"band": 0.78}).encode(y="q25:Q", y2="q75:Q", color=colour)
    ticks = base.mark_tick(color="white", thickness=1.6, width={"band": 0.78}).encode(y="median:Q")
    chart = alt.layer(lines, boxes, ticks).properties(width=width, height=280)
    return theme.dress(
        chart, TITLE, theme.subtitle(cohort, wording.counted(cohort.n_probes, "probe")), axisX={"grid": False}
    )

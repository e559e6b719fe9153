"""Figures of a cohort: samples per class, and the distribution of expression in each sample."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype.cohort import Cohort
from leukotype.figures import theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.wording import counted, percent

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def has_samples(cohort: Cohort) -> str | None:
    return None if cohort.n_samples else "The cohort has no samples."


def class_counts(cohort: Cohort) -> Drawing:
    counts = np.array(list(cohort.class_counts.values()))
    numbers = pd.DataFrame({"class": cohort.classes, "samples": counts, "share": counts / counts.sum()})
    donors = ""
    if cohort.donors is not None:
        numbers["donors"] = [len(np.unique(cohort.donors[cohort.labels == name])) for name in cohort.classes]
        donors = f" They come from {counted(len(np.unique(cohort.donors)), 'donor')}."
    largest, smallest = cohort.classes[int(counts.argmax())], cohort.classes[int(counts.argmin())]
    listed = ", ".join(f"{name} {count}" for name, count in cohort.class_counts.items())
    return Drawing(
        numbers,
        lambda table: _paint_counts(table, cohort),
        f"{counted(int(counts.sum()), 'sample')} of {cohort.name} by class.{donors} A classifier that always predicts "
        f"{largest} has an accuracy of {percent(counts.max() / counts.sum())}; compare accuracies with this value. "
        "Balanced accuracy weights all classes equally.",
        f"Bar chart of the number of samples of each class: {listed}. The largest class is {largest}, the smallest "
        f"{smallest}.",
        theme.subtitle(cohort, counted(len(cohort.classes), "class")),
        {"axisY": {"grid": False}},
    )


def _paint_counts(table: pd.DataFrame, cohort: Cohort) -> Chart:
    table = table.assign(
        label=[f"{n} ({percent(s)})" for n, s in zip(table["samples"], table["share"], strict=True)]
    )
    names = list(cohort.classes)
    fields = {"samples": ("Samples", ""), "share": ("Share", ".1%"), "donors": ("Donors", "")}
    base = alt.Chart(theme.rows(table)).encode(
        y=alt.Y("class:N", sort=names, axis=theme.names_axis("Class", limit=230)),
        x=alt.X(
            "samples:Q",
            axis=alt.Axis(title="Number of samples", format="d", tickMinStep=1, grid=False),
            # Room for the label of the longest bar.
            scale=alt.Scale(domain=[0, int(table["samples"].max()) * 1.15 + 0.5], nice=False),
        ),
        tooltip=theme.hover({"class": "Class"}, {name: fields[name] for name in fields if name in table}),
    )
    bars = base.mark_bar(height={"band": 0.72}).encode(
        color=alt.Color("class:N", scale=theme.class_scale(names), legend=None)
    )
    labels = base.mark_text(align="left", dx=5, fontSize=11, color=theme.INK).encode(text=alt.Text("label:N"))
    return alt.layer(bars, labels).properties(width=theme.WIDTH - 120, height=alt.Step(26))


def intensity(cohort: Cohort) -> Drawing:
    order = np.argsort(cohort.codes, kind="stable")
    expression = cohort.expression[order]
    numbers = pd.DataFrame({"sample": cohort.samples[order], "class": cohort.labels[order]})
    numbers[list(QUANTILES)] = np.array([_quantiles(row[~np.isnan(row)]) for row in expression])
    numbers["missing"] = np.isnan(expression).sum(axis=1)
    n_missing, medians = int(numbers["missing"].sum()), numbers["median"]
    samples = counted(cohort.n_samples, "sample")
    return Drawing(
        numbers,
        lambda table: _paint_intensity(table, cohort),
        f"Quantiles of the {counted(cohort.n_probes, 'probe')} in each of {samples}: the white tick is the median, the "
        "bar the middle half, the line the 5th to the 95th percentile (after Tukey 1977). A sample with another "
        "distribution was measured or normalised differently. If this difference is related to the class, a model can "
        f"learn it instead of biology.{f' {n_missing:,} missing values are excluded.' if n_missing else ''}",
        f"Box plot of expression in {samples}, ordered by class. The medians of the samples range from "
        f"{medians.min():.3g} to {medians.max():.3g}.",
        theme.subtitle(cohort, counted(cohort.n_probes, "probe")),
        {"axisX": {"grid": False}},
    )


def _quantiles(known: np.ndarray) -> np.ndarray:
    levels = list(QUANTILES.values())
    return np.quantile(known, levels) if len(known) else np.full(len(levels), np.nan)


def _paint_intensity(table: pd.DataFrame, cohort: Cohort) -> Chart:
    n = len(table)
    width = min(theme.WIDTH, max(18 * n, 240))
    x_axis = theme.samples_axis("Sample, ordered by class", n, width)
    base = alt.Chart(theme.rows(table)).encode(
        x=alt.X("sample:N", sort=table["sample"].tolist(), axis=x_axis),
        tooltip=theme.hover(
            {"sample": "Sample", "class": "Class"}, {name: (name, ".4g") for name in (*QUANTILES, "missing")}
        ),
    )
    colour = theme.class_colour(cohort.classes)
    axis = alt.Axis(title=f"Expression ({cohort.provenance.scale})")
    lines = base.mark_rule(strokeWidth=max(0.6, min(1.5, width / n / 5))).encode(
        y=alt.Y("q05:Q", axis=axis, scale=alt.Scale(zero=False)), y2=alt.Y2("q95:Q"), color=colour
    )
    boxes = base.mark_bar(width={"band": 0.78}).encode(y=alt.Y("q25:Q"), y2=alt.Y2("q75:Q"), color=colour)
    ticks = base.mark_tick(color="white", thickness=1.6, width={"band": 0.78}).encode(y=alt.Y("median:Q"))
    return alt.layer(lines, boxes, ticks).properties(width=width, height=280)

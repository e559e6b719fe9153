"""Samples in a plane, coloured by class."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.cohort import Cohort
from leukotype.figures import theme


def numbers(cohort: Cohort, coordinates: Mapping[str, FloatArray]) -> pd.DataFrame:
    """One row per sample: sample, class, donor where known, and its coordinates."""
    table = pd.DataFrame({"sample": cohort.samples, "class": cohort.labels})
    if cohort.donors is not None:
        table["donor"] = cohort.donors
    return table.assign(**coordinates)


def points(
    table: pd.DataFrame, cohort: Cohort, fields: tuple[str, str], axes: tuple[alt.Axis, alt.Axis]
) -> alt.Chart:
    """One point per sample; beyond eight classes they differ in shape as well."""
    x, y = fields
    many = len(cohort.classes) > theme.DISTINCT_COLOURS
    text = {"sample": "Sample", "class": "Class", "donor": "Donor"}
    tooltips = [alt.Tooltip(f"{field}:N", title=title) for field, title in text.items() if field in table]
    tooltips += [alt.Tooltip(f"{field}:Q", title=field.upper(), format=".3g") for field in fields]
    size = 70 if len(table) <= 150 else 40
    plot = alt.Chart(theme.rows(table)).mark_point(
        filled=True, size=size, opacity=0.85, stroke="white", strokeWidth=0.6
    )
    encoded: alt.Chart = plot.encode(
        x=alt.X(f"{x}:Q", axis=axes[0], scale=alt.Scale(zero=False, padding=12)),
        y=alt.Y(f"{y}:Q", axis=axes[1], scale=alt.Scale(zero=False, padding=12)),
        color=theme.class_colour(cohort.classes),
        tooltip=tooltips,
    ).properties(width=theme.WIDTH - 40, height=400)
    return encoded.encode(shape=theme.class_shape(cohort.classes)) if many else encoded

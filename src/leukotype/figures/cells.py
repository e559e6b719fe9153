"""Heatmaps with many cells, and the strips that name the classes beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import altair as alt
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.figures import theme

STRIP = 10


def heatmap(
    matrix: FloatArray,
    columns: pd.DataFrame,
    rows: pd.DataFrame,
    *,
    column: str,
    row: str,
    value: str,
    digits: int,
) -> alt.Chart:
    """Rectangles over the fields `column` and `row`, with the field `value` still to be given a colour.

    matrix  : (n_rows, n_columns)
    columns : one row per column of the matrix; its fields go with every cell
    rows    : one row per row of the matrix; likewise

    The chart holds one list of values per column, not one record per cell, which would be ten times as large.
    """
    packed = columns.assign(values=matrix.T.round(digits).tolist())
    keyed = rows.assign(row_number=range(1, len(rows) + 1))
    # ARIA labels on ten thousand cells would be most of the SVG.
    cells: alt.Chart = (
        alt.Chart(theme.rows(packed))
        .transform_flatten(["values"], as_=[value])
        .transform_window(row_number="row_number()", groupby=[column])
        .transform_lookup(
            "row_number", from_=alt.LookupData(theme.rows(keyed), key="row_number", fields=list(rows.columns))
        )
        .mark_rect(aria=False)
        .encode(
            x=alt.X(f"{column}:N", sort=columns[column].tolist(), axis=None),
            y=alt.Y(f"{row}:N", sort=rows[row].tolist(), axis=None),
        )
    )
    return cells


def strip(
    table: pd.DataFrame,
    classes: Sequence[str],
    axis: alt.Axis | None,
    length: float,
    *,
    side: Literal["x", "y"],
    legend: alt.Legend | None,
) -> alt.Chart:
    """The class of each sample of `table` (sample, class), as a band along one side of a heatmap."""
    order = table["sample"].tolist()
    band = (
        alt.Chart(theme.rows(table[["sample", "class"]]))
        .mark_rect(aria=False)
        .encode(
            color=alt.Color("class:N", scale=theme.class_scale(classes), sort=None, legend=legend),
            tooltip=[alt.Tooltip("sample:N", title="Sample"), alt.Tooltip("class:N", title="Class")],
        )
    )
    shaped: alt.Chart
    if side == "x":
        shaped = band.encode(x=alt.X("sample:N", sort=order, axis=axis)).properties(
            width=length, height=STRIP
        )
    else:
        shaped = band.encode(y=alt.Y("sample:N", sort=order, axis=axis)).properties(
            width=STRIP, height=length
        )
    return shaped


def blank() -> alt.Chart:
    """An empty place in a grid of charts."""
    empty: alt.Chart = (
        alt.Chart(alt.InlineData(values=[{}]))
        .mark_point(opacity=0, aria=False)
        .properties(width=1, height=1, view=alt.ViewConfig(stroke=None))
    )
    return empty

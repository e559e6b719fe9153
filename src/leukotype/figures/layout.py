"""Arrangements that several figures share: panels in rows, heatmaps with many cells, and class strips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.figures import theme
from leukotype.figures.theme import Chart

STRIP = 10


@dataclass(frozen=True)
class Place:
    """Position of a panel: `leftmost` labels its y axis, `lowest` (in the last row) its x axis."""

    leftmost: bool
    lowest: bool

    def x(self, axis: alt.Axis) -> alt.Axis:
        return axis if self.lowest else _bare(axis, labels=False)

    def y(self, axis: alt.Axis) -> alt.Axis:
        # Blank labels rather than none: the topmost label moves the panel title, and titles of a row must align.
        return axis if self.leftmost else _bare(axis, labelExpr="' '", labelPadding=0)


def _bare(axis: alt.Axis, **options: Any) -> alt.Axis:
    bare: alt.Axis = axis.copy()
    for name, value in {"title": None, "ticks": False, **options}.items():
        bare[name] = value
    return bare


def wrap(
    titles: Mapping[str, str], panel: Callable[[str, Place], Chart], *, columns: int, width: float
) -> alt.ConcatChart:
    """One panel of `width` px per name in `titles`, in rows of `columns`, each below its title.

    Vega-Lite's own facets draw axes in empty places of the last row.
    """
    drawn = []
    for number, (name, title) in enumerate(titles.items()):
        last_row = (len(titles) - 1) // columns
        place = Place(leftmost=number % columns == 0, lowest=number // columns == last_row)
        heading = alt.TitleParams(
            text=title, anchor="middle", frame="group", fontSize=12, offset=6, limit=int(width) + 12
        )
        chart = panel(name, place)
        chart["title"] = heading
        drawn.append(chart)
    return alt.concat(*drawn, columns=columns, spacing=14)


def columns_for(n: int, most: int) -> int:
    """Number of columns, at most `most`, for the fewest rows of nearly equal length."""
    n_rows = -(-n // most)
    return -(-n // n_rows)


def cell_step(n: int, length: float, most: float) -> float:
    """Side of heatmap cells in whole pixels, so that no seams show."""
    return max(1.0, min(most, length // n))


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
    """Cells over the fields `column` and `row`, with the values in the field `value`, still without a colour.

    matrix  : (n_rows, n_columns)
    columns : one row per column of the matrix; its fields are available in every cell
    rows    : the same for the rows of the matrix

    The chart stores one list of values per column; one record per cell would be ten times as large.
    """
    packed = columns.assign(values=matrix.T.round(digits).tolist())
    keyed = rows.assign(row_number=range(1, len(rows) + 1))
    # ARIA labels of ten thousand cells would be most of the SVG.
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
            tooltip=theme.hover({"sample": "Sample", "class": "Class"}),
        )
    )
    x = alt.X("sample:N", sort=order, axis=axis)
    y = alt.Y("sample:N", sort=order, axis=axis)
    shaped: alt.Chart = (
        band.encode(x=x).properties(width=length, height=STRIP)
        if side == "x"
        else band.encode(y=y).properties(width=STRIP, height=length)
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

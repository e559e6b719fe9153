"""Small multiples that wrap: axes are labelled on the left and below, and no place is left with axes alone.

Vega-Lite's own facets draw axes below panels that are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt

from leukotype.figures.figure import Chart


@dataclass(frozen=True)
class Place:
    """Where a panel stands.

    leftmost : it labels the y axis
    lowest   : in the last row; it labels the x axis
    """

    leftmost: bool
    lowest: bool

    def x(self, axis: alt.Axis) -> alt.Axis:
        return axis if self.lowest else _bare(axis, labels=False)

    def y(self, axis: alt.Axis) -> alt.Axis:
        # Labels that cannot be seen, for the topmost lifts the title of the panel as it does on the left.
        return axis if self.leftmost else _bare(axis, labelExpr="' '", labelPadding=0)


def _bare(axis: alt.Axis, **options: Any) -> alt.Axis:
    return alt.Axis.from_dict({**axis.to_dict(), "title": None, "ticks": False, **options})


def wrap(
    titles: Mapping[str, str],
    panel: Callable[[str, Place], Chart],
    *,
    columns: int,
    width: float,
) -> alt.ConcatChart:
    """One panel of `width` px per name in `titles`, in rows of `columns`, each below its title."""
    drawn = []
    for number, (name, title) in enumerate(titles.items()):
        last_row = (len(titles) - 1) // columns
        place = Place(leftmost=number % columns == 0, lowest=number // columns == last_row)
        heading = alt.TitleParams(
            text=title, anchor="middle", frame="group", fontSize=12, offset=6, limit=int(width) + 12
        )
        drawn.append(panel(name, place).properties(title=heading))
    return alt.concat(*drawn, columns=columns, spacing=14)


def columns_for(n: int, most: int) -> int:
    """As few rows as `most` columns allow, with the rows as equal as can be."""
    n_rows = -(-n // most)
    return -(-n // n_rows)

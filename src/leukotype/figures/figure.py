"""What a figure is: numbers, a picture of them, and the words that go with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import altair as alt
import pandas as pd

Chart: TypeAlias = (
    alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart | alt.HConcatChart | alt.VConcatChart
)


Part: TypeAlias = Literal["data", "evaluation", "study", "benchmark", "validation"]


@dataclass(frozen=True, eq=False)
class Drawing:
    """One figure of one cohort or evaluation.

    numbers : what the picture shows, one row per mark
    paint   : from those numbers to the chart
    caption : what is shown, of how many samples, by which method, and what to mind
    alt     : what a reader who cannot see the picture should know
    """

    numbers: pd.DataFrame
    paint: Callable[[pd.DataFrame], Chart]
    caption: str
    alt: str

    def table(self) -> pd.DataFrame:
        """The numbers behind the picture."""
        return self.numbers.copy()

    def chart(self) -> Chart:
        """The picture, an Altair chart with its data inside; the same bytes for the same numbers."""
        chart: Chart = self.paint(self.numbers).properties(description=self.alt)
        return chart


@dataclass(frozen=True)
class Figure:
    """One entry of FIGURES.

    name    : kebab-case, stem of its files
    part    : what it is drawn from.  "data": a Cohort; "evaluation": an Evaluation; "study": a Study;
              "benchmark": a Leaderboard; "validation": a Validation
    draw    : from that source to the drawing
    applies : None where the source can be drawn, else one sentence that says why not
    """

    name: str
    title: str
    part: Part
    draw: Callable[[Any], Drawing]
    applies: Callable[[Any], str | None]

    def __str__(self) -> str:
        return self.name

"""A figure: its numbers, its chart, its caption and its alternative text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import pandas as pd
from altair.utils.schemapi import debug_mode

from leukotype.figures import theme
from leukotype.figures.theme import Chart

Part: TypeAlias = Literal["data", "evaluation", "study", "benchmark", "validation"]


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure of one cohort, evaluation, study, benchmark or validation.

    numbers  : the data shown, one row per mark
    paint    : from the numbers to the chart
    caption  : what is shown, of how many samples, by which method, and its limits
    alt      : the content in words, for readers who can't see the chart
    subtitle : lines below the title
    look     : additions to the common Vega-Lite configuration
    """

    numbers: pd.DataFrame
    paint: Callable[[pd.DataFrame], Chart]
    caption: str
    alt: str
    subtitle: Sequence[str] = ()
    look: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    title: str = ""

    def table(self) -> pd.DataFrame:
        """A copy of the numbers."""
        return self.numbers.copy()

    def chart(self) -> Chart:
        """The Altair chart, with its data inside; the same bytes for the same numbers."""
        # Altair checks every part of a chart against its schema, which takes longer than drawing. The tests do that.
        with debug_mode(False):
            chart = self.paint(self.numbers)
            theme.dress(chart, self.title, self.subtitle, self.alt, self.look)
        return chart

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The chart as Vega-Lite."""
        spec: Mapping[str, Any] = self.chart().to_dict(validate=False)
        return spec


@dataclass(frozen=True)
class Figure:
    """One entry of FIGURES.

    name    : kebab-case, stem of its files
    part    : its source.  "data": a Cohort; "evaluation": an Evaluation; "study": a Study; "benchmark": a
              Leaderboard; "validation": a Validation
    plan    : from the source to the drawing, without the title
    applies : from the source to None if the figure can be drawn, else to a sentence with the reason
    """

    name: str
    title: str
    part: Part
    plan: Callable[[Any], Drawing]
    applies: Callable[[Any], str | None]

    def draw(self, source: Any) -> Drawing:
        """Draw the figure."""
        return replace(self.plan(source), title=self.title)

    def __str__(self) -> str:
        return self.name

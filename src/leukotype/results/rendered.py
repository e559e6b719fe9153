"""Figures, drawn once for the report and for the disk."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import pandas as pd
import vl_convert

from leukotype import figures
from leukotype.figures import Drawing, Figure, theme
from leukotype.figures.files import svg_of
from leukotype.studies import Study

Part = Literal["data", "evaluation"]

# Beyond these sizes (characters) a browser gets slow: pixels in place of shapes, and no hover.
MOST_SVG = 1_500_000
MOST_SPEC = 1_500_000
MOST_CSV = 500_000
MOST_ROWS = 40


@dataclass(frozen=True, eq=False)
class Plate:
    """One figure as the report shows it.

    spec   : its chart without the title, which the page gives; None where there is none
    reason : why there is none
    """

    figure: Figure
    drawing: Drawing | None = None
    spec: Mapping[str, Any] | None = None
    reason: str = ""

    @property
    def name(self) -> str:
        return self.figure.name

    @property
    def title(self) -> str:
        return self.figure.title

    @property
    def caption(self) -> str:
        return self._drawn.caption

    @property
    def alt(self) -> str:
        return self._drawn.alt

    @cached_property
    def svg(self) -> str:
        return "" if self.spec is None else svg_of(self.spec)

    @property
    def width(self) -> int:
        """Natural width in px."""
        return self._side("width")

    @property
    def height(self) -> int:
        """Natural height in px."""
        return self._side("height")

    @cached_property
    def picture(self) -> str:
        """The picture as a data address; as an image, nothing in it can run or clash with the page."""
        if len(self.svg) <= MOST_SVG:
            return f"data:image/svg+xml;base64,{base64.b64encode(self.svg.encode()).decode()}"
        return (
            f"data:image/png;base64,{base64.b64encode(vl_convert.svg_to_png(self.svg, scale=2.0)).decode()}"
        )

    @cached_property
    def json(self) -> str:
        """The chart as Vega-Lite JSON, for hovering; empty where it is too large."""
        text = json.dumps(self.spec, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text if len(text) <= MOST_SPEC else ""

    @cached_property
    def numbers(self) -> pd.DataFrame:
        return self._drawn.table()

    @cached_property
    def csv(self) -> str:
        """The numbers behind the picture."""
        return self.numbers.to_csv(index=False, lineterminator="\n")

    @property
    def _drawn(self) -> Drawing:
        if self.drawing is None:
            raise ValueError(f"figure {self.name!r} was not drawn: {self.reason}")
        return self.drawing

    def _side(self, name: str) -> int:
        found = re.search(rf'<svg[^>]*\b{name}="([\d.]+)', self.svg)
        return round(float(found[1])) if found else 640


def draw(source: Any, part: Part, *, on_step: Callable[[str], None]) -> tuple[Plate, ...]:
    """Draw every figure of one part.

    source : a Cohort for the part "data", an Evaluation for the part "evaluation"
    """
    return draw_each(figures.of_part(part), source, on_step=on_step)


def draw_inferred(study: Study, *, on_step: Callable[[str], None]) -> tuple[Plate, ...]:
    """Draw what was inferred; what was not asked for, or shows nothing, is passed over."""
    chosen = [figure for figure in figures.of_part("study") if figure.applies(study) is None]
    return draw_each(chosen, study, on_step=on_step)


def draw_each(chosen: Sequence[Figure], source: Any, *, on_step: Callable[[str], None]) -> tuple[Plate, ...]:
    """Draw some figures of one source; those that do not apply say why."""
    plates = []
    for figure in chosen:
        on_step(figure.title)
        plates.append(_draw(figure, source))
    return tuple(plates)


def _draw(figure: Figure, source: Any) -> Plate:
    reason = figure.applies(source)
    if reason is not None:
        return Plate(figure, reason=reason)
    try:
        drawing = figure.draw(source)
        chart = drawing.chart()
    except (ArithmeticError, ValueError, TypeError, LookupError) as problem:
        # One picture that fails must not cost the reader all results; the report says so.
        return Plate(
            figure, reason=f"It could not be drawn ({type(problem).__name__}: {problem}). Please report this."
        )
    # Painted once: Altair checks every part of a chart it builds, which takes longer than to draw it.
    drawing = replace(drawing, paint=lambda numbers: chart)
    return Plate(figure, drawing, _untitled(chart.to_dict(validate=False)))


def _untitled(spec: dict[str, Any]) -> dict[str, Any]:
    """Put the subtitle in the place of the title: on the page, the heading above says what the title does."""
    title = spec.get("title")
    if not isinstance(title, dict):
        return spec
    lines = title.get("subtitle")
    if not lines:
        return {key: value for key, value in spec.items() if key != "title"}
    kept = {key: value for key, value in title.items() if key not in ("text", "subtitle")}
    look = {"fontSize": 12, "fontWeight": "normal", "color": theme.GREY}
    return {**spec, "title": {**kept, "text": lines, **look}}

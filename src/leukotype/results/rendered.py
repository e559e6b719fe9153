"""Figures, rendered once for the page and for the disk."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from importlib.metadata import version
from typing import Any

import pandas as pd
import vl_convert

from leukotype import atomic, datasets, figures, pictures
from leukotype.benchmark import Benchmark
from leukotype.classifier.validation import Validation
from leukotype.cohort import Cohort
from leukotype.csv_text import csv_text
from leukotype.errors import OutputRefused, UnreadableFile
from leukotype.figures import Drawing, Figure, theme
from leukotype.figures.files import vegalite_version
from leukotype.pictures import Pictures, Renderer, lack_of_memory
from leukotype.readers import read_bytes
from leukotype.results.page import Notice
from leukotype.results.tables import Table
from leukotype.studies import Study

Source = Cohort | Study | Benchmark | Validation
# Larger figures (in characters) slow a browser down: the page then shows pixels, without tooltips or download.
MOST_SVG = 1_500_000
MOST_SPEC = 1_500_000
MOST_CSV = 500_000
MOST_ROWS = 40
# What a faulty figure raises.
_PROBLEMS = (ArithmeticError, ValueError, TypeError, LookupError)


@dataclass(frozen=True, eq=False)
class RenderedFigure:
    """One figure as a page shows it.

    spec     : Vega-Lite chart without the title, which the page prints
    pictures : of the chart with the title
    safe_csv : whether text in the CSV that looks like a formula is defused for spreadsheets
    """

    figure: Figure
    drawing: Drawing
    spec: Mapping[str, Any]
    pictures: Pictures
    safe_csv: bool = False

    @property
    def name(self) -> str:
        return self.figure.name

    @property
    def title(self) -> str:
        return self.figure.title

    @cached_property
    def svg(self) -> str:
        """The picture on the page."""
        return self.pictures.untitled or pictures.svg_of(self.spec, vegalite_version())

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
        """The picture as a data address; in an image no script can run."""
        is_small = len(self.svg) <= MOST_SVG
        content = self.svg.encode() if is_small else pictures.png_of(self.svg)
        return f"data:image/{'svg+xml' if is_small else 'png'};base64,{base64.b64encode(content).decode()}"

    @cached_property
    def json(self) -> str:
        """The chart as Vega-Lite JSON, for tooltips; empty if it is too large."""
        text = json.dumps(self.spec, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text if len(text) <= MOST_SPEC else ""

    @cached_property
    def numbers(self) -> pd.DataFrame:
        return self.drawing.table()

    @cached_property
    def csv(self) -> str:
        """The numbers behind the picture."""
        return csv_text(self.numbers, safe=self.safe_csv)

    @property
    def csv_address(self) -> str:
        """The CSV as a data address for download; empty if it is too long for an address."""
        if len(self.csv) > MOST_CSV:
            return ""
        return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(self.csv.encode()).decode()}"

    @property
    def numbers_table(self) -> Table:
        """The first rows of the numbers behind the picture."""
        frame, total = self.numbers.head(MOST_ROWS), len(self.numbers)
        first = f": the first {MOST_ROWS} of {total:,} rows" if total > MOST_ROWS else ""
        rows = [[_plain(value) for value in row] for row in frame.itertuples(index=False, name=None)]
        text = tuple(k for k, kind in enumerate(frame.dtypes) if not pd.api.types.is_numeric_dtype(kind))
        caption = f"Numbers behind “{self.title}”{first}"
        return Table(f"numbers-{self.name}", caption, tuple(map(str, frame.columns)), rows, text)

    def _side(self, name: str) -> int:
        found = re.search(rf'<svg[^>]*\b{name}="([\d.]+)', self.svg)
        return round(float(found[1])) if found else 640


def draw(
    source: Source,
    on_step: Callable[[str], None],
    *,
    safe_csv: bool = False,
    with_png: bool = True,
    renderer: Renderer | None = None,
) -> tuple[list[RenderedFigure], list[Notice]]:
    """Draw every figure of a result; return the figures, and the reasons for those that are missing.

    on_step  : called with the title of each figure before it is drawn
    safe_csv : see `RenderedFigure`
    with_png : whether PNG files are needed
    renderer : one that was started draws while the next figure is prepared
    """
    if (lacking := lack_of_memory()) is not None:
        on_step(f"No figures: {lacking}")
        return [], [Notice("warning", "No figures", f"{lacking[:1].upper()}{lacking[1:]}")]
    renderer = renderer or Renderer()
    begun: list[Callable[[], RenderedFigure | Notice]] = []
    # From the last to the first: a map takes longest to prepare, and other figures are drawn meanwhile.
    for figure, part in reversed(_figures_of(source)):
        reason = figure.applies(part)
        # A figure of an analysis that was not requested needs no explanation.
        if reason is not None and figure.part == "study":
            continue
        on_step(figure.title)
        if reason is not None:
            begun.append(partial(_missing, figure, reason))
            continue
        # One figure that fails must not cost all results; the report states it.
        try:
            drawing = figure.draw(part)
            wait = renderer.draw(drawing.spec, vegalite_version(), with_png=with_png)
        except _PROBLEMS as problem:
            begun.append(partial(_missing, figure, _reason(problem)))
        else:
            begun.append(partial(_finish, figure, drawing, wait, safe_csv))
    found = [finish() for finish in begun][::-1]
    return (
        [one for one in found if isinstance(one, RenderedFigure)],
        [one for one in found if isinstance(one, Notice)],
    )


def _figures_of(source: Source) -> list[tuple[Figure, Any]]:
    """Return every figure of a result with what it is drawn from."""
    match source:
        case Study():
            return figures.of_study(source)
        case Cohort():
            return [(figure, source) for figure in figures.of_part("data")]
        case Benchmark():
            return [(figure, source.leaderboard) for figure in figures.of_part("benchmark")]
        case Validation():
            return [(figure, source) for figure in figures.of_part("validation")]


def _finish(
    figure: Figure, drawing: Drawing, wait: Callable[[], Pictures], safe_csv: bool
) -> RenderedFigure | Notice:
    try:
        return RenderedFigure(figure, drawing, _untitled(drawing.spec), wait(), safe_csv)
    except _PROBLEMS as problem:
        return _missing(figure, _reason(problem))


def _missing(figure: Figure, reason: str) -> Notice:
    return Notice("note", f"No figure “{figure.title}”", reason)


def _reason(problem: Exception) -> str:
    return f"It could not be drawn ({type(problem).__name__}: {problem}). Please report this."


def _untitled(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace the title by the subtitle: the heading on the page states the title."""
    title = spec.get("title")
    if not isinstance(title, dict):
        return spec
    lines = title.get("subtitle")
    if not lines:
        return {key: value for key, value in spec.items() if key != "title"}
    kept = {key: value for key, value in title.items() if key not in ("text", "subtitle")}
    look = {"fontSize": 12, "fontWeight": "normal", "color": theme.GREY}
    return {**spec, "title": {**kept, "text": lines, **look}}


@lru_cache(maxsize=1)
def vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, from vl-convert; the user's cache keeps it.

    Making it takes longer than reading a cohort, and a version always gives the same bytes.
    """
    folder = datasets.script_cache()
    kept = f"vega-{version('vl-convert-python')}-{vegalite_version()}-"
    for path in sorted(folder.glob(f"{kept}*.js")) if folder.is_dir() else ():
        with suppress(OSError, UnreadableFile, UnicodeDecodeError):
            content = read_bytes(path)
            if path.stem == kept + hashlib.sha256(content).hexdigest():
                return content.decode()
    text = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vegalite_version()))
    content = text.encode()
    with suppress(OSError, OutputRefused):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.put(folder / f"{kept}{hashlib.sha256(content).hexdigest()}.js", content)
    return text


def _plain(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.4g}"
    return str(value)

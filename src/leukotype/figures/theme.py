"""How every figure looks: colours, shapes, type, and the title that says whose samples these are."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.cohort import Batch, Cohort
from leukotype.evaluation import Evaluation
from leukotype.figures.figure import Chart

WIDTH = 560
INK, GREY, PALE = "#222222", "#6b6b6b", "#e3e3e3"

# Okabe & Ito (2008), "Color Universal Design", without its black; then eight hues of Tol's "muted" scheme.
COLOURS = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#4D4D4D"),
    *("#882255", "#999933", "#332288", "#44AA99", "#DDCC77", "#AA4499", "#117733", "#BBBBBB"),
)
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
# Without the yellow, too pale for a line on white, and the grey, which is for baselines.
MODEL_COLOURS = (*COLOURS[:6], "#882255")
DASHES = ((1, 0), (6, 2), (2, 2), (8, 2, 2, 2))
# Beyond this, shapes tell classes apart where colours alone no longer do.
DISTINCT_COLOURS = 8
# Beyond this, one label per sample is unreadable.
MOST_LABELS = 80


def colour_of(number: int) -> str:
    """The colour of the class or model at a position; colours recur after 16."""
    return COLOURS[number % len(COLOURS)]


def class_scale(classes: Sequence[str]) -> alt.Scale:
    """One colour per class, by its position in `Cohort.classes`, so that it is the same in every figure."""
    return alt.Scale(domain=list(classes), range=[colour_of(k) for k in range(len(classes))])


def class_colour(classes: Sequence[str], field: str = "class") -> alt.Color:
    return alt.Color(f"{field}:N", scale=class_scale(classes), sort=None, legend=legend("Class", classes))


def class_shape(classes: Sequence[str]) -> alt.Shape:
    """One shape for every eight classes; together with the colour it is unique up to 48 classes."""
    shapes = [SHAPES[k // DISTINCT_COLOURS % len(SHAPES)] for k in range(len(classes))]
    scale = alt.Scale(domain=list(classes), range=shapes)
    return alt.Shape("class:N", scale=scale, sort=None, legend=legend("Class", classes))


def legend(title: str, entries: Sequence[str], width: int = WIDTH) -> alt.Legend:
    """A legend below the picture, in as few rows as fit the width, the rows about equally long."""
    n_rows = next((r for r in range(1, len(entries)) if _legend_width(entries, r) <= width), len(entries))
    return alt.Legend(
        title=title,
        orient="bottom",
        direction="horizontal",
        columns=-(-len(entries) // n_rows),
        labelLimit=230,
    )


def _legend_width(entries: Sequence[str], n_rows: int) -> float:
    # 6.2 px a letter and 32 px for the symbol and the gap, at the size of the common look.
    columns = -(-len(entries) // n_rows)
    return sum(min(6.2 * max(map(len, entries[k::columns])), 230) + 32 for k in range(columns))


def cell_step(n: int, length: float, most: float) -> float:
    """Side of the cells of a heatmap: whole pixels, lest the seams between them show."""
    return max(1.0, min(most, length // n))


@dataclass(frozen=True)
class Style:
    """How the line or the point of a model is drawn."""

    colour: str
    dash: tuple[int, ...]


def model_styles(models: Sequence[str], baselines: Collection[str] = ()) -> dict[str, Style]:
    """Colour and dash of each model by its position; baselines are grey."""
    styles: dict[str, Style] = {}
    for model in models:
        known = sum((other in baselines) == (model in baselines) for other in styles)
        if model in baselines:
            styles[model] = Style(("#8a8a8a", "#3d3d3d")[known % 2], ((4, 2), (7, 2, 1, 2))[known % 2])
        else:
            styles[model] = Style(MODEL_COLOURS[known % 7], DASHES[known // 7 % len(DASHES)])
    return styles


def baselines(evaluation: Evaluation) -> frozenset[str]:
    """Names of the baselines among the models of an evaluation."""
    return frozenset(model.name for model in evaluation.models if model.baseline)


def samples_axis(title: str, n: int, length: float) -> alt.Axis:
    """The axis of one tick per sample, without labels where they would be too many to read."""
    if n > MOST_LABELS:
        return alt.Axis(title=title, labels=False, ticks=False)
    size = max(6.0, min(10.0, math.floor(length / n * 0.92 * 2) / 2))
    return alt.Axis(
        title=title, labelFontSize=size, labelOverlap=False, labelLimit=110, ticks=False, labelPadding=4
    )


def names_axis(title: str | None, *, limit: int = 150, **options: Any) -> alt.Axis:
    """The axis of a few names, none of them left out; longer ones end after `limit` px."""
    return alt.Axis(title=title, labelOverlap=False, labelLimit=limit, ticks=False, labelPadding=5, **options)


def rows(frame: pd.DataFrame) -> alt.InlineData:
    """The rows of a table as chart data: plain types, numbers of five significant digits, null for NaN."""
    records = frame.to_dict(orient="records")
    plain = [{str(key): _plain(value) for key, value in record.items()} for record in records]
    return alt.InlineData(values=plain)


def _plain(value: object) -> object:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return str(value)


def subtitle(cohort: Cohort, *facts: str) -> list[str]:
    """Name, number of samples and what else matters; a line of its own where the values are simulated."""
    lines = [" · ".join([shortened(cohort.name, 44), wording.counted(len(cohort.labels), "sample"), *facts])]
    if cohort.provenance.simulated:
        lines.append("Simulated values: no patient stands behind them")
    return lines


def external(batch: Batch, classifier: str, *facts: str) -> list[str]:
    """The subtitle of a figure of external samples: their file, their number, and by which classifier."""
    source = PurePath(batch.provenance.source).name
    lines = [
        f"{shortened(source, 44)} · {wording.counted(batch.n_samples, 'sample')}",
        " · ".join([f"by {shortened(classifier, 44)}", *facts]),
    ]
    if batch.provenance.simulated:
        lines.append("Simulated values: no patient stands behind them")
    return lines


def shortened(name: str, most: int) -> str:
    """A name of at most `most` letters, the middle of a longer one left out."""
    if len(name) <= most:
        return name
    tail = (most - 1) // 3
    return f"{name[: most - 1 - tail]}…{name[-tail:]}"


def expression_title(cohort: Cohort) -> str:
    return f"Expression ({cohort.provenance.scale})"


def dress(chart: Chart, title: str, lines: Sequence[str], **config: Mapping[str, Any]) -> Chart:
    """Give a finished chart its title, subtitle and the common look; `config` adds to that look."""
    heading = alt.TitleParams(text=title, subtitle=list(lines), anchor="start", frame="group")
    dressed: Chart = chart.properties(title=heading, background="white", padding=8)
    dressed.config = alt.Config.from_dict(_merged(_CONFIG, config))
    return dressed


def _merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in extra.items():
        merged[key] = {**base.get(key, {}), **value}
    return merged


_CONFIG: Mapping[str, Any] = {
    "font": "sans-serif",
    "title": {
        "fontSize": 15,
        "fontWeight": 600,
        "color": INK,
        "subtitleFontSize": 12,
        "subtitleColor": GREY,
        "subtitlePadding": 4,
        "offset": 12,
    },
    "axis": {
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": INK,
        "gridColor": PALE,
        "domainColor": "#888888",
        "tickColor": "#888888",
        "titlePadding": 8,
    },
    "legend": {
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": INK,
        "titleLimit": 420,
        "symbolStrokeWidth": 2,
    },
    "header": {
        "labelFontSize": 12,
        "labelFontWeight": 600,
        "labelColor": INK,
        "labelPadding": 4,
        "title": None,
    },
    "view": {"stroke": "#bbbbbb"},
    "concat": {"spacing": 12},
    "facet": {"spacing": 14},
}

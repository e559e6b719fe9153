"""Look of all figures: colours, shapes, legends, axes, hover texts, titles and fonts."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeAlias

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.cohort import Batch, Cohort
from leukotype.evaluation import Evaluation

Chart: TypeAlias = (
    alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart | alt.HConcatChart | alt.VConcatChart
)

WIDTH = 560
INK, GREY, PALE = "#222222", "#6b6b6b", "#e3e3e3"
# Okabe & Ito (2008), "Color Universal Design", without its black; then eight hues of Tol's "muted" scheme.
COLOURS = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#4D4D4D"),
    *("#882255", "#999933", "#332288", "#44AA99", "#DDCC77", "#AA4499", "#117733", "#BBBBBB"),
)
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
# Without the yellow, too pale for lines on white, and the grey of baselines.
MODEL_COLOURS = (*COLOURS[:6], "#882255")
DASHES = ((1, 0), (6, 2), (2, 2), (8, 2, 2, 2))
# With more classes, shapes are needed too.
DISTINCT_COLOURS = 8
# With more samples, their labels are unreadable.
MOST_LABELS = 80
UNIT = alt.Scale(domain=[0, 1], nice=False)


def class_scale(classes: Sequence[str]) -> alt.Scale:
    """One colour per class by its position in `Cohort.classes`, the same in every figure; recurs after 16."""
    return alt.Scale(domain=list(classes), range=[COLOURS[k % len(COLOURS)] for k in range(len(classes))])


def class_colour(classes: Sequence[str]) -> alt.Color:
    return alt.Color("class:N", scale=class_scale(classes), sort=None, legend=legend("Class", classes))


def class_shape(classes: Sequence[str]) -> alt.Shape:
    """One shape per eight classes; with the colour it is unique for up to 48 classes."""
    shapes = [SHAPES[k // DISTINCT_COLOURS % len(SHAPES)] for k in range(len(classes))]
    scale = alt.Scale(domain=list(classes), range=shapes)
    return alt.Shape("class:N", scale=scale, sort=None, legend=legend("Class", classes))


def legend(title: str, entries: Sequence[str], width: int = WIDTH) -> alt.Legend:
    """A legend below the chart, in as few rows of similar length as fit the width."""
    n_rows = next((r for r in range(1, len(entries)) if _legend_width(entries, r) <= width), len(entries))
    columns = -(-len(entries) // n_rows)
    return alt.Legend(title=title, orient="bottom", direction="horizontal", columns=columns, labelLimit=230)


def _legend_width(entries: Sequence[str], n_rows: int) -> float:
    # 6.2 px per letter, and 32 px for the symbol and the gap.
    columns = -(-len(entries) // n_rows)
    return sum(min(6.2 * max(map(len, entries[k::columns])), 230) + 32 for k in range(columns))


@dataclass(frozen=True)
class Style:
    """Colour and dash pattern of a model."""

    colour: str
    dash: tuple[int, ...]


def model_styles(models: Sequence[str], baselines: Collection[str] = ()) -> dict[str, Style]:
    """Style of each model by its position; baselines are grey."""
    styles: dict[str, Style] = {}
    for model in models:
        known = sum((other in baselines) == (model in baselines) for other in styles)
        if model in baselines:
            styles[model] = Style(("#8a8a8a", "#3d3d3d")[known % 2], ((4, 2), (7, 2, 1, 2))[known % 2])
        else:
            styles[model] = Style(MODEL_COLOURS[known % 7], DASHES[known // 7 % len(DASHES)])
    return styles


def baselines(evaluation: Evaluation) -> frozenset[str]:
    """Names of the baselines of an evaluation."""
    return frozenset(model.name for model in evaluation.models if model.baseline)


def informative(evaluation: Evaluation) -> list[str]:
    """Names of the models that are not baselines; all if all are baselines."""
    return [model.name for model in evaluation.models if not model.baseline] or list(evaluation.names)


def hollow_baselines(colour: str) -> tuple[alt.ColorValue, alt.StrokeValue, alt.FillValue]:
    """Colour of lines, stroke and fill of dots: grey and hollow if the field `baseline` is true."""
    line = alt.condition("datum.baseline", alt.value("#777777"), alt.value(colour))
    inside = alt.condition("datum.baseline", alt.value("white"), alt.value(colour))
    return alt.ColorValue(**line), alt.StrokeValue(**line), alt.FillValue(**inside)


def samples_axis(title: str, n: int, length: float) -> alt.Axis:
    """An axis with one label per sample, or none if there are too many to read."""
    if n > MOST_LABELS:
        return alt.Axis(title=title, labels=False, ticks=False)
    size = max(6.0, min(10.0, math.floor(length / n * 0.92 * 2) / 2))
    return alt.Axis(
        title=title, labelFontSize=size, labelOverlap=False, labelLimit=110, ticks=False, labelPadding=4
    )


def names_axis(title: str | None, *, limit: int = 150, **options: Any) -> alt.Axis:
    """An axis that shows all of a few names, each cut at `limit` px."""
    return alt.Axis(title=title, labelOverlap=False, labelLimit=limit, ticks=False, labelPadding=5, **options)


def hover(
    texts: Mapping[str, str], numbers: Mapping[str, tuple[str, str]] | None = None
) -> list[alt.Tooltip]:
    """Tooltips: titles of text fields, then titles and formats of numeric fields; an empty format is the default."""
    shown = [alt.Tooltip(f"{field}:N", title=title) for field, title in texts.items()]
    return shown + [
        alt.Tooltip(f"{field}:Q", title=title, format=form or alt.Undefined)
        for field, (title, form) in (numbers or {}).items()
    ]


class _Rows(alt.InlineData):
    """Chart data that is never changed, so that Altair need not copy it whenever a chart is combined or dressed."""

    def __deepcopy__(self, memo: object) -> _Rows:
        return self


def rows(frame: pd.DataFrame) -> alt.InlineData:
    """The rows of a table as chart data: plain types, numbers of five significant digits, null for NaN."""
    records = frame.to_dict(orient="records")
    return _Rows(values=[{str(key): _plain(value) for key, value in r.items()} for r in records])


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
    """Name, number of samples and other facts; a second line if the values are simulated."""
    lines = [" · ".join([shortened(cohort.name, 44), wording.counted(len(cohort.labels), "sample"), *facts])]
    return lines + ["Simulated values, not measured samples"] * cohort.provenance.simulated


def batch_subtitle(batch: Batch, classifier: str, *facts: str) -> list[str]:
    """File and number of external samples, classifier and other facts; a third line if the values are simulated."""
    source = PurePath(batch.provenance.source).name
    lines = [
        f"{shortened(source, 44)} · {wording.counted(batch.n_samples, 'sample')}",
        " · ".join([f"by {shortened(classifier, 44)}", *facts]),
    ]
    return lines + ["Simulated values, not measured samples"] * batch.provenance.simulated


def shortened(name: str, most: int) -> str:
    """A name of at most `most` characters; the middle of a longer one is left out."""
    if len(name) <= most:
        return name
    tail = (most - 1) // 3
    return f"{name[: most - 1 - tail]}…{name[-tail:]}"


def dress(
    chart: Chart, title: str, lines: Sequence[str], alt_text: str, look: Mapping[str, Mapping[str, Any]]
) -> None:
    """Add title, subtitle, alternative text and the common look; `look` adds to the Vega-Lite configuration."""
    changed = {key: {**_CONFIG.get(key, {}), **value} for key, value in look.items()}
    # `properties` would copy the whole chart.
    chart["title"] = alt.TitleParams(text=title, subtitle=list(lines), anchor="start", frame="group")
    chart["background"] = "white"
    chart["padding"] = 8
    chart["config"] = alt.Config(**{**_CONFIG, **changed})
    chart["description"] = alt_text


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

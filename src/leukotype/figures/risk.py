"""What abstaining buys: the error of the most confident calls against the share of samples that they are."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from leukotype import wording
from leukotype.classifier.abstention import risk_coverage
from leukotype.classifier.validation import Validation
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Error against share called"
HERE, CLAIMED = "external samples", "training cohort, out of fold"


def draw(validation: Validation) -> Drawing:
    confidence = validation.probabilities.max(axis=1)
    blocks = [_block(HERE, risk_coverage(confidence, validation.right))]
    claimed = _claimed(validation)
    if claimed:
        blocks.append(_block(CLAIMED, claimed))
    numbers = pd.concat(blocks, ignore_index=True)
    n_called, n_wrong = int(validation.called.sum()), int((validation.called & ~validation.right).sum())
    operating = (
        f"The classifier itself called {n_called} of them, and {n_wrong or 'none'} of those calls "
        f"{'was' if n_wrong < 2 else 'were'} wrong (dot); it abstains for other reasons than confidence, too."
        if n_called
        else "The classifier itself called none of them."
    )
    caption = (
        f"The {wording.counted(len(confidence), 'sample')} of known classes, the most confident first: share of wrong "
        f"ones among those kept against the share kept (El-Yaniv & Wiener 2010). {operating}"
    )
    n_all = int((~validation.right).sum())
    summary = (
        f"Risk-coverage curves. With every external sample kept, {n_all} of {len(confidence)} are wrong."
    )
    return Drawing(numbers, lambda table: _paint(table, validation), caption, summary)


def applies(validation: Validation) -> str | None:
    return (
        None if len(validation.codes) > 1 else "A curve needs at least two samples of classes that are known."
    )


def _claimed(validation: Validation) -> list[dict[str, float]]:
    """The curve in the file, where it holds one that can be drawn."""
    stored = validation.classifier.record.get("risk_coverage")
    found = []
    for point in stored if isinstance(stored, list) else []:
        numbers: list[Any] = (
            [point.get(key) for key in ("coverage", "error")] if isinstance(point, dict) else [None]
        )
        if all(isinstance(value, int | float) and 0 <= value <= 1 for value in numbers):
            found.append({"coverage": float(numbers[0]), "error": float(numbers[1])})
    return found


def _block(source: str, points: list[dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame(points)[["coverage", "error"]].assign(source=source)


def _paint(table: pd.DataFrame, validation: Validation) -> Chart:
    sources = [source for source in (HERE, CLAIMED) if source in set(table["source"])]
    top = max(float(table["error"].max()), 0.05)
    x = alt.X(
        "coverage:Q",
        title="Share of samples kept",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%"),
    )
    y = alt.Y(
        "error:Q",
        title="Wrong among them",
        scale=alt.Scale(domain=[0, min(1.0, 1.1 * top)]),
        axis=alt.Axis(format=".0%"),
    )
    colour = alt.Color(
        "source:N",
        scale=alt.Scale(domain=sources, range=[theme.COLOURS[0], theme.GREY][: len(sources)]),
        sort=sources,
        legend=theme.legend("", sources),
    )
    dash = alt.StrokeDash(
        "source:N",
        scale=alt.Scale(domain=sources, range=[[1, 0], [5, 3]][: len(sources)]),
        sort=sources,
        legend=theme.legend("", sources),
    )
    tooltip = [
        alt.Tooltip("source:N", title="Samples"),
        alt.Tooltip("coverage:Q", title="Kept", format=".1%"),
        alt.Tooltip("error:Q", title="Wrong among them", format=".1%"),
    ]
    layers: list[Any] = [
        alt.Chart(theme.rows(table))
        .mark_line(interpolate="step-before", strokeWidth=2)
        .encode(x=x, y=y, color=colour, strokeDash=dash, tooltip=tooltip)
    ]
    if validation.right_among_called.n:
        point = pd.DataFrame(
            {"coverage": [validation.share_called.value], "error": [1 - validation.right_among_called.value]}
        )
        layers.append(
            alt.Chart(theme.rows(point))
            .mark_point(filled=True, size=80, color=theme.COLOURS[3], opacity=1)
            .encode(x=x, y=y, tooltip=tooltip[1:])
        )
    chart: Chart = alt.layer(*layers).properties(width=theme.WIDTH - 120, height=280)
    return theme.dress(
        chart, TITLE, theme.external(validation.batch, validation.classifier.name, "dot: what was called")
    )

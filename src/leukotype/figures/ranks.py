"""Models by their mean ranks over cohorts, with bars over those that cannot be told apart."""

from __future__ import annotations

import altair as alt
import pandas as pd

from leukotype import wording
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing
from leukotype.inference.leaderboard import FEW_COHORTS, Leaderboard

TITLE = "Critical-difference diagram"
_STEP, _TOP, _BAR = 24, 34, 9


def draw(board: Leaderboard) -> Drawing:
    difference = board.critical_difference
    assert difference is not None
    n = board.n_cohorts
    caption = (
        f"Mean rank of {len(board.mean_ranks)} models by {board.metric.title.lower()} over "
        f"{wording.counted(n, 'cohort')}; rank 1 is the best. Thick bars join models whose mean ranks lie within the "
        f"critical difference of {difference:.2f} (Nemenyi’s test at the level of {board.level:g}): these ranks do not "
        "tell them apart, which does not say that they are alike."
    )
    if n < FEW_COHORTS:
        caption += f" {wording.counted(n, 'cohort').capitalize()} are few: ranks of so few can tell little."
    listed = ", ".join(f"{model} {rank:.2f}" for model, rank in board.mean_ranks.items())
    joined = "; ".join(" – ".join((group[0], group[-1])) for group in board.groups) or "none"
    summary = f"Mean ranks: {listed}. Critical difference {difference:.2f}. Not told apart: {joined}."
    return Drawing(_numbers(board), lambda numbers: _paint(numbers, board), caption, summary)


def applies(board: Leaderboard) -> str | None:
    return None if board.testable else "Ranks need at least two cohorts and two models."


def _numbers(board: Leaderboard) -> pd.DataFrame:
    """One row a model (from = to = its mean rank), one a bar of models not told apart, one the critical difference."""
    rows = [
        {"kind": "model", "name": model, "from": rank, "to": rank} for model, rank in board.mean_ranks.items()
    ]
    for group in board.groups:
        first, last = board.mean_ranks[group[0]], board.mean_ranks[group[-1]]
        rows.append({"kind": "not told apart", "name": ", ".join(group), "from": first, "to": last})
    rows.append(
        {
            "kind": "critical difference",
            "name": "critical difference",
            "from": 1.0,
            "to": 1.0 + (board.critical_difference or 0),
        }
    )
    return pd.DataFrame(rows)


def _paint(numbers: pd.DataFrame, board: Leaderboard) -> Chart:
    bars = _stacked(numbers[numbers["kind"] == "not told apart"])
    ruler = numbers[numbers["kind"] == "critical difference"]
    floor = _TOP + _BAR * (int(bars["level"].max()) + 1 if len(bars) else 0) + 14
    end = max(float(len(board.mean_ranks)), float(ruler["to"].iloc[0]))
    models = _placed(numbers[numbers["kind"] == "model"], floor, end)
    height = floor + _STEP * ((len(models) + 1) // 2) - 6
    scale = alt.Scale(domain=[1, end], nice=False, zero=False)
    title = "Mean rank (1 is best)"
    axis = alt.Axis(orient="top", title=title, tickMinStep=1, grid=False, format="~r", offset=6 - _TOP)
    x = alt.X("from:Q", scale=scale, axis=axis)
    side = alt.X("side:Q", scale=scale, axis=axis)
    y_scale = alt.Scale(domain=[0, height], range=[0, height], nice=False, zero=False)
    y = alt.Y("y:Q", scale=y_scale, axis=None)
    top = alt.Y("top:Q", scale=y_scale, axis=None)
    tooltip = [alt.Tooltip("name:N", title="Model"), alt.Tooltip("from:Q", title="Mean rank", format=".2f")]
    drawn = alt.Chart(theme.rows(models))
    names = drawn.encode(x=side, y=y, text="label:N", tooltip=tooltip)
    layers = [
        drawn.mark_rule(color=theme.INK).encode(x=x, y=top, y2="y:Q"),
        drawn.mark_rule(color=theme.INK).encode(x=x, x2="side:Q", y=y),
        names.transform_filter("datum.left").mark_text(align="right", dx=-6, fontSize=12),
        names.transform_filter("!datum.left").mark_text(align="left", dx=6, fontSize=12),
    ]
    if len(bars):
        thick = alt.Chart(theme.rows(bars)).mark_rule(
            strokeWidth=5, strokeCap="round", color=theme.COLOURS[0]
        )
        layers.append(
            thick.encode(x=x, x2="to:Q", y=y, tooltip=[alt.Tooltip("name:N", title="Not told apart")])
        )
    label = f"critical difference {board.critical_difference:.2f}"
    marked = alt.Chart(theme.rows(ruler.assign(y=0.0, label=label))).encode(x=x, y=y)
    orange = theme.COLOURS[3]
    layers.append(marked.mark_rule(strokeWidth=2, color=orange, yOffset=-40).encode(x2="to:Q"))
    layers.append(
        marked.mark_text(color=orange, yOffset=-49, align="left", fontSize=11).encode(text="label:N")
    )
    chart = alt.layer(*layers).properties(width=400, height=height)
    counted = wording.counted(board.n_cohorts, "cohort")
    lines = [f"{board.metric.title} · {counted} · bars join what Nemenyi’s test does not tell apart"]
    return theme.dress(chart, TITLE, lines, view={"stroke": None})


def _placed(models: pd.DataFrame, floor: int, end: float) -> pd.DataFrame:
    """Give each model, the best first, the place of its name: the better half on the left, lines never crossing."""
    n = len(models)
    n_left = (n + 1) // 2
    left = [place < n_left for place in range(n)]
    return models.assign(
        left=left,
        side=[1.0 if is_left else end for is_left in left],
        top=float(_TOP - 6),
        y=[floor + _STEP * (place if left[place] else n - 1 - place) for place in range(n)],
        label=[f"{name} ({rank:.2f})" for name, rank in zip(models["name"], models["from"], strict=True)],
    )


def _stacked(bars: pd.DataFrame) -> pd.DataFrame:
    """Give each bar the first level where it touches no other."""
    ends: list[float] = []
    levels = []
    for start, stop in zip(bars["from"].tolist(), bars["to"].tolist(), strict=True):
        level = next((k for k, end in enumerate(ends) if end < start - 1e-9), len(ends))
        ends[level : level + 1] = [stop]
        levels.append(level)
    placed = bars.assign(level=levels)
    return placed.assign(y=_TOP + 4 + _BAR * placed["level"])

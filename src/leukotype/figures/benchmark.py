"""Figures of a benchmark: mean ranks of the models, and every model on every cohort."""

from __future__ import annotations

import altair as alt
import pandas as pd

from leukotype.figures import theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.inference.leaderboard import FEW_COHORTS, Leaderboard
from leukotype.wording import counted, number

_STEP, _TOP, _BAR = 24, 34, 9
_CELL_WIDTH, _CELL_HEIGHT = 46, 19
# Numbers in darker cells are white.
_DARK = 0.62


def critical_difference(board: Leaderboard) -> Drawing:
    difference = board.critical_difference
    assert difference is not None
    n, cohorts = board.n_cohorts, counted(board.n_cohorts, "cohort")
    few = f" {cohorts.capitalize()} are few, so the ranks are uncertain." if n < FEW_COHORTS else ""
    listed = ", ".join(f"{model} {rank:.2f}" for model, rank in board.mean_ranks.items())
    joined = "; ".join(" – ".join((group[0], group[-1])) for group in board.groups) or "none"
    return Drawing(
        _ranks(board, difference),
        lambda numbers: _paint_ranks(numbers, board, difference),
        f"Mean rank of {len(board.mean_ranks)} models by {board.metric.title.lower()} over {cohorts}; rank 1 is the "
        f"best. Thick bars join models whose mean ranks differ by less than the critical difference of "
        f"{difference:.2f} (Nemenyi’s test, level {board.level:g}): there is no evidence of a difference, which is not "
        f"evidence of equality.{few}",
        f"Mean ranks: {listed}. Critical difference {difference:.2f}. Not distinguished: {joined}.",
        [f"{board.metric.title} · {cohorts} · bars join models that Nemenyi’s test does not distinguish"],
        {"view": {"stroke": None}},
    )


def critical_difference_applies(board: Leaderboard) -> str | None:
    return None if board.testable else "Ranks need at least two cohorts and two models."


def _ranks(board: Leaderboard, difference: float) -> pd.DataFrame:
    """One row per model (from = to = its mean rank), per bar, and for the critical difference."""
    ranks = board.mean_ranks
    rows = [{"kind": "model", "name": model, "from": rank, "to": rank} for model, rank in ranks.items()]
    rows += [
        {"kind": "not told apart", "name": ", ".join(group), "from": ranks[group[0]], "to": ranks[group[-1]]}
        for group in board.groups
    ]
    kind = "critical difference"
    return pd.DataFrame([*rows, {"kind": kind, "name": kind, "from": 1.0, "to": 1.0 + difference}])


def _paint_ranks(numbers: pd.DataFrame, board: Leaderboard, difference: float) -> Chart:
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
    drawn = alt.Chart(theme.rows(models))
    hover = theme.hover({"name": "Model"}, {"from": ("Mean rank", ".2f")})
    names = drawn.encode(x=side, y=y, text=alt.Text("label:N"), tooltip=hover)
    layers = [
        drawn.mark_rule(color=theme.INK).encode(x=x, y=top, y2=alt.Y2("y:Q")),
        drawn.mark_rule(color=theme.INK).encode(x=x, x2=alt.X2("side:Q"), y=y),
        names.transform_filter("datum.left").mark_text(align="right", dx=-6, fontSize=12),
        names.transform_filter("!datum.left").mark_text(align="left", dx=6, fontSize=12),
    ]
    if len(bars):
        thick = alt.Chart(theme.rows(bars)).mark_rule(
            strokeWidth=5, strokeCap="round", color=theme.COLOURS[0]
        )
        layers.append(
            thick.encode(x=x, x2=alt.X2("to:Q"), y=y, tooltip=theme.hover({"name": "Not distinguished"}))
        )
    label = f"critical difference {difference:.2f}"
    marked = alt.Chart(theme.rows(ruler.assign(y=0.0, label=label))).encode(x=x, y=y)
    orange = theme.COLOURS[3]
    layers += [
        marked.mark_rule(strokeWidth=2, color=orange, yOffset=-40).encode(x2=alt.X2("to:Q")),
        marked.mark_text(color=orange, yOffset=-49, align="left", fontSize=11).encode(
            text=alt.Text("label:N")
        ),
    ]
    return alt.layer(*layers).properties(width=400, height=height)


def _placed(models: pd.DataFrame, floor: int, end: float) -> pd.DataFrame:
    """Place the names of the models: the better half on the left, without crossing lines."""
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
    """Place each bar at the first level without overlap."""
    ends: list[float] = []
    levels = []
    for start, stop in zip(bars["from"].tolist(), bars["to"].tolist(), strict=True):
        level = next((k for k, end in enumerate(ends) if end < start - 1e-9), len(ends))
        ends[level : level + 1] = [stop]
        levels.append(level)
    placed = bars.assign(level=levels)
    return placed.assign(y=_TOP + 4 + _BAR * placed["level"])


def scores(board: Leaderboard) -> Drawing:
    models = [str(model) for model in board.table["model"]]
    table, title = board.scores[models], board.metric.title
    best = table.max(axis=1) if board.metric.higher_is_better else table.min(axis=1)
    numbers = pd.DataFrame(
        {
            "cohort": cohort,
            "model": model,
            "value": table.loc[cohort, model],
            "best": bool(table.loc[cohort, model] == best[cohort]),
        }
        for cohort in table.index
        for model in models
    )
    order = "highest" if board.metric.higher_is_better else "lowest"
    empty = " Empty cells: no result." if numbers["value"].isna().any() else ""
    extremes = numbers.groupby("cohort", sort=False)["value"].agg(["min", "max"])
    listed = "; ".join(
        f"{cohort} {row['min']:.2f} to {row['max']:.2f}" for cohort, row in extremes.iterrows()
    )
    return Drawing(
        numbers,
        lambda frame: _paint_scores(frame, board),
        f"{title} out of fold, with cohorts in rows and models in columns, ordered by mean rank. The {order} value of "
        f"each row is bold.{empty}",
        f"Heatmap of {title.lower()} by cohort and model. Lowest to highest: {listed}.",
        [f"{title}, out of fold · {counted(len(table), 'cohort')}"],
    )


def scores_applies(board: Leaderboard) -> str | None:
    return None if board.scores.notna().any(axis=None) else "No model gave a result."


def _paint_scores(numbers: pd.DataFrame, board: Leaderboard) -> Chart:
    models, cohorts = list(dict.fromkeys(numbers["model"])), list(dict.fromkeys(numbers["cohort"]))
    low, high = board.metric.bounds
    low = low if low > float("-inf") else float(numbers["value"].min())
    high = high if high < float("inf") else float(numbers["value"].max())
    filled = numbers.dropna(subset=["value"])
    filled = filled.assign(
        text=[number(value, (float("-inf"), high)) for value in filled["value"]],
        dark=(filled["value"] - low) / max(high - low, 1e-12) > _DARK,
    )
    title = board.metric.title
    base = alt.Chart(theme.rows(filled)).encode(
        x=alt.X("model:N", sort=models, axis=theme.names_axis(None, orient="top", labelAngle=-45)),
        y=alt.Y("cohort:N", sort=cohorts, axis=theme.names_axis(None, limit=230)),
        tooltip=theme.hover({"cohort": "Cohort", "model": "Model"}, {"value": (title, ".3f")}),
    )
    scale = alt.Scale(domain=[low, high], scheme="blues")
    legend = alt.Legend(title=title, orient="bottom")
    cells = base.mark_rect(stroke="white").encode(color=alt.Color("value:Q", scale=scale, legend=legend))
    ink = alt.ColorValue(**alt.condition("datum.dark", alt.value("white"), alt.value(theme.INK)))
    words = base.encode(text=alt.Text("text:N"), color=ink)
    best = words.transform_filter("datum.best").mark_text(fontSize=10, fontWeight="bold")
    others = words.transform_filter("!datum.best").mark_text(fontSize=10)
    return alt.layer(cells, best, others).properties(
        width=_CELL_WIDTH * len(models), height=_CELL_HEIGHT * len(cohorts)
    )

"""Every model on every cohort, one cell each."""

from __future__ import annotations

import altair as alt
import pandas as pd

from leukotype import wording
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing
from leukotype.inference.leaderboard import Leaderboard

TITLE = "Every model on every cohort"
_WIDTH, _HEIGHT = 46, 19
# Letters on cells darker than this are white.
_DARK = 0.62


def draw(board: Leaderboard) -> Drawing:
    numbers = _numbers(board)
    n_missing = int(numbers["value"].isna().sum())
    order = "highest" if board.metric.higher_is_better else "lowest"
    caption = (
        f"{board.metric.title} out of fold: a cohort in each row, a model in each column, in the order of their mean "
        f"ranks. The {order} of a row stands in bold."
    )
    if n_missing:
        caption += " An empty cell: the model gave no result there."
    extremes = numbers.groupby("cohort", sort=False)["value"].agg(["min", "max"])
    listed = "; ".join(
        f"{cohort} {row['min']:.2f} to {row['max']:.2f}" for cohort, row in extremes.iterrows()
    )
    summary = f"Heatmap of {board.metric.title.lower()} by cohort and model. Lowest to highest: {listed}."
    return Drawing(numbers, lambda table: _paint(table, board), caption, summary)


def applies(board: Leaderboard) -> str | None:
    return None if board.scores.notna().any(axis=None) else "No model gave a result."


def _numbers(board: Leaderboard) -> pd.DataFrame:
    models = [str(model) for model in board.table["model"]]
    scores = board.scores[models]
    best = scores.max(axis=1) if board.metric.higher_is_better else scores.min(axis=1)
    return pd.DataFrame(
        {
            "cohort": cohort,
            "model": model,
            "value": scores.loc[cohort, model],
            "best": bool(scores.loc[cohort, model] == best[cohort]),
        }
        for cohort in scores.index
        for model in models
    )


def _paint(numbers: pd.DataFrame, board: Leaderboard) -> Chart:
    models, cohorts = list(dict.fromkeys(numbers["model"])), list(dict.fromkeys(numbers["cohort"]))
    low, high = board.metric.bounds
    low = low if low > float("-inf") else float(numbers["value"].min())
    high = high if high < float("inf") else float(numbers["value"].max())
    filled = numbers.dropna(subset=["value"])
    span = max(high - low, 1e-12)
    filled = filled.assign(
        text=[_short(value, high) for value in filled["value"]],
        dark=(filled["value"] - low) / span > _DARK,
    )
    base = alt.Chart(theme.rows(filled)).encode(
        x=alt.X("model:N", sort=models, axis=theme.names_axis(None, orient="top", labelAngle=-45)),
        y=alt.Y("cohort:N", sort=cohorts, axis=theme.names_axis(None, limit=230)),
        tooltip=[
            alt.Tooltip("cohort:N", title="Cohort"),
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("value:Q", title=board.metric.title, format=".3f"),
        ],
    )
    scale = alt.Scale(domain=[low, high], scheme="blues")
    cells = base.mark_rect(stroke="white").encode(
        color=alt.Color("value:Q", scale=scale, legend=alt.Legend(title=board.metric.title, orient="bottom"))
    )
    ink = alt.condition("datum.dark", alt.value("white"), alt.value(theme.INK))
    words = base.encode(text="text:N", color=ink)
    best = words.transform_filter("datum.best").mark_text(fontSize=10, fontWeight="bold")
    others = words.transform_filter("!datum.best").mark_text(fontSize=10)
    chart = alt.layer(cells, best, others).properties(
        width=_WIDTH * len(models), height=_HEIGHT * len(cohorts)
    )
    lines = [f"{board.metric.title}, out of fold · {wording.counted(len(cohorts), 'cohort')}"]
    return theme.dress(chart, TITLE, lines)


def _short(value: float, high: float) -> str:
    """Two decimals; what is not perfect is not printed as if it were."""
    text = f"{value:.2f}"
    return f">{high - 0.01:.2f}" if float(text) >= high > value + 1e-9 else text

"""The models side by side, with what is uncertain about them."""

from __future__ import annotations

import altair as alt
import pandas as pd

from leukotype import metrics, wording
from leukotype.evaluation import Evaluation
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Comparison of models"
METRICS = tuple(metric.name for metric in metrics.headline("figure"))


def draw(evaluation: Evaluation) -> Drawing:
    numbers = evaluation.summary(list(METRICS))
    numbers["chance"] = [_chance(metric, evaluation) for metric in numbers["metric"]]
    numbers["baseline"] = numbers["model"].isin(theme.baselines(evaluation))
    n, k = len(evaluation.cohort.labels), len(evaluation.classes)
    design = evaluation.folds.design
    times = "once" if design.repeats == 1 else f"{design.repeats} times"
    unit = "" if evaluation.cohort.donors is None else ", with donors as the units"
    methods = ", ".join(dict.fromkeys(numbers["interval"].str.replace(" (degenerate)", "")))
    caption = (
        f"Out-of-fold performance on {wording.counted(n, 'sample')} of {k} classes, {design.outer}-fold nested "
        f"cross-validation drawn {times}; dots are estimates, lines their 95 % intervals ({methods}{unit}). "
        "Hollow dots are baselines, which any useful model must beat; dashed lines are what chance gives. "
        "Intervals of two models may overlap even where one is better on the very same samples, and they do "
        "not include how another draw of training samples would turn out."
    )
    if _unknown(numbers).any():
        caption += (
            " Where every bootstrap sample gave the same value the interval is unknown, not narrow, and none "
            "is drawn."
        )
    main = numbers[numbers["metric"] == METRICS[0]]
    listed = ", ".join(f"{r.model} {r.value:.2f} ({r.low:.2f} to {r.high:.2f})" for r in main.itertuples())
    summary = (
        f"Dot-and-whisker charts of {len(METRICS)} metrics. Balanced accuracy: {listed}; "
        f"chance is {1 / k:.2f}."
    )
    return Drawing(numbers, lambda table: _paint(table, evaluation), caption, summary)


def applies(evaluation: Evaluation) -> str | None:
    return None if evaluation.names else "No model was evaluated."


def _chance(metric: str, evaluation: Evaluation) -> float:
    """What a rule without knowledge scores, where that does not depend on the rule; else NaN."""
    chance = metrics.by_name(metric).chance
    return float("nan") if chance is None else chance(len(evaluation.classes))


def _unknown(table: pd.DataFrame) -> pd.Series[bool]:
    """Rows whose bootstrap interval has no width: all calls right, or all of one class."""
    return table["high"] - table["low"] < 1e-9


def _paint(table: pd.DataFrame, evaluation: Evaluation) -> Chart:
    panels = [
        _panel(table[table["metric"] == name], evaluation, first=k % 2 == 0) for k, name in enumerate(METRICS)
    ]
    chart = alt.concat(*panels, columns=2, spacing={"row": 16, "column": 14})
    lines = theme.subtitle(evaluation.cohort, "out of fold", "95 % intervals")
    return theme.dress(chart, TITLE, [*lines, "Hollow dots: baselines. Dashed lines: chance."])


def _panel(table: pd.DataFrame, evaluation: Evaluation, *, first: bool) -> Chart:
    metric = metrics.by_name(table["metric"].iloc[0])
    better = "higher is better" if metric.higher_is_better else "lower is better"
    # Models in the order they were asked for, baselines last.
    order = sorted(evaluation.names, key=theme.baselines(evaluation).__contains__)
    low = min(0.0, float(table[["value", "low", "chance"]].min().min()))
    high = max(1.0, float(table[["value", "high"]].max().max())) if metric.higher_is_better else None
    scale = alt.Scale(domainMin=low, domainMax=high, nice=False, zero=True) if high else alt.Scale(zero=True)
    axis = theme.names_axis("Model") if first else alt.Axis(labels=False, ticks=False, title=None)
    x_axis = alt.Axis(title=f"{metric.title}, {better}", tickCount=4, labelOverlap=True)
    table = table.assign(unknown=_unknown(table))
    base = alt.Chart(theme.rows(table.drop(columns=["metric"]))).encode(
        y=alt.Y("model:N", sort=order, axis=axis),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("value:Q", title=metric.title, format=".3f"),
            alt.Tooltip("low:Q", title="95 % interval from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
            alt.Tooltip("interval:N", title="Method"),
        ],
    )
    colour = alt.condition("datum.baseline", alt.value("#777777"), alt.value(theme.COLOURS[0]))
    fill = alt.condition("datum.baseline", alt.value("white"), alt.value(theme.COLOURS[0]))
    x = alt.X("value:Q", scale=scale, axis=x_axis)
    whiskers = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=scale, axis=x_axis), x2="high:Q", color=colour
    )
    dots = base.mark_point(filled=False, size=60, strokeWidth=2, opacity=1).encode(
        x=x, stroke=colour, fill=fill
    )
    words = base.encode(x=x, text=alt.value("no interval"))
    middle = (low + (high or float(table["value"].max()))) / 2
    right = words.transform_filter(f"datum.unknown && datum.value <= {middle}")
    left = words.transform_filter(f"datum.unknown && datum.value > {middle}")
    chance = (
        alt.Chart(theme.rows(table[["chance"]].head(1).dropna()))
        .mark_rule(strokeDash=[4, 3], color=theme.COLOURS[3], strokeWidth=1.3)
        .encode(x=alt.X("chance:Q", scale=scale))
    )
    layers = (
        chance,
        whiskers,
        dots,
        right.mark_text(align="left", dx=9, fontSize=10, color=theme.GREY),
        left.mark_text(align="right", dx=-9, fontSize=10, color=theme.GREY),
    )
    chart: Chart = alt.layer(*layers).properties(width=228, height=alt.Step(19))
    return chart

"""Comparison of models by their main metrics, with intervals."""

from __future__ import annotations

import altair as alt
import pandas as pd

from leukotype import metrics
from leukotype.evaluation import Evaluation
from leukotype.figures import theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.wording import counted

METRICS = metrics.headline("figure")


def models(evaluation: Evaluation) -> Drawing:
    k, design = len(evaluation.classes), evaluation.folds.design
    chance = {metric.name: metric.chance(k) for metric in METRICS if metric.chance is not None}
    numbers = evaluation.summary([metric.name for metric in METRICS])
    numbers["chance"] = numbers["metric"].map(chance)
    numbers["baseline"] = numbers["model"].isin(theme.baselines(evaluation))
    times = "once" if design.repeats == 1 else f"{design.repeats} times"
    unit = "" if evaluation.cohort.donors is None else ", with donors as the units"
    methods = ", ".join(dict.fromkeys(numbers["interval"]))
    main = numbers[numbers["metric"] == metrics.HEADLINE]
    listed = ", ".join(f"{r.model} {r.value:.2f} ({r.low:.2f} to {r.high:.2f})" for r in main.itertuples())
    return Drawing(
        numbers,
        lambda table: _paint(table, evaluation),
        f"Out-of-fold performance on {counted(len(evaluation.cohort.labels), 'sample')} of {k} classes, "
        f"{design.outer}-fold nested cross-validation drawn {times}. Dots are estimates, lines their 95 % intervals "
        f"({methods}{unit}). Hollow dots are baselines, which any useful model must exceed; dashed lines are chance. "
        "Intervals of two models can overlap even if one is better on the same samples.",
        f"Dot-and-whisker charts of {len(METRICS)} metrics. Balanced accuracy: {listed}; chance is {1 / k:.2f}.",
        [
            *theme.subtitle(evaluation.cohort, "out of fold", "95 % intervals"),
            "Hollow dots: baselines. Dashed lines: chance.",
        ],
    )


def _paint(table: pd.DataFrame, evaluation: Evaluation) -> Chart:
    panels = [
        _panel(table[table["metric"] == metric.name], metric, evaluation, first=k % 2 == 0)
        for k, metric in enumerate(METRICS)
    ]
    return alt.concat(*panels, columns=2, spacing={"row": 16, "column": 14})


def _panel(table: pd.DataFrame, metric: metrics.Metric, evaluation: Evaluation, *, first: bool) -> Chart:
    better = "higher is better" if metric.higher_is_better else "lower is better"
    # In the order of the evaluation, baselines last.
    order = sorted(evaluation.names, key=theme.baselines(evaluation).__contains__)
    low = min(0.0, float(table[["value", "low", "chance"]].min().min()))
    high = max(1.0, float(table[["value", "high"]].max().max())) if metric.higher_is_better else None
    scale = alt.Scale(domainMin=low, domainMax=high, nice=False, zero=True) if high else alt.Scale(zero=True)
    axis = theme.names_axis("Model") if first else alt.Axis(labels=False, ticks=False, title=None)
    x_axis = alt.Axis(title=f"{metric.title}, {better}", tickCount=4, labelOverlap=True)
    hover = {"value": (metric.title, ".3f"), "low": ("95 % interval from", ".3f"), "high": ("to", ".3f")}
    base = alt.Chart(theme.rows(table.drop(columns=["metric"]))).encode(
        y=alt.Y("model:N", sort=order, axis=axis),
        tooltip=[*theme.hover({"model": "Model"}, hover), *theme.hover({"interval": "Method"})],
    )
    colour, stroke, fill = theme.hollow_baselines(theme.COLOURS[0])
    x = alt.X("value:Q", scale=scale, axis=x_axis)
    whiskers = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=scale, axis=x_axis), x2=alt.X2("high:Q"), color=colour
    )
    dots = base.mark_point(filled=False, size=60, strokeWidth=2, opacity=1).encode(
        x=x, stroke=stroke, fill=fill
    )
    chance = (
        alt.Chart(theme.rows(table[["chance"]].head(1).dropna()))
        .mark_rule(strokeDash=[4, 3], color=theme.COLOURS[3], strokeWidth=1.3)
        .encode(x=alt.X("chance:Q", scale=scale))
    )
    return alt.layer(chance, whiskers, dots, width=228, height=alt.Step(19))

"""What the usual mistakes would have claimed, beside the honest number."""

from __future__ import annotations

import altair as alt
import pandas as pd

from leukotype import metrics, wording
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing
from leukotype.inference import MISTAKES
from leukotype.studies import Study

TITLE = "What the mistakes would have claimed"


def draw(study: Study) -> Drawing:
    table = study.leaks
    assert table is not None
    metric = metrics.by_name(table["metric"].iloc[0])
    caption = (
        f"Optimism in {metric.title.lower()}: what each mistake adds to the honest number of the same model on the "
        f"same {wording.counted(study.evaluation.cohort.n_samples, 'sample')}, with 95 % intervals (paired bootstrap "
        "over samples; for the single split the range over seeds, for the luckiest one the uncertainty of the honest "
        "number). To the right of zero the mistake flatters. "
        + " ".join(f"{mistake.title}: {mistake.sentence}" for mistake in MISTAKES)
    )
    worst = table.to_dict(orient="records")[int(table["optimism"].argmax())]
    summary = (
        f"Dots with intervals of optimism, one panel per mistake. The largest: {worst['title'].lower()} with "
        f"{worst['model']} claims {worst['claimed']:.2f} where {worst['honest']:.2f} is honest."
    )
    numbers = table.drop(columns=["metric"])
    return Drawing(numbers, lambda frame: _paint(frame, study, metric.title), caption, summary)


def applies(study: Study) -> str | None:
    return None if study.leaks is not None else "The mistakes were not priced (--price-leaks)."


def _paint(numbers: pd.DataFrame, study: Study, metric: str) -> Chart:
    baselines = theme.baselines(study.evaluation)
    models = sorted(dict.fromkeys(numbers["model"]), key=baselines.__contains__)
    numbers = numbers.assign(baseline=numbers["model"].isin(baselines))
    colour = alt.condition("datum.baseline", alt.value("#777777"), alt.value(theme.COLOURS[3]))
    fill = alt.condition("datum.baseline", alt.value("white"), alt.value(theme.COLOURS[3]))
    base = alt.Chart().encode(y=alt.Y("model:N", sort=models, axis=theme.names_axis(None)))
    axis = alt.Axis(title=f"Optimism in {metric.lower()}")
    zero = alt.Chart().mark_rule(color=theme.GREY, strokeDash=[4, 3]).encode(x=alt.datum(0))
    whiskers = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", axis=axis), x2="high:Q", color=colour)
    dots = base.mark_point(filled=False, size=55, strokeWidth=2, opacity=1).encode(
        x=alt.X("optimism:Q", axis=axis), stroke=colour, fill=fill
    )
    panel = alt.layer(zero, whiskers, dots, data=theme.rows(numbers)).properties(
        width=theme.WIDTH - 20, height=alt.Step(16)
    )
    order = [mistake.title for mistake in MISTAKES]
    chart = panel.facet(
        row=alt.Row(
            "title:N", sort=order, header=alt.Header(title=None, labelOrient="top", labelAnchor="start")
        )
    )
    lines = theme.subtitle(study.evaluation.cohort, "95 % intervals", "hollow: baselines")
    return theme.dress(chart, TITLE, lines)

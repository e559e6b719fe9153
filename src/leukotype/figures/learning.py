"""Performance against the number of training samples, with the law that was fitted to it."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing
from leukotype.inference.learning import LearningCurve
from leukotype.studies import Study

TITLE = "Learning curve"
# How far beyond the largest size the law is drawn: not farther than a cohort could be doubled.
BEYOND = 2.0


def draw(study: Study) -> Drawing:
    curve = study.learning
    assert curve is not None
    dots = curve.table()[["model", "n_train", "value", "low", "high"]].assign(kind="measured")
    sizes = np.linspace(curve.sizes[0], BEYOND * curve.sizes[-1], 60)
    law = curve.extrapolated(sizes.tolist()).rename(columns={"fitted": "value"}).assign(kind="fitted")
    halving = curve.halving()
    caption = (
        f"{curve.metric.title} against the number of training samples: dots with 95 % intervals were measured out of "
        "fold, on the same test parts at every size; lines are an inverse power law of the error, floor + scale × "
        "n^-exponent, with a band from the same bootstrap of the samples. Beyond the last dot it is extrapolation. "
        + " ".join(_price(row) for row in halving.itertuples())
    )
    first = dots.groupby("model", sort=False).first()["value"]
    last = dots.groupby("model", sort=False).last()["value"]
    listed = ", ".join(f"{model} from {first[model]:.2f} to {last[model]:.2f}" for model in last.index)
    summary = (
        f"Learning curves from {curve.sizes[0]:.0f} to {curve.sizes[-1]:.0f} training samples. "
        f"{curve.metric.title}: {listed}."
    )
    numbers = pd.concat([dots, law], ignore_index=True)
    return Drawing(numbers, lambda table: _paint(table, study, curve), caption, summary)


def applies(study: Study) -> str | None:
    return None if study.learning else "No learning curve was asked for."


def _price(row: object) -> str:
    model, needed, low, high = (getattr(row, name) for name in ("model", "n_needed", "n_low", "n_high"))
    if np.isnan(needed):
        return f"{model} makes no error to halve."
    if np.isinf(low):
        return f"{model} levels off: by this law no number of samples halves its error."
    spread = f"95 % interval {_count(low)} to {_count(high)}"
    if np.isinf(needed):
        return f"{model} levels off: by this law no number of samples halves its error ({spread})."
    return f"{model} would halve its error with about {_count(needed)} training samples ({spread})."


def _count(n: float) -> str:
    if n > 1e5:
        return "never" if np.isinf(n) else "more than 100,000"
    return f"{float(f'{n:.2g}'):,.0f}"


def _paint(numbers: pd.DataFrame, study: Study, curve: LearningCurve) -> Chart:
    models = list(dict.fromkeys(numbers["model"]))
    styles = theme.model_styles(models, theme.baselines(study.evaluation))
    scale = alt.Scale(domain=models, range=[styles[model].colour for model in models])
    colour = alt.Color("model:N", scale=scale, sort=None, legend=None)
    x = alt.X("n_train:Q", title="Training samples", scale=alt.Scale(zero=False, nice=False))
    heading = curve.metric.title
    y = alt.Y("value:Q", title=heading, scale=alt.Scale(zero=False))
    base = alt.Chart()
    fitted, measured = (
        base.transform_filter("datum.kind == 'fitted'"),
        base.transform_filter("datum.kind == 'measured'"),
    )
    band = fitted.mark_area(opacity=0.15).encode(
        x=x, y=alt.Y("low:Q", title=heading), y2="high:Q", color=colour
    )
    line = fitted.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)
    whiskers = measured.mark_rule(strokeWidth=1.5).encode(x=x, y="low:Q", y2="high:Q", color=colour)
    dots = measured.mark_point(filled=True, size=45, opacity=1).encode(x=x, y=y, color=colour)
    end = alt.Chart(theme.rows(pd.DataFrame({"n_train": [curve.sizes[-1]]})))
    edge = end.mark_rule(strokeDash=[4, 3], color=theme.GREY).encode(x="n_train:Q")
    columns = min(2, len(models))
    panel = alt.layer(band, line, whiskers, dots, edge, data=theme.rows(numbers)).properties(
        width=theme.WIDTH / columns - 12, height=150
    )
    chart = panel.facet(
        facet=alt.Facet("model:N", sort=models, header=alt.Header(title=None, labelAnchor="start")),
        columns=columns,
    )
    lines = theme.subtitle(
        study.evaluation.cohort, "dots: measured", "lines: fitted law", "dashed: all there is"
    )
    return theme.dress(chart, TITLE, lines)

"""Curves of one class against the rest, one panel per class and one line per model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from leukotype.cohort import FloatArray
from leukotype.evaluation import Evaluation
from leukotype.figures import theme
from leukotype.figures.figure import Chart

# Of a truth and a score to the coordinates of the points, in drawing order.
Curve = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def mean_probabilities(evaluation: Evaluation, model: str) -> FloatArray:
    """(n_samples, n_classes) out-of-fold probabilities, averaged over repeats."""
    mean: FloatArray = evaluation.probabilities(model).mean(axis=0)
    return mean


def repeats_note(evaluation: Evaluation, area: str) -> str:
    """What to mind where folds were drawn more than once; else empty."""
    repeats = evaluation.folds.design.repeats
    if repeats == 1:
        return ""
    return (
        f" Probabilities of a sample are averaged over {repeats} repeats before the curve is drawn; {area} is the "
        "mean over repeats, as in the tables, and can differ a little from the area drawn."
    )


def long(evaluation: Evaluation, curve: Curve, names: tuple[str, str], reference: Curve, label: str) -> pd.DataFrame:
    """One row per point: class, model, point, and the two coordinates called `names`.

    reference : the line that a rule without knowledge gives; its rows have `label` in place of a model
    """
    codes = evaluation.cohort.codes
    blocks = []
    for k, name in enumerate(evaluation.classes):
        truth = (codes == k).astype(np.float64)
        lines = [(label, reference(truth, truth))]
        lines += [(model, curve(truth, mean_probabilities(evaluation, model)[:, k])) for model in evaluation.models]
        for model, (x, y) in lines:
            points = {"class": name, "model": model, "point": np.arange(len(x)), names[0]: x, names[1]: y}
            blocks.append(pd.DataFrame(points))
    return pd.concat(blocks, ignore_index=True)


def panels(
    table: pd.DataFrame,
    evaluation: Evaluation,
    *,
    names: tuple[str, str],
    titles: tuple[str, str],
    areas: pd.DataFrame,
    area_title: str,
    label: str,
    interpolate: Literal["linear", "step-before"],
) -> Chart:
    """The rows of `long` as small multiples; the legend gives the macro area of each model.

    areas : one row per model and class: model, class, value
    """
    macro = areas.groupby("model", sort=False)["value"].mean()
    entries = {model: f"{model}  {macro[model]:.3f}" for model in evaluation.models} | {label: label}
    counts = evaluation.cohort.class_counts
    heads = {name: f"{name} (n = {count})" for name, count in counts.items()}
    table = table.merge(areas[["model", "class", "value"]], on=["model", "class"], how="left", validate="m:1")
    table = table.assign(
        line=table["model"].map(entries), panel=table["class"].map(heads), area=table.pop("value")
    ).drop(columns=["model", "class"])
    order = list(entries.values())
    styles = theme.model_styles(evaluation.models)
    styles[label] = theme.Style(theme.GREY, (1, 3))
    colours = alt.Scale(domain=order, range=[styles[model].colour for model in entries])
    dashes = alt.Scale(domain=order, range=[list(styles[model].dash) for model in entries])
    legend = theme.legend(f"Model, macro {area_title}", order)
    n_columns = _columns(len(counts))
    side = {1: 300, 2: 250, 3: 165}[n_columns]
    unit = alt.Scale(domain=[0, 1], nice=False)
    ticks: Sequence[float] = [0, 0.5, 1] if n_columns == 3 else [0, 0.25, 0.5, 0.75, 1]
    axes: list[Any] = [alt.Axis(title=title, values=list(ticks), format=".2~f") for title in titles]
    chart = (
        alt.Chart(theme.rows(table))
        .mark_line(interpolate=interpolate, strokeWidth=1.7, opacity=0.9, clip=False)
        .encode(
            x=alt.X(f"{names[0]}:Q", scale=unit, axis=axes[0]),
            y=alt.Y(f"{names[1]}:Q", scale=unit, axis=axes[1]),
            color=alt.Color("line:N", scale=colours, sort=None, legend=legend),
            strokeDash=alt.StrokeDash("line:N", scale=dashes, sort=None, legend=legend),
            order="point:Q",
            tooltip=[
                alt.Tooltip("line:N", title="Model, macro " + area_title),
                alt.Tooltip("panel:N", title="Class"),
                alt.Tooltip("area:Q", title=f"{area_title} of this class", format=".3f"),
            ],
        )
        .properties(width=side, height=side)
        .facet(
            facet=alt.Facet("panel:N", sort=list(heads.values()), header=alt.Header(title=None, labelLimit=side)),
            columns=n_columns,
        )
    )
    return chart


def _columns(n_panels: int) -> int:
    return n_panels if n_panels <= 2 else 2 if n_panels == 4 else 3

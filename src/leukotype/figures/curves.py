"""Curves of one class against the rest, one panel per class and one line per model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from leukotype import metrics
from leukotype.arrays import FloatArray
from leukotype.evaluation import Evaluation
from leukotype.figures import multiples, theme
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
        f" Probabilities of a sample are averaged over {repeats} repeats before the curve is drawn; {area} "
        "is the mean over repeats, as in the tables, and can differ a little from the area drawn."
    )


@dataclass(frozen=True, eq=False)
class Source:
    """What the curves are of.

    counts        : number of samples of each class that has a panel, by name
    truths        : one (n_samples,) array per panel, 1 where the sample is of its class
    models        : one line each
    probabilities : one (n_samples, n_panels) array per model
    areas         : one row per model and class: model, class, value
    baselines     : which of the models are baselines
    """

    counts: Mapping[str, int]
    truths: Sequence[FloatArray]
    models: Sequence[str]
    probabilities: Sequence[FloatArray]
    areas: pd.DataFrame
    baselines: frozenset[str] = frozenset()

    @property
    def macro(self) -> pd.Series:
        """Unweighted mean of the areas of each model over the classes."""
        return self.areas.groupby("model", sort=False)["value"].mean()

    @property
    def listed(self) -> str:
        """Macro area of each model, in words."""
        return ", ".join(f"{model} {value:.3f}" for model, value in self.macro.items())


def of_evaluation(evaluation: Evaluation, metric: str) -> Source:
    """The curves of a study; `metric` gives the areas, as `Evaluation.per_class` without intervals."""
    codes = evaluation.cohort.codes
    value = metrics.by_name(metric).value
    blocks = []
    for model in evaluation.names:
        repeats = np.array([value(scored) for scored in evaluation.scored(model)])
        blocks.append(
            pd.DataFrame({"model": model, "class": evaluation.classes, "value": repeats.mean(axis=0)})
        )
    return Source(
        evaluation.cohort.class_counts,
        [(codes == k).astype(np.float64) for k in range(len(evaluation.classes))],
        evaluation.names,
        [mean_probabilities(evaluation, model) for model in evaluation.names],
        pd.concat(blocks, ignore_index=True),
        theme.baselines(evaluation),
    )


def long(source: Source, curve: Curve, names: tuple[str, str], reference: Curve, label: str) -> pd.DataFrame:
    """One row per point: class, model, point, and the two coordinates called `names`.

    reference : the line that a rule without knowledge gives; its rows have `label` in place of a model
    """
    blocks = []
    for k, (name, truth) in enumerate(zip(source.counts, source.truths, strict=True)):
        lines = [(label, reference(truth, truth))]
        lines += [
            (model, curve(truth, p[:, k]))
            for model, p in zip(source.models, source.probabilities, strict=True)
        ]
        for model, (x, y) in lines:
            points = {"class": name, "model": model, "point": np.arange(len(x)), names[0]: x, names[1]: y}
            blocks.append(pd.DataFrame(points))
    return pd.concat(blocks, ignore_index=True)


def panels(
    table: pd.DataFrame,
    source: Source,
    *,
    names: tuple[str, str],
    titles: tuple[str, str],
    area_title: str,
    label: str,
    interpolate: Literal["linear", "step-before"],
) -> Chart:
    """The rows of `long` as small multiples; the legend gives the macro area of each model."""
    areas, counts = source.areas, source.counts
    entries = {model: f"{model}  {source.macro[model]:.3f}" for model in source.models} | {label: label}
    table = table.merge(areas[["model", "class", "value"]], on=["model", "class"], how="left", validate="m:1")
    table = table.assign(line=table["model"].map(entries)).rename(columns={"value": "area"})
    lines = list(entries.values())
    styles = theme.model_styles(source.models, source.baselines) | {label: theme.Style(theme.GREY, (1, 3))}
    # The first is widest, so that of lines that coincide all stay visible.
    widths = np.linspace(min(3.6, 1.2 + 0.3 * len(source.models)), 1.2, len(lines)).tolist()
    legend = theme.legend(f"Model, macro {area_title}", lines, width=600)

    def by_line(channel: type[Any], values: Sequence[Any], kind: str = "N") -> Any:
        return channel(
            f"line:{kind}", scale=alt.Scale(domain=lines, range=list(values)), sort=None, legend=legend
        )

    columns = multiples.columns_for(len(counts), 3)
    side = {1: 300, 2: 250, 3: 165}[columns]
    heads = {name: f"{theme.shortened(name, side // 10)} (n = {count})" for name, count in counts.items()}
    ticks = [0, 0.5, 1] if columns == 3 else [0, 0.25, 0.5, 0.75, 1]
    axes = [alt.Axis(title=title, values=ticks, format=".2~f") for title in titles]
    unit = alt.Scale(domain=[0, 1], nice=False)

    def panel(name: str, place: multiples.Place) -> Chart:
        chart: Chart = (
            alt.Chart(
                theme.rows(table.loc[table["class"] == name, ["class", "line", "point", *names, "area"]])
            )
            .mark_line(interpolate=interpolate, strokeCap="butt", strokeJoin="miter")
            .encode(
                x=alt.X(f"{names[0]}:Q", scale=unit, axis=place.x(axes[0])),
                y=alt.Y(f"{names[1]}:Q", scale=unit, axis=place.y(axes[1])),
                color=by_line(alt.Color, [styles[model].colour for model in entries]),
                strokeDash=by_line(alt.StrokeDash, [list(styles[model].dash) for model in entries]),
                strokeWidth=by_line(alt.StrokeWidth, widths, "O"),  # Vega wants an order of widths
                order="point:Q",
                tooltip=[
                    alt.Tooltip("line:N", title=f"Model, macro {area_title}"),
                    alt.Tooltip("class:N", title="Class"),
                    alt.Tooltip("area:Q", title=f"{area_title} of this class", format=".3f"),
                ],
            )
            .properties(width=side, height=side)
        )
        return chart

    return multiples.wrap(heads, panel, columns=columns, width=side)

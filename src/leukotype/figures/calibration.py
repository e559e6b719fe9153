"""Reliability diagrams: of the models of an evaluation, and of a classifier in a validation."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from leukotype.arrays import BoolArray, FloatArray
from leukotype.classifier.validation import Validation
from leukotype.evaluation import Evaluation
from leukotype.figures import layout, theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.metrics import intervals, weighted
from leukotype.metrics.weighted import calibration_error_by_chance as _by_chance
from leukotype.wording import counted

_METHOD = (
    f"{weighted.N_BINS} bins of equal width (Guo et al. 2017), with 95 % Wilson intervals; the area of a dot is the "
    "number of samples in the bin."
)


def models(evaluation: Evaluation) -> Drawing:
    repeats, n = evaluation.folds.design.repeats, len(evaluation.cohort.labels)
    blocks = []
    for model in evaluation.names:
        p = evaluation.probabilities(model).reshape(-1, len(evaluation.classes))
        correct = p.argmax(axis=1) == np.tile(evaluation.cohort.codes, repeats)
        blocks.append(_bins(p, correct, repeats).assign(model=model))
    numbers = pd.concat(blocks, ignore_index=True)
    numbers.insert(0, "model", numbers.pop("model"))
    chance = {
        name: np.mean([_by_chance(one) for one in evaluation.scored(name)]) for name in evaluation.names
    }
    gaps = numbers.assign(gap=(numbers["correct"] - numbers["confidence"]).abs() * numbers["samples"])
    errors = gaps.groupby("model", sort=False)["gap"].sum() / n
    listed = ", ".join(
        f"{name} {error:.2f} (by chance {chance[str(name)]:.2f})" for name, error in errors.items()
    )
    pooled = (
        f" Predictions of {repeats} repeats are pooled, and counts divided by {repeats}."
        if repeats > 1
        else ""
    )
    return Drawing(
        numbers,
        lambda table: _paint_models(table, evaluation),
        f"Reliability of the probability of the predicted class, out of fold: share of correct predictions against "
        f"mean confidence in {_METHOD} Dots on the diagonal are calibrated, dots below it overconfident. "
        f"{counted(n, 'sample')} are few for so many bins, so single dots are uncertain.{pooled} Mean distance from "
        f"the diagonal, and the distance of exactly right probabilities, by chance: {listed}.",
        f"Reliability diagrams, one panel per model. Mean distance from the diagonal, weighted by samples: {listed}.",
        theme.subtitle(evaluation.cohort, "out of fold"),
    )


def external(validation: Validation) -> Drawing:
    numbers = _bins(validation.probabilities, validation.right, 1).astype({"samples": int})
    samples, accuracy = counted(len(validation.right), "sample"), float(validation.right.mean())
    return Drawing(
        numbers,
        _paint_external,
        f"Reliability of the probability of the most probable class: share of correct predictions against mean "
        f"confidence in {_METHOD} Over all {samples} of known classes, the mean confidence is "
        f"{validation.confidence:.2f} and the share of correct predictions {accuracy:.2f}. {samples} are few for so "
        "many bins, so single dots are uncertain.",
        f"Reliability diagram of {counted(len(numbers), 'bin')}. Mean confidence {validation.confidence:.2f}, share "
        f"correct {accuracy:.2f}.",
        theme.batch_subtitle(validation.batch, validation.classifier.name, "dashed: calibrated"),
    )


def external_applies(validation: Validation) -> str | None:
    return None if len(validation.codes) else "No sample belongs to a class of the classifier."


def _bins(p: FloatArray, correct: BoolArray, repeats: int) -> pd.DataFrame:
    """One row per bin with predictions: bin, samples, confidence, correct, low, high.

    p       : (n_predictions, n_classes) probabilities
    correct : (n_predictions,) whether the most probable class is the true one
    repeats : number of predictions of each sample; they add nothing to the size behind an interval
    """
    number = weighted.confidence_bins(p)
    rows = []
    for code in np.unique(number):
        inside = number == code
        samples = inside.sum() / repeats
        low, high = intervals.wilson(correct[inside].sum() / repeats, samples)
        rows.append(
            {
                "bin": f"{code / weighted.N_BINS:.1f} to {(code + 1) / weighted.N_BINS:.1f}",
                "samples": samples,
                "confidence": p[inside].max(axis=1).mean(),
                "correct": correct[inside].mean(),
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(rows)


def _paint_models(table: pd.DataFrame, evaluation: Evaluation) -> Chart:
    columns = layout.columns_for(len(evaluation.names), 4)
    side = {1: 300, 2: 230, 3: 165, 4: 124}[columns]
    x_axis = alt.Axis(title="Mean confidence", values=[0, 0.5, 1], format=".1~f")
    y_axis = alt.Axis(title="Share of correct predictions", values=[0, 0.5, 1], format=".1~f")
    size = _size(table, [8, 170])

    def panel(model: str, place: layout.Place) -> Chart:
        own, hover = table[table["model"] == model], {"model": "Model", "bin": "Confidence"}
        x, y = {"axis": place.x(x_axis)}, {"axis": place.y(y_axis)}
        return _diagram(own, size, x, y, hover, ".3~f").properties(width=side, height=side)

    names = dict(zip(evaluation.names, evaluation.names, strict=True))
    return layout.wrap(names, panel, columns=columns, width=side)


def _paint_external(table: pd.DataFrame) -> Chart:
    x, y = {"title": "Mean confidence"}, {"title": "Share correct"}
    chart = _diagram(table, _size(table, [12, 260]), x, y, {"bin": "Confidence"}, "")
    return chart.properties(width=320, height=320)


def _size(table: pd.DataFrame, areas: list[int]) -> alt.Size:
    most = float(table["samples"].max())
    values = sorted({1.0, float(round(most / 4)) or 1.0, float(round(most)) or 1.0})
    legend = alt.Legend(title="Samples in the bin", orient="bottom", values=values)
    return alt.Size("samples:Q", scale=alt.Scale(domain=[0, most], range=areas), legend=legend)


def _diagram(
    table: pd.DataFrame,
    size: alt.Size,
    x: dict[str, Any],
    y: dict[str, Any],
    texts: dict[str, str],
    form: str,
) -> Chart:
    """Dots with intervals and the diagonal; `x` and `y` are options of the axes, `form` the format of counts."""
    shown = {
        "samples": ("Samples", form),
        "confidence": ("Mean confidence", ".3f"),
        "correct": ("Share correct", ".3f"),
        "low": ("95 % interval from", ".3f"),
        "high": ("to", ".3f"),
    }
    base = alt.Chart(theme.rows(table)).encode(
        x=alt.X("confidence:Q", scale=theme.UNIT, **x), tooltip=theme.hover(texts, shown)
    )
    diagonal = (
        alt.Chart(alt.InlineData(values=[{"at": 0}, {"at": 1}]))
        .mark_line(strokeDash=[4, 3], strokeWidth=1, color=theme.GREY, aria=False)
        .encode(x=alt.X("at:Q", scale=theme.UNIT), y=alt.Y("at:Q", scale=theme.UNIT))
    )
    whiskers = base.mark_rule(strokeWidth=1.3, color=theme.COLOURS[0]).encode(
        y=alt.Y("low:Q", scale=theme.UNIT, **y), y2=alt.Y2("high:Q")
    )
    dots = base.mark_circle(color=theme.COLOURS[0], opacity=1).encode(
        y=alt.Y("correct:Q", scale=theme.UNIT, **y), size=size
    )
    chart: Chart = alt.layer(whiskers, diagonal, dots)
    return chart

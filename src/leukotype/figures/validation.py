"""Figures of a validation: error against coverage, and similarity to the training samples."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from leukotype.classifier.abstention import risk_coverage
from leukotype.classifier.validation import EXPECTED_UNLIKE, Validation
from leukotype.figures import theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.wording import counted

HERE, CLAIMED = "external samples", "training cohort, out of fold"
BINS = 20
KNOWN, OTHER = "known classes", "not trained on"


def risk(validation: Validation) -> Drawing:
    confidence = validation.probabilities.max(axis=1)
    points = {HERE: risk_coverage(confidence, validation.right), CLAIMED: _claimed(validation)}
    blocks = [
        pd.DataFrame(found)[["coverage", "error"]].assign(source=source)
        for source, found in points.items()
        if found
    ]
    n_called, n_wrong = int(validation.called.sum()), int((validation.called & ~validation.right).sum())
    operating = (
        f"The classifier called {n_called} of them, and {n_wrong or 'none'} of those calls "
        f"{'was' if n_wrong < 2 else 'were'} wrong (dot); it also abstains for reasons other than confidence."
        if n_called
        else "The classifier called none of them."
    )
    return Drawing(
        pd.concat(blocks, ignore_index=True),
        lambda table: _paint_risk(table, validation),
        f"Share of wrong predictions among the most confident samples, against the share of samples kept (El-Yaniv & "
        f"Wiener 2010), for {counted(len(confidence), 'sample')} of known classes. {operating}",
        f"Risk-coverage curves. With all external samples kept, {int((~validation.right).sum())} of {len(confidence)} "
        "predictions are wrong.",
        theme.batch_subtitle(validation.batch, validation.classifier.name, "dot: the calls"),
    )


def risk_applies(validation: Validation) -> str | None:
    return None if len(validation.codes) > 1 else "A curve needs at least two samples of known classes."


def _claimed(validation: Validation) -> list[dict[str, float]]:
    """The valid points of the curve in the classifier's file; empty if it has none."""
    stored = validation.classifier.record.get("risk_coverage")
    found = []
    for point in stored if isinstance(stored, list) else []:
        values: list[Any] = (
            [point.get(key) for key in ("coverage", "error")] if isinstance(point, dict) else [None]
        )
        if all(isinstance(value, int | float) and 0 <= value <= 1 for value in values):
            found.append({"coverage": float(values[0]), "error": float(values[1])})
    return found


def _paint_risk(table: pd.DataFrame, validation: Validation) -> Chart:
    sources = table["source"].unique().tolist()
    top = max(float(table["error"].max()), 0.05)
    percent = alt.Axis(format=".0%")
    x = alt.X("coverage:Q", title="Share of samples kept", scale=alt.Scale(domain=[0, 1]), axis=percent)
    y_scale = alt.Scale(domain=[0, min(1.0, 1.1 * top)])
    y = alt.Y("error:Q", title="Share wrong among them", scale=y_scale, axis=percent)

    def by_source(channel: type[Any], values: list[Any]) -> Any:
        scale = alt.Scale(domain=sources, range=values[: len(sources)])
        return channel("source:N", scale=scale, sort=sources, legend=theme.legend("", sources))

    hover = theme.hover({}, {"coverage": ("Kept", ".1%"), "error": ("Share wrong among them", ".1%")})
    layers: list[Any] = [
        alt.Chart(theme.rows(table))
        .mark_line(interpolate="step-before", strokeWidth=2)
        .encode(
            x=x,
            y=y,
            color=by_source(alt.Color, [theme.COLOURS[0], theme.GREY]),
            strokeDash=by_source(alt.StrokeDash, [[1, 0], [5, 3]]),
            tooltip=[*theme.hover({"source": "Samples"}), *hover],
        )
    ]
    if validation.right_among_called.n:
        point = pd.DataFrame(
            {"coverage": [validation.share_called.value], "error": [1 - validation.right_among_called.value]}
        )
        dot = alt.Chart(theme.rows(point)).mark_point(filled=True, size=80, color=theme.COLOURS[3], opacity=1)
        layers.append(dot.encode(x=x, y=y, tooltip=hover))
    return alt.layer(*layers).properties(width=theme.WIDTH - 120, height=280)


def likeness(validation: Validation) -> Drawing:
    p, edges = validation.calls.p_like, np.linspace(0, 1, BINS + 1)
    rows = []
    for kind, own in {KNOWN: validation.known, OTHER: ~validation.known}.items():
        if own.any():
            # A p-value of 1/20 belongs to the first bin.
            place = np.clip(np.ceil(p[own] * BINS - 1e-9).astype(int) - 1, 0, BINS - 1)
            bins = zip(
                edges[:-1].tolist(),
                edges[1:].tolist(),
                np.bincount(place, minlength=BINS).tolist(),
                strict=True,
            )
            rows += [{"kind": kind, "from": low, "to": high, "samples": count} for low, high, count in bins]
    n_known = int(validation.known.sum())
    unlike = (
        f"{round(validation.unlike.value * n_known)} of {n_known} samples of known classes are in the first bar; at "
        f"most about {100 * EXPECTED_UNLIKE:g} % are expected for samples from the source of the training samples."
    )
    return Drawing(
        pd.DataFrame(rows),
        _paint_likeness,
        "p-value of similarity: share of held-out training samples at least as far from all class means as the sample "
        "is. Samples from the same source are spread almost evenly between 0 and 1, with slightly more on the right, "
        "since the means of all training samples are closer than those of some. Many samples on the left indicate a "
        f"shift: another laboratory, array or population. {unlike}",
        f"Histogram of p-values of similarity. {unlike}",
        theme.batch_subtitle(
            validation.batch, validation.classifier.name, "left of the dashed line: dissimilar"
        ),
    )


def likeness_applies(validation: Validation) -> str | None:
    return None if validation.calls.n_samples else "There are no samples."


def _paint_likeness(table: pd.DataFrame) -> Chart:
    kinds = list(dict.fromkeys(table["kind"]))
    scale = alt.Scale(domain=kinds, range=[theme.COLOURS[0], theme.COLOURS[1]][: len(kinds)])
    title = "p: share of training samples at least as far away"
    bars = (
        alt.Chart(theme.rows(table))
        .mark_rect(stroke="white", strokeWidth=0.5)
        .transform_stack(stack="samples", groupby=["from"], as_=["low", "high"], sort=[alt.SortField("kind")])
        .encode(
            x=alt.X("from:Q", title=title, scale=alt.Scale(domain=[0, 1])),
            x2=alt.X2("to:Q"),
            y=alt.Y("low:Q", title="Samples"),
            y2=alt.Y2("high:Q"),
            color=alt.Color("kind:N", scale=scale, sort=kinds, legend=theme.legend("Samples", kinds)),
            tooltip=theme.hover(
                {"kind": "Classes"},
                {"from": ("p from", ".2f"), "to": ("to", ".2f"), "samples": ("Samples", "")},
            ),
        )
    )
    level = pd.DataFrame({"level": [EXPECTED_UNLIKE]})
    edge = (
        alt.Chart(theme.rows(level)).mark_rule(strokeDash=[4, 3], color=theme.INK).encode(x=alt.X("level:Q"))
    )
    return alt.layer(bars, edge).properties(width=theme.WIDTH - 60, height=220)

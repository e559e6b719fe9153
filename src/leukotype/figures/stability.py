"""Which samples' calls depend on how the folds fell."""

from __future__ import annotations

import altair as alt
import pandas as pd

from leukotype import wording
from leukotype.evaluation import Evaluation
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing
from leukotype.inference.stability import difficulty, split_dependence
from leukotype.studies import Study

TITLE = "Calls over repeats of the folds"
# The samples that nothing disturbs say nothing here.
MOST_SAMPLES = 40


def draw(study: Study) -> Drawing:
    evaluation = study.evaluation
    models = _judges(evaluation)
    table, dependence = difficulty(evaluation, models), split_dependence(evaluation, models)
    mean = table.groupby("sample", sort=False)["share_right"].mean().sort_values(kind="stable")
    shown = mean[mean < 1].index[:MOST_SAMPLES]
    numbers = table[table["sample"].isin(shown)].copy()
    numbers["order"] = numbers["sample"].map({name: place for place, name in enumerate(shown)})
    repeats = evaluation.folds.design.repeats
    left = len(mean) - len(shown)
    caption = (
        f"Share of {repeats} repeats of the folds in which each sample was called right, hardest first; a ring marks a "
        f"call that differs between repeats. {wording.counted(left, 'sample')} of {len(mean)} not shown: right by every "
        "model in every repeat, or beyond the hardest. A sample that every model always calls wrong may have the wrong "
        "label."
    )
    listed = ", ".join(f"{row.model} {row.n_flips}" for row in dependence.itertuples())
    summary = f"Heatmap of the hardest samples by model. Samples whose call flips with the split: {listed}."
    return Drawing(numbers, lambda frame: _paint(frame, evaluation), caption, summary)


def applies(study: Study) -> str | None:
    evaluation = study.evaluation
    if evaluation.folds.design.repeats < 2:
        return "A single repeat of the folds shows no dependence on them; draw more with --repeats."
    if not _judges(evaluation):
        return "There are only baselines here."
    if (difficulty(evaluation, _judges(evaluation))["share_right"] == 1).all():
        return "Every model was right on every sample in every repeat."
    return None


def _judges(evaluation: Evaluation) -> list[str]:
    # Whether a baseline is right on a sample says nothing of the sample.
    return [model.name for model in evaluation.models if not model.baseline]


def _paint(numbers: pd.DataFrame, evaluation: Evaluation) -> Chart:
    samples = list(dict.fromkeys(numbers.sort_values("order", kind="stable")["sample"]))
    numbers = numbers.assign(name=[f"{row.sample} ({row.label})" for row in numbers.itertuples()])
    names = list(dict.fromkeys(numbers.sort_values("order", kind="stable")["name"]))
    base = alt.Chart(theme.rows(numbers)).encode(
        y=alt.Y("name:N", sort=names, axis=theme.names_axis("Sample", limit=220)),
        x=alt.X(
            "model:N", sort=_judges(evaluation), axis=theme.names_axis(None, orient="top", labelAngle=-40)
        ),
        tooltip=["name:N", "model:N", "share_right:Q", "called:N", "p_own:Q"],
    )
    scale = alt.Scale(domain=[0, 0.5, 1], range=["#d95f0e", "#fec44f", "#f4f4f4"])
    legend = alt.Legend(title="Share of repeats with the right call", orient="bottom", gradientLength=200)
    cells = base.mark_rect().encode(color=alt.Color("share_right:Q", scale=scale, legend=legend))
    rings = (
        base.transform_filter("datum.flips")
        .mark_point(size=40, strokeWidth=1.5, opacity=1)
        .encode(color=alt.value(theme.INK))
    )
    chart = alt.layer(cells, rings).properties(
        width=alt.Step(40), height=alt.Step(max(12, min(20, 700 // len(samples))))
    )
    lines = theme.subtitle(
        evaluation.cohort, f"{evaluation.folds.design.repeats} repeats", "ring: the call flips"
    )
    return theme.dress(chart, TITLE, lines)

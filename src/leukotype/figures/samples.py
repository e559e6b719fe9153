"""The samples that models get wrong, one by one."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.evaluation import Evaluation
from leukotype.figures import cells, theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Samples called wrongly"


def draw(evaluation: Evaluation) -> Drawing:
    cohort, models = evaluation.cohort, _models(evaluation)
    n, repeats = len(cohort.labels), evaluation.folds.design.repeats
    wrong = np.array([(evaluation.predicted(model) != cohort.codes).mean(axis=0) for model in models])
    shown = np.flatnonzero(wrong.any(axis=0))
    # Within a class, those that most models get wrong come first.
    shown = shown[np.lexsort((shown, -wrong[:, shown].mean(axis=0), cohort.codes[shown]))]
    numbers = pd.DataFrame(
        [
            {
                "sample": str(cohort.samples[row]),
                "class": str(cohort.labels[row]),
                "model": model,
                "wrong": float(wrong[m, row]),
                "called": _called(evaluation, model, int(row)),
                "p_true": float(evaluation.probabilities(model)[:, row, cohort.codes[row]].mean()),
            }
            for row in shown
            for m, model in enumerate(models)
        ]
    )
    by_all = [str(cohort.samples[row]) for row in shown if (wrong[:, row] == 1).all()]
    times = "" if repeats == 1 else f" in at least one of {repeats} repeats"
    everywhere = f" {_listed(by_all)} every model got wrong every time." if by_all and len(models) > 1 else ""
    left_out = "; baselines are left out" if len(models) < len(evaluation.names) else ""
    caption = (
        f"The {len(shown)} of {wording.counted(n, 'sample')} that at least one model called wrongly out of "
        f"fold{times}; the other {n - len(shown)} were called rightly by all of "
        f"{wording.counted(len(models), 'model')}{left_out}.{everywhere} A sample that unlike models agree to "
        "get wrong deserves a look at its label and its quality."
    )
    summary = (
        f"Heatmap of {wording.counted(len(shown), 'sample')} by {wording.counted(len(models), 'model')}, showing "
        f"how often each was called wrongly.{everywhere}"
    )
    return Drawing(numbers, lambda table: _paint(table, evaluation), caption, summary)


def applies(evaluation: Evaluation) -> str | None:
    models = _models(evaluation)
    if not models:
        return "No model was evaluated."
    if all((evaluation.predicted(model) == evaluation.cohort.codes).all() for model in models):
        return "No model called any sample wrongly."
    return None


def _models(evaluation: Evaluation) -> list[str]:
    """The models that tell something about a sample: a baseline errs on all that are not of its class."""
    chosen = [model.name for model in evaluation.models if not model.baseline]
    return chosen or list(evaluation.names)


def _called(evaluation: Evaluation, model: str, row: int) -> str:
    """The classes that a sample was called, the most frequent first."""
    counts = np.bincount(evaluation.predicted(model)[:, row], minlength=len(evaluation.classes))
    order = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
    return ", ".join(evaluation.classes[code] for code in order)


def _listed(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{'Sample' if len(names) == 1 else 'Samples'} {', '.join(names[:most])}{more}"


def _paint(table: pd.DataFrame, evaluation: Evaluation) -> Chart:
    order = table.drop_duplicates("sample")[["sample", "class"]]
    models = table["model"].drop_duplicates().tolist()
    n = len(order)
    step = 14.0 if n <= 40 else 10.0 if n <= theme.MOST_LABELS else theme.cell_step(n, 600, 7)
    height, width = n * step, len(models) * 34.0
    wrong = alt.Color(
        "wrong:Q",
        scale=alt.Scale(range=["#f0f0f0", "#f7b28a", theme.COLOURS[3], "#7a2f00"], domain=[0, 0.34, 0.67, 1]),
        legend=_key(evaluation.folds.design.repeats),
    )
    samples = order["sample"].tolist()
    heat = (
        alt.Chart(theme.rows(table))
        .mark_rect(stroke="white", strokeWidth=1 if step >= 7 else 0, aria=False)
        .encode(
            x=alt.X("model:N", sort=models, axis=theme.names_axis("Model", labelAngle=-90)),
            y=alt.Y("sample:N", sort=samples, axis=theme.samples_axis("Sample, ordered by class", n, height)),
            color=wrong,
            tooltip=[
                alt.Tooltip("sample:N", title="Sample"),
                alt.Tooltip("class:N", title="Class"),
                alt.Tooltip("model:N", title="Model"),
                alt.Tooltip("wrong:Q", title="Called wrongly", format=".0%"),
                alt.Tooltip("called:N", title="Called"),
                alt.Tooltip("p_true:Q", title="Probability of its class", format=".3f"),
            ],
        )
        .properties(width=width, height=height)
    )
    legend = alt.Legend(title="Class", orient="right", labelLimit=230)
    band = cells.strip(order, evaluation.classes, None, height, side="y", legend=legend)
    chart = alt.hconcat(heat, band, spacing=3).resolve_scale(color="independent")
    facts = f"{n} wrong by at least one model"
    return theme.dress(chart, TITLE, theme.subtitle(evaluation.cohort, facts))


def _key(repeats: int) -> alt.Legend:
    if repeats == 1:
        return alt.Legend(
            title="Called",
            orient="bottom",
            type="symbol",
            symbolType="square",
            values=[0, 1],
            labelExpr="datum.value > 0 ? 'wrongly' : 'rightly'",
        )
    return alt.Legend(
        title=f"Called wrongly, share of {repeats} repeats",
        orient="bottom",
        direction="horizontal",
        format=".0%",
        gradientLength=120,
        gradientThickness=12,
        values=[0, 0.5, 1],
    )

"""Figures of the inference of a study: split dependence, permutation test, common mistakes, learning curve."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype import metrics, wording
from leukotype.evaluation import Evaluation
from leukotype.figures import theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.inference import MISTAKES
from leukotype.inference.permutation import PermutationTest
from leukotype.inference.stability import difficulty, split_dependence
from leukotype.studies import Study
from leukotype.wording import counted

# The hardest samples; the others would hide them.
MOST_SAMPLES = 40
BINS = 40
# The learning curve is extrapolated to this multiple of the largest size, that of a doubled cohort.
BEYOND = 2.0


def stability(study: Study) -> Drawing:
    evaluation, repeats = study.evaluation, study.evaluation.folds.design.repeats
    models = _judges(evaluation)
    table, dependence = difficulty(evaluation, models), split_dependence(evaluation, models)
    mean = table.groupby("sample", sort=False)["share_right"].mean().sort_values(kind="stable")
    shown = mean[mean < 1].index[:MOST_SAMPLES]
    numbers = table[table["sample"].isin(shown)].copy()
    numbers["order"] = numbers["sample"].map({name: place for place, name in enumerate(shown)})
    listed = ", ".join(f"{row.model} {row.n_flips}" for row in dependence.itertuples())
    return Drawing(
        numbers,
        lambda frame: _paint_stability(frame, models),
        f"Share of {repeats} repeats of the folds with a correct prediction of each sample, hardest samples first; a "
        f"ring marks predictions that differ between repeats. {counted(len(mean) - len(shown), 'sample')} of "
        f"{len(mean)} not shown: always predicted correctly, or beyond the {MOST_SAMPLES} hardest. A sample that all "
        "models always misclassify may have a wrong label.",
        "Heatmap of the hardest samples by model. Number of samples whose prediction changes with the split: "
        f"{listed}.",
        theme.subtitle(evaluation.cohort, f"{repeats} repeats", "ring: differs between repeats"),
    )


def stability_applies(study: Study) -> str | None:
    evaluation = study.evaluation
    if evaluation.folds.design.repeats < 2:
        return "Dependence on the split needs at least two repeats of the folds (--repeats)."
    if not _judges(evaluation):
        return "All models are baselines."
    if (difficulty(evaluation, _judges(evaluation))["share_right"] == 1).all():
        return "All models predicted all samples correctly in all repeats."
    return None


def _judges(evaluation: Evaluation) -> list[str]:
    """Models whose errors are informative about a sample: all but the baselines."""
    return [model.name for model in evaluation.models if not model.baseline]


def _paint_stability(numbers: pd.DataFrame, models: list[str]) -> Chart:
    numbers = numbers.assign(name=[f"{row.sample} ({row.label})" for row in numbers.itertuples()])
    names = list(dict.fromkeys(numbers.sort_values("order", kind="stable")["name"]))
    base = alt.Chart(theme.rows(numbers)).encode(
        y=alt.Y("name:N", sort=names, axis=theme.names_axis("Sample", limit=220)),
        x=alt.X("model:N", sort=models, axis=theme.names_axis(None, orient="top", labelAngle=-40)),
        tooltip=["name:N", "model:N", "share_right:Q", "called:N", "p_own:Q"],
    )
    scale = alt.Scale(domain=[0, 0.5, 1], range=["#d95f0e", "#fec44f", "#f4f4f4"])
    legend = alt.Legend(
        title="Share of repeats with a correct prediction", orient="bottom", gradientLength=200
    )
    cells = base.mark_rect().encode(color=alt.Color("share_right:Q", scale=scale, legend=legend))
    rings = base.transform_filter("datum.flips").mark_point(size=40, strokeWidth=1.5, opacity=1)
    return alt.layer(cells, rings.encode(color=alt.value(theme.INK))).properties(
        width=alt.Step(40), height=alt.Step(max(12, min(20, 700 // len(names))))
    )


def permutation(study: Study) -> Drawing:
    test = study.permutation
    assert test is not None
    table, title = test.table(), test.metric.title
    counts = sorted(set(table["n_permutations"]))
    often = " or ".join(f"{count:,}" for count in counts)
    unadjusted = " and is not adjusted for the number of models" if len(table) > 1 else ""
    listed = ", ".join(f"{row.model} {row.observed:.2f} (p = {row.p:.2g})" for row in table.itertuples())
    cohort = study.evaluation.cohort
    return Drawing(
        _bars(test),
        lambda numbers: _paint_permutation(numbers, title),
        f"{title} of the whole nested procedure, including tuning, on {often} permutations of the labels of "
        f"{counted(cohort.n_samples, 'sample')} (bars: share of the permutations) and on the true labels (line). "
        "p = (b + 1) / (m + 1), where b of m permutations score at least as high; it cannot be smaller than "
        f"{1 / (counts[0] + 1):.2g}{unadjusted}. A small p shows that labels and expression are related, not that the "
        "cause is biology rather than batch, age or sex.",
        f"Histograms of {title.lower()} on permuted labels, one per model. On the true labels: {listed}.",
        theme.subtitle(cohort, "grey: permuted labels", "line: true labels"),
    )


def permutation_applies(study: Study) -> str | None:
    return None if study.permutation else "No permutation test was requested (--permutations)."


def _bars(test: PermutationTest) -> pd.DataFrame:
    everything = np.concatenate([*test.null.values(), np.array(list(test.observed.values()))])
    edges = np.histogram_bin_edges(everything, BINS)
    blocks = []
    for model, null in test.null.items():
        share = np.histogram(null, edges)[0] / len(null)
        bars = pd.DataFrame({"model": model, "from": edges[:-1], "to": edges[1:], "share": share})
        bars["observed"], bars["p"], bars["n_permutations"] = test.observed[model], test.p(model), len(null)
        blocks.append(bars)
    return pd.concat(blocks, ignore_index=True)


def _paint_permutation(numbers: pd.DataFrame, title: str) -> Chart:
    numbers = numbers.assign(label=[f"{row.model}   p = {row.p:.2g}" for row in numbers.itertuples()])
    domain = [float(numbers["from"].min()), float(numbers["to"].max())]
    scale = alt.Scale(domain=domain, nice=False, zero=False)
    axis = alt.Axis(labels=False, ticks=False, grid=False)
    bars = alt.Chart().mark_rect(color="#b9b9b9")
    bars = bars.encode(
        x=alt.X("from:Q", title=title, scale=scale),
        x2=alt.X2("to:Q"),
        y=alt.Y("share:Q", title=None, axis=axis),
        y2=alt.Y2Datum(0),
    )
    line = alt.Chart().mark_rule(color=theme.COLOURS[3], strokeWidth=2)
    line = line.encode(x=alt.X("observed:Q", title=title, scale=scale))
    panels = alt.layer(bars, line, data=theme.rows(numbers)).properties(width=theme.WIDTH, height=46)
    header = alt.Header(labelOrient="top", labelAnchor="start", title=None)
    row = alt.Row("label:N", sort=list(dict.fromkeys(numbers["label"])), header=header)
    return panels.facet(row=row).resolve_scale(y="independent")


def leaks(study: Study) -> Drawing:
    table, cohort = study.leaks, study.evaluation.cohort
    assert table is not None
    title = metrics.by_name(table["metric"].iloc[0]).title.lower()
    worst = table.to_dict(orient="records")[int(table["optimism"].argmax())]
    return Drawing(
        table.drop(columns=["metric"]),
        lambda frame: _paint_leaks(frame, study, title),
        f"Optimism in {title}: the difference between the score with a mistake and the unbiased score of the same "
        f"model, on the same {counted(cohort.n_samples, 'sample')}, with 95 % intervals (paired bootstrap over "
        "samples; for the single split, the range over seeds; for the luckiest split, the uncertainty of the unbiased "
        f"score). To the right of zero, the mistake is optimistic. "
        f"{' '.join(f'{m.title}: {m.sentence}' for m in MISTAKES)}",
        f"Dots with intervals of optimism, one panel per mistake. The largest: {worst['title'].lower()} with "
        f"{worst['model']} claims {worst['claimed']:.2f}; the unbiased score is {worst['honest']:.2f}.",
        theme.subtitle(cohort, "95 % intervals", "hollow: baselines"),
    )


def leaks_applies(study: Study) -> str | None:
    return (
        None
        if study.leaks is not None
        else "The effect of common mistakes was not requested (--price-leaks)."
    )


def _paint_leaks(numbers: pd.DataFrame, study: Study, metric: str) -> Chart:
    baselines = theme.baselines(study.evaluation)
    models = sorted(dict.fromkeys(numbers["model"]), key=baselines.__contains__)
    numbers = numbers.assign(baseline=numbers["model"].isin(baselines))
    colour, stroke, fill = theme.hollow_baselines(theme.COLOURS[3])
    base = alt.Chart().encode(y=alt.Y("model:N", sort=models, axis=theme.names_axis(None)))
    axis = alt.Axis(title=f"Optimism in {metric}")
    zero = alt.Chart().mark_rule(color=theme.GREY, strokeDash=[4, 3]).encode(x=alt.datum(0))
    whiskers = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", axis=axis), x2=alt.X2("high:Q"), color=colour
    )
    dots = base.mark_point(filled=False, size=55, strokeWidth=2, opacity=1).encode(
        x=alt.X("optimism:Q", axis=axis), stroke=stroke, fill=fill
    )
    panel = alt.layer(zero, whiskers, dots, data=theme.rows(numbers)).properties(
        width=theme.WIDTH - 20, height=alt.Step(16)
    )
    header = alt.Header(title=None, labelOrient="top", labelAnchor="start")
    return panel.facet(row=alt.Row("title:N", sort=[mistake.title for mistake in MISTAKES], header=header))


def learning(study: Study) -> Drawing:
    curve = study.learning
    assert curve is not None
    dots = curve.table()[["model", "n_train", "value", "low", "high"]].assign(kind="measured")
    sizes = np.linspace(curve.sizes[0], BEYOND * curve.sizes[-1], 60)
    law = curve.extrapolated(sizes.tolist()).rename(columns={"fitted": "value"}).assign(kind="fitted")
    ends = dots.groupby("model", sort=False)["value"].agg(["first", "last"])
    listed = ", ".join(f"{row.Index} from {row.first:.2f} to {row.last:.2f}" for row in ends.itertuples())
    rows = curve.halving().to_dict("records")
    halved = [f"{row['model']} {wording.halving(row, curve.reach)}" for row in rows]
    title = curve.metric.title
    return Drawing(
        pd.concat([dots, law], ignore_index=True),
        lambda table: _paint_learning(table, study, curve.sizes[-1], title),
        f"{title} against the number of training samples. Dots with 95 % intervals are measured out of fold, on the "
        "same test parts for every size; lines are a fitted inverse power law of the error, floor + scale × "
        "n^-exponent. The band is the range over bootstrap resamples of the samples; it is not a 95 % interval: the "
        "variation between training sets is missing. Beyond the last dot, the curve is an extrapolation. Training "
        f"samples for half the error: {'; '.join(halved)}.",
        f"Learning curves from {curve.sizes[0]:.0f} to {curve.sizes[-1]:.0f} training samples. {title}: {listed}.",
        theme.subtitle(
            study.evaluation.cohort, "dots: measured", "lines: fitted", "dashed: all training samples"
        ),
    )


def learning_applies(study: Study) -> str | None:
    return None if study.learning else "No learning curve was requested (--learning-curve)."


def _paint_learning(numbers: pd.DataFrame, study: Study, most: float, title: str) -> Chart:
    models = list(dict.fromkeys(numbers["model"]))
    styles = theme.model_styles(models, theme.baselines(study.evaluation))
    scale = alt.Scale(domain=models, range=[styles[model].colour for model in models])
    colour = alt.Color("model:N", scale=scale, sort=None, legend=None)
    x = alt.X("n_train:Q", title="Training samples", scale=alt.Scale(zero=False, nice=False))
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=False))
    fitted, measured = (
        alt.Chart().transform_filter(f"datum.kind == '{kind}'") for kind in ("fitted", "measured")
    )
    band = fitted.mark_area(opacity=0.15).encode(
        x=x, y=alt.Y("low:Q", title=title), y2=alt.Y2("high:Q"), color=colour
    )
    line = fitted.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)
    whiskers = measured.mark_rule(strokeWidth=1.5).encode(
        x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=colour
    )
    dots = measured.mark_point(filled=True, size=45, opacity=1).encode(x=x, y=y, color=colour)
    end = alt.Chart(theme.rows(pd.DataFrame({"n_train": [most]})))
    edge = end.mark_rule(strokeDash=[4, 3], color=theme.GREY).encode(x=alt.X("n_train:Q"))
    columns = min(2, len(models))
    panel = alt.layer(band, line, whiskers, dots, edge, data=theme.rows(numbers)).properties(
        width=theme.WIDTH / columns - 12, height=150
    )
    header = alt.Header(title=None, labelAnchor="start")
    return panel.facet(facet=alt.Facet("model:N", sort=models, header=header), columns=columns)

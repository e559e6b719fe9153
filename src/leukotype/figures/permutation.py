"""What the models score on permuted labels, and on the real ones."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing
from leukotype.inference.permutation import PermutationTest
from leukotype.studies import Study

TITLE = "Permutation test"
BINS = 40


def draw(study: Study) -> Drawing:
    test = study.permutation
    assert test is not None
    table = test.table()
    n = study.evaluation.cohort.n_samples
    counts = sorted(set(table["n_permutations"]))
    often = " or ".join(f"{count:,}" for count in counts)
    caption = (
        f"{test.metric.title} of the whole nested procedure, tuning included, on {often} permutations of the labels "
        f"of {wording.counted(n, 'sample')} (bars, as a share of the permutations) and on the real labels (line). "
        "p = (b + 1) / (m + 1), where b of m permutations score at least as well; it cannot be smaller than "
        f"{1 / (counts[0] + 1):.2g}. A small p says that labels and expression are related, not that the relation is "
        "biology rather than batch, age or sex."
    )
    listed = ", ".join(f"{row.model} {row.observed:.2f} (p = {row.p:.2g})" for row in table.itertuples())
    summary = (
        f"Histograms of {test.metric.title.lower()} on permuted labels, one per model. "
        f"On the real labels: {listed}."
    )
    return Drawing(_bars(test), lambda numbers: _paint(numbers, study, test), caption, summary)


def applies(study: Study) -> str | None:
    return None if study.permutation else "No permutation test was asked for."


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


def _paint(numbers: pd.DataFrame, study: Study, test: PermutationTest) -> Chart:
    numbers = numbers.assign(
        label=[f"{row.model}   p = {row.p:.2g}" for row in numbers.itertuples()],
    )
    domain = [float(numbers["from"].min()), float(numbers["to"].max())]
    x = alt.X("from:Q", title=test.metric.title, scale=alt.Scale(domain=domain, nice=False, zero=False))
    base = alt.Chart()
    axis = alt.Axis(labels=False, ticks=False, grid=False)
    bars = base.mark_rect(color="#b9b9b9").encode(
        x=x, x2="to:Q", y=alt.Y("share:Q", title=None, axis=axis), y2=alt.Y2Datum(0)
    )
    line = base.mark_rule(color=theme.COLOURS[3], strokeWidth=2).encode(
        x=alt.X("observed:Q", title=test.metric.title, scale=alt.Scale(domain=domain, nice=False, zero=False))
    )
    order = list(dict.fromkeys(numbers["label"]))
    panels = (
        alt.layer(bars, line, data=theme.rows(numbers))
        .properties(width=theme.WIDTH, height=46)
        .facet(
            row=alt.Row(
                "label:N", sort=order, header=alt.Header(labelOrient="top", labelAnchor="start", title=None)
            )
        )
        .resolve_scale(y="independent")
    )
    lines = theme.subtitle(study.evaluation.cohort, "grey: permuted labels", "line: real labels")
    return theme.dress(panels, TITLE, lines)

"""A map that keeps neighbours together."""

from __future__ import annotations

import altair as alt
import pandas as pd
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from leukotype import wording
from leukotype.arrays import FloatArray
from leukotype.cohort import Cohort
from leukotype.figures import scatter, span, theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "t-SNE map"
LEAST_SAMPLES = 5
MOST_COMPONENTS = 50
# The exact gradient costs n² a step; beyond this the Barnes-Hut approximation is worth it.
EXACT_UP_TO = 500


def perplexity(n_samples: int) -> float:
    """30, or less where that many neighbours would be most of the cohort."""
    return min(30.0, (n_samples - 1) / 3)


def draw(cohort: Cohort) -> Drawing:
    place, components = _embed(cohort)
    numbers = scatter.numbers(cohort, {"tsne1": place[:, 0], "tsne2": place[:, 1]})
    caption = (
        f"t-SNE (van der Maaten & Hinton 2008) of the {wording.counted(cohort.n_samples, 'sample')}, from "
        f"their first {wording.counted(components, 'principal component')}; perplexity "
        f"{perplexity(cohort.n_samples):.3g}, started from the principal components. It keeps near "
        "neighbours together: distances between clusters and their sizes mean little, and the axes have no "
        f"unit. Labels take no part in it.{span.missing_note(cohort)}"
    )
    summary = (
        f"t-SNE map of {wording.counted(cohort.n_samples, 'sample')}, coloured by {len(cohort.classes)} "
        "classes. Only which samples lie close together can be read from it."
    )
    return Drawing(numbers, lambda table: _paint(table, cohort), caption, summary)


def applies(cohort: Cohort) -> str | None:
    if cohort.n_samples < LEAST_SAMPLES:
        return f"t-SNE needs at least {LEAST_SAMPLES} samples, and there are {cohort.n_samples}."
    return (
        None if span.varies(cohort) else "No probe differs between samples, so that there is nothing to map."
    )


def _embed(cohort: Cohort) -> tuple[FloatArray, int]:
    scores, _ = span.principal_components(cohort)
    components = min(MOST_COMPONENTS, cohort.n_samples - 1, cohort.n_probes)
    scores = scores[:, :components]
    # A small start, as in Kobak & Berens (2019): the large-scale layout is then that of the components.
    start = scores[:, :2] if components > 1 else scores[:, [0, 0]]
    start = start / start[:, 0].std() * 1e-4
    method = "exact" if cohort.n_samples <= EXACT_UP_TO else "barnes_hut"
    model = TSNE(perplexity=perplexity(cohort.n_samples), init=start, method=method, random_state=0, n_jobs=1)
    with threadpool_limits(limits=1):
        place: FloatArray = model.fit_transform(scores)
    return place.astype(float), components


def _paint(table: pd.DataFrame, cohort: Cohort) -> Chart:
    axes = [alt.Axis(title=f"t-SNE {k} (no unit)", labels=False, ticks=False, grid=False) for k in (1, 2)]
    chart = scatter.points(table, cohort, ("tsne1", "tsne2"), (axes[0], axes[1]))
    return theme.dress(chart, TITLE, theme.subtitle(cohort, f"perplexity {perplexity(len(table)):.3g}"))

"""Maps of the samples: principal components and t-SNE."""

from __future__ import annotations

import altair as alt
import pandas as pd
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray
from leukotype.cohort import Cohort
from leukotype.figures import span, theme
from leukotype.figures.figure import Drawing
from leukotype.wording import counted, percent

LEAST_SAMPLES = 5
MOST_COMPONENTS = 50
# The exact gradient costs n² per step; larger cohorts use the Barnes-Hut approximation.
EXACT_UP_TO = 500


def pca(cohort: Cohort) -> Drawing:
    scores, shares = span.principal_components(cohort)
    numbers = _table(cohort, pc1=scores[:, 0], pc2=scores[:, 1])
    numbers["pc1_share"], numbers["pc2_share"] = shares[0], shares[1]
    samples, probes = counted(cohort.n_samples, "sample"), counted(cohort.n_probes, "probe")
    first, second = percent(shares[0], 1), percent(shares[1], 1)
    axes = [alt.Axis(title=f"PC{k} ({share} of variance)") for k, share in ((1, first), (2, second))]
    return Drawing(
        numbers,
        lambda table: _points(table, cohort, ("pc1", "pc2"), axes),
        f"First two principal components of {samples} and {probes}, centred and not scaled (Hotelling 1933). They "
        f"contain {percent(shares[:2].sum())} of the variance. Labels are not used. Classes that are separate here "
        f"differ in the expression of many genes; batches can be separate for the same "
        f"reason.{span.missing_note(cohort)}",
        f"Scatter plot of {samples} on principal components 1 ({first} of variance) and 2 ({second}), coloured by "
        f"{len(cohort.classes)} classes.",
        theme.subtitle(cohort, probes),
    )


def pca_applies(cohort: Cohort) -> str | None:
    if cohort.n_samples < 3:
        return f"Principal components need at least 3 samples; the cohort has {cohort.n_samples}."
    if cohort.n_probes < 2:
        return "Two principal components need at least 2 probes; the cohort has 1."
    return span.constant(cohort, "components")


def tsne(cohort: Cohort) -> Drawing:
    place, components = _embed(cohort)
    samples, p = counted(cohort.n_samples, "sample"), f"{perplexity(cohort.n_samples):.3g}"
    axes = [alt.Axis(title=f"t-SNE {k} (no unit)", labels=False, ticks=False, grid=False) for k in (1, 2)]
    return Drawing(
        _table(cohort, tsne1=place[:, 0], tsne2=place[:, 1]),
        lambda table: _points(table, cohort, ("tsne1", "tsne2"), axes),
        f"t-SNE (van der Maaten & Hinton 2008) of {samples}, from their first "
        f"{counted(components, 'principal component')}, with perplexity {p} and initialised with the principal "
        "components. Only neighbourhoods are meaningful: distances between clusters, cluster sizes and axes are not. "
        f"Labels are not used.{span.missing_note(cohort)}",
        f"t-SNE map of {samples}, coloured by {len(cohort.classes)} classes. Only neighbourhoods of samples are "
        "meaningful.",
        theme.subtitle(cohort, f"perplexity {p}"),
    )


def tsne_applies(cohort: Cohort) -> str | None:
    if cohort.n_samples < LEAST_SAMPLES:
        return f"t-SNE needs at least {LEAST_SAMPLES} samples; the cohort has {cohort.n_samples}."
    return span.constant(cohort, "distances to map")


def perplexity(n_samples: int) -> float:
    """30, or less for small cohorts."""
    return min(30.0, (n_samples - 1) / 3)


def _embed(cohort: Cohort) -> tuple[FloatArray, int]:
    scores, _ = span.principal_components(cohort)
    components = min(MOST_COMPONENTS, cohort.n_samples - 1, cohort.n_probes)
    scores = scores[:, :components]
    # A small start keeps the large-scale layout of the components: Kobak & Berens (2019).
    start = scores[:, :2] if components > 1 else scores[:, [0, 0]]
    start = start / start[:, 0].std() * 1e-4
    method = "exact" if cohort.n_samples <= EXACT_UP_TO else "barnes_hut"
    model = TSNE(perplexity=perplexity(cohort.n_samples), init=start, method=method, random_state=0, n_jobs=1)
    with threadpool_limits(limits=1):
        place: FloatArray = model.fit_transform(scores)
    return place.astype(float), components


def _table(cohort: Cohort, **coordinates: FloatArray) -> pd.DataFrame:
    """One row per sample: sample, class, donor if known, and its coordinates."""
    table = pd.DataFrame({"sample": cohort.samples, "class": cohort.labels})
    if cohort.donors is not None:
        table["donor"] = cohort.donors
    return table.assign(**coordinates)


def _points(table: pd.DataFrame, cohort: Cohort, fields: tuple[str, str], axes: list[alt.Axis]) -> alt.Chart:
    """One point per sample; with more than eight classes they differ in shape as well."""
    text = {"sample": "Sample", "class": "Class", "donor": "Donor"}
    shown = {field: title for field, title in text.items() if field in table}
    zoomed = alt.Scale(zero=False, padding=12)
    plot = alt.Chart(theme.rows(table)).mark_point(
        filled=True, size=70 if len(table) <= 150 else 40, opacity=0.85, stroke="white", strokeWidth=0.6
    )
    encoded: alt.Chart = plot.encode(
        x=alt.X(f"{fields[0]}:Q", axis=axes[0], scale=zoomed),
        y=alt.Y(f"{fields[1]}:Q", axis=axes[1], scale=zoomed),
        color=theme.class_colour(cohort.classes),
        tooltip=theme.hover(shown, {field: (field.upper(), ".3g") for field in fields}),
    ).properties(width=theme.WIDTH - 40, height=400)
    many = len(cohort.classes) > theme.DISTINCT_COLOURS
    return encoded.encode(shape=theme.class_shape(cohort.classes)) if many else encoded

"""The probes that vary most, over all samples, both clustered."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from leukotype import wording
from leukotype.arrays import FloatArray
from leukotype.cohort import Cohort
from leukotype.figures import cells, span, theme, trees
from leukotype.figures.figure import Chart, Drawing

TITLE = "The most variable probes"
MOST_PROBES = 50
LIMIT = 3.0


@dataclass(frozen=True, eq=False)
class _Clustered:
    """z scores (n_probes, n_samples), rows and columns in leaf order, with their trees."""

    z: FloatArray
    probes: list[str]
    samples: pd.DataFrame
    probe_tree: FloatArray
    sample_tree: FloatArray


def draw(cohort: Cohort) -> Drawing:
    c = _cluster(cohort)
    n_probes, n_samples = c.z.shape
    numbers = pd.DataFrame(
        {
            "sample": np.repeat(c.samples["sample"].to_numpy(), n_probes),
            "class": np.repeat(c.samples["class"].to_numpy(), n_probes),
            "probe": np.tile(c.probes, n_samples),
            "z": c.z.T.ravel(),
        }
    )
    caption = (
        f"The {wording.counted(n_probes, 'probe')} of largest variance over all "
        f"{wording.counted(n_samples, 'sample')}, of {wording.counted(cohort.n_probes, 'probe')}; each is shown "
        "as its distance from its mean in standard deviations, and colours end at 3. Rows and columns are "
        "ordered by average-linkage clustering of Euclidean distances (Eisen et al. 1998). Probes are "
        "selected by variance, which uses no labels, so classes that come together here were not made "
        f"to.{span.missing_note(cohort)}"
    )
    summary = (
        f"Clustered heatmap of {wording.counted(n_probes, 'probe')} by {wording.counted(n_samples, 'sample')} "
        "with a dendrogram of each and a strip that shows the class of every sample, of "
        f"{len(cohort.classes)} classes."
    )
    return Drawing(numbers, lambda table: _paint(table, cohort, c), caption, summary)


def applies(cohort: Cohort) -> str | None:
    if cohort.n_samples < 3:
        return f"A clustered heatmap needs at least 3 samples, and there are {cohort.n_samples}."
    varying = len(_most_variable(span.filled(cohort)))
    return (
        None
        if varying >= 2
        else f"A clustered heatmap needs at least 2 probes that vary, and there are {varying}."
    )


def _most_variable(matrix: FloatArray) -> np.ndarray:
    """Columns of largest variance, largest first; the earlier one where two tie."""
    deviation = matrix.std(axis=0)
    order = np.argsort(-deviation, kind="stable")[:MOST_PROBES]
    # The deviation of a constant column is rounding error, not zero.
    return order[deviation[order] > 1e-9 * (1 + np.abs(matrix[:, order]).max(axis=0, initial=0.0))]


def _cluster(cohort: Cohort) -> _Clustered:
    matrix = span.filled(cohort)
    chosen = _most_variable(matrix)
    values = matrix[:, chosen]
    z = ((values - values.mean(axis=0)) / values.std(axis=0)).T
    probe_tree, sample_tree = trees.linkage(z), trees.linkage(z.T)
    rows, columns = trees.leaves(probe_tree), trees.leaves(sample_tree)
    samples = pd.DataFrame({"sample": cohort.samples[columns], "class": cohort.labels[columns]})
    probes = cohort.probes[chosen][rows].tolist()
    return _Clustered(z[np.ix_(rows, columns)], probes, samples, probe_tree, sample_tree)


def _paint(table: pd.DataFrame, cohort: Cohort, c: _Clustered) -> Chart:
    n_probes, n_samples = c.z.shape
    width = n_samples * theme.cell_step(n_samples, 400, 24)
    height = n_probes * (9.0 if n_probes > 12 else 16.0)
    z = table["z"].to_numpy().reshape(n_samples, n_probes).T
    rows = pd.DataFrame({"probe": c.probes})
    heat = cells.heatmap(z, c.samples, rows, column="sample", row="probe", value="z", digits=2)
    heat = heat.encode(
        y=alt.Y(
            "probe:N",
            sort=c.probes,
            axis=theme.names_axis("Probe", orient="right", labelFontSize=8, domain=False),
        ),
        color=alt.Color("z:Q", scale=_COLOURS, legend=None),
        tooltip=[
            alt.Tooltip("probe:N", title="Probe"),
            alt.Tooltip("sample:N", title="Sample"),
            alt.Tooltip("class:N", title="Class"),
            alt.Tooltip("z:Q", title="z score", format=".2f"),
        ],
    ).properties(width=width, height=height)
    axis = theme.samples_axis("Sample, ordered by clustering", n_samples, width)
    grid = alt.concat(
        _key(),
        trees.chart(c.sample_tree, along=width, across=56, upright=True),
        trees.chart(c.probe_tree, along=height, across=84, upright=False),
        heat,
        cells.blank(),
        cells.strip(
            c.samples, cohort.classes, axis, width, side="x", legend=theme.legend("Class", cohort.classes)
        ),
        columns=2,
        spacing=3,
    ).resolve_scale(color="independent")
    facts = f"{n_probes} of {wording.counted(cohort.n_probes, 'probe')}"
    return theme.dress(grid, TITLE, theme.subtitle(cohort, facts))


_COLOURS = alt.Scale(scheme="purpleorange", reverse=True, domain=[-LIMIT, LIMIT], domainMid=0, clamp=True)


def _key() -> alt.Chart:
    """The colours of the z scores, in the corner between the dendrograms."""
    legend = alt.Legend(
        title="z score",
        orient="none",
        direction="horizontal",
        legendX=0,
        legendY=8,
        gradientLength=72,
        gradientThickness=9,
        values=[-LIMIT, 0, LIMIT],
    )
    key: alt.Chart = cells.blank().encode(color=alt.Color("z:Q", scale=_COLOURS, legend=legend))
    return key.properties(width=84, height=56)

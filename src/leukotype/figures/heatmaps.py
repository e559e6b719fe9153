"""Clustered heatmaps: correlation between samples, and the most variable probes."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray, IntArray
from leukotype.audits import stats
from leukotype.cohort import Cohort
from leukotype.figures import clustering, layout, span, theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.wording import counted

LEAST_PROBES = 3
# Cells of more samples would be smaller than four pixels; then neighbours share a cell.
MOST_SAMPLES = 110
MOST_PROBES = 50
LIMIT = 3.0


def correlation(cohort: Cohort) -> Drawing:
    r = pearson(cohort)
    order = _order(r, cohort)
    blocks = _blocks(order, cohort)
    k = len(blocks)
    names = [_block_name(block, cohort) for block in blocks]
    classes = [str(cohort.labels[block[0]]) for block in blocks]
    numbers = pd.DataFrame(
        {
            "sample": np.repeat(names, k),
            "class": np.repeat(classes, k),
            "other": np.tile(names, k),
            "other_class": np.tile(classes, k),
            "r": _block_means(r, blocks).ravel(),
        }
    )
    off = r[~np.eye(len(r), dtype=bool)]
    diagonal = (
        "The diagonal is 1 by definition"
        if k == cohort.n_samples
        else f"Up to {max(map(len, blocks))} neighbouring samples of a class share a cell, which shows their mean over "
        "pairs of different samples"
    )
    samples, probes = counted(cohort.n_samples, "sample"), counted(cohort.n_probes, "probe")
    return Drawing(
        numbers,
        lambda table: _paint_correlation(table, cohort),
        f"Pearson correlation of the expression of {probes} between all pairs of {samples}, ordered by class and "
        f"within classes by average-linkage clustering. {diagonal}. Probes differ more than samples, so even "
        "dissimilar samples have a high correlation. Compare colours, which end at the 1st and the 99.5th percentile, "
        f"not values with zero.{span.missing_note(cohort)}",
        f"Heatmap of the correlation between {samples}; between different samples it ranges from {np.nanmin(off):.2f} "
        f"to {np.nanmax(off):.2f}.",
        theme.subtitle(cohort, probes),
    )


def correlation_applies(cohort: Cohort) -> str | None:
    if cohort.n_samples < 2:
        return f"A correlation between samples needs at least 2; the cohort has {cohort.n_samples}."
    if cohort.n_probes < LEAST_PROBES:
        return f"A correlation needs at least {LEAST_PROBES} probes; the cohort has {cohort.n_probes}."
    known = int(np.isfinite(np.diag(pearson(cohort))).sum())
    return None if known >= 2 else "Samples with one value in all probes have no correlation."


def pearson(cohort: Cohort) -> FloatArray:
    """(n, n) correlation between samples; NaN for a sample with one value in all probes."""
    with threadpool_limits(limits=1):
        r = stats.correlation(span.filled(cohort))
    flat = np.diag(r) == 0
    r[flat] = np.nan
    r[:, flat] = np.nan
    return r


def _order(r: FloatArray, cohort: Cohort) -> IntArray:
    profile = np.nan_to_num(r)
    parts = []
    for code in range(len(cohort.classes)):
        rows = np.flatnonzero(cohort.codes == code)
        own = profile[np.ix_(rows, rows)]
        parts.append(rows[clustering.leaves(clustering.linkage(own))] if len(rows) > 2 else rows)
    return np.concatenate(parts)


def _blocks(order: IntArray, cohort: Cohort) -> list[IntArray]:
    """Runs of neighbouring samples of one class; single samples unless there are too many."""
    size = -(-len(order) // MOST_SAMPLES)
    blocks: list[IntArray] = []
    for code in range(len(cohort.classes)):
        rows = order[cohort.codes[order] == code]
        blocks += np.array_split(rows, -(-len(rows) // size))
    return blocks


def _block_means(r: FloatArray, blocks: list[IntArray]) -> FloatArray:
    if len(blocks) == len(r):
        rows = np.concatenate(blocks)
        return r[np.ix_(rows, rows)]
    share = np.zeros((len(blocks), len(r)))
    for number, block in enumerate(blocks):
        share[number, block] = 1 / len(block)
    means: FloatArray = share @ r @ share.T
    # The correlation of a sample with itself is excluded.
    for number, block in enumerate(blocks):
        if len(block) > 1:
            means[number, number] = (means[number, number] * len(block) - 1) / (len(block) - 1)
    return means


def _block_name(block: IntArray, cohort: Cohort) -> str:
    first, last = str(cohort.samples[block[0]]), str(cohort.samples[block[-1]])
    return first if len(block) == 1 else f"{first} … {last} ({len(block)} samples)"


def _paint_correlation(table: pd.DataFrame, cohort: Cohort) -> Chart:
    columns = table.drop_duplicates("sample")[["sample", "class"]]
    rows = columns.rename(columns={"sample": "other", "class": "other_class"})
    k = len(columns)
    side = k * layout.cell_step(k, 440 if k > 64 else 400, 30)
    matrix = table["r"].to_numpy().reshape(k, k)
    # The limits exclude the diagonal and single outlying arrays, which would compress the other colours.
    low, high = np.nanquantile(matrix[~np.eye(k, dtype=bool)], [0.01, 0.995])
    domain = [round(float(low), 3), round(max(float(high), float(low) + 0.002), 3)]
    heat = layout.heatmap(matrix, columns, rows, column="sample", row="other", value="r", digits=4)
    heat = heat.encode(
        color=alt.Color(
            "r:Q",
            scale=alt.Scale(scheme="viridis", domain=domain, clamp=True),
            legend=alt.Legend(title=["Pearson r"], gradientLength=min(200, side * 0.7), format=".3~f"),
        ),
        tooltip=theme.hover(
            {"sample": "Sample", "class": "Class", "other": "Other sample", "other_class": "Its class"},
            {"r": ("Pearson r", ".3f")},
        ),
    ).properties(width=side, height=side)
    axis = theme.samples_axis("Sample, ordered by class", cohort.n_samples, side)
    legend = theme.legend("Class", cohort.classes)
    return alt.concat(
        layout.strip(columns, cohort.classes, axis, side, side="y", legend=None),
        heat,
        layout.blank(),
        layout.strip(columns, cohort.classes, axis, side, side="x", legend=legend),
        columns=2,
        spacing=3,
    ).resolve_scale(color="independent")


@dataclass(frozen=True, eq=False)
class _Clustered:
    """z scores (n_probes, n_samples), rows and columns in leaf order, with their trees."""

    z: FloatArray
    probes: list[str]
    samples: pd.DataFrame
    probe_tree: FloatArray
    sample_tree: FloatArray


def variable_probes(cohort: Cohort) -> Drawing:
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
    samples, probes = counted(n_samples, "sample"), counted(n_probes, "probe")
    return Drawing(
        numbers,
        lambda table: _paint_probes(table, cohort, c),
        f"The {probes} with the largest variance over all {samples}, of {counted(cohort.n_probes, 'probe')}, as "
        "distance from the mean of the probe in standard deviations; colours end at 3. Rows and columns are ordered by "
        "average-linkage clustering of Euclidean distances (Eisen et al. 1998). Variance uses no labels, so the "
        f"selection of probes does not favour clusters of classes.{span.missing_note(cohort)}",
        f"Clustered heatmap of {probes} by {samples} with dendrograms and a strip with the class of each sample, "
        f"of {len(cohort.classes)} classes.",
        theme.subtitle(cohort, f"{n_probes} of {counted(cohort.n_probes, 'probe')}"),
    )


def variable_probes_applies(cohort: Cohort) -> str | None:
    if cohort.n_samples < 3:
        return f"A clustered heatmap needs at least 3 samples; the cohort has {cohort.n_samples}."
    varying = len(_most_variable(span.filled(cohort)))
    return (
        None
        if varying >= 2
        else f"A clustered heatmap needs at least 2 probes that vary; the cohort has {varying}."
    )


def _most_variable(matrix: FloatArray) -> np.ndarray:
    """Columns with the largest variance, largest first; ties in column order."""
    deviation = matrix.std(axis=0)
    order = np.argsort(-deviation, kind="stable")[:MOST_PROBES]
    # The deviation of a constant column is rounding error, not zero.
    return order[deviation[order] > 1e-9 * (1 + np.abs(matrix[:, order]).max(axis=0, initial=0.0))]


def _cluster(cohort: Cohort) -> _Clustered:
    matrix = span.filled(cohort)
    chosen = _most_variable(matrix)
    values = matrix[:, chosen]
    z = ((values - values.mean(axis=0)) / values.std(axis=0)).T
    probe_tree, sample_tree = clustering.linkage(z), clustering.linkage(z.T)
    rows, columns = clustering.leaves(probe_tree), clustering.leaves(sample_tree)
    samples = pd.DataFrame({"sample": cohort.samples[columns], "class": cohort.labels[columns]})
    probes = cohort.probes[chosen][rows].tolist()
    return _Clustered(z[np.ix_(rows, columns)], probes, samples, probe_tree, sample_tree)


def _paint_probes(table: pd.DataFrame, cohort: Cohort, c: _Clustered) -> Chart:
    n_probes, n_samples = c.z.shape
    width = n_samples * layout.cell_step(n_samples, 400, 24)
    height = n_probes * (9.0 if n_probes > 12 else 16.0)
    z = table["z"].to_numpy().reshape(n_samples, n_probes).T
    rows = pd.DataFrame({"probe": c.probes})
    y_axis = theme.names_axis("Probe", orient="right", labelFontSize=8, domain=False)
    colours = alt.Scale(scheme="purpleorange", reverse=True, domain=[-LIMIT, LIMIT], domainMid=0, clamp=True)
    heat = layout.heatmap(z, c.samples, rows, column="sample", row="probe", value="z", digits=2)
    heat = heat.encode(
        y=alt.Y("probe:N", sort=c.probes, axis=y_axis),
        color=alt.Color("z:Q", scale=colours, legend=None),
        tooltip=theme.hover(
            {"probe": "Probe", "sample": "Sample", "class": "Class"}, {"z": ("z score", ".2f")}
        ),
    ).properties(width=width, height=height)
    # The colour legend is in the corner between the dendrograms.
    legend = alt.Legend(
        title="z score", orient="none", direction="horizontal", legendX=0, legendY=8, gradientLength=72,
        gradientThickness=9, values=[-LIMIT, 0, LIMIT],
    )  # fmt: skip
    corner = layout.blank().encode(color=alt.Color("z:Q", scale=colours, legend=legend))
    axis = theme.samples_axis("Sample, ordered by clustering", n_samples, width)
    classes = theme.legend("Class", cohort.classes)
    return alt.concat(
        corner.properties(width=84, height=56),
        clustering.dendrogram(c.sample_tree, along=width, across=56, upright=True),
        clustering.dendrogram(c.probe_tree, along=height, across=84, upright=False),
        heat,
        layout.blank(),
        layout.strip(c.samples, cohort.classes, axis, width, side="x", legend=classes),
        columns=2,
        spacing=3,
    ).resolve_scale(color="independent")

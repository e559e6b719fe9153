"""How alike any two samples are."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from leukotype import wording
from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.figures import cells, span, theme, trees
from leukotype.figures.figure import Chart, Drawing

TITLE = "Correlation between samples"
LEAST_PROBES = 3
# Cells of more samples than these would be smaller than four pixels; neighbours then share one.
MOST_SAMPLES = 110


def draw(cohort: Cohort) -> Drawing:
    r = pearson(span.filled(cohort))
    order = _order(r, cohort)
    blocks = _blocks(order, cohort)
    drawn = _block_means(r, blocks)
    names = [_block_name(block, cohort) for block in blocks]
    classes = [str(cohort.labels[block[0]]) for block in blocks]
    k = len(blocks)
    numbers = pd.DataFrame(
        {
            "sample": np.repeat(names, k),
            "class": np.repeat(classes, k),
            "other": np.tile(names, k),
            "other_class": np.tile(classes, k),
            "r": drawn.ravel(),
        }
    )
    off = r[~np.eye(len(r), dtype=bool)]
    diagonal = "the diagonal is 1 by definition"
    if k < cohort.n_samples:
        diagonal = (
            f"up to {max(map(len, blocks))} neighbouring samples of a class share one cell, which shows the "
            "mean over pairs of different samples"
        )
    caption = (
        f"Pearson correlation of the expression of {wording.counted(cohort.n_probes, 'probe')} between every "
        f"two of {wording.counted(cohort.n_samples, 'sample')}, ordered by class and within it by "
        f"average-linkage clustering; {diagonal}. Since probes differ more than samples do, even unlike "
        "samples correlate highly: compare the colours, which end at the 1st and the 99.5th percentile, not "
        f"with zero.{span.missing_note(cohort)}"
    )
    summary = (
        f"Heatmap of the correlation between {wording.counted(cohort.n_samples, 'sample')}; "
        f"between different samples it ranges from {np.nanmin(off):.2f} to {np.nanmax(off):.2f}."
    )
    return Drawing(numbers, lambda table: _paint(table, cohort), caption, summary)


def applies(cohort: Cohort) -> str | None:
    if cohort.n_samples < 2:
        return f"A correlation between samples needs at least 2, and there is {cohort.n_samples}."
    if cohort.n_probes < LEAST_PROBES:
        return f"A correlation needs at least {LEAST_PROBES} probes, and there are {cohort.n_probes}."
    known = int(np.isfinite(np.diag(pearson(span.filled(cohort)))).sum())
    return None if known >= 2 else "Samples whose probes all have one value have no correlation."


def pearson(matrix: FloatArray) -> FloatArray:
    """(n, n) correlation between rows; NaN with a row whose values are all the same."""
    centred = matrix - matrix.mean(axis=1, keepdims=True)
    norms = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    flat = norms[:, 0] <= 1e-12 * np.abs(matrix).max(initial=1.0)
    with threadpool_limits(limits=1):
        unit = centred / np.where(flat[:, None], 1.0, norms)
        r: FloatArray = np.clip(unit @ unit.T, -1.0, 1.0)
    r[flat] = np.nan
    r[:, flat] = np.nan
    return r


def _order(r: FloatArray, cohort: Cohort) -> IntArray:
    profile = np.nan_to_num(r)
    parts = [np.flatnonzero(cohort.codes == code) for code in range(len(cohort.classes))]
    return np.concatenate([rows[trees.leaf_order(profile[np.ix_(rows, rows)])] for rows in parts])


def _blocks(order: IntArray, cohort: Cohort) -> list[IntArray]:
    """Runs of neighbouring samples of one class, one sample each unless there are too many."""
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
    # A sample's correlation with itself says nothing of its block.
    for number, block in enumerate(blocks):
        if len(block) > 1:
            means[number, number] = (means[number, number] * len(block) - 1) / (len(block) - 1)
    return means


def _block_name(block: IntArray, cohort: Cohort) -> str:
    first, last = str(cohort.samples[block[0]]), str(cohort.samples[block[-1]])
    return first if len(block) == 1 else f"{first} … {last} ({len(block)} samples)"


def _paint(table: pd.DataFrame, cohort: Cohort) -> Chart:
    columns = table.drop_duplicates("sample")[["sample", "class"]]
    rows = columns.rename(columns={"sample": "other", "class": "other_class"})
    k = len(columns)
    side = k * theme.cell_step(k, 440 if k > 64 else 400, 30)
    matrix = table["r"].to_numpy().reshape(k, k)
    heat = cells.heatmap(matrix, columns, rows, column="sample", row="other", value="r", digits=4)
    heat = heat.encode(
        color=alt.Color(
            "r:Q",
            scale=alt.Scale(scheme="viridis", domain=_domain(matrix), clamp=True),
            legend=alt.Legend(title=["Pearson r"], gradientLength=min(200, side * 0.7), format=".3~f"),
        ),
        tooltip=[
            alt.Tooltip("sample:N", title="Sample"),
            alt.Tooltip("class:N", title="Class"),
            alt.Tooltip("other:N", title="Other sample"),
            alt.Tooltip("other_class:N", title="Its class"),
            alt.Tooltip("r:Q", title="Pearson r", format=".3f"),
        ],
    ).properties(width=side, height=side)
    axis = theme.samples_axis("Sample, ordered by class", cohort.n_samples, side)
    grid = alt.concat(
        cells.strip(columns, cohort.classes, axis, side, side="y", legend=None),
        heat,
        cells.blank(),
        cells.strip(
            columns, cohort.classes, axis, side, side="x", legend=theme.legend("Class", cohort.classes)
        ),
        columns=2,
        spacing=3,
    ).resolve_scale(color="independent")
    return theme.dress(grid, TITLE, theme.subtitle(cohort, wording.counted(cohort.n_probes, "probe")))


def _domain(matrix: FloatArray) -> list[float]:
    """Where the colours begin and end, such that neither the diagonal nor one odd array bleaches the rest."""
    off = matrix[~np.eye(len(matrix), dtype=bool)]
    low, high = np.nanquantile(off, [0.01, 0.995])
    return [round(float(low), 3), round(max(float(high), float(low) + 0.002), 3)]

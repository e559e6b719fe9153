"""Clusterings of samples and probes: dendrograms, and the agreement of clusters with classes."""

from __future__ import annotations

import warnings
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from scipy.cluster import hierarchy
from scipy.spatial import distance
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.figures import span, theme
from leukotype.figures.figure import Drawing
from leukotype.figures.theme import Chart
from leukotype.wording import counted

N_PERMUTATIONS = 1000


def linkage(points: FloatArray) -> FloatArray:
    """Average linkage of the Euclidean distances between rows, with similar leaves next to each other.

    Bar-Joseph et al. (2001), Bioinformatics 17, S22-S29, for the order of the leaves.
    """
    distances = distance.pdist(points)
    tree: FloatArray = hierarchy.linkage(distances, method="average", optimal_ordering=len(points) <= 500)
    return tree


def leaves(tree: FloatArray) -> IntArray:
    """(n,) rows in the order of the leaves."""
    return np.asarray(hierarchy.leaves_list(tree), dtype=np.intp)


def branches(tree: FloatArray) -> pd.DataFrame:
    """Four rows per merge, in drawing order: merge, corner, place (leaf k at k + 0.5), height."""
    n = len(tree) + 1
    place = np.empty(2 * n - 1)
    place[hierarchy.leaves_list(tree)] = np.arange(n) + 0.5
    height = np.r_[np.zeros(n), tree[:, 2]]
    pairs = tree[:, :2].astype(np.intp)
    # scipy's dendrogram recurses once per level.
    for merge, pair in enumerate(pairs):
        place[n + merge] = place[pair].mean()
    corners = pairs[:, [0, 0, 1, 1]]
    heights = height[corners]
    heights[:, 1:3] = tree[:, [2, 2]]
    return pd.DataFrame(
        {
            "merge": np.repeat(np.arange(n - 1), 4),
            "corner": np.tile(np.arange(4), n - 1),
            "place": place[corners].ravel(),
            "height": heights.ravel(),
        }
    )


def dendrogram(tree: FloatArray, *, along: float, across: float, upright: bool) -> alt.Chart:
    """The dendrogram, its leaves along `along` px; the leaves are below if `upright`, else to the right."""
    table = branches(tree)
    lowest, top = float(tree[:, 2].min()), float(tree[:, 2].max())
    # Leaves begin a little below the lowest merge, since long stems leave no room for the merges.
    floor = max(0.0, lowest - 0.25 * (top - lowest))
    table["height"] = table["height"].clip(lower=floor)
    if top == floor:
        top = floor + 1.0
    # Row 0 of a heatmap is at the top.
    common = {"nice": False, "zero": False, "reverse": not upright}
    leaf_scale = {"domain": [0, len(tree) + 1], **common}
    height_scale = {"domain": [floor, top + 0.03 * (top - floor)], **common}
    place: dict[str, Any] = {"field": "place", "type": "quantitative", "axis": None, "scale": leaf_scale}
    height: dict[str, Any] = {"field": "height", "type": "quantitative", "axis": None, "scale": height_scale}
    width = min(0.9, 0.5 * along / (len(tree) + 1))
    lines = alt.Chart(theme.rows(table)).mark_line(strokeWidth=width, color="#555555", aria=False)
    drawn: alt.Chart = lines.encode(
        x=alt.X(**(place if upright else height)),
        y=alt.Y(**(height if upright else place)),
        detail=alt.Detail("merge:N"),
        order=alt.Order("corner:Q"),
    ).properties(
        width=along if upright else across,
        height=across if upright else along,
        view=alt.ViewConfig(stroke=None),
    )
    return drawn


def clusters(scores: FloatArray, k: int) -> dict[str, IntArray]:
    """(n_samples,) cluster of each sample by k-means (best of 20 starts) and two hierarchical clusterings."""
    with warnings.catch_warnings():
        # With fewer distinct samples than clusters, some clusters stay empty.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = {"k-means": KMeans(k, n_init=20, random_state=0).fit_predict(scores)}
    for method, name in (("ward", "Ward"), ("average", "average")):
        tree = hierarchy.linkage(scores, method)
        found[f"hierarchical ({name})"] = hierarchy.fcluster(tree, k, criterion="maxclust")
    return found


def by_chance(labels: IntArray, found: IntArray, rng: np.random.Generator) -> FloatArray:
    """(N_PERMUTATIONS,) adjusted Rand index of `found` with permuted labels.

    Permutation keeps the sizes of classes and clusters; only the number of pairs together in both changes.
    """
    member, cluster = np.eye(labels.max() + 1)[labels], np.eye(found.max() + 1)[found]
    both = np.array([_pairs(rng.permutation(member).T @ cluster) for _ in range(N_PERMUTATIONS)])
    in_class, in_cluster = _pairs(member.sum(axis=0)), _pairs(cluster.sum(axis=0))
    expected = in_class * in_cluster / _pairs(np.array(float(len(labels))))
    most = (in_class + in_cluster) / 2
    # If no permutation can differ, as with one cluster, the index is 1 by convention.
    index: FloatArray = (both - expected) / (most - expected) if most > expected else np.ones_like(both)
    return index


def _pairs(counts: FloatArray) -> float:
    return float((counts * (counts - 1) / 2).sum())


def agreement(cohort: Cohort) -> Drawing:
    k = len(cohort.classes)
    scores, _ = span.principal_components(cohort)
    rng = np.random.default_rng(0)
    rows = []
    with threadpool_limits(limits=1):
        for name, found in clusters(scores, k).items():
            low, high = np.quantile(by_chance(cohort.codes, found, rng), [0.025, 0.975])
            sizes = np.sort(np.unique(found, return_counts=True)[1])[::-1]
            rows.append(
                {
                    "method": name,
                    "clusters": len(sizes),
                    "sizes": ", ".join(map(str, sizes)),
                    "adjusted_rand": adjusted_rand_score(cohort.codes, found),
                    "chance_low": low,
                    "chance_high": high,
                }
            )
    listed = ", ".join(f"{row['method']} {row['adjusted_rand']:.2f}" for row in rows)
    return Drawing(
        pd.DataFrame(rows),
        _paint,
        f"Adjusted Rand index (Hubert & Arabie 1985) between the {k} classes of {counted(cohort.n_samples, 'sample')} "
        f"and {k} clusters, found without labels on all {counted(cohort.n_probes, 'probe')}. 1 is the same partition, "
        f"0 is expected by chance. Grey bars: middle 95 % of {N_PERMUTATIONS:,} permutations of the labels. A low "
        f"value doesn't mean that the classes are inseparable, only that they are not the largest "
        f"differences.{span.missing_note(cohort)}",
        f"Dot chart of the adjusted Rand index of clusterings against the classes: {listed}; chance is 0.",
        theme.subtitle(cohort, f"{k} classes, {k} clusters"),
        {"axisY": {"grid": False}},
    )


def agreement_applies(cohort: Cohort) -> str | None:
    k = len(cohort.classes)
    if k < 2:
        return f"Agreement with classes needs at least 2 classes; the cohort has {k}."
    if cohort.n_samples <= k:
        return f"{k} clusters need more than {k} samples."
    return span.constant(cohort, "clusters")


def _paint(table: pd.DataFrame) -> Chart:
    low = min(-0.1, float(table[["adjusted_rand", "chance_low"]].min().min()) - 0.02)
    scale = alt.Scale(domain=[round(low, 2), 1.0], nice=False)
    axis = alt.Axis(title="Adjusted Rand index (1 = the classes, 0 = chance)")
    x = alt.X("adjusted_rand:Q", scale=scale, axis=axis)
    keys = ["Clusters and classes", "Permuted labels (95 %)"]
    colours = alt.Scale(domain=keys, range=[theme.COLOURS[0], "#c4c4c4"])
    legend = theme.legend("", keys)
    base = alt.Chart(theme.rows(table.assign(found=keys[0], chance=keys[1]))).encode(
        y=alt.Y("method:N", sort=table["method"].tolist(), axis=theme.names_axis("Clustering")),
        tooltip=[
            alt.Tooltip("method:N", title="Clustering"),
            alt.Tooltip("adjusted_rand:Q", title="Adjusted Rand index", format=".3f"),
            alt.Tooltip("sizes:N", title="Cluster sizes"),
            alt.Tooltip("chance_low:Q", title="Chance, 2.5 %", format=".3f"),
            alt.Tooltip("chance_high:Q", title="Chance, 97.5 %", format=".3f"),
        ],
    )
    chance = base.mark_bar(height=10).encode(
        x=alt.X("chance_low:Q", scale=scale),
        x2=alt.X2("chance_high:Q"),
        color=alt.Color("chance:N", scale=colours, legend=legend),
    )
    zero = alt.Chart(theme.rows(table.head(1))).mark_rule(strokeDash=[4, 3], color=theme.GREY)
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=x, color=alt.Color("found:N", scale=colours, legend=legend)
    )
    labels = base.mark_text(align="left", dx=9, fontSize=11, color=theme.INK).encode(
        x=x, text=alt.Text("adjusted_rand:Q", format=".2f")
    )
    return alt.layer(chance, zero.encode(x=alt.datum(0)), dots, labels).properties(
        width=theme.WIDTH - 150, height=alt.Step(34)
    )

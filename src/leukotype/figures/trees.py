"""Hierarchical clusterings and how they are drawn."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
from scipy.cluster import hierarchy
from scipy.spatial import distance

from leukotype.arrays import FloatArray, IntArray
from leukotype.figures import theme


def linkage(points: FloatArray) -> FloatArray:
    """Average linkage of the Euclidean distances between rows, leaves ordered so that neighbours are alike.

    Bar-Joseph et al. (2001), Bioinformatics 17, S22-S29, for the order.
    """
    distances = distance.pdist(points)
    tree: FloatArray = hierarchy.linkage(distances, method="average", optimal_ordering=len(points) <= 500)
    return tree


def leaves(tree: FloatArray) -> IntArray:
    """(n,) rows in the order in which they stand below the tree."""
    return np.asarray(hierarchy.leaves_list(tree), dtype=np.intp)


def leaf_order(points: FloatArray) -> IntArray:
    """(n,) rows in the order of the leaves of `linkage`."""
    if len(points) < 3:
        return np.arange(len(points), dtype=np.intp)
    return leaves(linkage(points))


def branches(tree: FloatArray) -> pd.DataFrame:
    """Four rows per merge, in drawing order: merge, corner, place (leaf k at k + 0.5), height."""
    n = len(tree) + 1
    place = np.empty(2 * n - 1)
    place[hierarchy.leaves_list(tree)] = np.arange(n) + 0.5
    height = np.r_[np.zeros(n), tree[:, 2]]
    pairs = tree[:, :2].astype(np.intp)
    # Not scipy's dendrogram: that recurses, once for each level.
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


def chart(tree: FloatArray, *, along: float, across: float, upright: bool) -> alt.Chart:
    """The dendrogram, its leaves spread over `along` px, pointing down where `upright`, else right."""
    table = branches(tree)
    lowest, top = float(tree[:, 2].min()), float(tree[:, 2].max())
    # Long bare stems say nothing and leave no room for the merges: leaves begin a little below the lowest.
    floor = max(0.0, lowest - 0.25 * (top - lowest))
    table["height"] = table["height"].clip(lower=floor)
    if top == floor:
        top = floor + 1.0
    # Row 0 of a heatmap is at the top, so the leaves beside it run downwards.
    leaves = {"domain": [0, len(tree) + 1], "nice": False, "zero": False, "reverse": not upright}
    heights = {
        "domain": [floor, top + 0.03 * (top - floor)],
        "zero": False,
        "nice": False,
        "reverse": not upright,
    }
    place = {"field": "place", "type": "quantitative", "axis": None, "scale": leaves}
    height = {"field": "height", "type": "quantitative", "axis": None, "scale": heights}
    width = min(0.9, 0.5 * along / (len(tree) + 1))
    lines = alt.Chart(theme.rows(table)).mark_line(strokeWidth=width, color="#555555", aria=False)
    drawn: alt.Chart = lines.encode(
        x=alt.X.from_dict(place if upright else height),
        y=alt.Y.from_dict(height if upright else place),
        detail="merge:N",
        order="corner:Q",
    ).properties(
        width=along if upright else across,
        height=across if upright else along,
        view=alt.ViewConfig(stroke=None),
    )
    return drawn

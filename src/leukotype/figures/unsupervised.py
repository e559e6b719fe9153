"""Whether clusters found without labels are the classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import altair as alt
import numpy as np
import pandas as pd
from scipy.cluster import hierarchy
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from leukotype import wording
from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.figures import span, theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Agreement of clusters with classes"
N_PERMUTATIONS = 1000


def k_means(scores: FloatArray, k: int) -> IntArray:
    """The best of 20 seeded starts."""
    with warnings.catch_warnings():
        # Fewer distinct samples than clusters: then some stay empty, which is the right answer.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found: IntArray = KMeans(k, n_init=20, random_state=0).fit_predict(scores)
    return found


def hierarchical(method: str) -> Callable[[FloatArray, int], IntArray]:
    """Clusters of an agglomerative clustering of Euclidean distances, cut into k."""

    def cut(scores: FloatArray, k: int) -> IntArray:
        found: IntArray = hierarchy.fcluster(hierarchy.linkage(scores, method), k, criterion="maxclust")
        return found

    return cut


METHODS: tuple[tuple[str, Callable[[FloatArray, int], IntArray]], ...] = (
    ("k-means", k_means),
    ("hierarchical (Ward)", hierarchical("ward")),
    ("hierarchical (average)", hierarchical("average")),
)


def by_chance(labels: IntArray, found: IntArray, rng: np.random.Generator) -> FloatArray:
    """(N_PERMUTATIONS,) adjusted Rand index of `found` with permuted labels.

    Permutation leaves the sizes of classes and clusters alone, so only the pairs together in both change.
    """
    member, cluster = np.eye(labels.max() + 1)[labels], np.eye(found.max() + 1)[found]
    both = np.array([_pairs(rng.permutation(member).T @ cluster) for _ in range(N_PERMUTATIONS)])
    in_class, in_cluster = _pairs(member.sum(axis=0)), _pairs(cluster.sum(axis=0))
    expected = in_class * in_cluster / _pairs(np.array(float(len(labels))))
    most = (in_class + in_cluster) / 2
    # Where no permutation can differ, as with one cluster only, the index is 1 by convention.
    index: FloatArray = (both - expected) / (most - expected) if most > expected else np.ones_like(both)
    return index


def _pairs(counts: FloatArray) -> float:
    return float((counts * (counts - 1) / 2).sum())


def draw(cohort: Cohort) -> Drawing:
    k = len(cohort.classes)
    scores, _ = span.principal_components(cohort)
    rng = np.random.default_rng(0)
    rows = []
    with threadpool_limits(limits=1):
        for name, cluster in METHODS:
            found = cluster(scores, k)
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
    numbers = pd.DataFrame(rows)
    caption = (
        f"Adjusted Rand index (Hubert & Arabie 1985) between the {k} classes of "
        f"{wording.counted(cohort.n_samples, 'sample')} and {k} clusters found without labels on all "
        f"{wording.counted(cohort.n_probes, 'probe')}: 1 is the same partition, 0 what chance gives. Grey "
        f"bars: middle 95 % under {N_PERMUTATIONS:,} permutations of the labels. A low value does not mean "
        "that the classes cannot be told apart, only that they are not the largest "
        f"differences.{span.missing_note(cohort)}"
    )
    listed = ", ".join(f"{row['method']} {row['adjusted_rand']:.2f}" for row in rows)
    summary = (
        f"Dot chart of the adjusted Rand index of clusterings against the classes: {listed}; chance is 0."
    )
    return Drawing(numbers, lambda table: _paint(table, cohort), caption, summary)


def applies(cohort: Cohort) -> str | None:
    k = len(cohort.classes)
    if k < 2:
        return f"Agreement with classes needs at least 2 classes, and there is {k}."
    if cohort.n_samples <= k:
        return f"{k} clusters need more than {k} samples."
    return None if span.varies(cohort) else "No probe differs between samples, so that there are no clusters."


def _paint(table: pd.DataFrame, cohort: Cohort) -> Chart:
    names = table["method"].tolist()
    low = min(-0.1, float(table[["adjusted_rand", "chance_low"]].min().min()) - 0.02)
    scale = alt.Scale(domain=[round(low, 2), 1.0], nice=False)
    x = alt.X(
        "adjusted_rand:Q",
        scale=scale,
        axis=alt.Axis(title="Adjusted Rand index (1 = the classes, 0 = chance)"),
    )
    tooltips = [
        alt.Tooltip("method:N", title="Clustering"),
        alt.Tooltip("adjusted_rand:Q", title="Adjusted Rand index", format=".3f"),
        alt.Tooltip("sizes:N", title="Cluster sizes"),
        alt.Tooltip("chance_low:Q", title="Chance, 2.5 %", format=".3f"),
        alt.Tooltip("chance_high:Q", title="Chance, 97.5 %", format=".3f"),
    ]
    keys = ["Clusters and classes", "Permuted labels (95 %)"]
    colours = alt.Scale(domain=keys, range=[theme.COLOURS[0], "#c4c4c4"])
    base = alt.Chart(theme.rows(table.assign(found=keys[0], chance=keys[1]))).encode(
        y=alt.Y("method:N", sort=names, axis=theme.names_axis("Clustering")), tooltip=tooltips
    )
    legend = theme.legend("", keys)
    chance = base.mark_bar(height=10).encode(
        x=alt.X("chance_low:Q", scale=scale),
        x2="chance_high:Q",
        color=alt.Color("chance:N", scale=colours, legend=legend),
    )
    zero = (
        alt.Chart(theme.rows(table.head(1)))
        .mark_rule(strokeDash=[4, 3], color=theme.GREY)
        .encode(x=alt.datum(0))
    )
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=x, color=alt.Color("found:N", scale=colours, legend=legend)
    )
    labels = base.mark_text(align="left", dx=9, fontSize=11, color=theme.INK).encode(
        x=x, text=alt.Text("adjusted_rand:Q", format=".2f")
    )
    chart = alt.layer(chance, zero, dots, labels).properties(width=theme.WIDTH - 150, height=alt.Step(34))
    facts = f"{len(cohort.classes)} classes, {len(cohort.classes)} clusters"
    return theme.dress(chart, TITLE, theme.subtitle(cohort, facts), axisY={"grid": False})

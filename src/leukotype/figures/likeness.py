"""How like the training samples other samples are."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from leukotype.classifier.validation import EXPECTED_UNLIKE, Validation
from leukotype.figures import theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Likeness to the training samples"
BINS = 20
OTHER = "not trained on"


def draw(validation: Validation) -> Drawing:
    p = validation.calls.p_like
    edges = np.linspace(0, 1, BINS + 1)
    kinds = {"known classes": validation.known, OTHER: ~validation.known}
    rows = []
    for kind, own in kinds.items():
        if not own.any():
            continue
        # A p-value of 1/20 belongs to the first bin: it counts as unlike.
        place = np.clip(np.ceil(p[own] * BINS - 1e-9).astype(int) - 1, 0, BINS - 1)
        counts = np.bincount(place, minlength=BINS)
        rows += [
            {"kind": kind, "from": float(edges[k]), "to": float(edges[k + 1]), "samples": int(counts[k])}
            for k in range(BINS)
        ]
    n_known = int(validation.known.sum())
    unlike = validation.unlike
    told = (
        f"{round(unlike.value * n_known)} of {n_known} samples of known classes lie in the first bar, where "
        f"at most about {100 * EXPECTED_UNLIKE:g} % would if they came from where the training samples came from."
    )
    caption = (
        "Share of held-out training samples at least as far from every class mean as the sample is. Samples from the "
        "same source lie between 0 and 1 about evenly, with somewhat more at the right, for the means of all training "
        "samples are a little nearer to everybody than those of some; a heap at the left is a shift: another "
        f"laboratory, array or population. {told}"
    )
    return Drawing(
        pd.DataFrame(rows), lambda table: _paint(table, validation), caption, f"Histogram of likeness. {told}"
    )


def applies(validation: Validation) -> str | None:
    return None if validation.calls.n_samples else "There are no samples."


def _paint(table: pd.DataFrame, validation: Validation) -> Chart:
    kinds = list(dict.fromkeys(table["kind"]))
    bars = (
        alt.Chart(theme.rows(table))
        .mark_rect(stroke="white", strokeWidth=0.5)
        .transform_stack(stack="samples", groupby=["from"], as_=["low", "high"], sort=[alt.SortField("kind")])
        .encode(
            x=alt.X(
                "from:Q",
                title="p: share of training samples at least as far off",
                scale=alt.Scale(domain=[0, 1]),
            ),
            x2="to:Q",
            y=alt.Y("low:Q", title="Samples"),
            y2="high:Q",
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=kinds, range=[theme.COLOURS[0], theme.COLOURS[1]][: len(kinds)]),
                sort=kinds,
                legend=theme.legend("Samples", kinds),
            ),
            tooltip=[
                alt.Tooltip("kind:N", title="Classes"),
                alt.Tooltip("from:Q", title="p from", format=".2f"),
                alt.Tooltip("to:Q", title="to", format=".2f"),
                alt.Tooltip("samples:Q", title="Samples"),
            ],
        )
    )
    level = pd.DataFrame({"level": [EXPECTED_UNLIKE]})
    edge = alt.Chart(theme.rows(level)).mark_rule(strokeDash=[4, 3], color=theme.INK).encode(x="level:Q")
    chart: Chart = alt.layer(bars, edge).properties(width=theme.WIDTH - 60, height=220)
    lines = theme.external(validation.batch, validation.classifier.name, "left of the dashes: unlike")
    return theme.dress(chart, TITLE, lines)

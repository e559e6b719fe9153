"""The two directions in which the samples differ most."""

from __future__ import annotations

import altair as alt
import pandas as pd

from leukotype import wording
from leukotype.cohort import Cohort
from leukotype.figures import scatter, span, theme
from leukotype.figures.figure import Chart, Drawing

TITLE = "Principal components"


def draw(cohort: Cohort) -> Drawing:
    scores, shares = span.principal_components(cohort)
    numbers = scatter.numbers(cohort, {"pc1": scores[:, 0], "pc2": scores[:, 1]})
    numbers["pc1_share"], numbers["pc2_share"] = shares[0], shares[1]
    caption = (
        f"The {wording.counted(cohort.n_samples, 'sample')} on the first two principal components of "
        f"{wording.counted(cohort.n_probes, 'probe')}, centred and not scaled (Hotelling 1933). Together they "
        f"hold {wording.percent(shares[:2].sum())} of the variance. Labels take no part in it: classes that "
        f"lie apart differ in much of their expression, and so may batches.{span.missing_note(cohort)}"
    )
    summary = (
        f"Scatter plot of {wording.counted(cohort.n_samples, 'sample')} on principal components 1 "
        f"({wording.percent(shares[0], 1)} of variance) and 2 ({wording.percent(shares[1], 1)}), coloured by "
        f"{len(cohort.classes)} classes."
    )
    return Drawing(numbers, lambda table: _paint(table, cohort), caption, summary)


def applies(cohort: Cohort) -> str | None:
    if cohort.n_samples < 3:
        return f"Principal components need at least 3 samples, and there are {cohort.n_samples}."
    if cohort.n_probes < 2:
        return "A plane of principal components needs at least 2 probes, and there is 1."
    return (
        None if span.varies(cohort) else "No probe differs between samples, so that there are no components."
    )


def _paint(table: pd.DataFrame, cohort: Cohort) -> Chart:
    def axis(number: int) -> alt.Axis:
        return alt.Axis(
            title=f"PC{number} ({wording.percent(table[f'pc{number}_share'].iloc[0], 1)} of variance)"
        )

    chart = scatter.points(table, cohort, ("pc1", "pc2"), (axis(1), axis(2)))
    return theme.dress(chart, TITLE, theme.subtitle(cohort, wording.counted(cohort.n_probes, "probe")))

"""Tables and pictures of docs/calibration.md from the results of null.py and coverage.py.

    python benchmarks/calibration/page.py

Prints the tables as Markdown and writes docs/images/calibration-*.png.
"""

from __future__ import annotations

from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from scipy import stats

RESULTS = Path(__file__).parent / "results"
IMAGES = Path(__file__).parents[2] / "docs" / "images"
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b6b6b"


def null_p() -> pd.DataFrame:
    """One row per model and metric: cohorts, Kolmogorov-Smirnov p, share at or below 0.05, ties."""
    table = pd.read_csv(RESULTS / "null_p.csv")
    rows = []
    for (model, metric), part in table.groupby(["model", "metric"], sort=False):
        rows.append(
            {
                "model": model,
                "metric": metric,
                "cohorts": len(part),
                "Kolmogorov-Smirnov p": stats.kstest(part["p"], "uniform").pvalue,
                "the same, ties spread": stats.kstest(_spread(part), "uniform").pvalue,
                "share at most 0.05": (part["p"] <= 0.05).mean(),
                "mean p": part["p"].mean(),
                "ties in 99": part["ties"].mean(),
            }
        )
    return pd.DataFrame(rows)


def _spread(part: pd.DataFrame) -> pd.Series[float]:
    # With ties an exact p-value is larger than uniform by up to their share; at random among them it is uniform.
    even = np.random.default_rng(0).uniform(size=len(part))
    return part["p"] - even * (part["ties"] + 1) / 100


def null_best() -> pd.DataFrame:
    """One row per number of classes and estimate, for balanced accuracy: mean distance from chance."""
    table = pd.read_csv(RESULTS / "null_best.csv").query("metric == 'balanced_accuracy'")
    rows = []
    for label, part in [*table.groupby("n_classes"), ("all", table)]:
        chance = 1 / part["n_classes"]
        row: dict[str, object] = {"classes": label, "cohorts": len(part)}
        for name in ("uncorrected", "corrected", "auto"):
            above = part[name] - chance
            row[name] = f"{above.mean():+.3f} ± {above.sem():.3f}"
        row["interval holds chance"] = ((part["low"] <= chance) & (chance <= part["high"])).mean()
        rows.append(row)
    return pd.DataFrame(rows)


def coverage() -> pd.DataFrame:
    """One row per metric and model: coverage of both truths, misses below and above, width."""
    table = pd.read_csv(RESULTS / "coverage.csv")
    table["held folds"] = (table["low"] <= table["folds"]) & (table["folds"] <= table["high"])
    table["held whole"] = (table["low"] <= table["whole"]) & (table["whole"] <= table["high"])
    table["whole above"] = table["whole"] > table["high"]
    table["whole below"] = table["whole"] < table["low"]
    table["width"] = table["high"] - table["low"]
    table["bias"] = table["value"] - table["folds"]
    columns = ["held folds", "held whole", "whole above", "whole below", "width", "bias"]
    return table.groupby(["metric", "model"], sort=False)[columns].mean().reset_index()


def markdown(table: pd.DataFrame) -> str:
    def cell(value: object) -> str:
        return f"{value:.3f}" if isinstance(value, float | np.floating) else str(value)

    lines = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    lines += ["| " + " | ".join(map(cell, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines)


def picture_p() -> alt.Chart:
    table = pd.read_csv(RESULTS / "null_p.csv")
    blocks = []
    for (model, metric), part in table.groupby(["model", "metric"], sort=False):
        p = np.sort(part["p"].to_numpy())
        share = np.arange(1, len(p) + 1) / len(p)
        blocks.append(
            pd.DataFrame({"p": p, "share": share, "model": model, "metric": metric.replace("_", " ")})
        )
    base = alt.Chart(pd.concat(blocks)).encode(
        x=alt.X("p:Q", title="p-value", scale=alt.Scale(domain=[0, 1])),
        y=alt.Y("share:Q", title="Share of cohorts at or below it", scale=alt.Scale(domain=[0, 1])),
    )
    line = base.mark_line(interpolate="step-after", color=BLUE, strokeWidth=2)
    even = alt.Chart(pd.DataFrame({"p": [0, 1], "share": [0, 1]})).mark_line(color=GREY, strokeDash=[4, 3])
    even = even.encode(x="p:Q", y="share:Q")
    panels = [
        alt.layer(
            even, line.transform_filter(f"datum.model == '{model}' && datum.metric == '{metric}'")
        ).properties(width=170, height=170, title=f"{model}, {metric}")
        for metric in ("balanced accuracy", "log loss")
        for model in ("knn", "centroids", "logistic")
    ]
    return alt.concat(*panels, columns=3).properties(title="p-values where labels say nothing")


def picture_best() -> alt.Chart:
    table = pd.read_csv(RESULTS / "null_best.csv").query("metric == 'balanced_accuracy'")
    long = table.melt(["cohort", "n_classes"], ["uncorrected", "corrected", "auto"], "estimate", "value")
    long["above chance"] = long["value"] - 1 / long["n_classes"]
    long["classes"] = long["n_classes"].astype(str) + " classes"
    order = ["uncorrected", "corrected", "auto"]
    x = alt.X("above chance:Q", title="Balanced accuracy above chance")
    base = alt.Chart().encode(y=alt.Y("estimate:N", sort=order, title=None))
    dots = base.mark_tick(color=BLUE, opacity=0.35, thickness=1.5, size=14).encode(x=x)
    mean = base.mark_point(color=ORANGE, filled=True, size=90, opacity=1).encode(
        x=alt.X("mean(above chance):Q")
    )
    zero = alt.Chart().mark_rule(color=GREY, strokeDash=[4, 3]).encode(x=alt.datum(0))
    panel = alt.layer(zero, dots, mean, data=long).properties(width=460, height=90)
    chart = panel.facet(
        row=alt.Row("classes:N", header=alt.Header(title=None, labelOrient="top", labelAnchor="start"))
    )
    return chart.properties(title="The best of eight models on cohorts without signal (dots: means)")


def picture_coverage() -> alt.Chart:
    table = coverage().query("metric != 'log_loss'")
    long = table.melt(["metric", "model"], ["held folds", "held whole"], "truth", "coverage")
    names = {"held folds": "models of the folds", "held whole": "model of the whole cohort"}
    long["truth"] = long["truth"].map(names)
    long["metric"] = long["metric"].str.replace("_", " ")
    x = alt.X(
        "coverage:Q", title="Share of cohorts whose interval holds the truth", scale=alt.Scale(zero=False)
    )
    colour = alt.Color(
        "truth:N", sort=list(names.values()), scale=alt.Scale(range=[BLUE, ORANGE]), title="Accuracy of"
    )
    dots = (
        alt.Chart()
        .mark_point(filled=True, size=70, opacity=1)
        .encode(x=x, y=alt.Y("model:N", sort=list(dict.fromkeys(long["model"])), title=None), color=colour)
    )
    lines = [
        alt.Chart().mark_rule(color=GREY, strokeDash=dash).encode(x=alt.datum(at))
        for at, dash in ((0.95, [1, 0]), (0.9, [4, 3]))
    ]
    panel = alt.layer(*lines, dots, data=long).properties(width=300, height=200)
    chart = panel.facet(column=alt.Column("metric:N", header=alt.Header(title=None)))
    return chart.properties(title="Coverage of 95 % intervals (solid line: 95 %, dashed: 90 %)")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, chart in (("p", picture_p()), ("best", picture_best()), ("coverage", picture_coverage())):
        png = vl_convert.vegalite_to_png(chart.properties(background="white").to_dict(), scale=1.5)
        (IMAGES / f"calibration-{name}.png").write_bytes(png)
    for table in (null_p(), null_best(), coverage()):
        print(markdown(table), end="\n\n")


if __name__ == "__main__":
    main()

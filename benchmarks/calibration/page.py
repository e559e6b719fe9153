"""Write the tables and figures of docs/calibration.md from the results of the scripts here and of benchmarks/auto.py.

    python benchmarks/calibration/page.py

The text is in docs/calibration.md. This script replaces only the parts between <!-- name --> and <!-- end -->.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from generated import filled, markdown
from scipy import stats

RESULTS = Path(__file__).parent / "results"
AUTO = RESULTS.parents[1] / "results" / "auto.json"
DOCS = Path(__file__).parents[2] / "docs"
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b6b6b"
TRUTHS = {
    "folds": "mean score of the folds' models",
    "procedure": "expected score with other training samples",
    "whole": "score of the model trained on the whole cohort",
}
SHOWN = ("accuracy", "balanced_accuracy", "f1_macro", "mcc", "roc_auc_macro", "log_loss", "brier")
PER_CLASS = ("precision", "recall", "f1", "roc_auc", "average_precision")


def null_p() -> pd.DataFrame:
    """One row per model and metric: cohorts, Kolmogorov-Smirnov p, share at or below 0.05, ties."""
    table = pd.read_csv(RESULTS / "null_p.csv")
    rows = []
    for (metric, model), part in table.groupby(["metric", "model"]):
        rows.append(
            {
                "metric": metric,
                "model": model,
                "cohorts": len(part),
                "KS p": stats.kstest(part["p"], "uniform").pvalue,
                "KS p, ties spread": stats.kstest(spread(part), "uniform").pvalue,
                "share ≤ 0.05": (part["p"] <= 0.05).mean(),
                "mean p": part["p"].mean(),
                "ties in 99": part["ties"].mean(),
            }
        )
    return pd.DataFrame(rows)


def spread(part: pd.DataFrame) -> pd.Series[float]:
    """Return p-values placed at random among the permutations that tie with the real labels, themselves included.

    With ties, an exact p-value is larger than uniform by up to their share. Placed at random, it is uniform.
    """
    even = np.random.default_rng(0).uniform(size=len(part))
    return part["p"] - even * (part["ties"] + 1) / 100


def above_chance() -> pd.DataFrame:
    """One row per null cohort, balanced accuracy: uncorrected, corrected and auto, each minus chance."""
    table = pd.read_csv(RESULTS / "null_best.csv").query("metric == 'balanced_accuracy'")
    chance = 1 / table["n_classes"]
    table["holds chance"] = (table["low"] <= chance) & (chance <= table["high"])
    for name in ("uncorrected", "corrected", "auto"):
        table[name] -= chance
    return table


def null_best() -> pd.DataFrame:
    """One row per number of classes, balanced accuracy: mean distance from chance, with its standard error."""
    table = above_chance()
    rows = []
    for label, part in [*table.groupby("n_classes"), ("all", table)]:
        row: dict[str, object] = {"classes": label, "cohorts": len(part)}
        for name in ("uncorrected", "corrected", "auto"):
            row[name] = f"{part[name].mean():+.3f} ± {part[name].sem():.3f}"
        row["corrected interval covers chance"] = part["holds chance"].mean()
        rows.append(row)
    return pd.DataFrame(rows)


def shares(name: str, keys: list[str]) -> pd.DataFrame:
    """One row per group of a coverage table: share of intervals that cover each true score, mean width and bias."""
    table = pd.read_csv(RESULTS / name)
    for column in ("width", "bias"):
        table[column] *= table["intervals"]
    sums = table.groupby(keys, sort=False)[["intervals", *TRUTHS, "width", "bias"]].sum()
    means = sums[[*TRUTHS, "width", "bias"]].div(sums["intervals"], axis=0)
    return means.assign(intervals=sums["intervals"]).reset_index()


def by_size() -> pd.DataFrame:
    """One row per metric and number of repeats: coverage of three true scores, by number of samples."""
    table = shares("coverage.csv", ["metric", "repeats", "n"])
    rows = []
    for (metric, repeats), part in table.groupby(["metric", "repeats"], sort=False):
        of = part.set_index("n")
        row = {"metric": titled(metric), "repeats": repeats}
        for kind in ("folds", "procedure"):
            row |= {f"{kind}, n = {n}": of.loc[n, kind] for n in of.index}
        row["whole"] = float(np.average(of["whole"], weights=of["intervals"]))
        row["width, n = 64"] = of.loc[64, "width"]
        rows.append(row)
    return pd.DataFrame(rows)


def by_kind() -> pd.DataFrame:
    """One row per kind of cohort: coverage of the folds' models and of the procedure by headline metrics."""
    table = shares("coverage.csv", ["metric", "n_classes", "signal", "donors"])
    rows = []
    for (n_classes, signal, donors), part in table.groupby(["n_classes", "signal", "donors"], sort=False):
        of = part.set_index("metric")
        row = {"classes": n_classes, "signal": signal, "samples of a donor": "about 2" if donors else "1"}
        for metric in SHOWN:
            row[titled(metric)] = f"{of.loc[metric, 'folds']:.2f} / {of.loc[metric, 'procedure']:.2f}"
        rows.append(row)
    return pd.DataFrame(rows)


def by_model() -> pd.DataFrame:
    """One row per model: coverage of the three true scores by headline metrics."""
    table = shares("coverage_models.csv", ["metric", "model"])
    rows = []
    for model, part in table.groupby("model", sort=False):
        of = part.set_index("metric")
        row = {"model": model}
        for metric in SHOWN:
            known = metric in of.index
            row[titled(metric)] = (
                " / ".join(f"{of.loc[metric, kind]:.2f}" for kind in TRUTHS) if known else ""
            )
        rows.append(row)
    return pd.DataFrame(rows)


def titled(metric: str) -> str:
    """Return the name of a metric as text; per-class metrics say so."""
    text = metric.replace("_", " ")
    return f"{text} of a class" if metric in PER_CLASS else text


def chosen() -> str:
    """Return the scores of `auto` and of the models it chose from."""
    results = json.loads(AUTO.read_text())
    parts = []
    for name in ("slice", "chowdary", "chowdary, by pair"):
        found = results[name]
        rows = [
            {"model": model}
            | {
                title: "{:.3f} ({:.3f} to {:.3f})".format(*row[key])
                for key, title in (("balanced_accuracy", "balanced accuracy"), ("log_loss", "log loss"))
            }
            | {"chosen in": found["chosen"].get(model, 0) if model != "auto" else ""}
            for model, row in found["models"].items()
        ]
        goals = found["goals"]
        aim = (
            f" Target for `auto`: balanced accuracy at least {goals[0]:.2f}, log loss at most {goals[1]:.2f}."
            if goals
            else ""
        )
        parts += [f"**{name}**.{aim}", "", markdown(pd.DataFrame(rows)), ""]
    return "\n".join(parts).rstrip()


def odds() -> str:
    """Return the scores of `auto` on simulated cohorts, by the odds it requires."""
    found = json.loads(AUTO.read_text())["simulated"]
    rows = [
        {"odds": at, "balanced accuracy": row["balanced_accuracy"], "log loss": row["log_loss"]}
        for at, row in found.items()
    ]
    return markdown(pd.DataFrame(rows))


def learning() -> pd.DataFrame:
    """One row per truth: coverage of the learning curve's intervals, of the former ones, and of the fitted curve."""
    table = pd.read_csv(RESULTS / "learning.csv")
    measured, beyond = table[table["folds"].notna()], table[table["folds"].isna()]

    def share(part: pd.DataFrame, low: str, high: str, truth: str) -> float:
        return float(((part[low] <= part[truth]) & (part[truth] <= part[high])).mean())

    rows = []
    for title, part, truth in (
        ("models of the folds", measured, "folds"),
        ("expected score of the procedure", measured, "procedure"),
        ("the same at twice the samples", beyond, "procedure"),
    ):
        has_intervals = part is measured
        rows.append(
            {
                "true score": title,
                "curves": part.groupby(["population", "cohort", "model"]).ngroups,
                "interval": share(part, "low", "high", truth) if has_intervals else "",
                "percentiles, as before": share(part, "old_low", "old_high", truth) if has_intervals else "",
                "range of the fitted curve": share(part, "fitted_low", "fitted_high", truth),
            }
        )
    return pd.DataFrame(rows)


def halving() -> str:
    """How far the extrapolated halving of the error is from certain, in one sentence."""
    table = pd.read_csv(RESULTS / "learning.csv")
    one = table[table["folds"].isna()]
    reach = 10 * table["n_train"].where(table["folds"].notna()).max()
    within, beyond = (one["n_needed"] <= reach).mean(), (one["n_high"] > reach).mean()
    return (
        f"Of {len(one)} curves, {100 * within:.0f} % halve their error within ten times the samples, and "
        f"{100 * beyond:.0f} % have an upper end beyond it."
    )


def simulators() -> str:
    """Real cohorts beside simulated ones of the same size, old and new: mean over draws."""
    table = pd.read_csv(RESULTS / "simulator.csv")
    wide = table.pivot_table(index="fact", columns=["cohort", "kind"], values="value", sort=False)
    parts = []
    for cohort in ("slice", "chowdary", "nakayama", "golub", "default"):
        kinds = [kind for kind in ("real", "old", "new") if (cohort, kind) in wide.columns]
        # A bar would end the cell.
        own = wide[cohort][kinds].rename(index=lambda fact: fact.replace("|r|", "abs r")).reset_index()
        parts += [f"**{cohort}**", "", markdown(own), ""]
    return "\n".join(parts).rstrip()


def described() -> str:
    """Describe the machine in one sentence."""
    machine = json.loads((RESULTS / "machine.json").read_text())
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", "numpy", "scikit-learn", "xgboost"))
    return f"Run on {machine['processor']}, {machine['system']}; {versions}."


def picture_p() -> alt.TopLevelMixin:
    table = pd.read_csv(RESULTS / "null_p.csv")
    grid = np.arange(1, 101) / 100
    blocks = []
    for (model, metric), part in table.groupby(["model", "metric"], sort=False):
        # All p-values are multiples of 0.01, so the step function is known from its values there.
        share = [(part["p"] <= at + 1e-9).mean() for at in grid]
        blocks.append(
            pd.DataFrame({"p": grid, "share": share, "model": model, "metric": metric.replace("_", " ")})
        )
    x = alt.X("p:Q", title="p-value", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(values=[0, 0.5, 1]))
    y = alt.Y(
        "share:Q", title="Share of cohorts", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(values=[0, 0.5, 1])
    )
    even = pd.DataFrame({"p": [0.0, 1.0], "share": [0.0, 1.0]})
    panels = []
    for metric in ("log loss", "balanced accuracy"):
        for model in ("knn", "centroids", "logistic"):
            own = pd.concat(blocks).query("model == @model and metric == @metric")
            line = alt.Chart(own[["p", "share"]]).mark_line(
                interpolate="step-after", color=BLUE, strokeWidth=1.5
            )
            diagonal = alt.Chart(even).mark_line(color=GREY, strokeDash=[4, 3]).encode(x=x, y=y)
            panels.append(
                alt.layer(diagonal, line.encode(x=x, y=y)).properties(
                    width=150, height=150, title=f"{model}, {metric}"
                )
            )
    title = "Share of null cohorts with a p-value at or below p (dashed: uniform)"
    return alt.concat(*panels, columns=3).properties(title=title)


def picture_best() -> alt.TopLevelMixin:
    order = ["uncorrected", "corrected", "auto"]
    long = above_chance().melt(["cohort", "n_classes"], order, "estimate", "above")
    long["bin"] = (long["above"] / 0.02).round() * 0.02
    counts = long.groupby(["n_classes", "estimate", "bin"]).size().rename("cohorts").reset_index()
    means = long.groupby(["n_classes", "estimate"])["above"].mean().reset_index()
    panels = []
    for n_classes in sorted(long["n_classes"].unique()):
        y = alt.Y("estimate:N", sort=order, title=None)
        x = alt.X(
            "bin:Q",
            title="Balanced accuracy minus chance",
            scale=alt.Scale(domain=[-0.2, 0.3], nice=False),
            axis=alt.Axis(values=[-0.2, -0.1, 0, 0.1, 0.2, 0.3]),
        )
        cells = alt.Chart(counts.query("n_classes == @n_classes")).mark_point(
            filled=True, color=BLUE, opacity=0.55
        )
        cells = cells.encode(
            x=x,
            y=y,
            size=alt.Size(
                "cohorts:Q",
                scale=alt.Scale(range=[4, 220]),
                legend=alt.Legend(title="Cohorts", values=[5, 15, 25]),
            ),
        )
        mean = alt.Chart(means.query("n_classes == @n_classes")).mark_tick(color=ORANGE, thickness=3, size=26)
        mean = mean.encode(x=alt.X("above:Q"), y=y)
        zero = (
            alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=GREY, strokeDash=[4, 3]).encode(x="at:Q")
        )
        panels.append(
            alt.layer(zero, cells, mean).properties(width=460, height=90, title=f"{n_classes} classes")
        )
    return alt.vconcat(*panels).properties(
        title="The best of eight models on cohorts without signal (orange: means)"
    )


def picture_coverage() -> alt.TopLevelMixin:
    table = shares("coverage.csv", ["metric", "repeats"])
    long = table.melt(["metric", "repeats"], list(TRUTHS), "truth", "coverage")
    long["truth"] = long["truth"].map(TRUTHS)
    long["metric"] = long["metric"].map(titled)
    names, order = list(dict.fromkeys(long["metric"])), list(TRUTHS.values())
    panels = []
    for number, repeats in enumerate(sorted(table["repeats"].unique())):
        x = alt.X(
            "coverage:Q",
            title="Share of intervals that cover the true score",
            scale=alt.Scale(domain=[0.5, 1.0], zero=False, nice=False),
            axis=alt.Axis(format=".0%", values=[0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        )
        y = alt.Y("metric:N", sort=names, title=None, axis=alt.Axis(labels=number == 0, ticks=number == 0))
        legend = alt.Legend(title="True score", orient="bottom", labelLimit=300, columns=1)
        colour = alt.Color(
            "truth:N",
            sort=order,
            scale=alt.Scale(domain=order, range=[BLUE, ORANGE, GREY]),
            legend=legend,
        )
        dots = alt.Chart(long[long["repeats"] == repeats]).mark_point(filled=True, size=55, opacity=1)
        shape = alt.Shape("truth:N", sort=order, scale=alt.Scale(domain=order), legend=legend)
        lines = [
            alt.Chart(pd.DataFrame({"coverage": [at]})).mark_rule(color=GREY, strokeDash=dash).encode(x=x)
            for at, dash in ((0.95, [1, 0]), (0.9, [4, 3]))
        ]
        title = "Folds drawn once" if repeats == 1 else f"Folds drawn {repeats} times"
        panels.append(
            alt.layer(*lines, dots.encode(x=x, y=y, color=colour, shape=shape)).properties(
                width=250, height=340, title=title
            )
        )
    return alt.hconcat(*panels).properties(title="Coverage of 95 % intervals (solid: 95 %, dashed: 90 %)")


BLOCKS: dict[str, Callable[[], str]] = {
    "p-values": lambda: markdown(null_p()),
    "best of eight": lambda: markdown(null_best()),
    "coverage by size": lambda: markdown(by_size()),
    "coverage by kind": lambda: markdown(by_kind()),
    "coverage by model": lambda: markdown(by_model()),
    "auto": chosen,
    "odds": odds,
    "learning": lambda: markdown(learning()),
    "halving": halving,
    "calibration error": lambda: markdown(pd.read_csv(RESULTS / "ece.csv")),
    "machine": described,
}
PICTURES: dict[str, Callable[[], alt.TopLevelMixin]] = {
    "p": picture_p,
    "best": picture_best,
    "coverage": picture_coverage,
}


SIMULATOR: dict[str, Callable[[], str]] = {"simulators": simulators}


def look(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """Return the chart on white with small type."""
    return (
        chart.configure_axis(grid=False)
        .configure_title(fontSize=12, anchor="start")
        .properties(background="white")
        .to_dict()
    )


def main() -> None:
    sys.path.append(str(RESULTS.parents[1]))
    from common import machine

    (RESULTS / "machine.json").write_text(json.dumps(machine(), indent=2) + "\n")
    (DOCS / "images").mkdir(parents=True, exist_ok=True)
    for name, picture in PICTURES.items():
        svg = vl_convert.vegalite_to_svg(look(picture()))
        (DOCS / "images" / f"calibration-{name}.svg").write_text(svg)
    page = DOCS / "calibration.md"
    page.write_text(filled(page.read_text(encoding="utf-8"), BLOCKS), encoding="utf-8")
    decision = DOCS / "decisions" / "0014-simulator.md"
    decision.write_text(filled(decision.read_text(encoding="utf-8"), SIMULATOR), encoding="utf-8")


if __name__ == "__main__":
    main()

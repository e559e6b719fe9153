"""Write docs/performance.md and its figures from the files in benchmarks/results.

python benchmarks/page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from against_plain import table
from common import RESULTS, wrapped
from growth import FEW_SAMPLES, USUAL_PROBES, exponents

DOCS = Path(__file__).parents[1] / "docs"
TITLES = {
    "against_plain_chowdary_breast_colon": "Chowdary (breast, colon)",
    "against_plain_nakayama_sarcoma": "Nakayama (sarcoma)",
    "against_plain_simulated": "Simulated after GSE9476",
}
# Okabe & Ito: distinguishable with any colour vision.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C00"]


def main() -> None:
    images = DOCS / "images"
    images.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Performance",
        "",
        wrapped(
            "This page compares the time of a nested study with the same study written in plain scikit-learn "
            "and XGBoost. It also shows how time and memory grow. The scripts in `benchmarks/` measured every "
            "number, and `benchmarks/page.py` writes the page. Each ratio is from one run on one machine. On "
            "another machine, expect different times and similar ratios."
        ),
    ]
    studies = {name: json.loads((RESULTS / f"{name}.json").read_text()) for name in TITLES if exists(name)}
    if studies:
        parts += against_plain(studies, images)
    if exists("balanced_accuracy"):
        parts += agreement(json.loads((RESULTS / "balanced_accuracy.json").read_text()))
    if exists("study"):
        parts += whole_study(json.loads((RESULTS / "study.json").read_text()))
    if exists("reading"):
        parts += reading(json.loads((RESULTS / "reading.json").read_text()))
    if exists("growth"):
        parts += growth(json.loads((RESULTS / "growth.json").read_text()), images)
    (DOCS / "performance.md").write_text("\n".join(parts) + "\n")


def exists(name: str) -> bool:
    return (RESULTS / f"{name}.json").exists()


def described(machine: dict[str, Any]) -> str:
    """Describe the machine in one sentence."""
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", "numpy", "scikit-learn", "xgboost"))
    return (
        f"Measured on {machine['cores']} cores of {machine['processor']}, {machine['memory_gib']:.0f} GiB, "
        f"{machine['system']}; {versions}; load {machine['load_at_start']} at the start."
    )


def against_plain(studies: dict[str, dict[str, Any]], images: Path) -> list[str]:
    """Return the section on ratios, and save its figure."""
    parts = [
        "",
        "## Comparison with plain scikit-learn",
        "",
        wrapped(
            "Both studies use five outer and three inner folds, the same splits, accuracy to choose the "
            "settings, and two processes. *Plain* is a script that fits every setting of every fold on all "
            "probes (`GridSearchCV` with `LogisticRegression`, `KNeighborsClassifier`, "
            "`RandomForestClassifier` with 500 trees, `XGBClassifier`). Logistic regression and nearest "
            "neighbours use the same grids in both studies and must give the same results. The forest and the "
            "boosted trees use their own grids in *ours*, after an F-statistic screen inside the fold. Some "
            "settings of the logistic regression differ because scikit-learn's default tolerance stops before "
            "the optimum, mostly for weak penalties. The numbers in brackets compare with tolerance 1e-8."
        ),
        "",
        "![Ratio of the plain study's time to ours, by model and data](images/performance-ratios.png)",
    ]
    bars = []
    for name, study in studies.items():
        shape = " × ".join(f"{size:,}" for size in study["shape"])
        parts += [
            "",
            f"### {TITLES[name]}, {shape}",
            "",
            table(study["rows"]),
            "",
            described(study["machine"]),
        ]
        bars += [
            {"data": TITLES[name], "model": row["model"], "ratio": row["ratio"]} for row in study["rows"]
        ]
    frame = pd.DataFrame(bars).assign(even=1.0)
    scale = alt.Scale(type="log", domain=[1, 2 * frame["ratio"].max()], nice=False)
    base = alt.Chart(frame).encode(
        y=alt.Y("model:N", sort=None, title=None),
        x=alt.X(
            "ratio:Q",
            scale=scale,
            axis=alt.Axis(values=[1, 3, 10, 30, 100, 300, 1000]),
            title="time of the plain study ÷ ours",
        ),
    )
    bar = base.mark_bar(color=COLOURS[0]).encode(x2="even:Q")
    text = base.mark_text(align="left", dx=4).encode(text=alt.Text("ratio:Q", format=".0f"))
    faceted = (
        (bar + text)
        .properties(width=260, height=alt.Step(24))
        .facet(column=alt.Column("data:N", title=None, sort=None))
        .properties(title="Speed-up of the nested study, 5 × 3 folds, two processes")
    )
    save(faceted, images / "performance-ratios.png")
    return parts


def agreement(result: dict[str, Any]) -> list[str]:
    """Return the section on balanced accuracy over seeds."""
    lines = [
        "",
        "## Accuracy of the tree models",
        "",
        wrapped(
            "Balanced accuracy of the whole nested study, mean over seeds of the outer folds. *Plain* and "
            "*ours* use the same folds."
        ),
        "",
        "| data | model | seeds | plain | ours | difference |",
        "|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        lines.append(
            f"| {row['data']} | {row['model']} | {row['seeds']} | {row['plain']:.3f} | {row['ours']:.3f} "
            f"| {row['ours'] - row['plain']:+.3f} |"
        )
    return [*lines, "", described(result["machine"])]


def whole_study(result: dict[str, Any]) -> list[str]:
    """Return the section on the whole command."""
    rows = [
        f"| {row['models']} | {row['repeats']} | {row['seconds']:.0f} | {row['peak_mib']:,.0f} |"
        for row in result["rows"]
    ]
    return [
        "",
        "## The whole command",
        "",
        wrapped(
            f"`leukotype study` ran on a simulated file of 64 × 22,283 with {result['jobs']} processes and 5 × "
            "3 folds. The time covers the whole process: reading, models, inference, audits, figures and "
            "report. Memory is the peak of the process and its workers together. Shared memory is counted "
            "once."
        ),
        "",
        "| models | repeats | seconds | peak memory, MiB |",
        "|---|---|---|---|",
        *rows,
        "",
        described(result["machine"]),
    ]


def reading(result: dict[str, Any]) -> list[str]:
    """Return the section on reading a wide file."""
    rows = [f"| {row['way']} | {row['seconds']:.3f} | {row['ratio']:.1f} |" for row in result["table"]]
    return [
        "",
        "## Reading",
        "",
        wrapped(
            f"The file is a CSV of 64 × 22,283 in the CuMiDa layout, {result['bytes'] / 1e6:.0f} MB. Each "
            "reading runs in a new process. The table shows the best of "
            f"{len(result['seconds']['pandas.read_csv'])} runs. The cache key is the content of the file."
        ),
        "",
        "| method | seconds | speed-up over pandas |",
        "|---|---|---|",
        *rows,
        "",
        described(result["machine"]),
    ]


def growth(result: dict[str, Any], images: Path) -> list[str]:
    """Return the section on growth, and save its figures."""
    points = pd.DataFrame(result["points"])
    wide = points[(points["n"] == FEW_SAMPLES) & (points["p"] != USUAL_PROBES)]
    tall = points[points["p"] == USUAL_PROBES]
    for name, frame, axis, title in (
        ("probes", wide, "p", "probes, at 64 samples"),
        ("samples", tall, "n", "samples, at 22,283 probes"),
    ):
        pair = lines(frame, axis, "seconds", title, "seconds, one core") | lines(
            frame, axis, "peak_mib", title, "peak memory, MiB"
        )
        save(
            pair.properties(
                title=f"One nested study of each model: time and memory against {title.split(',')[0]}"
            ),
            images / f"performance-{name}.png",
        )
    return [
        "",
        "## Growth",
        "",
        wrapped(
            "Each point is a whole nested study of one model (5 outer and 3 inner folds, the model's own "
            "grid) in a new process on one core. Both axes are logarithmic, so a straight line of slope 1 "
            "means linear growth."
        ),
        "",
        "![Time and memory against the number of probes](images/performance-probes.png)",
        "",
        exponents(result["points"]),
        "",
        "![Time and memory against the number of samples](images/performance-samples.png)",
        "",
        described(result["machine"]),
    ]


def lines(frame: pd.DataFrame, x: str, y: str, x_title: str, y_title: str) -> alt.Chart:
    """Draw one line per model on logarithmic axes."""
    models = list(dict.fromkeys(frame["model"]))
    ticks = sorted(set(frame[x]))
    scale = alt.Scale(type="log", domain=[ticks[0], ticks[-1]], nice=False)
    encoded = alt.Chart(frame).encode(
        x=alt.X(f"{x}:Q", scale=scale, title=x_title, axis=alt.Axis(values=ticks)),
        y=alt.Y(f"{y}:Q", scale=alt.Scale(type="log"), title=y_title),
        color=alt.Color("model:N", sort=models, scale=alt.Scale(domain=models, range=COLOURS), title=None),
        shape=alt.Shape("model:N", sort=models, scale=alt.Scale(domain=models), title=None),
    )
    drawn: alt.Chart = (encoded.mark_line() + encoded.mark_point(filled=True, size=50)).properties(
        width=300, height=260
    )
    return drawn


def save(chart: Any, path: Path) -> None:
    """Save the figure at twice its pixel size."""
    chart.configure_view(strokeWidth=0).configure_axis(grid=True, gridColor="#eeeeee").save(
        str(path), scale_factor=2
    )


if __name__ == "__main__":
    main()

"""Write docs/reference.md from the tables of the program: `python docs/make_reference.py`."""

from __future__ import annotations

from pathlib import Path

from leukotype.datasets import catalogue
from leukotype.figures import FIGURES
from leukotype.metrics import METRICS
from leukotype.models import DEFAULT, MODELS
from leukotype.readers import READERS

TARGET = Path(__file__).with_name("reference.md")

HEAD = """# Reference

Written by `docs/make_reference.py` from the tables of the program; a test keeps it current.

## Command line

| command | what it does |
|---|---|
| `leukotype study [DATA]` | nested cross-validation of several models, and a report |
| `leukotype explore DATA` | the data part of the report, without training anything |
| `leukotype train DATA` | one model fitted on a whole cohort, locked in one file ([more](classifier.md)) |
| `leukotype predict FILE NEW` | calls of new samples, each by itself, with the reasons for every abstention |
| `leukotype validate FILE LABELLED` | a locked classifier on labelled samples that had no part in making it |
| `leukotype inspect FILE` | the model card of a classifier |
| `leukotype benchmark cumida` (or folders, files) | many cohorts × models, one leaderboard ([more](benchmark.md)) |
| `leukotype status DIR` | how far a study or benchmark has come, while it runs or after |
| `leukotype datasets list [--type TYPE]` | the datasets known by name |
| `leukotype datasets fetch NAME...` | download them into the cache, checked by content; `--type`, `--all` for many |
| `leukotype datasets check FILE` | whether a file holds the dataset that it is named after |
| `leukotype check-claim` | whether a printed number can exist on so many test samples, and its interval |

Every command has `--help` with an example. Exit codes: 0 good, 1 the job failed, 2 bad input or usage. Results go to
standard output, everything else to standard error; `--json` prints a machine-readable summary.

| variable | what it does |
|---|---|
| `LEUKOTYPE_DATA` | a folder searched for named datasets before the cache and the network |
| `LEUKOTYPE_CACHE` | the folder for downloads and parsed tables, instead of the user's cache folder |
"""

STUDY = """
## What a study leaves

| file | what is in it |
|---|---|
| `report.html` | everything, in one file that needs no network |
| `study.json` | cohort, design, and every metric of every model with its interval |
| `predictions.csv` | `sample,label,model,repeat,fold,predicted,p[<class>]...`: a row per sample, model, repeat |
| `figures/` | every figure as SVG and PNG |
| `tasks.sqlite` | every finished task, which another study in this folder uses again; delete it to compute anew |
| `manifest.json` | every file with its sha256, the command, the seed, versions |

## What a validation leaves

| file | what is in it |
|---|---|
| `report.html` | everything, in one file that needs no network |
| `validation.json` | every metric with its interval and what the classifier claims, calls, coverage, likeness |
| `calls.csv` | a row per sample: true class, call or abstention with its reason, probabilities, prediction set |
| `figures/` | every figure as SVG and PNG, its numbers as CSV |
| `manifest.json` | every file with its sha256, the command, versions |
"""


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return (
        "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        + "\n"
    )


def grid(model) -> str:
    """Return the values of each setting."""
    parts = [f"`{name}`: {', '.join(map(str, values))}" for name, values in model.grid.items()]
    return "; ".join(parts) or "nothing to tune"


def reference() -> str:
    """Return the whole page."""
    models = [
        [f"`{m.name}`", m.title, grid(m), "yes" if m.name in DEFAULT else "", m.cite or "baseline"]
        for m in MODELS
    ]
    metrics = [
        [
            f"`{m.name}`",
            m.title,
            "per class" if m.per_class else "",
            m.interval,
            "higher" if m.higher_is_better else "lower",
        ]
        for m in METRICS
    ]
    figures = [[f"`{f.name}`", f.title, f.part] for f in FIGURES]
    datasets = [[str(cell) for cell in entry.row()] for entry in catalogue().values()]
    return (
        "\n".join(
            [
                HEAD,
                "## Models (`MODELS`)\n",
                table(["name", "model", "grid", "by default", "source"], models),
                "## Metrics (`METRICS`)\n",
                table(["name", "metric", "", "95 % interval", "better"], metrics),
                "## Figures (`FIGURES`)\n",
                table(["name", "figure", "part"], figures),
                "## File formats (`READERS`)\n",
                table(["name", "format"], [[f"`{r.name}`", r.title] for r in READERS]),
                "## Datasets\n",
                table(["name", "type", "accession", "platform", "samples", "probes", "classes"], datasets),
            ]
        )
        + STUDY
    )


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")

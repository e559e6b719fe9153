"""Write docs/reference.md and docs/audits.md from the tables of the program: `python docs/make_reference.py`."""

from __future__ import annotations

import inspect
from pathlib import Path

from leukotype.audits import AUDITS
from leukotype.datasets import catalogue
from leukotype.figures import FIGURES
from leukotype.metrics import METRICS
from leukotype.models import DEFAULT, MODELS
from leukotype.readers import READERS

TARGET = Path(__file__).with_name("reference.md")
AUDITS_TARGET = Path(__file__).with_name("audits.md")

HEAD = """# Reference

`docs/make_reference.py` writes this page from the tables of the program. A test checks that it is up to date.

## Command line

| command | purpose |
|---|---|
| `leukotype study [DATA]` | compare models by nested cross-validation and write a report |
| `leukotype explore [DATA]` | write the data part of the report; no model is trained |
| `leukotype train [DATA]` | fit one model on a whole cohort and save it in one file ([more](classifier.md)) |
| `leukotype predict FILE NEW` | call new samples, each independently of the others, with a reason for each abstention |
| `leukotype validate FILE LABELLED` | test a saved classifier on labelled samples that were not used to train it |
| `leukotype inspect FILE` | show the model card of a classifier |
| `leukotype benchmark cumida` (or folders, files) | rank models over many cohorts ([more](benchmark.md)) |
| `leukotype status DIR` | show the progress of a study or benchmark, during or after a run (read-only) |
| `leukotype datasets list [--type TYPE]` | list the datasets that are known by name |
| `leukotype datasets fetch NAME...` | download datasets and check their content; `--type`, `--all` for many |
| `leukotype datasets check FILE` | check whether a file contains the dataset that its name states |
| `leukotype check-claim` | check whether a score is possible with so many test samples; give its interval |

Every command has `--help` with an example. Exit codes: 0 success, 1 the job failed, 2 bad input or usage. Results go to
standard output, all other messages to standard error. `--json` prints a machine-readable summary.

An error is one line of at most 300 characters. After an error of the program itself, the line names a file with the
traceback for a bug report. This file contains no values, names or arguments.

Tables have at most 2 GB of text, and gzipped ones at most 150 times their packed size; `--max-size` raises both limits.
Only regular files are read: no pipes, no devices. Figures need 70 GB of address space (not memory). With less
(`ulimit -v`), the report has no figures and says so.

| variable | purpose |
|---|---|
| `LEUKOTYPE_DATA` | a folder that is searched for named datasets before the cache and the network |
| `LEUKOTYPE_CACHE` | the folder for downloads and parsed tables, instead of the user's cache folder |
"""

OUTPUT = """
## Output of a study

| file | content |
|---|---|
| `report.html` | the whole result in one file that works offline |
| `study.json` | cohort, design, and every metric of every model with its interval |
| `predictions.csv` | one row per sample, model and repeat: `sample,label,model,repeat,fold,predicted,p[<class>]...` |
| `figures/` | every figure as SVG and PNG, and its numbers as CSV |
| `tables/` | every table as CSV and LaTeX |
| `sheets/` | the reporting sheets DOME, REFORMS and TRIPOD+AI, filled from the run |
| `tasks.sqlite` | every finished task, which another study in this folder reuses; delete it to compute again |
| `manifest.json` | the sha256 of every file, the command, the seed, the versions |

## Output of a validation

| file | content |
|---|---|
| `report.html` | the whole result in one file that works offline |
| `validation.json` | every metric with its interval and the classifier's own estimate, calls, coverage, novelty |
| `calls.csv` | one row per sample: true class, call or reason for abstention, probabilities, prediction set |
| `figures/` | every figure as SVG and PNG, and its numbers as CSV |
| `manifest.json` | the sha256 of every file, the command, the versions |
"""


AUDITS_HEAD = """# Audits

An audit checks a cohort or a result for a common problem. `leukotype.audits.AUDITS` lists all audits.

An **error** means that the results are not reliable. A **warning** needs a decision by the user. A **note** is useful
to know. A finding may be less severe than its audit, never more severe. Audits that need an evaluation are skipped
without one. The other audits need only a cohort; they also check its folds if there are any. Audits change nothing and
remove nothing.

"""


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return (
        "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        + "\n"
    )


def grid(model) -> str:
    """Return the values of each setting as text."""
    parts = [f"`{name}`: {', '.join(map(str, values))}" for name, values in model.grid.items()]
    return "; ".join(parts) or "no settings"


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
        + OUTPUT
    )


def audits() -> str:
    """Return the page of audits, from the table and the docstrings."""
    rows = [[a.code, f"`{a.name}`", a.title, a.severity, a.needs, a.cite] for a in AUDITS]
    parts = [f"\n## {a.code} {a.title}\n\n{inspect.getdoc(a.examine)}\n".replace("  ", " ") for a in AUDITS]
    columns = ["code", "name", "problem", "severity", "needs", "source"]
    return AUDITS_HEAD + table(columns, rows) + "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
    AUDITS_TARGET.write_text(audits(), encoding="utf-8")

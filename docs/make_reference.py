"""Write docs/reference.md and docs/audits.md from the tables of the program: `python docs/make_reference.py`."""

from __future__ import annotations

import inspect
from pathlib import Path

import pandas as pd

from leukotype.audits import AUDITS, Audit
from leukotype.datasets import catalogue
from leukotype.figures import FIGURES
from leukotype.metrics import METRICS
from leukotype.models import DEFAULT, MODELS
from leukotype.readers import READERS

TARGET = Path(__file__).with_name("reference.md")
AUDITS_TARGET = Path(__file__).with_name("audits.md")
RESULTS = Path(__file__).parents[1] / "benchmarks" / "calibration" / "results"
KINDS = ("array", "rnaseq", "panel", "sorted")

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


CALIBRATION = """
## False alarms

`benchmarks/calibration/audits.py` draws cohorts without faults: 40 to 100 samples, 2 to 4 classes. The table states the
number of cohorts in each column.

- array: log2 intensities of 300 probes that share factors. One factor has a long tail, like the share of other cells.
- rnaseq: negative binomial counts of 400 genes with different depths, as log2 counts or log2 counts per million.
- panel: log2 intensities of 40 genes.
- sorted: like array, with rows sorted by class and numbered. No model is evaluated.

Classes differ in "clean" cohorts, and do not in "null" ones. Age, sex and batch are independent of the class. Three
models and two baselines are evaluated. The table gives the percentage of cohorts with a finding of the stated
severity. An error may occur in at most 2 %, a warning in at most 5 % of the cohorts of each column; a test checks
this. A dash means that the audit was not run.

These findings are facts about the cohort, not false alarms, so they have no limit: sizes of classes (LT018 to LT020),
near-constant probes at the floor (LT014), rows sorted by class (LT004 in "sorted"), and a baseline or random probes
that reach the interval of the best model (LT021, LT022): in null cohorts no model is better than the majority class.

"""

POWER = """
## Power

One fault of each size is planted in 20 clean cohorts of each kind. The table gives the percentage of cohorts in which
the audit reports it. LT025 needs 100 probes, so it does not examine panels. Pairs that LT002 reports are not counted
for LT026. LT024 is measured with clear classes (see below). The other audits follow exact rules, such
as "a donor in the training and the test part", to which power does not apply.

"""

MISLABELLED = """
## Wrong labels

A share of the labels is replaced by another class. The table gives the share of wrong labels that LT024 reports
(sensitivity), and how many right labels it reports, per cohort and as a percentage of all right labels. The audit is
silent where models misclassify more than 7 % of the other samples of a class, so sensitivity is low where classes
overlap. "Clear" cohorts have differences between classes three times as large as the others.

"""

SUSPECTS = """
In real cohorts with their published labels (0 %), the wrong labels are those that the literature suspects: samples 66
and 67 of Golub, and samples 2 and 96 of chowdary, which are exchanged. The rule was chosen with these samples in view,
so these rows are no independent test. With other models (k nearest neighbours, centroids and logistic regression alone)
sample 2 is not reported. The simulated cohorts of both tables were not used to choose the rule.
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
    measured = [
        CALIBRATION, false_alarms(), POWER, power(), MISLABELLED, mislabelled(), SUSPECTS
    ]  # fmt: skip
    return AUDITS_HEAD + table(columns, rows) + "".join(parts) + "".join(measured)


def false_alarms() -> str:
    """Return the table of false alarms: audits by kind of cohort, percentages at the severity of the audit."""
    found = pd.read_csv(RESULTS / "audit_alarms.csv", keep_default_na=False)
    found["percent"] = 100 * found["findings"] / found["cohorts"]
    cells = found.set_index(["code", "severity", "kind", "truth"])["percent"].to_dict()
    columns = [(kind, truth) for kind in KINDS for truth in ("clean", "null")]

    def cell(entry: Audit, severity: str, column: tuple[str, str]) -> str:
        if column[0] == "sorted" and entry.needs == "evaluation":
            return "–"
        return f"{cells.get((entry.code, severity, *column), 0.0):.3g}"

    number = found.groupby("code")["cohorts"].max().to_dict()
    shown = {(code, severity) for code, severity, *_ in cells}
    rows = [
        [
            entry.code,
            severity,
            str(int(number[entry.code])),
            *(cell(entry, severity, column) for column in columns),
        ]
        for entry in AUDITS
        for severity in ("error", "warning", "note")
        if (entry.code, severity) in shown
    ]
    return table(["audit", "severity", "cohorts", *(f"{kind}, {truth}" for kind, truth in columns)], rows)


def power() -> str:
    """Return the table of planted faults: the percentage of cohorts in which the audit reports each size."""
    found = pd.read_csv(RESULTS / "audit_power.csv")
    rows = []
    for (code, fault), part in found.groupby(["code", "fault"], sort=False):
        sizes = part["size"].unique()
        percent = (100 * part.set_index(["kind", "size"])["found"] / part["cohorts"].iloc[0]).to_dict()
        by_kind = (" / ".join(f"{percent[kind, size]:.0f}" for size in sizes) for kind in KINDS[:3])
        rows.append([str(code), str(fault), " / ".join(f"{size:g}" for size in sizes), *by_kind])
    return table(["audit", "fault", "sizes", *(f"found, {kind}" for kind in KINDS[:3])], rows)


def mislabelled() -> str:
    """Return the table of wrong labels: sensitivity and false alarms of LT024."""
    found = pd.read_csv(RESULTS / "audit_labels.csv")
    rows = []
    for (cohort, size), part in found.groupby(["cohort", "size"], sort=False):
        wrong, others = part["wrong"].sum(), part["others"].sum()
        right = part["samples"].sum() - wrong
        rows.append(
            [
                str(cohort),
                f"{100 * float(size):g} %",
                str(len(part)),
                f"{part['found'].sum()} of {wrong}"
                + (f" ({100 * part['found'].sum() / wrong:.0f} %)" if wrong else ""),
                f"{others / len(part):.2g} ({100 * others / right:.2g} %)",
            ]
        )
    columns = [
        "cohort",
        "labels flipped",
        "cohorts",
        "wrong labels reported",
        "right labels reported per cohort",
    ]
    return table(columns, rows)


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
    AUDITS_TARGET.write_text(audits(), encoding="utf-8")

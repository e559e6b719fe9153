"""One writer of result folders, and reports as single files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

import pandas as pd

from leukotype import atomic, figures, manifest
from leukotype.benchmark import Benchmark
from leukotype.benchmark.result import KIND
from leukotype.classifier.validation import Validation
from leukotype.cohort import Cohort
from leukotype.csv_text import csv_text
from leukotype.evaluation import Evaluation
from leukotype.pictures import Renderer
from leukotype.results import json_report, study_tables
from leukotype.results.benchmark_page import benchmark_page
from leukotype.results.folder import plain_name, staged
from leukotype.results.guidelines import SHEETS
from leukotype.results.page import Notice
from leukotype.results.rendered import RenderedFigure, Source, draw
from leukotype.results.sheets import Facts
from leukotype.results.study_page import exploration_page, study_page
from leukotype.results.validation_page import validation_page
from leukotype.runs import NAME
from leukotype.studies import Study, of_evaluation

# Figures, and notices of those that could not be drawn.
Drawn = tuple[Sequence[RenderedFigure], Sequence[Notice]]
# Name and content of each file of a folder; a table becomes CSV.
Files = Iterator[tuple[str, str | pd.DataFrame]]


class Options(TypedDict, total=False):
    """Options of all writers of folders.

    overwrite : whether to replace an earlier result of leukotype
    resume    : whether the folder holds the store of finished tasks of this run, which is kept
    command   : as typed
    on_step   : called with the name of each step
    safe_csv  : whether text in CSV files that looks like a formula is defused for spreadsheets
    renderer  : draws the figures in a second process, if it was started
    """

    overwrite: bool
    resume: bool
    command: str
    on_step: Callable[[str], None]
    safe_csv: bool
    renderer: Renderer


def _silent(step: str) -> None:
    """Report nothing."""


def write_report(
    source: Evaluation | Source,
    path: str | Path,
    *,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
) -> Path:
    """Write the report of a result as one HTML file that needs no network; return its path.

    source  : a result; for an evaluation, inference that needs no refit and the audits are added
    command : as typed, for the section on provenance
    on_step : called with the title of each figure before it is drawn

    The same result gives the same bytes.  An existing file is replaced in one step.
    Raises OutputRefused if the file can't be written.
    """
    if isinstance(source, Evaluation):
        source = of_evaluation(source)
    atomic.put(Path(path), _html(source, draw(source, on_step, with_png=False), command).encode())
    return Path(path)


def save_study(source: Study | Evaluation, folder: str | Path, **options: Unpack[Options]) -> Path:
    """Write a study into a folder, completely or not at all; return the folder.

    study.json, predictions.csv, report.html, figures/*.svg, *.png and *.csv (their numbers), tables/*.csv and
    *.tex, sheets/*.md, manifest.json.  Only study.json, the sheets and the manifest differ between two runs of one
    study: they hold run times.

    options : see `Options`

    Raises OutputRefused as `check_output` does.
    """
    study = source if isinstance(source, Study) else of_evaluation(source)
    evaluation, design = study.evaluation, study.evaluation.folds.design

    def files(drawn: Drawn) -> Files:
        yield "predictions.csv", evaluation.predictions
        yield "study.json", json_report.text(json_report.study_json(study))
        # A file holds the report without its command, so that two runs of one study give the same bytes.
        yield "report.html", _html(study, drawn)
        for name, table in study_tables.csv_tables(study).items():
            yield f"tables/{name}.csv", table
        for paper in study_tables.paper_tables(study):
            yield f"tables/{paper.name}.tex", paper.latex()
        for sheet in SHEETS:
            yield f"sheets/{sheet.name}.md", sheet.markdown(Facts(study, options.get("command", "")))

    facts = {
        "kind": "study",
        "cohort": study.cohort.facts(),
        "folds": {"seed": design.seed, "fingerprint": evaluation.folds.fingerprint},
        "models": [model.name for model in evaluation.tried],
        "seconds": round(evaluation.seconds, 3),
        "jobs": evaluation.jobs,
    }
    varying = ["study.json", *(f"sheets/{sheet.name}.md" for sheet in SHEETS)]
    return _save(study, files, folder, facts, varying, **options)


def save_exploration(cohort: Cohort, folder: str | Path, **options: Unpack[Options]) -> Path:
    """Write the data part alone: cohort.json, report.html, figures, manifest.json."""

    def files(drawn: Drawn) -> Files:
        yield "cohort.json", json_report.text(json_report.cohort_json(cohort))
        yield "report.html", _html(cohort, drawn)

    facts = {"kind": "exploration", "cohort": cohort.facts()}
    return _save(cohort, files, folder, facts, **options)


def save_validation(validation: Validation, folder: str | Path, **options: Unpack[Options]) -> Path:
    """Write validation.json, calls.csv, report.html, figures and manifest.json."""

    def files(drawn: Drawn) -> Files:
        table = validation.calls.table()
        table.insert(1, "label", validation.labels)
        yield "calls.csv", table
        yield "validation.json", json_report.text(json_report.validation_json(validation))
        yield "report.html", _html(validation, drawn, options.get("command", ""))

    classifier, batch = validation.classifier, validation.batch
    facts = {
        "kind": "validation",
        "classifier": json_report.identity(classifier),
        "samples": {"n": batch.n_samples, "sha256": batch.provenance.sha256},
    }
    return _save(validation, files, folder, facts, **options)


def save_benchmark(benchmark: Benchmark, folder: str | Path, **options: Unpack[Options]) -> Path:
    """Write a benchmark into a folder, completely or not at all; return the folder.

    leaderboard.html, leaderboard.json, leaderboard.csv (one row per model), cohorts.csv (one row per cohort, model
    and metric), pairs.csv, left_out.csv, failures.csv, times.csv, predictions/<cohort>.csv, figures, manifest.json.
    Only times.csv and the manifest, which has its hash, differ between two runs of one benchmark.
    """
    reasons = [(one.name, one.reason) for one in benchmark.left_out]
    tables = {
        "leaderboard": benchmark.table,
        "cohorts": benchmark.cohort_metrics,
        "pairs": benchmark.leaderboard.pairs,
        "left_out": pd.DataFrame(reasons, columns=["cohort", "reason"]),
        "times": benchmark.times,
        "failures": pd.DataFrame(list(benchmark.failures), columns=["cohort", "model", "reason"]),
    }

    def files(drawn: Drawn) -> Files:
        yield "leaderboard.html", _html(benchmark, drawn)
        yield "leaderboard.json", json_report.text(json_report.benchmark_json(benchmark))
        for name, table in tables.items():
            yield f"{name}.csv", table
        for result in benchmark.cohorts:
            if len(result.predictions):
                yield f"predictions/{plain_name(result.name)}.csv", result.predictions

    facts = {
        "kind": KIND,
        "cohorts": [result.name for result in benchmark.cohorts],
        "models": benchmark.names,
        "seed": benchmark.design.seed,
    }
    return _save(benchmark, files, folder, facts, ("times.csv",), **options)


def _save(
    source: Source,
    files: Callable[[Drawn], Files],
    folder: str | Path,
    facts: dict[str, Any],
    varying: Sequence[str] = (),
    *,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
    safe_csv: bool = False,
    renderer: Renderer | None = None,
) -> Path:
    """Draw the figures of a result and write them, its files and the manifest.

    files   : from the figures to the other files
    facts   : of the manifest
    varying : files that hold run times
    """
    with staged(folder, overwrite=overwrite, resume=resume) as place:
        drawn = draw(source, on_step, safe_csv=safe_csv, renderer=renderer)
        for one in drawn[0]:
            figures.save(one.pictures, place / "figures", one.name)
            (place / "figures" / f"{one.name}.csv").write_bytes(one.csv.encode())
        on_step("Report")
        for name, content in files(drawn):
            text = content if isinstance(content, str) else csv_text(content, safe=safe_csv)
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_bytes(text.encode())
        store = {"finished_tasks": NAME} if resume else {}
        manifest.write(place, command=command, facts={**facts, **store}, varying=varying)
    return Path(folder)


def _html(source: Source, drawn: Drawn, command: str = "") -> str:
    match source:
        case Study():
            page = study_page(source, *drawn, command)
        case Cohort():
            page = exploration_page(source, *drawn, command)
        case Benchmark():
            page = benchmark_page(source, *drawn, command)
        case Validation():
            page = validation_page(source, *drawn, command)
    return page.html()

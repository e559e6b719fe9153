"""study: the folder that `leukotype study` and `leukotype explore` leave."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from leukotype import figures
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.results import json_report, manifest, page, rendered, sheets
from leukotype.results.folder import check_output, folder_name, plain_name, staged
from leukotype.results.json_report import cohort_json
from leukotype.results.rendered import Plate
from leukotype.results.sheets import SHEETS, Facts
from leukotype.results.statements import as_study
from leukotype.results.unfinished import keeping, wish
from leukotype.runs import NAME
from leukotype.studies import Study

__all__ = ["check_output", "explore", "folder_name", "keeping", "plain_name", "run", "wish"]


def _silent(step: str) -> None:
    """Say nothing."""


def run(
    source: Evaluation | Study,
    out: str | Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
) -> Path:
    """Write everything a study leaves into the folder `out`, all of it or nothing; return the folder.

    study.json, predictions.csv, report.html, figures/*.svg, *.png and *.csv (their numbers), tables/*.csv and
    *.tex, sheets/*.md, manifest.json.  Only study.json, the sheets and the manifest differ between two runs of the
    same study: they hold run times.

    source    : an evaluation, of which everything is said that needs no refitting, or a study
    overwrite : whether to replace an earlier result of leukotype
    resume    : whether the folder holds the store of this very run, which stays there
    command   : what was typed
    on_step   : called with the name of each step

    Raises OutputRefused as `check_output` does.
    """
    with staged(out, overwrite=overwrite, resume=resume) as place:
        study = as_study(source)
        evaluation = study.evaluation
        data = _saved(rendered.draw(evaluation.cohort, "data", on_step=on_step), place)
        results = _saved(rendered.draw(evaluation, "evaluation", on_step=on_step), place)
        inferred = _saved(rendered.draw_inferred(study, on_step=on_step), place)
        on_step("report")
        _text(place / "predictions.csv", csv(evaluation.predictions))
        _tables(study, place / "tables")
        _sheets(study, place / "sheets", command)
        _json(place / "study.json", json_report.of_evaluation(study))
        _text(place / "report.html", page.of_evaluation(study, data, results, inferred))
        design = evaluation.folds.design
        facts = {
            "kind": "study",
            "cohort": evaluation.cohort.facts(),
            "folds": {"seed": design.seed, "fingerprint": evaluation.folds.fingerprint},
            "models": [score.name for score in study.tried],
            "seconds": round(evaluation.seconds, 3),
            "jobs": evaluation.jobs,
        }
        if resume:
            facts["finished_tasks"] = NAME
        varying = ["study.json", *(f"sheets/{sheet.name}.md" for sheet in SHEETS)]
        manifest.write(place, command=command, facts=facts, varying=varying)
    return Path(out)


def explore(
    cohort: Cohort,
    out: str | Path,
    *,
    overwrite: bool = False,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
) -> Path:
    """Write the data part alone into the folder `out`: cohort.json, report.html, figures/, manifest.json.

    Raises OutputRefused as `check_output` does.
    """
    with staged(out, overwrite=overwrite) as place:
        data = _saved(rendered.draw(cohort, "data", on_step=on_step), place)
        on_step("report")
        _json(place / "cohort.json", cohort_json(cohort))
        _text(place / "report.html", page.of_cohort(cohort, data))
        facts = {"kind": "exploration", "cohort": cohort.facts()}
        manifest.write(place, command=command, facts=facts)
    return Path(out)


def csv(table: pd.DataFrame) -> str:
    """A table as CSV: the shortest digits that give back each number, lines ended by a newline alone."""
    return table.to_csv(index=False, lineterminator="\n")


def _saved(drawn: tuple[Plate, ...], place: Path) -> tuple[Plate, ...]:
    folder = place / "figures"
    folder.mkdir(exist_ok=True)
    for plate in drawn:
        if plate.drawing is not None:
            figures.save(plate.drawing, folder, plate.name)
            _text(folder / f"{plate.name}.csv", plate.csv)
    return drawn


def _tables(study: Study, folder: Path) -> None:
    evaluation = study.evaluation
    folder.mkdir()
    for table in sheets.of_dossier(study):
        _text(folder / f"{table.name}.csv", table.csv())
        _text(folder / f"{table.name}.tex", table.latex())
    _text(folder / "summary.csv", csv(study.metrics))
    # Run times stand in study.json alone, so that these tables are the same for every run.
    _text(folder / "settings.csv", csv(evaluation.settings().drop(columns="seconds")))
    blocks = [_confusion(evaluation, model) for model in evaluation.names]
    _text(folder / "confusion.csv", csv(pd.concat(blocks, ignore_index=True)))
    _text(folder / "stability.csv", csv(study.stability))
    # Which samples, probes or models an audit speaks of.
    for finding in study.audits:
        if finding.table is not None:
            _text(folder / f"{finding.code}-{finding.name}.csv", csv(finding.table))
    if study.permutation is not None:
        _text(folder / "permutation.csv", csv(study.permutation.table()))
    if study.leaks is not None:
        _text(folder / "leaks.csv", csv(study.leaks))
    if study.learning is not None:
        _text(folder / "learning.csv", csv(study.learning.table()))
        _text(folder / "halving.csv", csv(study.learning.halving()))


def _sheets(study: Study, folder: Path, command: str) -> None:
    folder.mkdir()
    facts = Facts.of(study, command)
    for sheet in SHEETS:
        _text(folder / f"{sheet.name}.md", sheet.markdown(facts))


def _confusion(evaluation: Evaluation, model: str) -> pd.DataFrame:
    counts = evaluation.confusion(model)
    return pd.DataFrame(
        {"model": model, "label": label, "predicted": predicted, "samples": counts[row, column]}
        for row, label in enumerate(evaluation.classes)
        for column, predicted in enumerate(evaluation.classes)
    )


def _json(path: Path, content: Mapping[str, Any]) -> None:
    _text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _text(path: Path, text: str) -> None:
    path.write_bytes(text.encode())

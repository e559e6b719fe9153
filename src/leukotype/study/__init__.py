"""study: the folder that `leukotype study` and `leukotype explore` leave."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from leukotype import figures, sheets
from leukotype.cohort import Cohort
from leukotype.dossier import Dossier
from leukotype.evaluation import Evaluation
from leukotype.reporting import cohort_json, page, plates, twin
from leukotype.reporting.plates import Plate
from leukotype.reporting.ranking import Ranking
from leukotype.runs import NAME
from leukotype.sheets import SHEETS, Facts
from leukotype.study import manifest
from leukotype.study.folder import check_output, folder_name, plain_name, staged
from leukotype.study.unfinished import keeping, wish

__all__ = ["check_output", "explore", "folder_name", "keeping", "plain_name", "run", "wish"]


def _silent(step: str) -> None:
    """Say nothing."""


def run(
    source: Evaluation | Dossier,
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

    source    : an evaluation, of which everything is said that needs no refitting, or a dossier
    overwrite : whether to replace an earlier result of leukotype
    resume    : whether the folder holds the store of this very run, which stays there
    command   : what was typed
    on_step   : called with the name of each step

    Raises OutputRefused as `check_output` does.
    """
    with staged(out, overwrite=overwrite, resume=resume) as place:
        ranking = Ranking.of(source)
        evaluation = ranking.evaluation
        data = _saved(plates.draw(evaluation.cohort, "data", on_step=on_step), place)
        results = _saved(plates.draw(evaluation, "evaluation", on_step=on_step), place)
        inferred = _saved(plates.draw_inferred(ranking.dossier.inferred, on_step=on_step), place)
        on_step("report")
        _text(place / "predictions.csv", csv(evaluation.predictions))
        _tables(ranking, place / "tables")
        _sheets(ranking, place / "sheets", command)
        _json(place / "study.json", twin.of_evaluation(ranking))
        _text(place / "report.html", page.of_evaluation(ranking, data, results, inferred))
        design = evaluation.folds.design
        facts = {
            "kind": "study",
            "cohort": evaluation.cohort.facts(),
            "folds": {"seed": design.seed, "fingerprint": evaluation.folds.fingerprint},
            "models": [score.model for score in ranking.tried],
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
        data = _saved(plates.draw(cohort, "data", on_step=on_step), place)
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


def _tables(ranking: Ranking, folder: Path) -> None:
    evaluation, dossier = ranking.evaluation, ranking.dossier
    folder.mkdir()
    for table in sheets.of_dossier(dossier):
        _text(folder / f"{table.name}.csv", table.csv())
        _text(folder / f"{table.name}.tex", table.latex())
    _text(folder / "summary.csv", csv(ranking.summary))
    # Run times stand in study.json alone, so that these tables are the same for every run.
    _text(folder / "settings.csv", csv(evaluation.settings().drop(columns="seconds")))
    blocks = [_confusion(evaluation, model) for model in evaluation.models]
    _text(folder / "confusion.csv", csv(pd.concat(blocks, ignore_index=True)))
    _text(folder / "stability.csv", csv(dossier.stability))
    # Which samples, probes or models an audit speaks of.
    for finding in dossier.findings:
        if finding.table is not None:
            _text(folder / f"{finding.code}-{finding.name}.csv", csv(finding.table))
    if dossier.permutation is not None:
        _text(folder / "permutation.csv", csv(dossier.permutation.table()))
    if dossier.leaks is not None:
        _text(folder / "leaks.csv", csv(dossier.leaks))
    if dossier.learning is not None:
        _text(folder / "learning.csv", csv(dossier.learning.table()))
        _text(folder / "halving.csv", csv(dossier.learning.halving()))


def _sheets(ranking: Ranking, folder: Path, command: str) -> None:
    folder.mkdir()
    facts = Facts.of(ranking.dossier, command)
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

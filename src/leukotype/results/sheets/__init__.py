"""SHEETS: reporting guidelines, filled from the record of a run; and its tables, for a paper."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from leukotype.audits import Finding
from leukotype.errors import OutputRefused
from leukotype.evaluation import Evaluation
from leukotype.results.sheets.dome import DOME
from leukotype.results.sheets.facts import Facts
from leukotype.results.sheets.reforms import REFORMS
from leukotype.results.sheets.sheet import AUTHORS, Item, Sheet
from leukotype.results.sheets.tables import Table, escape, of_dossier, tables
from leukotype.results.sheets.tripod import TRIPOD

__all__ = ["AUTHORS", "SHEETS", "Facts", "Item", "Sheet", "Table", "escape", "of_dossier", "tables", "write"]

SHEETS: tuple[Sheet, ...] = (DOME, REFORMS, TRIPOD)


def write(
    evaluation: Evaluation,
    folder: str | Path,
    *,
    findings: Sequence[Finding] | None = None,
    tests: Sequence[str] = (),
    command: str = "",
) -> list[Path]:
    """Write DOME.md, REFORMS.md, TRIPOD.md and the tables as CSV and LaTeX into `folder`; return the files.

    findings : of `audits.audit`; None where no audits were run, which the sheets then say
    tests    : what inference did beside the evaluation, one sentence each; they stand in the sheets as they are
    command  : what was typed

    Raises OutputRefused where the folder can't be written.
    """
    facts = Facts(evaluation, findings, tuple(tests), command)
    content = {f"{sheet.name}.md": sheet.markdown(facts) for sheet in SHEETS}
    for table in tables(evaluation, findings):
        content |= {f"{table.name}.csv": table.csv(), f"{table.name}.tex": table.latex()}
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        return [_put(place / name, text) for name, text in content.items()]
    except OSError as problem:
        why = problem.strerror or str(problem)
        raise OutputRefused(
            f"cannot write to {folder}: {why}. Choose another folder with --out."
        ) from problem


def _put(path: Path, text: str) -> Path:
    aside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        aside.write_bytes(text.encode())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return path

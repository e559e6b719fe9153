"""`leukotype status`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from leukotype import console
from leukotype.cli.options import Json


def status(
    folder: Annotated[Path, typer.Argument(help="Folder of a study or benchmark.", metavar="DIR")],
    as_json: Json = False,
) -> None:
    """Show the progress of a study or benchmark, during or after a run (read-only).

    Example: leukotype status runs/aml
    """
    from leukotype import runs

    found = runs.read_status(folder)
    if as_json:
        facts = {**dataclasses.asdict(found), "path": str(found.path)}
        print(json.dumps({**facts, "planned": found.planned, "finished": found.finished}, indent=2))
    else:
        console.show_status(found)

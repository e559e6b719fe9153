"""`leukotype datasets list | fetch | check`."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from leukotype import console
from leukotype.cli.options import Json

app = typer.Typer(no_args_is_help=True, help="The datasets leukotype knows by name.")


@app.command("list")
def list_datasets(as_json: Json = False) -> None:
    """List the datasets that `study` and `explore` know by name.

    Example: leukotype datasets list
    """
    from leukotype import datasets

    known = datasets.catalogue()
    if as_json:
        print(json.dumps([entry.facts() for entry in known.values()], indent=2))
    else:
        console.show_datasets(list(known.values()))


@app.command("fetch")
def fetch_dataset(
    name: Annotated[str, typer.Argument(help="Name of the dataset.")], as_json: Json = False
) -> None:
    """Download a dataset into the cache, checked against its fingerprint.

    Example: leukotype datasets fetch Leukemia_GSE9476
    """
    from leukotype import datasets

    path = datasets.fetch(name, progress=sys.stderr.isatty())
    print(json.dumps({"name": name, "path": str(path)}) if as_json else path)


@app.command("check")
def check_dataset(
    file: Annotated[str, typer.Argument(help="The file to check.")],
    name: Annotated[
        str | None, typer.Option(help="Dataset it should be.", show_default="from the file's name")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell whether a file holds the dataset that it is named after.

    Example: leukotype datasets check Leukemia_GSE9476.csv
    """
    from leukotype import datasets

    rows = datasets.check(file, name)
    good = all(row.ok for row in rows)
    if as_json:
        print(json.dumps({"file": file, "ok": good, "lines": [row.facts() for row in rows]}, indent=2))
    else:
        console.show_check(rows)
    if not good:
        raise typer.Exit(1)

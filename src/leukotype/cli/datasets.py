"""`leukotype datasets list | fetch | check`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from leukotype import console
from leukotype.cli.options import Json
from leukotype.errors import DownloadFailed, InputError

if TYPE_CHECKING:
    from leukotype.datasets import Dataset

app = typer.Typer(no_args_is_help=True, help="Datasets that leukotype knows by name.")


@app.command("list")
def list_datasets(
    of_type: Annotated[
        str | None,
        typer.Option("--type", help="Only datasets of one type, such as Leukemia.", metavar="TYPE"),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the known datasets: the 78 sets of CuMiDa.

    Example: leukotype datasets list --type Leukemia
    """
    from leukotype import datasets

    known = list(datasets.catalogue().values()) if of_type is None else datasets.of_type(of_type)
    if as_json:
        print(json.dumps([entry.facts() for entry in known], indent=2))
    else:
        console.show_datasets(known)


@app.command("fetch")
def fetch_dataset(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of datasets.", metavar="[NAME]...", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dataset of the catalogue.")] = False,
    of_type: Annotated[
        str | None, typer.Option("--type", help="Every dataset of one type.", metavar="TYPE")
    ] = None,
    connections: Annotated[int, typer.Option(help="Parallel downloads, 1 to 4.", metavar="N")] = 4,
    as_json: Json = False,
) -> None:
    """Download datasets into the cache and verify their content.

    Example: leukotype datasets fetch Leukemia_GSE9476

    Several datasets are downloaded at most four at a time, with pauses. Unavailable datasets are listed at the end and
    the others are kept. Repeat the command to resume.
    """
    from leukotype import datasets

    if sum((bool(names), everything, of_type is not None)) != 1:
        raise InputError("no dataset was named. Give dataset names, --type TYPE or --all.")
    if everything:
        wanted = list(datasets.catalogue().values())
    elif of_type is not None:
        wanted = datasets.of_type(of_type)
    else:
        wanted = [datasets.by_name(name) for name in dict.fromkeys(names or ())]
    if len(wanted) == 1:
        name = wanted[0].name
        path = datasets.fetch(name, progress=sys.stderr.isatty())
        if as_json:
            print(json.dumps({"name": name, "path": str(path)}))
        else:
            console.put(str(path))
        return
    _fetch_several(wanted, connections, as_json)


def _fetch_several(wanted: Sequence[Dataset], connections: int, as_json: bool) -> None:
    from leukotype import datasets

    with console.progress("Downloading", len(wanted)) as advance:
        outcomes = datasets.fetch_many(
            wanted, connections=connections, on_done=lambda fetched: advance(fetched.name)
        )
    missing = [fetched for fetched in outcomes if fetched.path is None]
    if as_json:
        facts = [
            {"name": one.name, "path": None if one.path is None else str(one.path), "reason": one.reason}
            for one in outcomes
        ]
        print(json.dumps(facts, indent=2))
    else:
        for one in outcomes:
            if one.path is not None:
                console.put(str(one.path))
    for one in missing:
        console.say(f"{one.name}: {one.reason}")
    if missing:
        raise DownloadFailed(
            f"{len(missing)} of {len(outcomes)} datasets are unavailable. See the reasons above, and repeat the "
            "command to resume."
        )


@app.command("check")
def check_dataset(
    file: Annotated[str, typer.Argument(help="The file to check.")],
    name: Annotated[
        str | None, typer.Option(help="Dataset to compare with.", show_default="from the file's name")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check whether a file holds the dataset that it is named after.

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

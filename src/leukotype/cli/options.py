"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    str | None, typer.Argument(help="A file, or the name of a dataset.", metavar="[DATA]", show_default=False)
]
Label = Annotated[str | None, typer.Option(help="Column that holds the class.", metavar="COL")]
Labels = Annotated[str | None, typer.Option(help="CSV of two columns, sample and label.", metavar="FILE")]
Donor = Annotated[
    str | None, typer.Option(help="Column that names the donor: one donor, one fold.", metavar="COL")
]
Samples = Annotated[str | None, typer.Option(help="Column that holds the sample ids.", metavar="COL")]
DropClass = Annotated[
    list[str] | None, typer.Option(help="Class to leave out; repeat for several.", metavar="CLASS")
]
Scale = Annotated[str, typer.Option(help="What the values are: auto, log2 or linear.")]
Impute = Annotated[str | None, typer.Option(help="median: fill missing values inside each fold.")]
KeepControls = Annotated[
    bool,
    typer.Option("--keep-controls", help="Keep control probes (AFFX-...), which are left out by default."),
]
Out = Annotated[
    Path | None, typer.Option(help="Folder for the results.", metavar="DIR", show_default="runs/NAME")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result in that folder.")]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on with an unfinished run; without it, the same command does so too."),
]
Jobs = Annotated[int | None, typer.Option(help="Workers at once.", metavar="N", show_default="all cores")]
EngineName = Annotated[
    str | None,
    typer.Option("--engine", help="Where tasks are done: serial, processes or dask.", metavar="NAME"),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="A Dask scheduler that is there; without one, dask starts workers here.", metavar="ADDRESS"
    ),
]
TaskTimeout = Annotated[
    float | None,
    typer.Option(help="Give a task up after so long: one model on one outer fold.", metavar="SECONDS"),
]
Models = Annotated[
    str | None,
    typer.Option(help="Names with commas between, or all.", metavar="A,B", show_default="eight of them"),
]
Plugin = Annotated[
    list[Path] | None,
    typer.Option(
        help="Python file with models of your own in MODELS; its code is run. Repeat for several.",
        metavar="FILE.py",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print a machine-readable summary on standard output.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Parse the file anew, whatever was kept of it.")]
Share = Annotated[str | None, typer.Option(metavar="X", help="As printed: 0.96 or 96%.")]


def names(text: str | None) -> list[str] | None:
    """The names in a list with commas; None where no list was given."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]

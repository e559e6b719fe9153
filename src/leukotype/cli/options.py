"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    str | None, typer.Argument(help="A file or the name of a dataset.", metavar="[DATA]", show_default=False)
]
ClassifierFile = Annotated[
    Path,
    typer.Argument(help="A classifier written by `leukotype train`.", metavar="FILE", show_default=False),
]
Label = Annotated[str | None, typer.Option(help="Column with the class.", metavar="COL")]
Labels = Annotated[str | None, typer.Option(help="CSV with two columns: sample and label.", metavar="FILE")]
Donor = Annotated[
    str | None, typer.Option(help="Column with the donor; a donor's samples stay in one fold.", metavar="COL")
]
Samples = Annotated[str | None, typer.Option(help="Column with the sample ids.", metavar="COL")]
Covariates = Annotated[
    list[str] | None,
    typer.Option("--covariate", help="Column that is not expression; repeat for several.", metavar="COL"),
]
Expression = Annotated[
    list[str] | None,
    typer.Option(
        "--expression", help="Column that is expression, whatever it looks like; repeat for several.",
        metavar="COL",
    ),
]  # fmt: skip
SamplesIn = Annotated[
    str | None, typer.Option(help="Where the samples are: rows or columns.", show_default="detected")
]
DropClass = Annotated[
    list[str] | None, typer.Option(help="Class to exclude; repeat for several.", metavar="CLASS")
]
Scale = Annotated[str, typer.Option(help="Scale of the values: auto, log2 or linear.")]
Impute = Annotated[str | None, typer.Option(help="median: impute missing values inside each fold.")]
KeepControls = Annotated[
    bool, typer.Option("--keep-controls", help="Keep control probes (AFFX-...); excluded by default.")
]
AnnotationFile = Annotated[
    Path | None, typer.Option("--annotation", help="Table of probes and gene symbols.", metavar="FILE")
]
Outer = Annotated[int, typer.Option(help="Outer folds.", metavar="N")]
Inner = Annotated[int, typer.Option(help="Inner folds, for tuning.", metavar="N")]
Repeats = Annotated[int, typer.Option(help="Repeats of the outer folds.", metavar="N")]
Seed = Annotated[int, typer.Option(help="Seed of all random draws.", metavar="N")]
FoldsFile = Annotated[
    str | None, typer.Option("--folds", help="CSV with sample,repeat,fold: the outer folds.", metavar="FILE")
]
TuneBy = Annotated[
    str, typer.Option(help="Criterion of the inner folds: log_loss, accuracy or balanced_accuracy.")
]
Align = Annotated[
    str,
    typer.Option(
        help="Alignment of each sample to the training samples: none, quantile or rank.", metavar="HOW"
    ),
]
MaxProbes = Annotated[
    int | None, typer.Option(help="Use a panel of K probes, chosen in each training set.", metavar="K")
]
Out = Annotated[
    Path | None, typer.Option(help="Folder for the results.", metavar="DIR", show_default="runs/NAME")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result.")]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Resume (the default when the command is repeated)."),
]
Jobs = Annotated[
    int | None, typer.Option(help="Number of worker processes.", metavar="N", show_default="all cores")
]
EngineName = Annotated[
    str | None, typer.Option("--engine", help="Run tasks with serial, processes or dask.", metavar="NAME")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Address of a Dask scheduler; by default dask starts local workers.", metavar="ADDRESS"
    ),
]
TaskTimeout = Annotated[
    float | None,
    typer.Option(help="Abort a task (one model on one outer fold) after this time.", metavar="SECONDS"),
]
Models = Annotated[
    str | None,
    typer.Option(help="Model names separated by commas, or all.", metavar="A,B", show_default="eight models"),
]
Plugin = Annotated[
    list[Path] | None,
    typer.Option(
        help="Python file with your own models in MODELS; its code is executed. Repeat for several.",
        metavar="FILE.py",
    ),
]
Level = Annotated[float, typer.Option(help="Confidence level of the prediction sets.", metavar="X")]
Trusted = Annotated[
    Path | None,
    typer.Option(
        help="Public keys, a file or a folder: refuse a classifier that none of them signed.", metavar="KEYS"
    ),
]
SafeCsv = Annotated[
    bool,
    typer.Option("--safe-csv", help="Defuse text in CSV files that a spreadsheet would run as a formula."),
]
Json = Annotated[bool, typer.Option("--json", help="Print a machine-readable summary to standard output.")]
MaxSize = Annotated[
    float | None,
    typer.Option(help="Read tables of at most this many gigabytes of text.", metavar="GB", show_default="2"),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Parse the file again, ignoring the cache.")]
Share = Annotated[str | None, typer.Option(metavar="X", help="As printed: 0.96 or 96%.")]


def names(text: str | None) -> list[str] | None:
    """Return the names in a comma-separated list; None if there is no list."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]

"""The command line: arguments and routes; no logic."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leukotype import __version__, console
from leukotype.errors import InputError, LeukotypeError

if TYPE_CHECKING:
    from leukotype.cohort import Cohort

# Typer brings its own copy of click in some versions and the package in others; both derive from this class.
_UsageProblem: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="leukotype",
    help="Classification of samples by gene expression that can be believed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
datasets_app = typer.Typer(no_args_is_help=True, help="The datasets leukotype knows by name.")
app.add_typer(datasets_app, name="datasets")

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
Out = Annotated[
    Path | None, typer.Option(help="Folder for the results.", metavar="DIR", show_default="runs/NAME")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result in that folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print a machine-readable summary on standard output.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Parse the file anew, whatever was kept of it.")]


@app.callback(invoke_without_command=True)
def _face(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        print(f"leukotype {__version__}")
        raise typer.Exit


@app.command()
def study(
    data: Data = None,
    models: Annotated[
        str | None,
        typer.Option(help="Names with commas between, or all.", metavar="A,B", show_default="eight of them"),
    ] = None,
    outer: Annotated[int, typer.Option(help="Outer folds.", metavar="N")] = 5,
    inner: Annotated[int, typer.Option(help="Inner folds, for tuning.", metavar="N")] = 3,
    repeats: Annotated[int, typer.Option(help="How often the outer folds are drawn.", metavar="N")] = 1,
    folds: Annotated[
        str | None, typer.Option(help="CSV sample,repeat,fold that fixes the outer folds.", metavar="FILE")
    ] = None,
    tune_by: Annotated[
        str, typer.Option(help="Criterion of the inner folds: log_loss, accuracy or balanced_accuracy.")
    ] = "log_loss",
    label: Label = None,
    labels: Labels = None,
    donor: Donor = None,
    samples: Samples = None,
    drop_class: DropClass = None,
    scale: Scale = "auto",
    impute: Impute = None,
    seed: Annotated[int, typer.Option(help="Seed of every draw.", metavar="N")] = 0,
    jobs: Annotated[
        int | None, typer.Option(help="Worker processes.", metavar="N", show_default="all cores")
    ] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    no_cache: NoCache = False,
) -> None:
    """Compare models on one cohort by nested cross-validation and write a report.

    Example: leukotype study Leukemia_GSE9476 --models logistic,knn,forest,xgboost --out runs/aml

    Without DATA: Leukemia_GSE9476, or a simulated cohort of its shape where that cannot be had.
    """
    from leukotype import evaluation as rooms
    from leukotype import study as outputs
    from leukotype.models import select
    from leukotype.resampling import Design, draw, read_folds

    chosen = select(None if models is None else [name.strip() for name in models.split(",") if name.strip()])
    design = Design(outer, inner, repeats, seed)
    cohort, folder = _prepare(
        data, out, overwrite, no_cache,
        label=label, labels=labels, donor=donor, samples=samples,
        drop_class=tuple(drop_class or ()), scale=scale, impute=impute,
    )  # fmt: skip
    splits = draw(cohort, design) if folds is None else read_folds(folds, cohort, design)
    with console.progress("Nested cross-validation", len(chosen) * len(splits.splits)) as advance:
        evaluation = rooms.evaluate(
            cohort,
            chosen,
            folds=splits,
            tune_by=tune_by,  # type: ignore[arg-type]  # checked there, with the choices in the message
            jobs=jobs,
            on_done=lambda result: advance(f"{result.model}, fold {result.fold + 1}"),
        )
    with console.progress("Figures and report", None) as advance:
        outputs.run(evaluation, folder, overwrite=overwrite, command=_command(), on_step=advance)
    if as_json:
        print(json.dumps({"out": str(folder), **json.loads((folder / "study.json").read_text())}, indent=2))
    else:
        console.show_results(evaluation, folder)


@app.command()
def explore(
    data: Data = None,
    label: Label = None,
    labels: Labels = None,
    donor: Donor = None,
    samples: Samples = None,
    drop_class: DropClass = None,
    scale: Scale = "auto",
    impute: Impute = None,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    no_cache: NoCache = False,
) -> None:
    """Draw a cohort without training anything: classes, intensities, PCA, t-SNE, correlations, clusters.

    Example: leukotype explore mine.csv --label diagnosis --out runs/look
    """
    from leukotype import study as outputs

    cohort, folder = _prepare(
        data, out, overwrite, no_cache,
        label=label, labels=labels, donor=donor, samples=samples,
        drop_class=tuple(drop_class or ()), scale=scale, impute=impute,
    )  # fmt: skip
    with console.progress("Figures and report", None) as advance:
        outputs.explore(cohort, folder, overwrite=overwrite, command=_command(), on_step=advance)
    if as_json:
        print(json.dumps({"out": str(folder), **json.loads((folder / "cohort.json").read_text())}, indent=2))
    else:
        console.show_cohort(cohort, folder)


Share = Annotated[str | None, typer.Option(metavar="X", help="As printed: 0.96 or 96%.")]


@app.command("check-claim")
def check_claim(
    n_test: Annotated[int | None, typer.Option(metavar="N", help="Test samples.")] = None,
    accuracy: Share = None,
    precision: Share = None,
    recall: Share = None,
    f1: Share = None,
    n_positive: Annotated[
        int | None,
        typer.Option(metavar="N", help="Test samples of the class that precision, recall, F1 are of."),
    ] = None,
    n_total: Annotated[
        int | None, typer.Option(metavar="N", help="Samples in all, where each was tested once, in folds.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(metavar="N", help="Folds, where the number is a mean over them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell whether a printed number can exist on so many test samples, and what interval it deserves.

    Example: leukotype check-claim --n-test 13 --accuracy 0.96
    """
    from leukotype import claims

    claim = claims.check(
        n_test,
        accuracy=accuracy,
        precision=precision,
        recall=recall,
        f1=f1,
        n_positive=n_positive,
        n_total=n_total,
        folds=folds,
    )
    print(json.dumps(claim.as_dict(), indent=2) if as_json else "\n".join(claim.lines()))


@datasets_app.command("list")
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


@datasets_app.command("fetch")
def fetch_dataset(
    name: Annotated[str, typer.Argument(help="Name of the dataset.")], as_json: Json = False
) -> None:
    """Download a dataset into the cache, checked against its fingerprint.

    Example: leukotype datasets fetch Leukemia_GSE9476
    """
    from leukotype import datasets

    path = datasets.fetch(name, progress=sys.stderr.isatty())
    print(json.dumps({"name": name, "path": str(path)}) if as_json else path)


@datasets_app.command("check")
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


def _prepare(
    data: str | None, out: Path | None, overwrite: bool, no_cache: bool, **options: Any
) -> tuple[Cohort, Path]:
    """Return the cohort and the folder for its results; both are refused before anything is computed."""
    from leukotype import datasets
    from leukotype import study as outputs

    if out is not None:
        outputs.check_output(out, overwrite=overwrite)
    cache = None if no_cache else datasets.parse_cache()
    with console.progress("Reading", None):
        cohort = datasets.resolve(data, say=console.say, cache=cache, **options)
    folder = out or Path("runs") / outputs.folder_name(cohort)
    if out is None:
        outputs.check_output(folder, overwrite=overwrite)
    console.say_cohort(cohort)
    return cohort, folder


def _command() -> str:
    return shlex.join(["leukotype", *sys.argv[1:]])


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 good, 1 the job failed, 2 bad input or usage."""
    try:
        outcome = app(args=arguments, prog_name="leukotype", standalone_mode=False)
    except _UsageProblem as problem:
        # A bare group has printed its help instead of a message.
        if message := problem.format_message():
            console.fail(f"{message.rstrip('.')}. See leukotype --help.")
        return InputError.exit_code
    except LeukotypeError as problem:
        console.fail(str(problem))
        return problem.exit_code
    except (KeyboardInterrupt, typer.Abort):
        console.fail("interrupted; nothing was written.")
        return 130
    except (OSError, MemoryError) as problem:
        console.fail(f"{type(problem).__name__}: {problem}. Free space or memory, or choose another folder.")
        return LeukotypeError.exit_code
    return outcome if isinstance(outcome, int) else 0


def main() -> None:
    """Entry point of the `leukotype` command."""
    sys.exit(run())

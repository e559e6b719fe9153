"""`leukotype study` and `leukotype explore`."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leukotype import console, wording
from leukotype.cli.options import (
    Data,
    Donor,
    DropClass,
    EngineName,
    Impute,
    Jobs,
    Json,
    KeepControls,
    Label,
    Labels,
    Models,
    NoCache,
    Out,
    Overwrite,
    Plugin,
    Resume,
    Samples,
    Scale,
    Scheduler,
    TaskTimeout,
    names,
)

if TYPE_CHECKING:
    from leukotype.cohort import Cohort


def study(
    data: Data = None,
    models: Models = None,
    plugin: Plugin = None,
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
    keep_controls: KeepControls = False,
    annotation: Annotated[
        Path | None,
        typer.Option(help="Table of probes and gene symbols, for the audits of sex.", metavar="FILE"),
    ] = None,
    permutations: Annotated[
        int,
        typer.Option(
            help="Test against so many permutations of the labels; at most 99 of them for trees.", metavar="N"
        ),
    ] = 0,
    price_leaks: Annotated[
        bool, typer.Option("--price-leaks", help="Show what the usual mistakes would have claimed.")
    ] = False,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Evaluate with fewer training samples, too.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of every draw.", metavar="N")] = 0,
    jobs: Jobs = None,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    task_timeout: TaskTimeout = None,
    out: Out = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    as_json: Json = False,
    no_cache: NoCache = False,
) -> None:
    """Compare models on one cohort by nested cross-validation and write a report.

    Example: leukotype study Leukemia_GSE9476 --models logistic,knn,forest,xgboost --out runs/aml

    Without DATA: Leukemia_GSE9476, or a simulated cohort of its shape where that cannot be had.
    A study that was ended before its end goes on by the same command.
    """
    from leukotype import evaluation as rooms
    from leukotype import execution, genes
    from leukotype import results as outputs
    from leukotype import study as studies
    from leukotype.models import plugins
    from leukotype.resampling import Design, draw, read_folds

    chosen = plugins.choose(names(models), plugin or ())
    design = Design(outer, inner, repeats, seed)
    execution.check_engine(engine, jobs=jobs, scheduler=scheduler, time_limit=task_timeout)
    symbols = None if annotation is None else genes.read_annotation(annotation)
    cohort, folder = _prepare(
        data, out, overwrite or resume, no_cache, resume=True,
        label=label, labels=labels, donor=donor, samples=samples,
        drop_class=tuple(drop_class or ()), scale=scale, impute=impute,
        keep_controls=keep_controls,
    )  # fmt: skip
    splits = draw(cohort, design) if folds is None else read_folds(folds, cohort, design)
    studies.check_feasible(cohort, splits, permutations=permutations, learning_curve=learning_curve)
    wishes: dict[str, Any] = {
        "permutations": permutations, "price_leaks": price_leaks, "learning_curve": learning_curve,
    }  # fmt: skip
    wish = outputs.request(
        cohort, splits, chosen, tune_by=tune_by, annotation=str(annotation or ""), **wishes
    )
    with (
        outputs.keeping(folder, wish, overwrite=overwrite, resume=resume, say=console.say) as store,
        execution.open_engine(engine, jobs=jobs, scheduler=scheduler, time_limit=task_timeout) as workers,
    ):
        with console.progress("Nested cross-validation", len(chosen) * len(splits.splits)) as advance:
            evaluation = rooms.evaluate(
                cohort,
                chosen,
                folds=splits,
                tune_by=tune_by,  # type: ignore[arg-type]  # checked there, with the choices in the message
                engine=workers,
                store=store,
                on_done=lambda result: advance(f"{result.model}, fold {result.fold + 1}"),
            )
        for name, seconds in studies.expected_seconds(evaluation, **wishes).items():
            console.say(f"The {name} comes next, and may take {wording.duration(seconds)}.")
        with console.progress("Inference and audits", None) as advance:
            found = studies.of_evaluation(
                evaluation,
                annotation=symbols,
                engine=rooms.CachingEngine(workers, store, cohort),
                on_step=advance,
                **wishes,
            )
        with console.progress("Figures and report", None) as advance:
            outputs.save_study(
                found,
                folder,
                overwrite=overwrite or resume,
                resume=True,
                command=console.command(),
                on_step=advance,
            )
    if as_json:
        print(json.dumps({"out": str(folder), **json.loads((folder / "study.json").read_text())}, indent=2))
    else:
        console.show_results(found, folder)


def explore(
    data: Data = None,
    label: Label = None,
    labels: Labels = None,
    donor: Donor = None,
    samples: Samples = None,
    drop_class: DropClass = None,
    scale: Scale = "auto",
    impute: Impute = None,
    keep_controls: KeepControls = False,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    no_cache: NoCache = False,
) -> None:
    """Draw a cohort without training anything: classes, intensities, PCA, t-SNE, correlations, clusters.

    Example: leukotype explore mine.csv --label diagnosis --out runs/look
    """
    from leukotype import results as outputs

    cohort, folder = _prepare(
        data, out, overwrite, no_cache,
        label=label, labels=labels, donor=donor, samples=samples,
        drop_class=tuple(drop_class or ()), scale=scale, impute=impute,
        keep_controls=keep_controls,
    )  # fmt: skip
    with console.progress("Figures and report", None) as advance:
        outputs.save_exploration(
            cohort, folder, overwrite=overwrite, command=console.command(), on_step=advance
        )
    if as_json:
        print(json.dumps({"out": str(folder), **json.loads((folder / "cohort.json").read_text())}, indent=2))
    else:
        console.show_cohort(cohort, folder)


def read_cohort(data: str | None, no_cache: bool, **options: Any) -> Cohort:
    """Read the cohort that DATA means, and say what was read."""
    from leukotype import datasets

    cache = None if no_cache else datasets.parse_cache()
    # A download shows a bar of its own, and two at once would write over each other.
    is_file = data is not None and Path(data).is_file()
    with console.progress("Reading", None) if is_file else nullcontext():
        cohort = datasets.resolve(data, say=console.say, progress=sys.stderr.isatty(), cache=cache, **options)
    console.say_cohort(cohort)
    return cohort


def _prepare(
    data: str | None,
    out: Path | None,
    overwrite: bool,
    no_cache: bool,
    *,
    resume: bool = False,
    **options: Any,
) -> tuple[Cohort, Path]:
    """Return the cohort and the folder for its results; both are refused before anything is computed."""
    from leukotype import results as outputs

    if out is not None:
        outputs.check_output(out, overwrite=overwrite, resume=resume)
    cohort = read_cohort(data, no_cache, **options)
    folder = out or Path("runs") / outputs.plain_name(cohort.name)
    if out is None:
        outputs.check_output(folder, overwrite=overwrite, resume=resume)
    return cohort, folder

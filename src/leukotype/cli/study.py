"""`leukotype study` and `leukotype explore`."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leukotype import console
from leukotype.cli.options import (
    Align,
    AnnotationFile,
    Covariates,
    Data,
    Donor,
    DropClass,
    EngineName,
    Expression,
    FoldsFile,
    Impute,
    Inner,
    Jobs,
    Json,
    KeepControls,
    Label,
    Labels,
    MaxProbes,
    MaxSize,
    Models,
    NoCache,
    Out,
    Outer,
    Overwrite,
    Plugin,
    Repeats,
    Resume,
    SafeCsv,
    Samples,
    SamplesIn,
    Scale,
    Scheduler,
    Seed,
    TaskTimeout,
    TuneBy,
    names,
)

if TYPE_CHECKING:
    from leukotype.cohort import Cohort


def study(
    data: Data = None,
    models: Models = None,
    plugin: Plugin = None,
    align: Align = "none",
    max_probes: MaxProbes = None,
    outer: Outer = 5,
    inner: Inner = 3,
    repeats: Repeats = 1,
    folds: FoldsFile = None,
    tune_by: TuneBy = "log_loss",
    label: Label = None,
    labels: Labels = None,
    donor: Donor = None,
    samples: Samples = None,
    covariate: Covariates = None,
    expression: Expression = None,
    samples_in: SamplesIn = None,
    drop_class: DropClass = None,
    scale: Scale = "auto",
    impute: Impute = None,
    keep_controls: KeepControls = False,
    annotation: AnnotationFile = None,
    permutations: Annotated[
        int, typer.Option(help="Permutations of the labels for a test; at most 99 for trees.", metavar="N")
    ] = 0,
    price_leaks: Annotated[
        bool, typer.Option("--price-leaks", help="Measure the optimism of common mistakes.")
    ] = False,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Evaluate with fewer training samples too.")
    ] = False,
    seed: Seed = 0,
    jobs: Jobs = None,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    task_timeout: TaskTimeout = None,
    out: Out = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    safe_csv: SafeCsv = False,
    as_json: Json = False,
    no_cache: NoCache = False,
    max_size: MaxSize = None,
) -> None:
    """Compare models on one cohort by nested cross-validation and write a report.

    Example: leukotype study Leukemia_GSE9476 --models logistic,knn,forest,xgboost --out runs/aml

    Without DATA, the command uses Leukemia_GSE9476, or a simulated cohort of the same shape if that is unavailable.
    Repeat the command to resume an interrupted study.
    """
    from leukotype import execution, genes, results, studies
    from leukotype.models import plugins
    from leukotype.pictures import Renderer
    from leukotype.resampling import Design, draw, read_folds

    chosen = plugins.choose(names(models), plugin or ())
    design = Design(outer, inner, repeats, seed)
    execution.check_engine(engine, jobs=jobs, scheduler=scheduler, time_limit=task_timeout)
    symbols = None if annotation is None else genes.read_annotation(annotation)
    cohort, folder = _prepare(
        data, out, overwrite or resume, no_cache, resume=True,
        label=label, labels=labels, donor=donor, samples=samples, samples_in=samples_in,
        covariates=tuple(covariate or ()), expression=tuple(expression or ()),
        drop_class=tuple(drop_class or ()), scale=scale, impute=impute,
        keep_controls=keep_controls, max_size=max_size,
    )  # fmt: skip
    splits = draw(cohort, design) if folds is None else read_folds(folds, cohort, design)
    options: dict[str, Any] = {
        "align": align, "max_probes": max_probes, "tune_by": tune_by,
        "permutations": permutations, "price_leaks": price_leaks, "learning_curve": learning_curve,
    }  # fmt: skip
    request = results.request(cohort, splits, chosen, annotation=str(annotation or ""), **options)
    n_tasks = studies.n_tasks(cohort, len(chosen), splits, align, max_probes)  # type: ignore[arg-type]  # checked in study
    kept = results.keeping(folder, request, overwrite=overwrite, resume=resume, say=console.say)
    with kept as store, Renderer() as renderer:
        with console.progress("Nested cross-validation", n_tasks) as advance:

            def begin(step: str) -> None:
                # The short steps after the evaluation leave cores idle.
                if not (permutations or price_leaks or learning_curve):
                    renderer.start()
                advance(step)

            found = studies.study(
                cohort, chosen, folds=splits, annotation=symbols, store=store,
                jobs=jobs, engine=engine, scheduler=scheduler, task_timeout=task_timeout,
                on_done=lambda result: advance(f"{result.model}, fold {result.fold + 1}"),
                on_step=begin, say=console.say, **options,
            )  # fmt: skip
        with console.progress("Figures and report", None) as advance:
            renderer.start()
            results.save_study(
                found,
                folder,
                overwrite=overwrite or resume,
                resume=True,
                command=console.command(),
                on_step=advance,
                safe_csv=safe_csv,
                renderer=renderer,
            )
    if as_json:
        console.print_json(folder, "study.json")
    else:
        console.show_results(found, folder)


def explore(
    data: Data = None,
    label: Label = None,
    labels: Labels = None,
    donor: Donor = None,
    samples: Samples = None,
    covariate: Covariates = None,
    expression: Expression = None,
    samples_in: SamplesIn = None,
    drop_class: DropClass = None,
    scale: Scale = "auto",
    impute: Impute = None,
    keep_controls: KeepControls = False,
    out: Out = None,
    overwrite: Overwrite = False,
    safe_csv: SafeCsv = False,
    as_json: Json = False,
    no_cache: NoCache = False,
    max_size: MaxSize = None,
) -> None:
    """Draw a cohort without training: classes, intensities, PCA, t-SNE, correlations, clusters.

    Example: leukotype explore mine.csv --label diagnosis --out runs/look
    """
    from leukotype import results
    from leukotype.pictures import Renderer

    cohort, folder = _prepare(
        data, out, overwrite, no_cache,
        label=label, labels=labels, donor=donor, samples=samples, samples_in=samples_in,
        covariates=tuple(covariate or ()), expression=tuple(expression or ()),
        drop_class=tuple(drop_class or ()), scale=scale, impute=impute,
        keep_controls=keep_controls, max_size=max_size,
    )  # fmt: skip
    with Renderer() as renderer, console.progress("Figures and report", None) as advance:
        renderer.start()
        results.save_exploration(
            cohort,
            folder,
            overwrite=overwrite,
            command=console.command(),
            on_step=advance,
            safe_csv=safe_csv,
            renderer=renderer,
        )
    if as_json:
        console.print_json(folder, "cohort.json")
    else:
        console.show_cohort(cohort, folder)


def read_cohort(data: str | None, no_cache: bool, **options: Any) -> Cohort:
    """Read the cohort named by DATA and print a summary of it."""
    from leukotype import datasets

    cache = None if no_cache else datasets.parse_cache()
    # A download shows its own progress bar, and two bars would overwrite each other.
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
    """Return the cohort and the folder for its results; refuse both before anything is computed."""
    from leukotype import results

    if out is not None:
        results.check_output(out, overwrite=overwrite, resume=resume)
    cohort = read_cohort(data, no_cache, **options)
    folder = out or Path("runs") / results.plain_name(cohort.name)
    if out is None:
        results.check_output(folder, overwrite=overwrite, resume=resume)
    return cohort, folder

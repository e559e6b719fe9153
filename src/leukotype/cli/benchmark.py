"""`leukotype benchmark`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leukotype import console
from leukotype.cli.options import (
    Align,
    EngineName,
    Impute,
    Inner,
    Jobs,
    Json,
    KeepControls,
    Label,
    MaxProbes,
    MaxSize,
    Models,
    NoCache,
    Overwrite,
    Plugin,
    Repeats,
    Resume,
    SafeCsv,
    Scale,
    Scheduler,
    Seed,
    TaskTimeout,
    TuneBy,
    names,
)
from leukotype.errors import InfeasibleDesign, LeukotypeError, UnknownName

if TYPE_CHECKING:
    from leukotype.benchmark import Benchmark


def benchmark(
    what: Annotated[
        list[str],
        typer.Argument(
            help="cumida, dataset names, files or folders.",
            metavar="cumida | DIR | FILE...",
            show_default=False,
        ),
    ],
    models: Models = None,
    plugin: Plugin = None,
    align: Align = "none",
    max_probes: MaxProbes = None,
    outer: Annotated[int | None, typer.Option(help="Outer folds.", metavar="N", show_default="5")] = None,
    inner: Inner = 3,
    repeats: Repeats = 1,
    protocol: Annotated[
        str | None, typer.Option(help="cumida: the 3 folds of its published benchmark.", metavar="NAME")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Metric that ranks the models.", metavar="NAME")
    ] = "balanced_accuracy",
    tune_by: TuneBy = "log_loss",
    drop_small: Annotated[
        bool, typer.Option("--drop-small", help="Exclude classes that are too small for the folds.")
    ] = False,
    label: Label = None,
    scale: Scale = "auto",
    impute: Impute = None,
    keep_controls: KeepControls = False,
    seed: Seed = 0,
    jobs: Jobs = None,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    task_timeout: TaskTimeout = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.", metavar="DIR")] = Path(
        "runs/benchmark"
    ),
    overwrite: Overwrite = False,
    resume: Resume = False,
    safe_csv: SafeCsv = False,
    as_json: Json = False,
    no_cache: NoCache = False,
    max_size: MaxSize = None,
) -> None:
    """Compare models on many cohorts by nested cross-validation, and rank them.

    Example: leukotype benchmark cumida --models logistic,knn,forest --out runs/cumida

    Unavailable cohorts and cohorts too small for the design are listed with the reason. Repeat the command to resume an
    interrupted benchmark. With more models or cohorts, only these are computed.
    """
    from leukotype import benchmark as rooms
    from leukotype import datasets, execution, metrics, results
    from leukotype.benchmark import published
    from leukotype.models import plugins, tuning
    from leukotype.resampling import Design

    chosen = plugins.choose(names(models), plugin or ())
    if tune_by not in tuning.CRITERIA:
        raise UnknownName(f"unknown criterion {tune_by!r}. Choose from {', '.join(tuning.CRITERIA)}.")
    [judged] = metrics.get([metric])
    if judged.per_class:
        raise UnknownName(
            f"--metric {metric} gives one number per class. Choose one with one number per model."
        )
    design = Design(_outer(outer, protocol), inner, repeats, seed)
    execution.check_engine(engine, jobs=jobs, scheduler=scheduler, time_limit=task_timeout)
    # An earlier benchmark is extended: with another model or cohort, only this one is computed.
    overwrite = overwrite or resume or rooms.is_benchmark(out)
    results.check_output(out, overwrite=overwrite, resume=True)
    with console.progress("Looking for cohorts", None) as advance:
        sources, missing = rooms.find(what, say=advance)
    recipe: dict[str, Any] = {"align": align, "max_probes": max_probes, "tune_by": tune_by}
    options = {"label": label, "scale": scale, "impute": impute, "keep_controls": keep_controls}
    request = {
        "models": [model.name for model in chosen], "cohorts": [source.name for source in sources],
        **dataclasses.asdict(design), **recipe, "drop_small": drop_small, **options,
    }  # fmt: skip
    kept = results.keeping(
        out, request, kind="benchmark", overwrite=overwrite, resume=resume, say=console.say
    )
    workers = execution.open_engine(engine, jobs=jobs, scheduler=scheduler, time_limit=task_timeout)
    with workers, kept as store:
        with console.progress("Cohorts", len(sources)) as advance:
            found = rooms.run(
                sources,
                chosen,
                design,
                missing=missing,
                metric=metric,
                protocol=published.PROTOCOL if protocol else "",
                drop_small=drop_small,
                engine=workers,
                store=store,
                options={
                    **options,
                    "max_size": max_size,
                    "cache": None if no_cache else datasets.parse_cache(),
                },
                on_cohort=lambda name, tasks: advance(name),
                **recipe,
            )
        _say_missing(found)
        with console.progress("Leaderboard", None) as advance:
            results.save_benchmark(
                found,
                out,
                overwrite=overwrite,
                resume=True,
                command=console.command(),
                on_step=advance,
                safe_csv=safe_csv,
            )
    if as_json:
        console.print_json(out, "leaderboard.json")
    else:
        console.show_leaderboard(found, out)
    n_failed = sum(1 for _ in found.failures)
    if n_failed:
        raise LeukotypeError(
            f"{n_failed} models gave no result on a cohort. See the reasons above and in {out}."
        )


def _say_missing(found: Benchmark) -> None:
    for one in found.left_out:
        console.say(f"Excluded {one.name}: {one.reason}")
    for cohort, model, reason in found.failures:
        console.say(f"No result of {model} on {cohort}: {reason}")
    if not any(cohort.models for cohort in found.cohorts):
        n = len(found.left_out) + len(found.cohorts)
        raise LeukotypeError(
            f"none of {n} cohorts gave a result. See the reasons above. Nothing was written."
        )


def _outer(outer: int | None, protocol: str | None) -> int:
    from leukotype.benchmark import published

    if protocol is None:
        return 5 if outer is None else outer
    if protocol.casefold() != published.PROTOCOL:
        raise UnknownName(f"unknown protocol {protocol!r}. The only one is {published.PROTOCOL}.")
    if outer not in (None, published.OUTER):
        raise InfeasibleDesign(
            f"--outer is {outer}, but the protocol of {published.PROTOCOL} has {published.OUTER} folds. Use one of the "
            "two options."
        )
    return published.OUTER

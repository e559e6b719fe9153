"""`leukotype benchmark`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leukotype import console
from leukotype.cli.options import (
    EngineName,
    Impute,
    Jobs,
    Json,
    KeepControls,
    Label,
    Models,
    NoCache,
    Overwrite,
    Plugin,
    Resume,
    Scale,
    Scheduler,
    TaskTimeout,
    names,
)
from leukotype.errors import InfeasibleDesign, LeukotypeError, UnknownName

if TYPE_CHECKING:
    from leukotype.benchmark import Benchmark


def benchmark(
    what: Annotated[
        list[str],
        typer.Argument(
            help="cumida, names of datasets, files, folders.",
            metavar="cumida | DIR | FILE...",
            show_default=False,
        ),
    ],
    models: Models = None,
    plugin: Plugin = None,
    outer: Annotated[int | None, typer.Option(help="Outer folds.", metavar="N", show_default="5")] = None,
    inner: Annotated[int, typer.Option(help="Inner folds, for tuning.", metavar="N")] = 3,
    repeats: Annotated[int, typer.Option(help="How often the outer folds are drawn.", metavar="N")] = 1,
    protocol: Annotated[
        str | None, typer.Option(help="cumida: the 3 folds of its own benchmark.", metavar="NAME")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="By which models are ranked.", metavar="NAME")
    ] = "balanced_accuracy",
    tune_by: Annotated[
        str, typer.Option(help="Criterion of the inner folds: log_loss, accuracy or balanced_accuracy.")
    ] = "log_loss",
    drop_small: Annotated[
        bool, typer.Option("--drop-small", help="Leave out classes too small for the folds, and say so.")
    ] = False,
    label: Label = None,
    scale: Scale = "auto",
    impute: Impute = None,
    keep_controls: KeepControls = False,
    seed: Annotated[int, typer.Option(help="Seed of every draw.", metavar="N")] = 0,
    jobs: Jobs = None,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    task_timeout: TaskTimeout = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.", metavar="DIR")] = Path(
        "runs/benchmark"
    ),
    overwrite: Overwrite = False,
    resume: Resume = False,
    as_json: Json = False,
    no_cache: NoCache = False,
) -> None:
    """Compare models on many cohorts by nested cross-validation, and rank them.

    Example: leukotype benchmark cumida --models logistic,knn,forest --out runs/cumida

    Cohorts that cannot be had, or that fit no design, are listed with the reason. A benchmark that was ended before its
    end goes on by the same command; given again with more models or cohorts, it computes only what is new.
    """
    from leukotype import benchmark as rooms
    from leukotype import datasets, execution, metrics
    from leukotype import results as outputs
    from leukotype.benchmark import published
    from leukotype.models import plugins, tuning
    from leukotype.resampling import Design

    chosen = plugins.choose(names(models), plugin or ())
    if tune_by not in tuning.CRITERIA:
        raise UnknownName(f"no criterion {tune_by!r}. There are {', '.join(tuning.CRITERIA)}.")
    [judged] = metrics.get([metric])
    if judged.per_class:
        raise UnknownName(
            f"{metric} is one number a class, and ranks need one number a model. Choose another --metric."
        )
    design = Design(_outer(outer, protocol), inner, repeats, seed)
    execution.check_engine(engine, jobs=jobs, scheduler=scheduler, time_limit=task_timeout)
    # What a benchmark left, another takes further: with a model or a cohort more, only these are computed.
    overwrite = overwrite or resume or rooms.is_benchmark(out)
    outputs.check_output(out, overwrite=overwrite, resume=True)
    with console.progress("Looking for cohorts", None) as advance:
        sources, missing = rooms.find(what, say=advance)
    options = {"label": label, "scale": scale, "impute": impute, "keep_controls": keep_controls}
    wish = {
        "models": [model.name for model in chosen], "cohorts": [source.name for source in sources],
        **dataclasses.asdict(design), "tune_by": tune_by, "drop_small": drop_small, **options,
    }  # fmt: skip
    kept = outputs.keeping(out, wish, kind="benchmark", overwrite=overwrite, resume=resume, say=console.say)
    workers = execution.open_engine(engine, jobs=jobs, scheduler=scheduler, time_limit=task_timeout)
    with workers, kept as store:
        with console.progress("Cohorts", len(sources)) as advance:
            found = rooms.run(
                sources,
                chosen,
                design,
                missing=missing,
                metric=metric,
                tune_by=tune_by,
                protocol=published.PROTOCOL if protocol else "",
                drop_small=drop_small,
                engine=workers,
                store=store,
                options={**options, "cache": None if no_cache else datasets.parse_cache()},
                on_cohort=lambda name, tasks: advance(name),
            )
        _say_missing(found)
        with console.progress("Leaderboard", None) as advance:
            outputs.save_benchmark(
                found, out, overwrite=overwrite, resume=True, command=console.command(), on_step=advance
            )
    if as_json:
        print(json.dumps({"out": str(out), **json.loads((out / "leaderboard.json").read_text())}, indent=2))
    else:
        console.show_leaderboard(found, out)
    n_failed = sum(1 for _ in found.failures)
    if n_failed:
        raise LeukotypeError(
            f"{n_failed} models gave no result on a cohort; the reasons stand above and in {out}."
        )


def _say_missing(found: Benchmark) -> None:
    for one in found.left_out:
        console.say(f"Left out {one.name}: {one.reason}")
    for cohort, model, reason in found.failures:
        console.say(f"No result of {model} on {cohort}: {reason}")
    if not any(result.models for result in found.results):
        n = len(found.left_out) + len(found.results)
        raise LeukotypeError(
            f"none of {n} cohorts gave a result; the reasons stand above. Nothing was written."
        )


def _outer(outer: int | None, protocol: str | None) -> int:
    from leukotype.benchmark import published

    if protocol is None:
        return 5 if outer is None else outer
    if protocol.casefold() != published.PROTOCOL:
        raise UnknownName(f"no protocol {protocol!r}. There is {published.PROTOCOL}.")
    if outer not in (None, published.OUTER):
        raise InfeasibleDesign(
            f"--outer {outer} is not the protocol of {published.PROTOCOL}, which has {published.OUTER} folds. "
            "Leave out one of the two."
        )
    return published.OUTER

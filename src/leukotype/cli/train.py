"""`leukotype train`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from leukotype import console
from leukotype.cli.options import (
    AnnotationFile,
    Covariates,
    Data,
    Donor,
    DropClass,
    EngineName,
    Expression,
    FoldsFile,
    Impute,
    Jobs,
    Json,
    KeepControls,
    Label,
    Labels,
    MaxProbes,
    MaxSize,
    NoCache,
    Plugin,
    Samples,
    SamplesIn,
    Scale,
    Scheduler,
    TaskTimeout,
    names,
)


def train(
    data: Data = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Name of the model, or auto to choose one of --models.",
            metavar="NAME",
            show_default="logistic",
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(help="Candidates of --model auto.", metavar="A,B", show_default="eight models"),
    ] = None,
    from_study: Annotated[
        Path | None, typer.Option(help="Train the best procedure of this study.", metavar="DIR")
    ] = None,
    plugin: Plugin = None,
    probes: Annotated[
        Path | None,
        typer.Option(
            help="File with probe ids or gene symbols, one per line: use only these.", metavar="FILE"
        ),
    ] = None,
    max_probes: MaxProbes = None,
    align: Annotated[
        str | None,
        typer.Option(
            help="Alignment of each sample to the training samples: none, quantile or rank.",
            metavar="HOW",
            show_default="quantile; none below 500 probes",
        ),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            help="Abstain so that this share of the calls is correct, with a probability of 85 %.",
            metavar="X",
            show_default="0.95",
        ),
    ] = None,
    target_coverage: Annotated[
        float | None, typer.Option(help="Abstain so that this share of samples is called.", metavar="X")
    ] = None,
    outer: Annotated[int | None, typer.Option(help="Outer folds.", metavar="N", show_default="5")] = None,
    inner: Annotated[
        int | None, typer.Option(help="Inner folds, for tuning.", metavar="N", show_default="3")
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Repeats of the outer folds.", metavar="N", show_default="3")
    ] = None,
    folds: FoldsFile = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all random draws.", metavar="N", show_default="0")
    ] = None,
    tune_by: Annotated[
        str | None,
        typer.Option(
            help="Criterion of the inner folds: log_loss, accuracy or balanced_accuracy.",
            show_default="log_loss",
        ),
    ] = None,
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
    name: Annotated[
        str | None, typer.Option(help="Name of the classifier.", show_default="DATA-MODEL")
    ] = None,
    jobs: Jobs = None,
    engine: EngineName = None,
    scheduler: Scheduler = None,
    task_timeout: TaskTimeout = None,
    out: Annotated[
        Path | None, typer.Option(help="File for the classifier.", metavar="FILE", show_default="NAME.leuko")
    ] = None,
    sign: Annotated[
        Path | None,
        typer.Option(help="Ed25519 private key (PEM): write a signature to FILE.sig.", metavar="KEY"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace that file.")] = False,
    as_json: Json = False,
    no_cache: NoCache = False,
    max_size: MaxSize = None,
) -> None:
    """Fit one procedure on a whole cohort and save it, with its nested estimate, in one file.

    Example: leukotype train Leukemia_GSE9476 --model logistic --out aml.leuko

    Repeat the command to resume an interrupted training.
    """
    from leukotype import execution, genes, results, signing
    from leukotype.classifier import Target, storing, training
    from leukotype.classifier.from_study import read_choice
    from leukotype.classifier.matching import restrict
    from leukotype.cli.study import read_cohort
    from leukotype.errors import InputError
    from leukotype.evaluation import AUTO
    from leukotype.models import plugins
    from leukotype.resampling import Design, draw, read_folds

    target = Target.of(target_accuracy, target_coverage)
    set_by_study = {
        "--model": model, "--align": align, "--max-probes": max_probes, "--outer": outer, "--inner": inner,
        "--seed": seed, "--tune-by": tune_by,
    }  # fmt: skip
    clash = next((flag for flag, value in set_by_study.items() if value is not None), None)
    if from_study is not None and clash is not None:
        raise InputError(
            f"{clash} and --from-study exclude each other: the study sets it. Use one of the two."
        )
    if models is not None and model != AUTO:
        raise InputError(
            "--models names the candidates of --model auto. Add --model auto, or use --model alone."
        )
    execution.check_engine(engine, jobs=jobs, scheduler=scheduler, time_limit=task_timeout)
    wanted = names(models) if model == AUTO else [model or "logistic"]
    chosen = plugins.choose(wanted, plugin or ())
    if model != AUTO and len(chosen) != 1:
        raise InputError(f"--model {model} names {len(chosen)} models. Name one model, or use --model auto.")
    key = None if sign is None else signing.SigningKey(sign)
    sources = [Path(each) for each in (data, sign) if each is not None]
    if out is not None:
        _check_new(out, overwrite, sources)
    symbols = {} if annotation is None else dict(genes.read_annotation(annotation).symbols)
    cohort = read_cohort(
        data, no_cache,
        label=label, labels=labels, donor=donor, samples=samples, samples_in=samples_in,
        covariates=tuple(covariate or ()), expression=tuple(expression or ()),
        drop_class=tuple(drop_class or ()), scale=scale, impute=impute,
        keep_controls=keep_controls, max_size=max_size,
    )  # fmt: skip
    given = {"outer": outer, "inner": inner, "repeats": repeats, "seed": seed}
    design = Design(**{"repeats": training.REPEATS} | {key: n for key, n in given.items() if n is not None})
    recipe: dict[str, Any] = {"align": align, "max_probes": max_probes, "tune_by": tune_by or "log_loss"}
    chosen_by = study_folds = None
    if from_study is not None:
        best = read_choice(from_study, cohort)
        chosen = plugins.choose([best.model], plugin or ())
        design, recipe, chosen_by = best.design, best.recipe, best.chosen_by
        study_folds = best.folds
        if repeats is not None:
            design = Design(design.outer, design.inner, repeats, design.seed)
        console.say(f"The best procedure of {from_study} uses {best.model}.")
    if probes is not None:
        cohort = restrict(cohort, probes, symbols)
        console.say(f"  {cohort.provenance.steps[-1]}")
    splits = draw(cohort, design) if folds is None else read_folds(folds, cohort, design)
    if study_folds not in (None, splits.fingerprint) and repeats is None and probes is None:
        raise InputError(f"the study in {from_study} used other folds. Name its file with --folds.")
    name = name or f"{cohort.name}-{AUTO if len(chosen) > 1 else chosen[0].name}"
    place = out or Path(f"{results.plain_name(name)}.leuko")
    if out is None:
        _check_new(place, overwrite, sources)
    n_steps = training.n_tasks(cohort, len(chosen), splits, recipe["align"], recipe["max_probes"])
    request = results.request(cohort, splits, chosen, **recipe)
    tasks = results.keeping(
        place.with_name(f"{place.name}.tasks"), request, kind="training", is_temporary=True, say=console.say
    )
    with tasks as store:
        with console.progress("Training", n_steps) as advance:
            classifier = training.train(
                cohort,
                AUTO if len(chosen) > 1 else chosen[0],
                models=chosen if len(chosen) > 1 else None,
                name=name,
                target=target,
                symbols=symbols,
                folds=splits,
                chosen_by=chosen_by,
                jobs=jobs,
                store=store,
                engine=engine,
                scheduler=scheduler,
                task_timeout=task_timeout,
                on_step=advance,
                **recipe,
            )
        storing.write(classifier, place, key)
    if as_json:
        signature = {} if key is None else {"signed_by": key.fingerprint}
        print(json.dumps({"file": str(place), **signature, "record": classifier.record}, indent=2))
    else:
        console.show_classifier(classifier, place)
        if key is not None:
            console.say(f"Signed by key {key.fingerprint}: {signing.signature_file(place)}")


def _check_new(place: Path, overwrite: bool, sources: Sequence[Path]) -> None:
    """Refuse a file, or its signature, that exists or cannot be written."""
    from leukotype import atomic, signing

    for path in (place, signing.signature_file(place)):
        atomic.check_new(path, overwrite=overwrite, read=sources)

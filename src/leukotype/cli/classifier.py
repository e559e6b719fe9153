"""`leukotype train`, `predict` and `inspect`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from leukotype import atomic, console
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
    NoCache,
    Plugin,
    Samples,
    Scale,
)

File = Annotated[
    Path, typer.Argument(help="A classifier that `leukotype train` left.", metavar="FILE", show_default=False)
]
Level = Annotated[float, typer.Option(help="Confidence of the prediction sets.", metavar="X")]
Annotated_ = Annotated[
    Path | None, typer.Option("--annotation", help="Table of probes and gene symbols.", metavar="FILE")
]


def train(
    data: Data = None,
    model: Annotated[
        str | None, typer.Option(help="Name of the model.", metavar="NAME", show_default="logistic")
    ] = None,
    from_study: Annotated[
        Path | None, typer.Option(help="Take the model that this study favours.", metavar="DIR")
    ] = None,
    plugin: Plugin = None,
    probes: Annotated[
        Path | None,
        typer.Option(help="File of probe ids or gene symbols, one a line: use no others.", metavar="FILE"),
    ] = None,
    max_probes: Annotated[
        int | None, typer.Option(help="Choose a panel of so many probes, anew in every fold.", metavar="K")
    ] = None,
    align: Annotated[
        str | None,
        typer.Option(
            help="How a sample is brought to the training scale: none, quantile or rank.",
            show_default="quantile; none below 500 probes",
        ),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            help="Abstain so that this share of each class's calls is right.",
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
        int | None, typer.Option(help="How often the outer folds are drawn.", metavar="N", show_default="3")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of every draw.", metavar="N", show_default="0")
    ] = None,
    tune_by: Annotated[
        str | None,
        typer.Option(
            help="log_loss, accuracy or balanced_accuracy, on the inner folds.", show_default="log_loss"
        ),
    ] = None,
    label: Label = None,
    labels: Labels = None,
    donor: Donor = None,
    samples: Samples = None,
    drop_class: DropClass = None,
    scale: Scale = "auto",
    impute: Impute = None,
    keep_controls: KeepControls = False,
    annotation: Annotated_ = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the classifier.", show_default="DATA-MODEL")
    ] = None,
    jobs: Jobs = None,
    engine: EngineName = None,
    out: Annotated[
        Path | None, typer.Option(help="File for the classifier.", metavar="FILE", show_default="NAME.leuko")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace that file.")] = False,
    as_json: Json = False,
    no_cache: NoCache = False,
) -> None:
    """Fit one model on a whole cohort and lock it in one file, with the honest estimate of itself.

    Example: leukotype train Leukemia_GSE9476 --model logistic --out aml.leuko
    """
    from leukotype import execution, genes
    from leukotype.classifier import files, training
    from leukotype.classifier.from_study import favoured
    from leukotype.classifier.panel import restrict
    from leukotype.cli.study import read_cohort
    from leukotype.errors import InputError
    from leukotype.models import plugins
    from leukotype.resampling import Design
    from leukotype.results.folder import plain_name

    target = files.target_of(target_accuracy, target_coverage)
    given = {"--model": model, "--outer": outer, "--inner": inner, "--seed": seed, "--tune-by": tune_by}
    clash = next((flag for flag, value in given.items() if value is not None), None)
    if from_study is not None and clash is not None:
        raise InputError(
            f"{clash} and --from-study do not go together: the study says what it was. Leave one out."
        )
    execution.check_engine(engine, jobs=jobs)
    recipe = plugins.choose([model or "logistic"], plugin or ())
    if len(recipe) != 1:
        raise InputError(
            f"--model {model} names {len(recipe)} models, and a classifier holds one. Name one of them."
        )
    repeats = training.REPEATS if repeats is None else repeats
    design = Design(5 if outer is None else outer, 3 if inner is None else inner, repeats, seed or 0)
    sources = () if data is None else (Path(data),)
    if out is not None:
        files.check_new(out, overwrite=overwrite, read=sources)
    symbols = {} if annotation is None else dict(genes.read_annotation(annotation).symbols)
    cohort = read_cohort(
        data, no_cache,
        label=label, labels=labels, donor=donor, samples=samples,
        drop_class=tuple(drop_class or ()), scale=scale, impute=impute,
        keep_controls=keep_controls,
    )  # fmt: skip
    criterion, chosen_by = tune_by or "log_loss", None
    if from_study is not None:
        best = favoured(from_study, cohort, repeats=repeats)
        recipe = plugins.choose([best.model], plugin or ())
        design, criterion, chosen_by = best.design, best.tune_by, best.chosen_by
        console.say(f"{from_study} favours {best.model}.")
    if probes is not None:
        cohort = restrict(cohort, probes, symbols)
        console.say(f"  {cohort.provenance.steps[-1]}")
    name = name or f"{cohort.name}-{recipe[0].name}"
    place = out or Path(f"{plain_name(name)}.leuko")
    if out is None:
        files.check_new(place, overwrite=overwrite, read=sources)
    n_steps = training.n_tasks(cohort, design, align, max_probes)  # type: ignore[arg-type]  # checked in train
    with console.progress("Training", n_steps) as advance:
        classifier = training.train(
            cohort,
            recipe[0],
            name=name,
            align=align,  # type: ignore[arg-type]  # checked there, with the choices in the message
            max_probes=max_probes,
            target=target,
            symbols=symbols,
            design=design,
            tune_by=criterion,  # type: ignore[arg-type]  # the same
            chosen_by=chosen_by,
            jobs=jobs,
            engine=engine,
            on_step=advance,
        )
    classifier.save(place)
    if as_json:
        print(json.dumps({"file": str(place), "record": classifier.record}, indent=2))
    else:
        console.show_classifier(classifier, place)


def predict(
    file: File,
    new: Annotated[
        Path,
        typer.Argument(help="New samples, in any format that is read.", metavar="NEW", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="CSV for the calls; a page of evidence goes beside it.",
            metavar="FILE",
            show_default="print them",
        ),
    ] = None,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Write that page.")] = True,
    why: Annotated[int, typer.Option(help="Probes of evidence per sample on the page.", metavar="N")] = 10,
    level: Level = 0.9,
    samples: Samples = None,
    scale: Scale = "auto",
    annotation: Annotated_ = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace those files.")] = False,
    as_json: Json = False,
) -> None:
    """Call new samples, each by itself: what else is in the file changes nothing.

    Example: leukotype predict aml.leuko new.csv --out calls.csv
    """
    from leukotype import classifier as rooms
    from leukotype import readers
    from leukotype.classifier import conformal, files
    from leukotype.errors import InfeasibleDesign

    conformal.check_level(level)
    if why < 0:
        raise InfeasibleDesign(f"--why is {why}, and must be at least 0.")
    beside = None
    if out is not None:
        files.check_new(out, overwrite=overwrite, read=(file, new))
        beside = files.page_beside(out) if page else None
    if beside is not None:
        files.check_new(beside, overwrite=overwrite, read=(file, new))
    symbols = files.symbols_of(annotation)
    classifier = rooms.load(file)
    batch = readers.read_batch(new, samples=samples, scale=scale)
    calls = classifier.predict(batch, level=level, why=why if beside is not None else 0, annotation=symbols)
    written = []
    if beside is not None:
        from leukotype.results.calls_page import calls_page as drawn

        facts, command = files.facts(classifier), console.command()
        text = drawn(calls, classifier=facts, source=batch.provenance, command=command)
        atomic.put(beside, text.encode())
        written.append(beside)
    if out is not None:
        atomic.put(out, calls.to_csv().encode())
        written.insert(0, out)
    if as_json:
        from leukotype.results import json_report

        print(json.dumps(json_report.calls_json(calls, classifier), indent=2))
    elif out is None:
        sys.stdout.write(calls.to_csv())
    else:
        console.show_calls(calls, written)


def inspect(file: File, as_json: Json = False) -> None:
    """Show the model card of a classifier: what it is for, what it is worth, and where it ends.

    Example: leukotype inspect aml.leuko
    """
    from leukotype import classifier as rooms

    found = rooms.load(file)
    if as_json:
        print(
            json.dumps(
                {"name": found.name, "fingerprint": found.fingerprint, "record": found.record}, indent=2
            )
        )
    else:
        console.show_card(found.card, found.fingerprint)

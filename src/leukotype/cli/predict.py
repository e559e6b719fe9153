"""`leukotype predict`, `validate` and `inspect`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from leukotype import atomic, console
from leukotype.cli.options import (
    AnnotationFile,
    ClassifierFile,
    Json,
    Label,
    Labels,
    Level,
    MaxSize,
    Overwrite,
    SafeCsv,
    Samples,
    SamplesIn,
    Scale,
    Trusted,
)


def predict(
    file: ClassifierFile,
    new: Annotated[
        Path,
        typer.Argument(help="New samples in any supported format.", metavar="NEW", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="CSV for the calls; a page of evidence is written next to it.",
            metavar="FILE",
            show_default="print them",
        ),
    ] = None,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Write the page of evidence.")] = True,
    why: Annotated[int, typer.Option(help="Probes of evidence per sample on the page.", metavar="N")] = 10,
    level: Level = 0.9,
    samples: Samples = None,
    samples_in: SamplesIn = None,
    scale: Scale = "auto",
    max_size: MaxSize = None,
    annotation: AnnotationFile = None,
    trusted: Trusted = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace those files.")] = False,
    safe_csv: SafeCsv = False,
    as_json: Json = False,
) -> None:
    """Call new samples, each sample independently of the others.

    Example: leukotype predict aml.leuko new.csv --out calls.csv
    """
    from leukotype import classifier as rooms
    from leukotype import genes, readers
    from leukotype.classifier import conformal
    from leukotype.errors import InfeasibleDesign, OutputRefused
    from leukotype.results import json_report

    conformal.check_level(level)
    if why < 0:
        raise InfeasibleDesign(f"--why is {why}. Use 0 or more.")
    evidence = None
    if out is not None:
        atomic.check_new(out, overwrite=overwrite, read=(file, new))
        evidence = out.with_suffix(".html") if page else None
    if evidence is not None:
        if evidence == out:
            raise OutputRefused(
                f"{out} is the name of the page of evidence, but calls are a CSV. Use a name such as "
                f"{out.with_suffix('.csv').name}, or --no-page."
            )
        atomic.check_new(evidence, overwrite=overwrite, read=(file, new))
    symbols = None if annotation is None else dict(genes.read_annotation(annotation).symbols)
    classifier = rooms.load(file, trusted)
    batch = readers.read_batch(new, samples=samples, samples_in=samples_in, scale=scale, max_size=max_size)
    console.say_warnings(batch.provenance)
    calls = classifier.predict(batch, level=level, why=why if evidence is not None else 0, annotation=symbols)
    written = []
    if evidence is not None:
        from leukotype.results.calls_page import calls_page

        text = calls_page(calls, classifier=classifier, source=batch.provenance, command=console.command())
        atomic.put(evidence, text.encode())
        written.append(evidence)
    if out is not None:
        atomic.put(out, calls.to_csv(safe=safe_csv).encode())
        written.insert(0, out)
    if as_json:
        print(json.dumps(json_report.calls_json(calls, classifier), indent=2))
    elif out is None:
        text = calls.to_csv(safe=safe_csv)
        # A program gets the exact bytes; a terminal gets no control characters.
        if sys.stdout.isatty():
            console.put(text.rstrip("\n"))
        else:
            sys.stdout.write(text)
    else:
        console.show_calls(calls, written)


def validate(
    file: ClassifierFile,
    labelled: Annotated[
        Path,
        typer.Argument(
            help="Labelled samples in any supported format.", metavar="LABELLED", show_default=False
        ),
    ],
    label: Label = None,
    labels: Labels = None,
    samples: Samples = None,
    samples_in: SamplesIn = None,
    scale: Scale = "auto",
    max_size: MaxSize = None,
    classes: Annotated[
        Path | None,
        typer.Option(
            help="CSV with two columns: class in the file, class of the classifier.", metavar="FILE"
        ),
    ] = None,
    annotation: AnnotationFile = None,
    level: Level = 0.9,
    trusted: Trusted = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results.", metavar="DIR", show_default="runs/NAME-external"),
    ] = None,
    overwrite: Overwrite = False,
    safe_csv: SafeCsv = False,
    as_json: Json = False,
) -> None:
    """Test a classifier on labelled samples that it was not trained on.

    Example: leukotype validate aml.leuko other-hospital.csv --label diagnosis --out runs/external
    """
    from leukotype import classifier as rooms
    from leukotype import genes, readers, results
    from leukotype.classifier import conformal, validation

    conformal.check_level(level)
    if out is not None:
        results.check_output(out, overwrite=overwrite)
    names = None if classes is None else readers.read_labels(classes)
    symbols = None if annotation is None else dict(genes.read_annotation(annotation).symbols)
    classifier = rooms.load(file, trusted)
    folder = out or Path("runs") / f"{results.plain_name(classifier.name)}-external"
    if out is None:
        results.check_output(folder, overwrite=overwrite)
    batch = readers.read_batch(
        labelled,
        label=label,
        labels=labels,
        samples=samples,
        samples_in=samples_in,
        scale=scale,
        wants_labels=True,
        max_size=max_size,
    )
    console.say_warnings(batch.provenance)
    found = validation.validate(classifier, batch, names=names, level=level, annotation=symbols)
    with console.progress("Figures and report", None) as advance:
        results.save_validation(
            found, folder, overwrite=overwrite, command=console.command(), on_step=advance, safe_csv=safe_csv
        )
    if as_json:
        console.print_json(folder, "validation.json")
    else:
        console.show_validation(found, folder)


def inspect(file: ClassifierFile, trusted: Trusted = None, as_json: Json = False) -> None:
    """Show the model card of a classifier: purpose, performance and limitations.

    Example: leukotype inspect aml.leuko
    """
    from leukotype import classifier as rooms
    from leukotype.classifier import storing

    found = rooms.load(file, trusted)
    signer = found.signed_by or storing.signer(file)
    if as_json:
        facts: dict[str, object] = {"name": found.name, "fingerprint": found.fingerprint}
        if signer:
            facts |= {"signed_by": signer, "is_trusted": bool(found.signed_by)}
        print(json.dumps({**facts, "record": found.record}, indent=2))
    else:
        console.show_card(found.card, found.fingerprint, signer, is_trusted=bool(found.signed_by))

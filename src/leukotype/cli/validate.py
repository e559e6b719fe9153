"""`leukotype validate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from leukotype import console
from leukotype.cli.options import Json, Label, Labels, Overwrite, Samples, Scale


def validate(
    file: Annotated[
        Path,
        typer.Argument(help="A classifier that `leukotype train` left.", metavar="FILE", show_default=False),
    ],
    labelled: Annotated[
        Path,
        typer.Argument(
            help="Labelled samples, in any format that is read.", metavar="LABELLED", show_default=False
        ),
    ],
    label: Label = None,
    labels: Labels = None,
    samples: Samples = None,
    scale: Scale = "auto",
    classes: Annotated[
        Path | None,
        typer.Option(help="CSV of two columns: the file's class, the classifier's class.", metavar="FILE"),
    ] = None,
    annotation: Annotated[
        Path | None, typer.Option(help="Table of probes and gene symbols.", metavar="FILE")
    ] = None,
    level: Annotated[float, typer.Option(help="Confidence of the prediction sets.", metavar="X")] = 0.9,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results.", metavar="DIR", show_default="runs/NAME-external"),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Try a locked classifier on labelled samples that had no part in making it.

    Example: leukotype validate aml.leuko other-hospital.csv --label diagnosis --out runs/external
    """
    from leukotype import classifier as rooms
    from leukotype import readers
    from leukotype import results as outputs
    from leukotype.classifier import conformal, files, validation
    from leukotype.results.page import by_severity
    from leukotype.results.validation_page import notices

    conformal.check_level(level)
    if out is not None:
        outputs.check_output(out, overwrite=overwrite)
    names = None if classes is None else validation.read_names(classes)
    symbols = files.symbols_of(annotation)
    classifier = rooms.load(file)
    folder = out or Path("runs") / f"{outputs.plain_name(classifier.name)}-external"
    if out is None:
        outputs.check_output(folder, overwrite=overwrite)
    batch = readers.read_batch(
        labelled, label=label, labels=labels, samples=samples, scale=scale, wants_labels=True
    )
    found = validation.validate(classifier, batch, names=names, level=level, annotation=symbols)
    with console.progress("Figures and report", None) as advance:
        outputs.save_validation(
            found, folder, overwrite=overwrite, command=console.command(), on_step=advance
        )
    if as_json:
        print(
            json.dumps({"out": str(folder), **json.loads((folder / "validation.json").read_text())}, indent=2)
        )
    else:
        console.show_validation(found, folder)
        for notice in by_severity(notices(found)):
            if notice.level != "note":
                console.say(f"{notice.level.capitalize()}: {notice.title}. {notice.text}")

"""`leukotype check-claim`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from leukotype import console
from leukotype.cli.options import Json, Share


def check_claim(
    n_test: Annotated[int | None, typer.Option(metavar="N", help="Test samples.")] = None,
    accuracy: Share = None,
    precision: Share = None,
    recall: Share = None,
    f1: Share = None,
    n_positive: Annotated[
        int | None,
        typer.Option(metavar="N", help="Test samples of the class of precision, recall and F1."),
    ] = None,
    n_total: Annotated[
        int | None,
        typer.Option(metavar="N", help="All samples, if each was tested once in cross-validation."),
    ] = None,
    folds: Annotated[int, typer.Option(metavar="N", help="Folds, if the numbers are means over folds.")] = 1,
    repeats: Annotated[int, typer.Option(metavar="N", help="Repeats of the cross-validation.")] = 1,
    classes: Annotated[int | None, typer.Option(metavar="K", help="Number of classes.")] = None,
    average: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="Of precision, recall and F1: binary (of one class), macro, weighted or micro.",
        ),
    ] = None,
    class_sizes: Annotated[
        str | None, typer.Option(metavar="N,N", help="Test samples of each class, if known.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check whether a published number is possible with this number of test samples, and give its interval.

    Example: leukotype check-claim --n-test 13 --accuracy 0.96

    Precision, recall and F1 are judged if --classes and --average are given.
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
        repeats=repeats,
        classes=classes,
        average=average,
        class_sizes=None if class_sizes is None else _sizes(class_sizes),
    )
    console.put(json.dumps(claim.as_dict(), indent=2) if as_json else "\n".join(claim.lines()))


def _sizes(text: str) -> list[int]:
    """Return the sizes in a list such as 26,10,8."""
    from leukotype.errors import InputError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts):
        raise InputError(f"--class-sizes is {text[:40]!r}. Use whole numbers with commas, such as 26,10,8.")
    return [int(part) for part in parts]

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
    folds: Annotated[
        int | None, typer.Option(metavar="N", help="Number of folds, if the claim is a mean over folds.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check whether a published number is possible with this number of test samples, and give its interval.

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
    console.put(json.dumps(claim.as_dict(), indent=2) if as_json else "\n".join(claim.lines()))

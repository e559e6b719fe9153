"""`leukotype check-claim`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from leukotype.cli.options import Json, Share


def check_claim(
    n_test: Annotated[int | None, typer.Option(metavar="N", help="Test samples.")] = None,
    accuracy: Share = None,
    precision: Share = None,
    recall: Share = None,
    f1: Share = None,
    n_positive: Annotated[
        int | None,
        typer.Option(metavar="N", help="Test samples of the class that precision, recall, F1 are of."),
    ] = None,
    n_total: Annotated[
        int | None, typer.Option(metavar="N", help="Samples in all, where each was tested once, in folds.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(metavar="N", help="Folds, where the number is a mean over them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell whether a printed number can exist on so many test samples, and what interval it deserves.

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
    print(json.dumps(claim.as_dict(), indent=2) if as_json else "\n".join(claim.lines()))

"""What a classifier's file says of itself, as JSON facts: where it comes from, and what it is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import PurePath
from typing import Any

import pandas as pd

from leukotype.classifier.calibration import Choice
from leukotype.classifier.fitting import Recipe
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.models import versions

SCHEMA = 1


def recorded(
    cohort: Cohort,
    evaluation: Evaluation,
    *,
    recipe: Recipe,
    setting: Mapping[str, object],
    n_read: int,
    calibration: Choice,
    decisions: Mapping[str, Any],
    plainer: Sequence[tuple[Recipe, Evaluation]],
    why_no_sets: str,
    chosen: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the record of a classifier: plain types, null for what is not a number, the same for the same cohort."""
    design = evaluation.folds.design
    curve = {"risk_coverage": decisions["risk_coverage"]}
    return {
        "schema": SCHEMA,
        "leukotype": metadata.version("leukotype"),
        "model": {
            "name": recipe.model.name,
            "title": recipe.model.title,
            "cite": recipe.model.cite,
            "setting": {key: _plain(value) for key, value in setting.items()},
            "n_read": n_read,
        },
        "recipe": {"align": recipe.align, "max_probes": recipe.max_probes, "tune_by": recipe.criterion},
        # A path says more of the machine than of the cohort.
        "cohort": {**cohort.facts(), "source": PurePath(cohort.provenance.source.replace("\\", "/")).name},
        "design": {
            "outer": design.outer,
            "inner": design.inner,
            "repeats": design.repeats,
            "seed": design.seed,
            "fingerprint": evaluation.folds.fingerprint,
            "grouped": evaluation.folds.grouped,
        },
        "performance": performance(evaluation),
        "per_class": _per_class(evaluation),
        "chosen": None if chosen is None else dict(chosen),
        "calibration": {
            "method": calibration.calibration.method,
            "losses": calibration.losses,
            "said": calibration.said,
        },
        "decisions": {key: value for key, value in decisions.items() if key not in curve},
        **curve,
        "without": [
            {"align": other.align, "max_probes": other.max_probes, "performance": performance(found)}
            for other, found in plainer
        ],
        "sets": {"why_none": why_no_sets},
        "code": versions.fingerprint((*versions.ROOMS, "classifier")),
        "versions": versions.packages(),
    }


def performance(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Return every metric of the one model, out of fold, every sample called."""
    return {str(row["metric"]): _number(row) for row in evaluation.summary().to_dict("records")}


def _per_class(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    table: pd.DataFrame = evaluation.per_class()
    return {
        name: {str(row["metric"]): _number(row) for row in table[table["class"] == name].to_dict("records")}
        for name in evaluation.classes
    }


def _number(row: Mapping[Any, Any]) -> dict[str, Any]:
    row = dict(row)
    if str(row["interval"]).endswith("(degenerate)"):
        # Every resample gave the same value: no interval can be told.
        row["low"] = row["high"] = math.nan
    return {
        "title": str(row["title"]),
        **{key: float(row[key]) if math.isfinite(row[key]) else None for key in ("value", "low", "high")},
        "interval": str(row["interval"]),
    }


def _plain(value: object) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)

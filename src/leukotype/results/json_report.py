"""The report's JSON twin: the same numbers for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from leukotype import __version__
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.results.statements import as_study
from leukotype.studies import Study

SCHEMA = 1


def study_json(source: Evaluation | Study) -> dict[str, Any]:
    """Return the content of study.json: plain types, null for what is not a number.

    Only `seconds` differs between two runs of the same study.
    """
    return of_evaluation(as_study(source))


def of_evaluation(study: Study) -> dict[str, Any]:
    """As `study_json`, from numbers that are computed already."""
    evaluation, summary, per_class = study.evaluation, study.metrics, study.class_metrics
    folds, design = evaluation.folds, evaluation.folds.design
    seconds = evaluation.settings().groupby("model")["seconds"].sum()
    return {
        "schema": SCHEMA,
        "version": __version__,
        "cohort": evaluation.cohort.facts(),
        "design": {
            "outer": design.outer,
            "inner": design.inner,
            "repeats": design.repeats,
            "seed": design.seed,
            "fingerprint": folds.fingerprint,
            "source": folds.source,
            "grouped": folds.grouped,
            "tune_by": evaluation.tune_by,
        },
        "models": {
            model: {
                "title": evaluation.title(model),
                "baseline": evaluation.model(model).baseline,
                "seconds": round(float(seconds[model]), 3),
                "metrics": _metrics(summary[summary["model"] == model]),
                "classes": {
                    name: _metrics(per_class[(per_class["model"] == model) & (per_class["class"] == name)])
                    for name in evaluation.classes
                },
            }
            for model in evaluation.names
        },
        **_worth(study),
    }


def _worth(study: Study) -> dict[str, Any]:
    """What the numbers are worth; null for what was not asked for."""
    test, curve = study.permutation, study.learning
    return {
        "best": _plain(vars(study.best)),
        "comparisons": None if study.comparisons is None else _records(study.comparisons),
        "stability": _records(study.stability),
        "audits": [finding.as_dict() for finding in study.audits],
        "permutation": None if test is None else _records(test.table()),
        "leaks": None if study.leaks is None else _records(study.leaks),
        "learning": None
        if curve is None
        else {"curve": _records(curve.table()), "halving": _records(curve.halving())},
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [_plain(record) for record in frame.to_dict("records")]


def _plain(record: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name): _plain(value)
        if isinstance(value, Mapping)
        else _number(value)
        if isinstance(value, float)
        else value
        for name, value in record.items()
    }


def cohort_json(cohort: Cohort) -> dict[str, Any]:
    """Return the content of cohort.json, which `leukotype explore` leaves."""
    return {"schema": SCHEMA, "version": __version__, "cohort": cohort.facts()}


def _metrics(rows: pd.DataFrame) -> dict[str, Any]:
    return {
        str(row.metric): {
            "value": _number(row.value),
            "low": _number(row.low),
            "high": _number(row.high),
            "interval": str(row.interval),
        }
        for row in rows.itertuples()
    }


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None

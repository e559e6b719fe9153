"""The report's JSON twin: the same numbers for programs."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from leukotype import __version__
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.reporting.ranking import Ranking, is_baseline, title

SCHEMA = 1


def study_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the content of study.json: plain types, null for what is not a number.

    Only `seconds` differs between two runs of the same study.
    """
    return of_evaluation(Ranking.of(evaluation))


def of_evaluation(ranking: Ranking) -> dict[str, Any]:
    """As `study_json`, from numbers that are computed already."""
    evaluation, summary, per_class = ranking.evaluation, ranking.summary, ranking.per_class
    folds, design = evaluation.folds, evaluation.folds.design
    seconds = evaluation.settings().groupby("model")["seconds"].sum()
    return {
        "schema": SCHEMA,
        "version": __version__,
        "cohort": cohort_facts(evaluation.cohort),
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
                "title": title(model),
                "baseline": is_baseline(model),
                "seconds": round(float(seconds[model]), 3),
                "metrics": _metrics(summary[summary["model"] == model]),
                "classes": {
                    name: _metrics(per_class[(per_class["model"] == model) & (per_class["class"] == name)])
                    for name in evaluation.classes
                },
            }
            for model in evaluation.models
        },
    }


def cohort_json(cohort: Cohort) -> dict[str, Any]:
    """Return the content of cohort.json, which `leukotype explore` leaves."""
    return {"schema": SCHEMA, "version": __version__, "cohort": cohort_facts(cohort)}


def cohort_facts(cohort: Cohort) -> dict[str, Any]:
    """What a cohort is and where it came from."""
    provenance = cohort.provenance
    return {
        "name": cohort.name,
        "source": provenance.source,
        "sha256": provenance.sha256,
        "fingerprint": cohort.fingerprint,
        "n_samples": cohort.n_samples,
        "n_probes": cohort.n_probes,
        "n_donors": None if cohort.donors is None else len(set(cohort.donors.tolist())),
        "classes": cohort.class_counts,
        "scale": provenance.scale,
        "steps": list(provenance.steps),
        "simulated": provenance.simulated,
        "citation": provenance.citation,
        "licence": provenance.licence,
    }


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

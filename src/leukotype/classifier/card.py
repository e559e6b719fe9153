"""The record of a classifier as JSON facts, and the model card that is derived from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pandas as pd

from leukotype import audits
from leukotype.classifier.abstention import NEVER, Target, never_called, shortfall
from leukotype.classifier.calibration import Choice
from leukotype.classifier.calls import MARGIN, UNLIKE
from leukotype.classifier.conformal import LEVEL
from leukotype.evaluation import Evaluation
from leukotype.models import versions
from leukotype.recipes import Recipe

if TYPE_CHECKING:
    from leukotype.classifier.classifier import Classifier

SCHEMA = 1
_SHARES = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
_ALIGNED = {
    "none": "Values are used as they are.",
    "quantile": "The values of each sample are replaced by the mean order statistics of the training samples, "
    "independently of other samples (quantile normalisation to a frozen reference; Bolstad et al. 2003, McCall et al. "
    "2010).",
    "rank": "The values of each sample are replaced by normal scores, so only their order counts.",
}


def recorded(
    evaluation: Evaluation,
    *,
    recipe: Recipe,
    candidates: Sequence[str],
    setting: Mapping[str, object],
    n_read: int,
    calibration: Choice,
    decisions: Mapping[str, Any],
    without: Sequence[Evaluation],
    why_no_sets: str,
    chosen: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the record of a classifier: plain types, null for undefined numbers, equal for equal cohorts."""
    cohort, design = evaluation.cohort, evaluation.folds.design
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
        "candidates": list(candidates) if len(candidates) > 1 else [],
        "recipe": {"align": recipe.align, "max_probes": recipe.max_probes, "tune_by": recipe.tune_by},
        # A path describes the machine rather than the cohort.
        "cohort": {**cohort.facts(), "source": PurePath(cohort.provenance.source.replace("\\", "/")).name},
        "design": {
            "outer": design.outer,
            "inner": design.inner,
            "repeats": design.repeats,
            "seed": design.seed,
            "fingerprint": evaluation.folds.fingerprint,
            "grouped": evaluation.folds.grouped,
        },
        # The title says what was found; the sentence gives numbers and advice.
        "audits": [
            {"code": finding.code, "title": audits.by_code(finding.code).title, "sentence": finding.sentence}
            for finding in audits.errors(cohort, evaluation)
        ],
        "performance": performance(evaluation),
        "per_class": _per_class(evaluation),
        "chosen": None if chosen is None else dict(chosen),
        "calibration": {
            "method": calibration.calibration.method,
            "losses": calibration.losses,
            "said": calibration.reason,
        },
        "decisions": {key: value for key, value in decisions.items() if key not in curve},
        **curve,
        "without": [
            {"align": other.align, "max_probes": other.max_probes, "performance": performance(other)}
            for other in without
        ],
        "sets": {"why_none": why_no_sets},
        "code": versions.fingerprint((*versions.ROOMS, "classifier", "recipes")),
        "versions": versions.packages(),
    }


def performance(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Return every metric of the one model, out of fold and without abstention."""
    return {str(row["metric"]): _number(row) for row in evaluation.summary().to_dict("records")}


def card(classifier: Classifier) -> str:
    """Return the model card as Markdown, derived from the classifier and its record alone."""
    # Loaded here, because calling samples does not need it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("leukotype.classifier", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "given": _escaped,
        "estimate": estimate,
        "minimum": _minimum,
        "short": "{:g}".format,
    }
    record = classifier.record
    cohort, decisions = record["cohort"], record["decisions"]
    names = tuple(map(_escaped, classifier.classes))
    sets = None if classifier.sets is None else classifier.sets.describe(LEVEL, names)
    return environment.get_template("card.md.j2").render(
        {key: record[key] for key in ("cohort", "design", "performance", "without", "recipe", "calibration")},
        # Files of earlier versions have neither.
        warnings=cohort.get("warnings", ()),
        audits=record.get("audits", ()),
        name=classifier.name,
        classes=classifier.classes,
        model=record["model"],
        setting=", ".join(f"{key} = {value}" for key, value in record["model"]["setting"].items()),
        n_read=classifier.n_read,
        n_probes=len(classifier.probes),
        candidates=record["candidates"],
        chosen=record["chosen"],
        decisions=decisions,
        target=str(Target(**decisions["target"])) + shortfall(decisions),
        never=never_called(decisions) if (classifier.thresholds >= NEVER).all() else "",
        margin=decisions["reasons"][MARGIN],
        unlike=decisions["reasons"][UNLIKE],
        thresholds=list(zip(classifier.classes, classifier.thresholds.tolist(), strict=True)),
        risk=_risk(record["risk_coverage"]),
        sets=sets,
        why_no_sets=record["sets"]["why_none"],
        alignment=_ALIGNED[record["recipe"]["align"]],
        matched_by="probe id or gene symbol" if any(classifier.symbols) else "probe id",
        missing_limit=classifier.missing.limit,
        missing_curve=classifier.missing.curve,
        smallest=min(cohort["classes"].items(), key=lambda pair: pair[1]),
        version=record["leukotype"],
        versions=record["versions"],
        code=record["code"],
    )


def estimate(found: Mapping[str, Any]) -> str:
    """A number with its 95 % interval: "0.950 [0.880, 0.990]"; "not defined" if there is none."""
    value, low, high = (
        None if number is None or math.isnan(number) else f"{number:.3f}"
        for number in (found.get(key) for key in ("value", "low", "high"))
    )
    if value is None:
        return "not defined"
    return value if low is None or high is None else f"{value} [{low}, {high}]"


def _escaped(text: str) -> str:
    """A given name with its Markdown signs escaped, so that it also fits into a table."""
    return "".join(f"\\{sign}" if sign in "\\|<*`[" else sign for sign in text)


def _risk(curve: Sequence[Mapping[str, float]]) -> list[str]:
    """Rows of the risk-coverage curve: at each share the first point that reaches it."""
    rows = []
    for share in _SHARES:
        point = next((point for point in curve if point["coverage"] >= share - 1e-9), curve[-1])
        rows.append(f"| {100 * point['coverage']:.0f} % | {100 * point['error']:.1f} % |")
    return list(dict.fromkeys(rows))


def _minimum(threshold: float) -> str:
    if threshold >= NEVER:
        return "never: no confidence reached the target"
    return "any" if threshold == 0 else f"{threshold:.3f}"


def _per_class(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    table: pd.DataFrame = evaluation.per_class()
    return {
        name: {str(row["metric"]): _number(row) for row in table[table["class"] == name].to_dict("records")}
        for name in evaluation.classes
    }


def _number(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "title": str(row["title"]),
        **{key: float(row[key]) if math.isfinite(row[key]) else None for key in ("value", "low", "high")},
        "interval": str(row["interval"]),
    }


def _plain(value: object) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)

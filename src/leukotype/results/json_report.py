"""Every result as JSON: plain types, null for values that are not finite.

Importing this module loads no numerical library: the calls of a classifier need none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from leukotype import __version__

if TYPE_CHECKING:
    import pandas as pd

    from leukotype.benchmark import Benchmark, CohortResult
    from leukotype.classifier import Calls, Classifier
    from leukotype.classifier.validation import Number, Validation
    from leukotype.cohort import Cohort
    from leukotype.evaluation import Evaluation
    from leukotype.studies import Study

SCHEMA = 1


def text(content: Mapping[str, Any]) -> str:
    """Return JSON text, indented."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def study_json(study: Study) -> dict[str, Any]:
    """Return the content of study.json; only `seconds` differs between two runs of one study."""
    evaluation = study.evaluation
    folds, design = evaluation.folds, evaluation.folds.design
    seconds = evaluation.settings().groupby("model")["seconds"].sum()
    test, curve = study.permutation, study.learning
    return {
        **_head(),
        "cohort": study.cohort.facts(),
        "design": {
            **asdict(design),
            "fingerprint": folds.fingerprint,
            "source": folds.source,
            "grouped": folds.grouped,
            "tune_by": evaluation.tune_by,
            **_options(evaluation),
        },
        "models": {
            model.name: {
                "title": model.title,
                "baseline": model.baseline,
                "seconds": round(float(seconds[model.name]), 3),
                "metrics": _metrics(_of(study.metrics, model=model.name)),
                "classes": {
                    name: _metrics(_of(study.class_metrics, **{"model": model.name, "class": name}))
                    for name in evaluation.classes
                },
            }
            for model in evaluation.models
        },
        "best": plain(vars(study.best)),
        "comparisons": None if study.comparisons is None else _records(study.comparisons),
        "stability": _records(study.stability),
        "audits": [finding.as_dict() for finding in study.audits],
        "permutation": None if test is None else _records(test.table()),
        "leaks": None if study.leaks is None else _records(study.leaks),
        "learning": None
        if curve is None
        else {"curve": _records(curve.table()), "halving": _records(curve.halving())},
        **({"without": [_without(other) for other in study.without]} if study.without else {}),
    }


def cohort_json(cohort: Cohort) -> dict[str, Any]:
    """Return the content of cohort.json, written by `leukotype explore`."""
    return {**_head(), "cohort": cohort.facts()}


def benchmark_json(benchmark: Benchmark) -> dict[str, Any]:
    """Return the content of leaderboard.json."""
    from leukotype.benchmark import published

    board = benchmark.leaderboard
    printed = {result.name: entry.published for result, entry in published.known(benchmark)}
    models = {model.name: model for model in benchmark.models}
    return {
        **_head(),
        "metric": benchmark.metric,
        "design": {
            **asdict(benchmark.design),
            "tune_by": benchmark.tune_by,
            **_options(benchmark),
            "protocol": benchmark.protocol or None,
        },
        "models": [
            {**row, **{key: getattr(models[row["model"]], key) for key in ("title", "baseline", "code")}}
            for row in _records(benchmark.table)
        ],
        "tests": {
            "n_cohorts": board.n_cohorts,
            "friedman": None if board.friedman is None else plain(asdict(board.friedman)),
            "permutation_p": plain(board.p),
            "critical_difference": board.critical_difference,
            "not_told_apart": [list(group) for group in board.groups],
            "pairs": _records(board.pairs),
        },
        "cohorts": [_cohort(result, printed.get(result.name, {})) for result in benchmark.cohorts],
        "left_out": [{"cohort": one.name, "reason": one.reason} for one in benchmark.left_out],
        "failures": [
            {"cohort": cohort, "model": model, "reason": reason}
            for cohort, model, reason in benchmark.failures
        ],
        "same_samples": [list(pair) for pair in benchmark.same_samples],
    }


def validation_json(validation: Validation) -> dict[str, Any]:
    """Return the content of validation.json."""
    from leukotype.classifier.validation import EDGE, EXPECTED_UNLIKE

    classifier, batch, calls = validation.classifier, validation.batch, validation.calls
    coverage = validation.coverage
    return {
        **_head(),
        "classifier": identity(classifier),
        "samples": {
            "n": batch.n_samples,
            "source": batch.provenance.source,
            "sha256": batch.provenance.sha256,
            "classes": validation.class_counts,
            "not_trained_on": int((~validation.known).sum()),
            "absent": list(validation.absent),
            "matched": calls.matched,
        },
        "metrics": {
            name: {**_number(number), "claimed": dict(validation.claimed(name)) or None}
            for name, (_, number) in validation.metrics.items()
        },
        "undefined": list(validation.undefined),
        "training_samples": {
            "left_out": list(validation.trained_on),
            "not_compared": validation.unchecked,
        },
        "called": _number(validation.share_called),
        "right_among_called": _number(validation.right_among_called),
        "reasons": validation.reasons,
        "calibration": {"mean_confidence": validation.confidence, "accuracy": float(validation.right.mean())},
        "sets": None
        if coverage is None
        else {
            "level": calls.level,
            **_number(coverage),
            "mean_size": validation.set_size,
            "calls_outside": _number(validation.right_outside),
        },
        "near_the_edge": {"expected": EDGE, **_number(validation.near_the_edge)},
        "unlike": {"expected": EXPECTED_UNLIKE, **_number(validation.unlike)},
    }


def identity(classifier: Classifier) -> dict[str, str]:
    """Return name and fingerprint of a classifier, and the trusted key that signed its file."""
    known = {"name": classifier.name, "fingerprint": classifier.fingerprint}
    return known | ({"signed_by": classifier.signed_by} if classifier.signed_by else {})


def calls_json(calls: Calls, classifier: Classifier) -> dict[str, Any]:
    """Return the calls of a batch, as printed by `leukotype predict --json`."""
    from leukotype.classifier.calls import OUTSIDE

    return {
        "classifier": identity(classifier),
        "matched": calls.matched,
        "level": calls.level,
        "samples": [
            {
                "sample": str(calls.samples[row]),
                "call": calls.calls[row],
                "reasons": list(calls.reasons[row]),
                "probabilities": dict(zip(calls.classes, calls.probabilities[row].tolist(), strict=True)),
                "set": None if calls.sets is None else list(calls.set_of(row)),
                "flags": [OUTSIDE] if calls.outside[row] else [],
                "unlikeness": float(calls.novelty[row]),
                "p_like": float(calls.p_like[row]),
                "probes_missing": int(calls.missing[row]),
                "probes_read": calls.n_read,
                "scale": calls.scales[row],
            }
            for row in range(calls.n_samples)
        ],
    }


def plain(value: Any) -> Any:
    """Return plain types; None for a number that is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return int(value) if hasattr(value, "__index__") and not isinstance(value, bool) else value


def _head() -> dict[str, Any]:
    return {"schema": SCHEMA, "version": __version__}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [plain(record) for record in frame.to_dict("records")]


def _of(frame: pd.DataFrame, **values: str) -> pd.DataFrame:
    """Return the rows with these values, without those columns."""
    for column, value in values.items():
        frame = frame[frame[column] == value].drop(columns=column)
    return frame


def _metrics(frame: pd.DataFrame) -> dict[str, Any]:
    """Return value, low, high and interval by metric, from the rows of one model."""
    names = ["metric", "value", "low", "high", "interval"]
    return {row.pop("metric"): row for row in _records(frame[names])}


def _options(result: Evaluation | Benchmark) -> dict[str, Any]:
    """Return the options of the recipe; empty if none was used, as in files of earlier versions."""
    options = {"align": result.align, "max_probes": result.max_probes}
    return {} if options == {"align": "none", "max_probes": None} else options


def _without(other: Evaluation) -> dict[str, Any]:
    summary = other.summary()
    models = {model: {"metrics": _metrics(_of(summary, model=model))} for model in other.names}
    return {"align": other.align, "max_probes": other.max_probes, "models": models}


def _cohort(result: CohortResult, printed: Mapping[str, float]) -> dict[str, Any]:
    from leukotype.evaluation import AUTO

    best = result.best
    return {
        **result.facts,
        "name": result.name,
        "folds": result.folds,
        "dropped_classes": list(result.dropped),
        "models": {model: {"metrics": _metrics(_of(result.summary, model=model))} for model in result.models},
        "auto": _metrics(_of(result.summary, model=AUTO)) or None,
        "corrected_best": None if best is None else plain(asdict(best)),
        "published_accuracy": dict(printed),
    }


def _number(number: Number) -> dict[str, Any]:
    values = {key: plain(getattr(number, key)) for key in ("value", "low", "high")}
    return {**values, "n": number.n, "interval": number.method}

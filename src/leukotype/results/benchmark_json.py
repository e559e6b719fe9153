"""The leaderboard for programs: leaderboard.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from leukotype import __version__
from leukotype.benchmark import published
from leukotype.benchmark.outcome import Outcome
from leukotype.benchmark.result import Benchmark
from leukotype.evaluation import AUTO

SCHEMA = 1


def of_benchmark(benchmark: Benchmark) -> dict[str, Any]:
    """Return the content of leaderboard.json: plain types, null for what is not a number."""
    board, design = benchmark.board, benchmark.design
    printed = {outcome.name: entry.published for outcome, entry in published.known(benchmark)}
    known = {model.name: model for model in benchmark.models}
    models = [
        {
            **_plain(row),
            "title": known[row["model"]].title,
            "baseline": known[row["model"]].baseline,
            "code": known[row["model"]].code,
        }
        for row in benchmark.table.to_dict(orient="records")
    ]
    return {
        "schema": SCHEMA,
        "version": __version__,
        "metric": benchmark.metric,
        "design": {
            "outer": design.outer,
            "inner": design.inner,
            "repeats": design.repeats,
            "seed": design.seed,
            "tune_by": benchmark.tune_by,
            "protocol": benchmark.protocol or None,
        },
        "models": models,
        "tests": {
            "n_cohorts": board.n_cohorts,
            "friedman": None if board.friedman is None else _plain(asdict(board.friedman)),
            "permutation_p": _number(board.p),
            "critical_difference": board.critical_difference,
            "not_told_apart": [list(group) for group in board.groups],
            "pairs": [_plain(row) for row in board.pairs.to_dict(orient="records")],
        },
        "cohorts": [_cohort(outcome, printed.get(outcome.name, {})) for outcome in benchmark.outcomes],
        "left_out": [{"cohort": one.name, "reason": one.reason} for one in benchmark.left_out],
        "failures": [
            {"cohort": cohort, "model": model, "reason": reason}
            for cohort, model, reason in benchmark.failures
        ],
        "same_samples": [list(pair) for pair in benchmark.twins],
    }


def _cohort(outcome: Outcome, printed: Mapping[str, float]) -> dict[str, Any]:
    best = outcome.best
    return {
        **outcome.facts,
        "name": outcome.name,
        "folds": outcome.folds,
        "dropped_classes": list(outcome.dropped),
        "models": {
            model: {"seconds": outcome.seconds.get(model), "metrics": _metrics(outcome.summary, model)}
            for model in outcome.models
        },
        "auto": _metrics(outcome.summary, AUTO) or None,
        "corrected_best": None if best is None else _plain(asdict(best)),
        "published_accuracy": dict(printed),
    }


def _metrics(summary: pd.DataFrame, model: str) -> dict[str, Any]:
    own = summary[summary["model"] == model].drop(columns=["model", "title"])
    return {str(row.pop("metric")): _plain(row) for row in own.to_dict(orient="records")}


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): _number(value) for key, value in row.items()}


def _number(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _plain(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return int(value) if hasattr(value, "__index__") and not isinstance(value, bool) else value

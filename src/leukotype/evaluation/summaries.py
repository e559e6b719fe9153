"""Tables of an evaluation, all derived from its out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.errors import UnknownName
from leukotype.metrics import Metric, weighted
from leukotype.metrics import get as get_metrics
from leukotype.metrics.estimate import Estimate, estimate

if TYPE_CHECKING:
    from leukotype.evaluation.results import Evaluation


def predictions(evaluation: Evaluation) -> pd.DataFrame:
    """One row per sample, model and repeat, all out of fold."""
    cohort, classes = evaluation.cohort, np.array(evaluation.classes)
    blocks = []
    for model in evaluation.names:
        pairs = zip(evaluation.probabilities(model), evaluation.predicted(model), strict=True)
        for repeat, (p, calls) in enumerate(pairs):
            columns: dict[str, Any] = {
                "sample": cohort.samples,
                "label": cohort.labels,
                "model": model,
                "repeat": repeat,
                "fold": evaluation.fold_of[repeat],
                "predicted": classes[calls],
            }
            columns |= {f"p[{name}]": p[:, k] for k, name in enumerate(evaluation.classes)}
            blocks.append(pd.DataFrame(columns))
    return pd.concat(blocks, ignore_index=True)


def summary(evaluation: Evaluation, names: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per model and metric, with a 95 % interval."""
    rows = [
        {"model": model, **_row(found, ())}
        for model, found in _estimates(evaluation, _chosen(names, per_class=False))
    ]
    return pd.DataFrame(rows)


def per_class(evaluation: Evaluation, names: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per model, class and metric, with a 95 % interval."""
    rows = [
        {"model": model, "class": name, **_row(found, (k,))}
        for model, found in _estimates(evaluation, _chosen(names, per_class=True))
        for k, name in enumerate(evaluation.classes)
    ]
    return pd.DataFrame(rows)


def confusion(evaluation: Evaluation, model: str) -> FloatArray:
    """(n_classes, n_classes) counts, mean over repeats; rows are true classes, columns predicted ones."""
    tables = [weighted.confusion(scored, scored.ones)[0] for scored in evaluation.scored(model)]
    return np.asarray(np.mean(tables, axis=0))


def settings(evaluation: Evaluation) -> pd.DataFrame:
    """One row per model and outer fold: the setting chosen on its inner folds."""
    n_probes = evaluation.cohort.n_probes
    return pd.DataFrame(
        {
            "model": result.model,
            "repeat": result.repeat,
            "fold": result.fold,
            "setting": ", ".join(f"{name}={value}" for name, value in result.setting.items()),
            "inner_score": result.inner_score,
            "n_probes": n_probes if result.probes is None else len(result.probes),
            "seconds": result.seconds,
        }
        for result in evaluation.results
    )


def notes(evaluation: Evaluation) -> dict[str, tuple[str, ...]]:
    """Return the distinct warnings of each model in order of appearance."""
    found: dict[str, dict[str, None]] = {}
    for result in evaluation.results:
        for note in result.notes:
            found.setdefault(result.model, {})[note] = None
    return {model: tuple(messages) for model, messages in found.items()}


def _chosen(names: Sequence[str] | None, *, per_class: bool) -> list[Metric]:
    metrics = get_metrics(names)
    wrong = [metric.name for metric in metrics if metric.per_class != per_class]
    if names is not None and wrong:
        table = "per_class()" if not per_class else "summary()"
        raise UnknownName(f"metric {wrong[0]!r} is not in this table. Use {table} instead.")
    return [metric for metric in metrics if metric.per_class == per_class]


def _estimates(evaluation: Evaluation, metrics: Sequence[Metric]) -> Iterator[tuple[str, Estimate]]:
    known = evaluation.estimates
    for model in evaluation.names:
        for metric in metrics:
            if (model, metric.name) not in known:
                known[model, metric.name] = estimate(metric, evaluation.scored(model), evaluation.units)
            yield model, known[model, metric.name]


def _row(found: Estimate, at: tuple[int, ...]) -> dict[str, Any]:
    method: str = found.metric.interval
    if found.degenerate[at]:
        method += " (degenerate)"
    return {
        "metric": found.metric.name,
        "title": found.metric.title,
        "value": float(found.value[at]),
        "low": float(found.low[at]),
        "high": float(found.high[at]),
        "interval": method,
    }

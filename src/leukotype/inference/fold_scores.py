"""Scores on the test sets of the outer folds, which paired tests compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leukotype import metrics
from leukotype.arrays import FloatArray, IntArray
from leukotype.errors import UnknownName
from leukotype.evaluation import Evaluation
from leukotype.metrics import Metric, Scored


def scalar_metric(name: str) -> Metric:
    """Return the metric called `name`; raises UnknownName if it gives one number per class."""
    metric = metrics.by_name(name)
    if metric.per_class:
        raise UnknownName(f"metric {name!r} gives one number per class. Use a metric of all classes.")
    return metric


def checked_names(evaluation: Evaluation, models: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return `models`, by default all names of the evaluation; raises UnknownName for any other name."""
    return tuple(evaluation.model(name).name for name in (evaluation.names if models is None else models))


def fold_scores(evaluation: Evaluation, model: str, metric: Metric) -> FloatArray:
    """(n_splits,) score of `model` on each test set, in the order of the folds; see `score_of_rows`."""
    scored = evaluation.scored(model)
    return np.array([score_of_rows(metric, scored[s.repeat], s.test) for s in evaluation.folds.splits])


def score_of_rows(metric: Metric, scored: Scored, rows: IntArray) -> float:
    """Return the metric of the samples at `rows`; a mean over classes is over those that occur there."""
    weights = np.zeros((1, scored.n_samples))
    weights[0, rows] = 1.0
    if not metric.mean_of:
        return float(metric.weighted(scored, weights)[0])
    present = np.unique(scored.labels[rows])
    with np.errstate(divide="ignore", invalid="ignore"):
        each = metrics.by_name(metric.mean_of).weighted(scored, weights)[0]
    return float(each[present].mean())

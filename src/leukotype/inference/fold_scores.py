"""One score per outer test part: what paired tests of models compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leukotype import metrics
from leukotype.arrays import FloatArray, IntArray
from leukotype.errors import UnknownName
from leukotype.evaluation import AUTO, Evaluation
from leukotype.metrics import Metric, Scored
from leukotype.models import Model


def single(name: str) -> Metric:
    """Return the metric called `name`; raises UnknownName where it gives one number per class."""
    metric = metrics.by_name(name)
    if metric.per_class:
        raise UnknownName(f"metric {name!r} gives one number per class. Name one of the whole cohort.")
    return metric


def known(evaluation: Evaluation, models: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return `models`, or all names of the evaluation; raises UnknownName for a model that it does not hold."""
    return tuple(evaluation.model(name).name for name in (evaluation.names if models is None else models))


def fitted_models(evaluation: Evaluation, models: Sequence[str | Model] | None = None) -> tuple[Model, ...]:
    """Return those of `models` that can be fitted, by name from the evaluation; all but `auto` by default."""
    if models is None:
        return evaluation.tried
    names = known(evaluation, [str(model) for model in models])
    return tuple(evaluation.model(name) for name in names if name != AUTO)


def fold_scores(evaluation: Evaluation, model: str, metric: Metric) -> FloatArray:
    """(n_splits,) score of `model` on each outer test part, in the order of the folds.

    A metric that averages over classes averages here over the classes that the test part holds.
    """
    scored = evaluation.scored(model)
    return np.array([on_part(metric, scored[s.repeat], s.test) for s in evaluation.folds.splits])


def on_part(metric: Metric, scored: Scored, rows: IntArray) -> float:
    """Return the metric over the samples at `rows`; a mean over classes is over those that are there."""
    weights = np.zeros((1, scored.n_samples))
    weights[0, rows] = 1.0
    if not metric.mean_of:
        return float(metric.weighted(scored, weights)[0])
    present = np.unique(scored.labels[rows])
    with np.errstate(divide="ignore", invalid="ignore"):
        each = metrics.by_name(metric.mean_of).weighted(scored, weights)[0]
    return float(each[present].mean())

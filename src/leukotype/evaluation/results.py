"""Evaluation: the out-of-fold predictions of every model, and tables derived from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.errors import UnknownName
from leukotype.metrics import Metric, Scored, weighted
from leukotype.metrics import get as get_metrics
from leukotype.metrics.estimate import Estimate, Units, estimate
from leukotype.models import Model
from leukotype.models.tuning import Criterion
from leukotype.recipes import How, Recipe
from leukotype.recipes.fitting import FoldResult
from leukotype.resampling import Folds
from leukotype.wide import Candidate, Fold, Setting


def unfitted(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[Candidate]:
    """Path of a model that is never fitted: `auto` chooses among the results of the others."""
    raise TypeError("auto is chosen from the results of other models and is never fitted.")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The out-of-fold predictions of every model on one cohort.  Nothing here refits.

    models     : in the order they were named; `auto`, which chooses among the others, is last
    results    : one per model, repeat and outer fold, ordered by model, repeat, fold
    tune_by    : criterion of the inner folds
    seconds    : wall time of the whole evaluation
    jobs       : number of worker processes
    align      : alignment of every sample to the training samples
    max_probes : size of the panel chosen in each training set; None for all probes
    """

    cohort: Cohort
    folds: Folds
    models: tuple[Model, ...]
    results: tuple[FoldResult, ...]
    tune_by: Criterion = "log_loss"
    seconds: float = 0.0
    jobs: int = 1
    align: How = "none"
    max_probes: int | None = None

    def recipe(self, model: Model) -> Recipe:
        """Return the recipe of one of the models."""
        return Recipe(model, self.align, self.max_probes, self.tune_by)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return self.cohort.classes

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models."""
        return tuple(model.name for model in self.models)

    @property
    def tried(self) -> tuple[Model, ...]:
        """The models that were fitted: all but `auto`."""
        return tuple(model for model in self.models if model.path is not unfitted)

    def model(self, name: str) -> Model:
        """Return the model called `name`; raises UnknownName with the names of this evaluation."""
        for model in self.models:
            if model.name == name:
                return model
        raise UnknownName(f"no model {name!r} in this evaluation. Choose from {', '.join(self.names)}.")

    def only(self, name: str) -> Evaluation:
        """Return the evaluation of one model alone."""
        own = tuple(result for result in self.results if result.model == name)
        return replace(self, models=(self.model(name),), results=own)

    def title(self, name: str) -> str:
        """Return the title of the model called `name`."""
        return self.model(name).title

    @cached_property
    def _probabilities(self) -> dict[str, FloatArray]:
        shape = (self.folds.design.repeats, self.cohort.n_samples, len(self.classes))
        filled = {model: np.full(shape, np.nan) for model in self.names}
        tests = {(split.repeat, split.fold): split.test for split in self.folds.splits}
        for result in self.results:
            filled[result.model][result.repeat, tests[result.repeat, result.fold]] = result.probabilities
        return filled

    def probabilities(self, model: str) -> FloatArray:
        """(n_repeats, n_samples, n_classes) out-of-fold probabilities of `model`, samples in cohort order."""
        return self._probabilities[model]

    def predicted(self, model: str) -> IntArray:
        """(n_repeats, n_samples) code of the most probable class; ties go to the first class name."""
        return self.probabilities(model).argmax(axis=2)

    @cached_property
    def fold_of(self) -> IntArray:
        """(n_repeats, n_samples) outer fold that held each sample out."""
        held_out = np.empty((self.folds.design.repeats, self.cohort.n_samples), dtype=np.intp)
        for split in self.folds.splits:
            held_out[split.repeat, split.test] = split.fold
        return held_out

    def scored(self, model: str) -> list[Scored]:
        """Labels and predictions of `model` for metrics, one entry per repeat."""
        pairs = zip(self.predicted(model), self.probabilities(model), strict=True)
        return [Scored(self.cohort.codes, predicted, p) for predicted, p in pairs]

    @cached_property
    def units(self) -> Units:
        """The independent units of the intervals: donors if they are known, else samples."""
        return Units(self.cohort.codes, self.cohort.donors)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per sample, model and repeat: sample, label, model, repeat, fold, predicted, p[class]..."""
        cohort, classes = self.cohort, np.array(self.classes)
        blocks = []
        for model in self.names:
            pairs = zip(self.probabilities(model), self.predicted(model), strict=True)
            for repeat, (p, codes) in enumerate(pairs):
                columns: dict[str, Any] = {
                    "sample": cohort.samples,
                    "label": cohort.labels,
                    "model": model,
                    "repeat": repeat,
                    "fold": self.fold_of[repeat],
                    "predicted": classes[codes],
                }
                columns |= {f"p[{name}]": p[:, k] for k, name in enumerate(self.classes)}
                blocks.append(pd.DataFrame(columns))
        return pd.concat(blocks, ignore_index=True)

    def summary(self, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """One row per model and metric with a 95 % interval: model, metric, title, value, low, high, interval.

        metrics : names of METRICS that give one number; all of them by default
        """
        estimates = self._estimates(_chosen(metrics, per_class=False))
        return pd.DataFrame([{"model": model, **_row(found, ())} for model, found in estimates])

    def per_class(self, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """One row per model, class and metric: model, class, metric, title, value, low, high, interval."""
        estimates = self._estimates(_chosen(metrics, per_class=True))
        return pd.DataFrame(
            {"model": model, "class": name, **_row(found, (k,))}
            for model, found in estimates
            for k, name in enumerate(self.classes)
        )

    def confusion(self, model: str) -> FloatArray:
        """(n_classes, n_classes) counts, mean over repeats; rows are true classes, columns predicted ones."""
        tables = [weighted.confusion(scored, scored.ones)[0] for scored in self.scored(model)]
        return np.asarray(np.mean(tables, axis=0))

    def settings(self) -> pd.DataFrame:
        """One row per model and outer fold: model, repeat, fold, setting, inner_score, n_probes, seconds."""
        return pd.DataFrame(
            {
                "model": result.model,
                "repeat": result.repeat,
                "fold": result.fold,
                "setting": ", ".join(f"{name}={value}" for name, value in result.setting.items()),
                "inner_score": result.inner_score,
                "n_probes": self.cohort.n_probes if result.probes is None else len(result.probes),
                "seconds": result.seconds,
            }
            for result in self.results
        )

    def notes(self) -> dict[str, tuple[str, ...]]:
        """Return the distinct warnings of the fits by model, without models that raised none."""
        found: dict[str, dict[str, None]] = {}
        for result in self.results:
            for note in result.notes:
                found.setdefault(result.model, {})[note] = None
        return {model: tuple(messages) for model, messages in found.items()}

    def _estimates(self, metrics: Sequence[Metric]) -> Iterator[tuple[str, Estimate]]:
        for model in self.names:
            for metric in metrics:
                if (model, metric.name) not in self._known:
                    self._known[model, metric.name] = estimate(metric, self.scored(model), self.units)
                yield model, self._known[model, metric.name]

    @cached_property
    def _known(self) -> dict[tuple[str, str], Estimate]:
        """Estimates computed so far, by model and metric."""
        return {}


def _chosen(names: Sequence[str] | None, *, per_class: bool) -> list[Metric]:
    metrics = get_metrics(names)
    wrong = [metric.name for metric in metrics if metric.per_class != per_class]
    if names is not None and wrong:
        table = "per_class()" if not per_class else "summary()"
        raise UnknownName(f"metric {wrong[0]!r} is not in this table. Use {table} instead.")
    return [metric for metric in metrics if metric.per_class == per_class]


def _row(found: Estimate, at: tuple[int, ...]) -> dict[str, Any]:
    return {
        "metric": found.metric.name,
        "title": found.metric.title,
        "value": float(found.value[at]),
        "low": float(found.low[at]),
        "high": float(found.high[at]),
        "interval": found.metric.interval,
    }

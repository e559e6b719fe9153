"""Evaluation: the out-of-fold predictions of every model, the source of every number and figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.errors import UnknownName
from leukotype.evaluation import summaries
from leukotype.metrics import Scored
from leukotype.metrics.estimate import Estimate, Units
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
        """Labels, calls and probabilities of `model` for metrics, one entry per repeat."""
        calls, codes = self.predicted(model), self.cohort.codes
        return [Scored(codes, c, p) for c, p in zip(calls, self.probabilities(model), strict=True)]

    @cached_property
    def units(self) -> Units:
        """The independent units of the intervals: donors if they are known, else samples."""
        return Units.of(self.cohort.codes, self.cohort.donors)

    @cached_property
    def estimates(self) -> dict[tuple[str, str], Estimate]:
        """Metrics computed so far, by model and metric; report and figures share them."""
        return {}

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per sample, model and repeat: sample, label, model, repeat, fold, predicted, p[class]..."""
        return summaries.predictions(self)

    def summary(self, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """One row per model and metric: model, metric, title, value, low, high, interval.

        metrics : names of METRICS that give one number; all of them by default
        """
        return summaries.summary(self, metrics)

    def per_class(self, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """One row per model, class and metric: model, class, metric, title, value, low, high, interval."""
        return summaries.per_class(self, metrics)

    def confusion(self, model: str) -> FloatArray:
        """(n_classes, n_classes) counts, mean over repeats; rows are true classes, columns predicted ones."""
        return summaries.confusion(self, model)

    def settings(self) -> pd.DataFrame:
        """One row per model and outer fold: model, repeat, fold, setting, inner_score, n_probes, seconds."""
        return summaries.settings(self)

    def notes(self) -> dict[str, tuple[str, ...]]:
        """Return the warnings of the fits by model, without models that raised none."""
        return summaries.notes(self)

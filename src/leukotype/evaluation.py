"""Evaluation: the out-of-fold predictions of every model, from which every number and figure derives."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from leukotype.cohort import Cohort, FloatArray, IntArray
from leukotype.resampling import Folds


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What one model left of one outer fold.

    probabilities : (n_test, n_classes), rows in the order of the fold's test part
    setting       : the setting chosen on the inner folds
    inner_score   : its mean score on them, in the sense of the evaluation's `tune_by`
    probes        : columns the fitted rule reads, None where it reads all
    seconds       : wall time of tuning and fitting
    notes         : warnings raised while fitting
    """

    model: str
    repeat: int
    fold: int
    probabilities: FloatArray
    setting: dict[str, Any]
    inner_score: float
    probes: IntArray | None
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The out-of-fold predictions of every model on one cohort.  Nothing here refits.

    models  : names, in the order they were asked for
    results : one per model, repeat and outer fold, ordered by model, repeat, fold
    tune_by : criterion of the inner folds
    """

    cohort: Cohort
    folds: Folds
    models: tuple[str, ...]
    results: tuple[FoldResult, ...]
    tune_by: str = "log_loss"
    elapsed: float = 0.0
    jobs: int = 1
    extra: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return self.cohort.classes

    @cached_property
    def _probabilities(self) -> dict[str, FloatArray]:
        shape = (self.folds.design.repeats, self.cohort.n_samples, len(self.classes))
        filled = {model: np.full(shape, np.nan) for model in self.models}
        tests = {(split.repeat, split.fold): split.test for split in self.folds.splits}
        for result in self.results:
            filled[result.model][result.repeat, tests[result.repeat, result.fold]] = result.probabilities
        return filled

    def probabilities(self, model: str) -> FloatArray:
        """(n_repeats, n_samples, n_classes) out-of-fold probabilities of `model`, samples in cohort order."""
        return self._probabilities[model]

    def predicted(self, model: str) -> IntArray:
        """(n_repeats, n_samples) code of the most probable class; the first in name order where two tie."""
        return self.probabilities(model).argmax(axis=2)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per sample, model and repeat: sample, label, model, repeat, fold, predicted, p[class] ..."""
        classes = np.array(self.classes)
        blocks = []
        fold_of = np.empty((self.folds.design.repeats, self.cohort.n_samples), dtype=np.int64)
        for split in self.folds.splits:
            fold_of[split.repeat, split.test] = split.fold
        for model in self.models:
            for repeat, (p, calls) in enumerate(zip(self.probabilities(model), self.predicted(model), strict=True)):
                block = pd.DataFrame(
                    {
                        "sample": self.cohort.samples,
                        "label": self.cohort.labels,
                        "model": model,
                        "repeat": repeat,
                        "fold": fold_of[repeat],
                        "predicted": classes[calls],
                    }
                )
                blocks.append(pd.concat([block, pd.DataFrame(p, columns=[f"p[{c}]" for c in classes])], axis=1))
        return pd.concat(blocks, ignore_index=True)

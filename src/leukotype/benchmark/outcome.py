"""What a benchmark keeps of one cohort, once its matrix is let go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leukotype import inference
from leukotype.cohort import Cohort
from leukotype.evaluation import AUTO, Evaluation, auto
from leukotype.inference import BestOfMany
from leukotype.resampling import Folds

SHOWN = ("balanced_accuracy", "accuracy", "roc_auc_macro", "log_loss")


@dataclass(frozen=True, eq=False)
class Outcome:
    """The results of one cohort.

    name     : of the cohort
    facts    : what the cohort is, as in study.json
    folds    : fingerprint of its folds
    dropped  : classes left out because they were too small for the design
    summary  : one row per model and metric, `auto` among them: model, metric, title, value, low, high, interval
    seconds  : time of tuning and fitting by model, summed over folds
    best     : the best model, corrected for the choice; None where there was no result
    failures : why a model gave no result, by model
    samples  : ids and labels in order: what tells that two cohorts hold the same samples
    predictions : CSV text, one row per sample, model and repeat
    """

    name: str
    facts: Mapping[str, Any]
    folds: str
    dropped: tuple[str, ...]
    summary: pd.DataFrame
    seconds: Mapping[str, float]
    best: BestOfMany | None
    failures: Mapping[str, str]
    samples: tuple[tuple[str, str], ...]
    predictions: str

    @classmethod
    def of(
        cls,
        evaluation: Evaluation,
        metric: str,
        *,
        dropped: tuple[str, ...] = (),
        failures: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Sum up an evaluation of the models that gave a result.

        metric   : by which the best is chosen
        failures : of the models that gave none
        """
        cohort = evaluation.cohort
        whole = auto(evaluation) if len(evaluation.names) > 1 else evaluation
        seconds = evaluation.settings().groupby("model", sort=False)["seconds"].sum()
        return cls(
            name=cohort.name,
            facts=cohort.facts(),
            folds=evaluation.folds.fingerprint,
            dropped=dropped,
            summary=whole.summary(list(dict.fromkeys((metric, *SHOWN)))),
            seconds={str(model): float(value) for model, value in seconds.items()},
            best=inference.corrected_best(evaluation, metric),
            failures=dict(failures or {}),
            samples=tuple(zip(cohort.samples.tolist(), cohort.labels.tolist(), strict=True)),
            predictions=whole.predictions.to_csv(index=False, lineterminator="\n"),
        )

    @classmethod
    def of_nothing(
        cls, cohort: Cohort, folds: Folds, dropped: tuple[str, ...], failures: Mapping[str, str]
    ) -> Outcome:
        """The outcome of a cohort on which every model failed."""
        columns = ["model", "metric", "title", "value", "low", "high", "interval"]
        nothing = pd.DataFrame(columns=columns)
        facts = cohort.facts()
        return cls(cohort.name, facts, folds.fingerprint, dropped, nothing, {}, None, dict(failures), (), "")

    @property
    def models(self) -> tuple[str, ...]:
        """Those that gave a result, without `auto`."""
        return tuple(model for model in dict.fromkeys(self.summary["model"]) if model != AUTO)

    def values(self, metric: str) -> pd.DataFrame:
        """Value, low, high and interval of every model, `auto` among them, by model."""
        own = self.summary[self.summary["metric"] == metric]
        return own.set_index("model")[["value", "low", "high", "interval"]]

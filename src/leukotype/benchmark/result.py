"""Benchmark: the results of many cohorts and their leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from leukotype import inference, manifest, metrics
from leukotype.benchmark.sources import LeftOut
from leukotype.cohort import Cohort
from leukotype.evaluation import AUTO, Evaluation
from leukotype.inference import BestOfMany
from leukotype.inference.leaderboard import Leaderboard
from leukotype.models import Model
from leukotype.recipes import How
from leukotype.resampling import Design, Folds

KIND = "benchmark"
_COLUMNS = ["model", "metric", "title", "value", "low", "high", "interval"]


@dataclass(frozen=True, eq=False)
class CohortResult:
    """What a benchmark keeps of one cohort once its matrix is freed.

    name     : of the cohort
    facts    : description of the cohort, as in study.json
    folds    : fingerprint of its folds
    dropped  : classes left out because they were too small for the design
    summary  : one row per model and metric, with `auto`: model, metric, title, value, low, high, interval
    seconds  : time of tuning and fitting by model, summed over folds
    best     : the best model, corrected for the choice; None if every model failed
    failures : reason by model, for models without a result
    samples  : ids and labels in order, to recognise cohorts with the same samples
    predictions : one row per sample, model and repeat; empty if every model failed
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
    predictions: pd.DataFrame

    @classmethod
    def of(
        cls,
        evaluation: Evaluation,
        metric: str,
        *,
        dropped: tuple[str, ...] = (),
        failures: Mapping[str, str] | None = None,
    ) -> CohortResult:
        """Summarise an evaluation of the models that gave a result.

        metric   : chooses the best model
        failures : of the models without a result
        """
        cohort = evaluation.cohort
        settings = evaluation.settings()
        # `auto` uses the results of the others and has no time of its own.
        seconds = settings[settings["model"] != AUTO].groupby("model", sort=False)["seconds"].sum()
        shown = [entry.name for entry in metrics.headline("benchmark")]
        return cls(
            name=cohort.name,
            facts=cohort.facts(),
            folds=evaluation.folds.fingerprint,
            dropped=dropped,
            summary=evaluation.summary(list(dict.fromkeys((metric, *shown)))),
            seconds={str(model): float(value) for model, value in seconds.items()},
            best=inference.corrected_best(evaluation, metric),
            failures=dict(failures or {}),
            samples=tuple(zip(cohort.samples.tolist(), cohort.labels.tolist(), strict=True)),
            predictions=evaluation.predictions,
        )

    @classmethod
    def failed(
        cls, cohort: Cohort, folds: Folds, dropped: tuple[str, ...], failures: Mapping[str, str]
    ) -> CohortResult:
        """Return the result of a cohort on which every model failed."""
        empty = pd.DataFrame(columns=_COLUMNS)
        fingerprint = folds.fingerprint
        return cls(
            cohort.name,
            cohort.facts(),
            fingerprint,
            dropped,
            empty,
            {},
            None,
            dict(failures),
            (),
            pd.DataFrame(),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Models that gave a result, without `auto`."""
        return tuple(model for model in dict.fromkeys(self.summary["model"]) if model != AUTO)

    def values(self, metric: str) -> pd.DataFrame:
        """Value, low, high and interval by model, with `auto`."""
        own = self.summary[self.summary["metric"] == metric]
        return own.set_index("model")[["value", "low", "high", "interval"]]


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Many cohorts and the models evaluated on each of them.

    models   : as requested
    cohorts  : results of the cohorts, in the order requested
    left_out : cohorts that were not available or do not fit the design, with the reason
    metric   : ranks the models
    align, max_probes, tune_by : options of the recipes
    protocol : name of a published protocol; empty for any other design
    """

    models: tuple[Model, ...]
    cohorts: tuple[CohortResult, ...]
    left_out: tuple[LeftOut, ...]
    design: Design
    metric: str
    tune_by: str = "log_loss"
    align: How = "none"
    max_probes: int | None = None
    protocol: str = ""

    @cached_property
    def leaderboard(self) -> Leaderboard:
        """Ranks of the models, from one row per cohort and one column per model."""
        rows = {one.name: one.values(self.metric)["value"].reindex(self.names) for one in self.cohorts}
        return Leaderboard.of(pd.DataFrame(rows, index=self.names).T.astype(np.float64), self.metric)

    @property
    def names(self) -> list[str]:
        """Names of the models."""
        return [model.name for model in self.models]

    @property
    def table(self) -> pd.DataFrame:
        """The table of the leaderboard."""
        return self.leaderboard.table

    @property
    def times(self) -> pd.DataFrame:
        """One row per cohort and model: cohort, model, seconds of tuning and fitting.

        Only these differ between two runs of one benchmark.
        """
        rows = [(one.name, model, value) for one in self.cohorts for model, value in one.seconds.items()]
        return pd.DataFrame(rows, columns=["cohort", "model", "seconds"])

    @cached_property
    def cohort_metrics(self) -> pd.DataFrame:
        """One row per cohort, model and metric: cohort, model, metric, value, low, high, interval."""
        blocks = []
        for one in self.cohorts:
            block = one.summary.drop(columns="title")
            block.insert(0, "cohort", one.name)
            blocks.append(block)
        return pd.concat(blocks, ignore_index=True)

    @property
    def failures(self) -> Iterator[tuple[str, str, str]]:
        """Cohort, model and reason of every model without a result."""
        for one in self.cohorts:
            for model, reason in one.failures.items():
                yield one.name, model, reason

    @property
    def same_samples(self) -> list[tuple[str, str]]:
        """Pairs of cohorts with identical samples and labels: their ranks are not independent."""
        known = [one for one in self.cohorts if one.samples]
        return [(a.name, b.name) for a, b in combinations(known, 2) if a.samples == b.samples]


def is_benchmark(out: str | Path) -> bool:
    """Return whether a folder holds the result of a benchmark, which can be extended."""
    return manifest.kind_of(Path(out)) == KIND

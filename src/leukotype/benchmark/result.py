"""Benchmark: the outcomes of many cohorts, and the leaderboard that they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd

from leukotype.benchmark.outcome import Outcome
from leukotype.benchmark.sources import LeftOut
from leukotype.inference.leaderboard import Leaderboard
from leukotype.models import Model
from leukotype.resampling import Design


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Many cohorts and the models that were tried on each of them.

    models   : those asked for
    outcomes : one a cohort, in the order asked for
    left_out : the cohorts that could not be had, or that fit no design, with the reason
    metric   : by which models are ranked
    protocol : name of the protocol whose folds were drawn; empty for a design of one's own
    """

    models: tuple[Model, ...]
    outcomes: tuple[Outcome, ...]
    left_out: tuple[LeftOut, ...]
    design: Design
    tune_by: str
    metric: str
    protocol: str = ""

    @cached_property
    def board(self) -> Leaderboard:
        """The ranks, from one row a cohort and one column a model."""
        rows = {
            outcome.name: outcome.values(self.metric)["value"].reindex(self.names)
            for outcome in self.outcomes
        }
        return Leaderboard.of(pd.DataFrame(rows, index=self.names).T.astype(np.float64), self.metric)

    @property
    def names(self) -> list[str]:
        """Names of the models."""
        return [model.name for model in self.models]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The leaderboard's table, with the seconds of all cohorts."""
        seconds = [
            sum(outcome.seconds.get(model, 0.0) for outcome in self.outcomes)
            for model in self.board.table["model"]
        ]
        return self.board.table.assign(seconds=seconds)

    @cached_property
    def cohorts(self) -> pd.DataFrame:
        """One row per cohort, model and metric: cohort, model, metric, value, low, high, interval, seconds."""
        blocks = []
        for outcome in self.outcomes:
            block = outcome.summary.drop(columns="title")
            block.insert(0, "cohort", outcome.name)
            # `auto` is made of the others, and takes no time of its own.
            blocks.append(block.assign(seconds=[outcome.seconds.get(str(m), np.nan) for m in block["model"]]))
        return pd.concat(blocks, ignore_index=True)

    @property
    def failures(self) -> Iterator[tuple[str, str, str]]:
        """Cohort, model and reason of every model that gave no result."""
        for outcome in self.outcomes:
            for model, reason in outcome.failures.items():
                yield outcome.name, model, reason

    @property
    def twins(self) -> list[tuple[str, str]]:
        """Pairs of cohorts with the very same samples and labels: their ranks are not independent."""
        known = [outcome for outcome in self.outcomes if outcome.samples]
        return [(a.name, b.name) for a, b in combinations(known, 2) if a.samples == b.samples]

    @property
    def seconds(self) -> float:
        """Time of tuning and fitting, all told."""
        return float(self.table["seconds"].sum())

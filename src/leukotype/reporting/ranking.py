"""Who leads, and against whom that can be said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from leukotype.dossier import HEADLINE, Dossier, compile_dossier
from leukotype.evaluation import Evaluation
from leukotype.inference import AUTO
from leukotype.models import MODELS, Model
from leukotype.reporting import formats

MAIN = HEADLINE
AUTO_TITLE = "Chosen inside each fold"


def entry(name: str) -> Model | None:
    """The entry of MODELS called `name`; None for a model of the user's own."""
    return next((model for model in MODELS if model.name == name), None)


def title(name: str) -> str:
    if name == AUTO:
        return AUTO_TITLE
    model = entry(name)
    return name if model is None else model.title


def is_baseline(name: str) -> bool:
    model = entry(name)
    return model is not None and model.baseline


@dataclass(frozen=True)
class Score:
    """One model's balanced accuracy with its 95 % interval."""

    model: str
    value: float
    low: float
    high: float

    @property
    def title(self) -> str:
        return title(self.model)

    @property
    def text(self) -> str:
        return formats.estimate(self.value, self.low, self.high)

    def overlaps(self, other: Score) -> bool:
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, eq=False)
class Ranking:
    """Models by balanced accuracy, the best first; ties in the order they were asked for.

    summary   : one row per model and metric, as `Evaluation.summary` gives it
    per_class : one row per model, class and metric
    """

    dossier: Dossier
    summary: pd.DataFrame
    per_class: pd.DataFrame

    @classmethod
    def of(cls, source: Dossier | Evaluation) -> Ranking:
        dossier = source if isinstance(source, Dossier) else compile_dossier(source)
        return cls(dossier, dossier.evaluation.summary(), dossier.evaluation.per_class())

    @property
    def evaluation(self) -> Evaluation:
        return self.dossier.evaluation

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        rows = self.summary[self.summary["metric"] == MAIN].itertuples()
        scores = [Score(str(r.model), float(r.value), float(r.low), float(r.high)) for r in rows]  # type: ignore[arg-type]
        return tuple(sorted(scores, key=lambda score: -round(score.value, 12)))

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(score.model for score in self.scores)

    @cached_property
    def baselines(self) -> tuple[Score, ...]:
        return tuple(score for score in self.scores if is_baseline(score.model))

    @cached_property
    def tried(self) -> tuple[Score, ...]:
        """All but `auto`, which chooses among them."""
        return tuple(score for score in self.scores if score.model != AUTO)

    @property
    def auto(self) -> Score | None:
        return next((score for score in self.scores if score.model == AUTO), None)

    @cached_property
    def contenders(self) -> tuple[Score, ...]:
        """The models tried that are no baselines, or all of them where there are only baselines."""
        return tuple(score for score in self.tried if not is_baseline(score.model)) or self.tried

    @property
    def leaders(self) -> tuple[Score, ...]:
        """The contender of the highest value, and those that equal it."""
        top = self.contenders[0].value
        return tuple(score for score in self.contenders if abs(score.value - top) < 1e-9)

    @property
    def leader(self) -> Score:
        return self.contenders[0]

    @property
    def chance(self) -> float:
        """Balanced accuracy of a rule that knows nothing."""
        return 1 / len(self.evaluation.classes)

    def wrong_in_all(self) -> list[str]:
        """Samples that every contender called wrongly in every repeat."""
        codes = self.evaluation.cohort.codes
        wrong = [(self.evaluation.predicted(s.model) != codes).all(axis=0) for s in self.contenders]
        return [str(name) for name in self.evaluation.cohort.samples[np.all(wrong, axis=0)]]

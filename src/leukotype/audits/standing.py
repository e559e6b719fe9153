"""Where the models of an evaluation stand, by balanced accuracy."""

from __future__ import annotations

from dataclasses import dataclass

from leukotype.evaluation import Evaluation
from leukotype.models import MODELS


@dataclass(frozen=True)
class Standing:
    """A model's balanced accuracy with its 95 % interval."""

    name: str
    value: float
    low: float
    high: float


def standings(evaluation: Evaluation) -> list[Standing]:
    """Return every model, in the order of the evaluation."""
    table = evaluation.summary(["balanced_accuracy"])
    return [
        Standing(str(row["model"]), float(row["value"]), float(row["low"]), float(row["high"]))
        for row in table.to_dict("records")
    ]


def baselines() -> frozenset[str]:
    """Names of the models that any other must beat."""
    return frozenset(model.name for model in MODELS if model.baseline)


def best_model(evaluation: Evaluation) -> Standing | None:
    """Return the model with the highest balanced accuracy that is no baseline; None where there is none."""
    models = [model for model in standings(evaluation) if model.name not in baselines()]
    return max(models, key=lambda model: model.value, default=None)

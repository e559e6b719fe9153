"""Models of an evaluation by balanced accuracy."""

from __future__ import annotations

from dataclasses import dataclass

from leukotype.evaluation import Evaluation


@dataclass(frozen=True)
class Standing:
    """A model's balanced accuracy with its 95 % interval."""

    name: str
    baseline: bool
    value: float
    low: float
    high: float


def standings(evaluation: Evaluation) -> list[Standing]:
    """Return every model that was tried, in the order of the evaluation."""
    table = evaluation.summary(["balanced_accuracy"])
    rows = {str(row["model"]): row for row in table.to_dict("records")}
    return [
        Standing(
            model.name, model.baseline, *(float(rows[model.name][key]) for key in ("value", "low", "high"))
        )
        for model in evaluation.tried
    ]


def best_model(evaluation: Evaluation) -> Standing | None:
    """Return the model with the highest balanced accuracy that is not a baseline; None if all are baselines."""
    models = [model for model in standings(evaluation) if not model.baseline]
    return max(models, key=lambda model: model.value, default=None)

"""What an audit reads, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.audits import stats
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.genes import Annotation
from leukotype.metrics import HEADLINE

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
Topic = Literal["independence", "confounding", "normalisation", "quality", "size", "performance"]
# What the audits of each topic look for, as named in the reporting sheets.
TOPICS: Mapping[Topic, str] = {
    "independence": "shared donors, near-duplicates and pairs",
    "confounding": "stray columns, confounders and control probes",
    "normalisation": "normalisation and scaling over all samples",
    "quality": "outliers, sex and scale of the samples",
    "size": "class sizes",
    "performance": "baselines, random signatures and perfect results",
}


@dataclass(frozen=True)
class ModelScore:
    """Balanced accuracy of a model with its 95 % interval."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class AuditInput:
    """The audited data; quantities that several audits need are computed once.

    evaluation : of the same cohort, or None
    annotation : probe to gene symbol, or None
    """

    cohort: Cohort
    evaluation: Evaluation | None = None
    annotation: Annotation | None = None

    @cached_property
    def matrix(self) -> FloatArray:
        """(n_samples, n_probes) expression; missing values are replaced by the median of their probe."""
        return stats.filled(self.cohort.expression)

    @cached_property
    def residual_correlation(self) -> FloatArray:
        """(n_samples, n_samples) correlation between samples after class means are subtracted."""
        return stats.residual_correlation(self.matrix, self.cohort.codes)

    @cached_property
    def likeness(self) -> FloatArray:
        """(n_samples, n_samples) correlation between samples beyond what their classes explain.

        For samples of different classes, the larger of `residual_correlation` (persons) and that of copies.
        """
        copies = stats.copy_correlation(self.matrix, self.cohort.codes)
        same = self.cohort.codes[:, None] == self.cohort.codes[None, :]
        return np.where(same, self.residual_correlation, np.maximum(self.residual_correlation, copies))

    @property
    def evaluated(self) -> Evaluation:
        """The evaluation, for audits that need one."""
        if self.evaluation is None:
            raise TypeError("this audit needs an evaluation")
        return self.evaluation

    @cached_property
    def scores(self) -> dict[str, ModelScore]:
        """Every model except `auto`, by name, in the order of the evaluation."""
        rows = self.evaluated.summary([HEADLINE]).to_dict("records")
        found = {
            str(r["model"]): ModelScore(str(r["model"]), *map(float, (r["value"], r["low"], r["high"])))
            for r in rows
        }
        return {model.name: found[model.name] for model in self.evaluated.tried}

    @property
    def best(self) -> ModelScore | None:
        """The model with the highest balanced accuracy that is not a baseline; None if all are baselines."""
        models = [self.scores[model.name] for model in self.evaluated.tried if not model.baseline]
        return max(models, key=lambda score: score.value, default=None)


@dataclass(frozen=True, eq=False)
class Observation:
    """What an audit observed.

    sentence : the observation with its numbers, and what to do
    numbers  : the same numbers as values
    table    : one row per sample, probe, class or model concerned, or None
    severity : replaces that of the audit; None to keep it
    """

    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    table: pd.DataFrame | None = None
    severity: Severity | None = None


@dataclass(frozen=True, eq=False)
class Finding:
    """An observation with the code of its audit.

    severity : "error": the results are not valid; "warning": needs a decision by the user; "note": information
    """

    code: str
    name: str
    severity: Severity
    sentence: str
    numbers: dict[str, Any]
    table: pd.DataFrame | None = None

    def __str__(self) -> str:
        return f"{self.code} {self.severity}: {self.sentence}"

    def as_dict(self) -> dict[str, Any]:
        """Everything but the table, as JSON values."""
        return {
            "code": self.code,
            "name": self.name,
            "severity": self.severity,
            "sentence": self.sentence,
            "numbers": {key: _plain(value) for key, value in self.numbers.items()},
        }


@dataclass(frozen=True)
class Audit:
    """One entry of AUDITS.

    code     : never reused for another audit
    name     : kebab-case
    title    : what it looks for
    topic    : key of TOPICS
    severity : of its findings, unless the observation has its own
    needs    : "cohort": data, and folds if there are any; "evaluation": also results
    examine  : from the input to an observation; None if there is no problem or the audit does not apply
    cite     : source of the method or threshold
    figure   : name of the figure that shows it; empty if there is none
    """

    code: str
    name: str
    title: str
    topic: Topic
    severity: Severity
    needs: Literal["cohort", "evaluation"]
    examine: Callable[[AuditInput], Observation | None]
    cite: str = ""
    figure: str = ""

    def finding(self, data: AuditInput) -> Finding | None:
        """Run the audit; None without an observation, or without the evaluation that it needs."""
        if self.needs == "evaluation" and data.evaluation is None:
            return None
        seen = self.examine(data)
        if seen is None:
            return None
        severity = seen.severity or self.severity
        return Finding(self.code, self.name, severity, seen.sentence, dict(seen.numbers), seen.table)

    def __str__(self) -> str:
        return self.name


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value

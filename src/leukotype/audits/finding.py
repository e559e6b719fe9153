"""What an audit looks at, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.audits import profiles
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.genes import Annotation

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
Topic = Literal["independence", "confounding", "normalisation", "quality", "size", "performance"]
# What the audits of each topic look for, as the reporting sheets name it.
TOPICS: Mapping[Topic, str] = {
    "independence": "shared donors, near-duplicates and pairs",
    "confounding": "stray columns, confounders and control probes",
    "normalisation": "normalisation and scaling over all samples",
    "quality": "outliers, sex and scale of the samples",
    "size": "class sizes",
    "performance": "baselines, random signatures and perfect results",
}


@dataclass(frozen=True, eq=False)
class Source:
    """What is audited; what several audits compute is computed once.

    evaluation : of this very cohort; None where nothing has been evaluated
    annotation : probe to gene symbol; None where unknown
    """

    cohort: Cohort
    evaluation: Evaluation | None = None
    annotation: Annotation | None = None

    @cached_property
    def matrix(self) -> FloatArray:
        """(n_samples, n_probes) expression with missing values replaced by the probe's median."""
        return profiles.filled(self.cohort.expression)

    @cached_property
    def residual_correlation(self) -> FloatArray:
        """(n_samples, n_samples) correlation of what is left of each sample once its class is taken away."""
        return profiles.residual_correlation(self.matrix, self.cohort.codes)

    @property
    def evaluated(self) -> Evaluation:
        """The evaluation, for audits that need one."""
        if self.evaluation is None:
            raise TypeError("this audit needs an evaluation")
        return self.evaluation


@dataclass(frozen=True, eq=False)
class Observation:
    """What an audit saw.

    sentence : what was found, with its numbers, and what to do about it
    numbers  : the same numbers, for machines
    table    : one row per sample, probe, class or model concerned; None where the numbers say it all
    severity : milder or graver than the audit's own; None for the audit's own
    """

    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    table: pd.DataFrame | None = None
    severity: Severity | None = None


@dataclass(frozen=True, eq=False)
class Finding:
    """An observation under the code of its audit.

    severity : "error": the results can't be believed as they stand; "warning": someone must decide what
               it means; "note": good to know
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
        """Everything but the table, ready for JSON."""
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

    code     : never used again for something else
    name     : kebab-case
    title    : what it looks for
    topic    : key of TOPICS, for the reporting sheets
    severity : of its findings, unless the observation says otherwise
    needs    : "cohort": looks at data, and at the folds where there are some; "evaluation": at results too
    examine  : from the source to what was seen, or None where all is well or the audit does not apply
    cite     : where the cut-off or the method comes from
    figure   : name of the figure that shows it; empty where none does
    """

    code: str
    name: str
    title: str
    topic: Topic
    severity: Severity
    needs: Literal["cohort", "evaluation"]
    examine: Callable[[Source], Observation | None]
    cite: str = ""
    figure: str = ""

    def finding(self, source: Source) -> Finding | None:
        """Examine `source`; None where there is nothing to say, or no evaluation for an audit that needs one."""
        if self.needs == "evaluation" and source.evaluation is None:
            return None
        seen = self.examine(source)
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

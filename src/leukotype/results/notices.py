"""What a reader must mind before believing a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from leukotype import wording
from leukotype.audits import SEVERITIES, Finding, Severity, by_code
from leukotype.cohort import Cohort
from leukotype.results.rendered import Plate
from leukotype.studies import Study
from leukotype.wording import percent

FEW = 10
LARGEST_SHARE = 0.6


@dataclass(frozen=True)
class Caution:
    """level : "error": the results can't stand so; "warning": may change the conclusion; "note": to be known

    figure : name of the figure that shows it, if there is one
    """

    level: Severity
    title: str
    text: str
    figure: str = ""


def of_cohort(cohort: Cohort) -> list[Caution]:
    """Warnings and notes about the data alone."""
    found = []
    if cohort.provenance.simulated:
        found.append(Caution("warning", "Simulated data", "No patient stands behind these values."))
    small = {name: count for name, count in cohort.class_counts.items() if count < FEW}
    if small:
        named = wording.listed(f"{name} ({count})" for name, count in small.items())
        least = min(small.values())
        found.append(
            Caution(
                "warning",
                "Small classes",
                f"Fewer than {FEW} samples: {named}. One sample more or less moves the recall of a "
                f"class of {least} by {100 / least:.3g} percentage points.",
            )
        )
    largest, count = max(cohort.class_counts.items(), key=lambda item: item[1])
    if count / cohort.n_samples > LARGEST_SHARE:
        found.append(
            Caution(
                "warning",
                "Unequal classes",
                f"{largest} makes up {percent(count / cohort.n_samples)} of the samples: calling every sample so gives "
                "that accuracy. Read the balanced accuracy.",
            )
        )
    if cohort.provenance.steps and not cohort.provenance.simulated:
        found.append(Caution("note", "Before the analysis", " ".join(cohort.provenance.steps)))
    missing = int(np.isnan(cohort.expression).sum())
    if missing:
        share = missing / cohort.expression.size
        found.append(
            Caution(
                "note",
                "Missing values",
                f"{missing:,} values ({percent(share, 2)}) are missing. In each fold they are filled with the median "
                "of their probe in the training part.",
            )
        )
    if cohort.donors is None and not cohort.provenance.simulated:
        found.append(
            Caution(
                "note",
                "Donors unknown",
                "No donors were named, so every sample was taken for another person. Where two samples come from one "
                "person the results are too good; name the donors with --donor.",
            )
        )
    return found


def of_evaluation(study: Study) -> list[Caution]:
    """Warnings and notes about the results; those of the audits and about the data come first."""
    evaluation = study.evaluation
    found = [*of_findings(study.audits), *of_cohort(evaluation.cohort)]
    leader = study.leader
    if leader.low <= study.chance:
        found.append(
            Caution(
                "warning",
                "No better than guessing",
                f"The interval of the best model, {leader.text}, includes the {wording.number(study.chance)} "
                "that guessing gives.",
            )
        )
    found += _degenerate(study)
    found += _uncalled(study)
    for model, messages in evaluation.notes().items():
        found.append(
            Caution(
                "note",
                f"While fitting {study.evaluation.title(model)}",
                f"It was reported: {wording.shortlist(messages, 3)}.",
            )
        )
    return found


def ordered(found: Iterable[Caution]) -> list[Caution]:
    """The gravest first, each kind in the order it was found."""
    return sorted(found, key=lambda caution: SEVERITIES.index(caution.level))


def of_findings(findings: Iterable[Finding]) -> list[Caution]:
    """What the audits found."""
    return [
        Caution(
            finding.severity,
            f"{by_code(finding.code).title} ({finding.code})",
            f"{finding.sentence[:1].upper()}{finding.sentence[1:]}",
            by_code(finding.code).figure,
        )
        for finding in findings
    ]


def of_plates(plates: tuple[Plate, ...]) -> list[Caution]:
    return [Caution("note", f"No figure “{plate.title}”", plate.reason) for plate in plates if plate.reason]


def _degenerate(study: Study) -> list[Caution]:
    rows = study.metrics[study.metrics["interval"].str.endswith("(degenerate)")]
    if rows.empty:
        return []
    models = wording.listed(model.title for model in study.models if model.name in set(rows["model"]))
    return [
        Caution(
            "note",
            "Intervals left out",
            f"For some metrics of {models} every bootstrap resample gave the same value, so no interval can be told: "
            "those numbers stand without one, which does not mean that they are exact.",
        )
    ]


def _uncalled(study: Study) -> list[Caution]:
    """Classes that a model never calls, baselines apart."""
    found = []
    for score in study.contenders:
        called = np.unique(study.evaluation.predicted(score.name))
        never = [name for code, name in enumerate(study.evaluation.classes) if code not in called]
        if never:
            found.append(
                Caution(
                    "warning",
                    "Classes never called",
                    f"{score.title} never calls {wording.listed(never, 'or')}.",
                )
            )
    return found

"""Warnings and notes on a cohort and on a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from leukotype import wording
from leukotype.audits import Finding, by_code
from leukotype.cohort import Cohort
from leukotype.results.page import Notice
from leukotype.studies import Study
from leukotype.wording import percent

FEW = 10
LARGEST_SHARE = 0.6


def of_cohort(cohort: Cohort) -> Iterator[Notice]:
    """Warnings and notes on the data."""
    if cohort.provenance.simulated:
        yield simulated()
    for text in cohort.provenance.warnings:
        yield Notice("warning", "Check the data", text)
    small = {name: count for name, count in cohort.class_counts.items() if count < FEW}
    if small:
        least = min(small.values())
        effect = (
            f"One sample changes the recall of a class of {least} by {100 / least:.3g} percentage points."
        )
        yield small_classes(small, effect)
    largest, count = max(cohort.class_counts.items(), key=lambda item: item[1])
    if count / cohort.n_samples > LARGEST_SHARE:
        share = percent(count / cohort.n_samples)
        yield Notice(
            "warning",
            "Unequal classes",
            f"{largest} has {share} of the samples: always predicting it gives an accuracy of {share}. Use the "
            "balanced accuracy.",
        )
    if cohort.provenance.steps and not cohort.provenance.simulated:
        yield Notice("note", "Preprocessing", " ".join(cohort.provenance.steps))
    missing = int(np.isnan(cohort.expression).sum())
    if missing:
        yield Notice(
            "note",
            "Missing values",
            f"{missing:,} values ({percent(missing / cohort.expression.size, 2)}) are missing. In each fold they are "
            "replaced by the median of the probe in the training part.",
        )
    if cohort.donors is None and not cohort.provenance.simulated:
        yield Notice(
            "note",
            "Donors unknown",
            "No donors were specified, so each sample is treated as a different person. If several samples come from "
            "one person, the results are too optimistic; specify the donors with --donor.",
        )


def of_study(study: Study) -> Iterator[Notice]:
    """Findings of the audits, then warnings and notes on the data and on the results."""
    findings = [_of_finding(finding) for finding in study.audits]
    yield from findings
    # An audit and the reader can give the same warning.
    said = " ".join(notice.text for notice in findings)
    yield from (notice for notice in of_cohort(study.cohort) if notice.text not in said)
    if study.leader.low <= study.chance:
        yield Notice(
            "warning",
            "No better than chance",
            f"The interval of the best model, {study.leader.text}, includes the chance level of "
            f"{wording.number(study.chance)}.",
        )
    for score in study.contenders:
        called = np.unique(study.evaluation.predicted(score.name))
        never = [name for code, name in enumerate(study.evaluation.classes) if code not in called]
        if never:
            text = f"{score.title} never predicts {wording.listed(never, 'or')}."
            yield Notice("warning", "Classes never predicted", text)
    for model, messages in study.evaluation.notes().items():
        text = f"Fitting raised: {wording.shortlist(messages, 3)}."
        yield Notice("note", f"Fitting of {study.evaluation.title(model)}", text)


def simulated() -> Notice:
    return Notice("warning", "Simulated data", "The values are simulated; they are not patient data.")


def small_classes(counts: Mapping[str, int], effect: str = "") -> Notice:
    named = wording.listed(f"{name} ({count})" for name, count in counts.items())
    return Notice("warning", "Small classes", f"Fewer than {FEW} samples: {named}. {effect}".rstrip())


def _of_finding(finding: Finding) -> Notice:
    audit = by_code(finding.code)
    text = f"{finding.sentence[:1].upper()}{finding.sentence[1:]}"
    return Notice(finding.severity, f"{audit.title} ({finding.code})", text, audit.figure)

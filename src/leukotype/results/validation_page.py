"""The report of an external validation, and what to mind before believing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from leukotype import wording
from leukotype.classifier.validation import EDGE, EXPECTED_UNLIKE, Number, Validation
from leukotype.results import page
from leukotype.results import validation_tables as tables
from leukotype.results.notices import Caution, of_plates, ordered
from leukotype.results.page import Section
from leukotype.results.rendered import Plate
from leukotype.results.statements import Paragraph
from leukotype.results.summary import Tile
from leukotype.wording import counted, percent

_FEW = 10


def of_validation(validation: Validation, plates: Sequence[Plate], *, command: str = "") -> str:
    """The page; the same bytes for the same validation."""
    drawn = [plate for plate in plates if plate.drawing is not None]
    listings = (tables.wrong(validation), tables.abstained(validation), tables.strangers(validation))
    links = tuple((f"figure-{plate.name}", plate.title) for plate in drawn)
    sections = (
        Section("summary", "Summary"),
        Section("cautions", "Warnings and notes"),
        Section("results", "Results", (("classes", "Classes, one by one"), *links)),
        Section("samples", "Samples", tuple((one.name, one.title) for one in listings)),
        Section("methods", "Methods"),
        Section("provenance", "Provenance"),
    )
    n = validation.batch.n_samples
    undefined = validation.undefined
    return page.render(
        "validation.html.j2",
        tuple(plates),
        cohort={
            "name": validation.classifier.name,
            "fingerprint": validation.classifier.fingerprint or "not saved",
        },
        provenance=validation.batch.provenance,
        kind="External validation of",
        facts=(counted(n, "sample"), PurePath(validation.batch.provenance.source).name, "research use only"),
        sections=sections,
        tiles=_tiles(validation),
        points=_points(validation),
        cautions=ordered([*cautions(validation), *of_plates(tuple(plates))]),
        metrics=tables.metrics(validation),
        undefined=(
            f"Not defined here, for {wording.listed(validation.absent)} "
            f"{'has' if len(validation.absent) == 1 else 'have'} no sample: {wording.listed(undefined)}."
            if undefined
            else ""
        ),
        classes=tables.classes(validation),
        results=drawn,
        drawn={plate.name for plate in drawn},
        samples=listings,
        methods=_methods(validation),
        scales=_scales(validation),
        command=command,
    )


def _scales(one: Validation) -> str:
    """Of how many samples the values were taken as they are, and of how many logarithms."""
    kinds = [said.split(":")[0] for said in one.calls.scales]
    return "; ".join(f"{counted(kinds.count(kind), 'sample')} {kind}" for kind in dict.fromkeys(kinds)) + "."


def _text(number: Number) -> str:
    return wording.estimate(number.value, number.low, number.high)


def _tiles(one: Validation) -> list[Tile]:
    balanced = one.metrics["balanced_accuracy"][1]
    n = len(one.codes)
    tiles = [
        Tile(
            "Right, every sample called", f"{int(one.right.sum())} of {n}", _text(one.metrics["accuracy"][1])
        ),
        Tile("Balanced accuracy", wording.number(balanced.value), _claim(one, "balanced_accuracy")),
        Tile("Called", f"{int(one.called.sum())} of {n}", _text(one.share_called)),
    ]
    if one.right_among_called.n:
        right = int(one.right[one.called].sum())
        tiles.append(
            Tile(
                "Right among the called",
                f"{right} of {one.right_among_called.n}",
                _text(one.right_among_called),
            )
        )
    return tiles


def _claim(one: Validation, metric: str) -> str:
    claimed = tables.claimed(one, metric)
    return f"claimed {claimed}" if claimed else "no claim in the file"


def _points(one: Validation) -> list[Paragraph]:
    reasons = [f"{reason} {count}" for reason, count in one.reasons.items() if count]
    abstained = (
        f"Abstained on: {', '.join(reasons)}; a sample may have several." if reasons else "Abstained on none."
    )
    points = [
        Paragraph(
            "Against the claim",
            f"Balanced accuracy {_text(one.metrics['balanced_accuracy'][1])} here, {_claim(one, 'balanced_accuracy')} "
            "(nested cross-validation on the training cohort).",
        ),
        Paragraph("Abstention", abstained),
        Paragraph(
            "Calibration",
            f"Mean confidence {one.confidence:.2f}; {one.right.mean():.2f} of the samples are right.",
        ),
    ]
    if one.coverage is not None:
        points.append(
            Paragraph(
                "Prediction sets",
                f"{_text(one.coverage)} of the sets hold the true class, at a level of {one.calls.level:g}; "
                f"{one.set_size:.2f} classes in the mean set. {one.calls.sets_said}",
            )
        )
    points.append(
        Paragraph(
            "Likeness",
            f"{_text(one.unlike)} of the samples lie farther from every class than {percent(1 - EXPECTED_UNLIKE)} of "
            f"the held-out training samples, and {_text(one.near_the_edge)} farther than {percent(1 - EDGE)} of them; "
            f"of samples from the same source at most about {EXPECTED_UNLIKE:g} and {EDGE:g} are expected.",
        )
    )
    points.append(Paragraph("Probes", one.calls.matched))
    return points


def _trained_on(one: Validation) -> Mapping[str, Any]:
    """What the file says of its cohort, which may be nothing."""
    cohort = one.classifier.record.get("cohort")
    return cohort if isinstance(cohort, dict) else {}


def cautions(one: Validation) -> list[Caution]:
    """What a reader must mind before believing a number, the gravest first."""
    found = []
    if one.batch.provenance.simulated:
        found.append(Caution("warning", "Simulated data", "No patient stands behind these values."))
    if _trained_on(one).get("simulated") is True:
        found.append(Caution("warning", "Trained on simulated data", "The classifier knows no patient."))
    counts = {name: count for name, count in one.class_counts.items() if name in one.classes}
    small = [f"{name} ({count})" for name, count in counts.items() if count < _FEW]
    if small:
        found.append(
            Caution("warning", "Small classes", f"Fewer than {_FEW} samples: {wording.listed(small)}.")
        )
    if one.absent:
        found.append(
            Caution(
                "note", "Classes without a sample", f"{wording.listed(one.absent)}: nothing is said of them."
            )
        )
    n_strange = int((~one.known).sum())
    if n_strange:
        held = int((~one.calls.called[~one.known]).sum())
        names = sorted(set(one.labels[~one.known].tolist()))
        found.append(
            Caution(
                "warning",
                "Classes it was not trained on",
                f"{counted(n_strange, 'sample')} of {wording.listed(names)}: {held} abstained on, "
                f"{n_strange - held} called something else. They count in no metric.",
            )
        )
    if one.unlike.low > EXPECTED_UNLIKE or one.near_the_edge.low > EDGE:
        found.append(
            Caution(
                "warning",
                "Shift against training",
                f"{_text(one.near_the_edge)} of the samples lie farther from every class than three in four of the "
                f"held-out training samples, where {EDGE:g} would: these samples are not quite of the kind that the "
                "classifier was trained on, and what it claims of itself was not measured on such.",
                "likeness",
            )
        )
    claimed = one.claimed("balanced_accuracy").get("low")
    here = one.metrics["balanced_accuracy"][1]
    if isinstance(claimed, int | float) and here.high < claimed:
        found.append(
            Caution(
                "error",
                "Worse than claimed",
                f"Balanced accuracy {_text(here)} lies below all that the training cohort made likely.",
            )
        )
    fingerprint = _trained_on(one).get("sha256")
    if fingerprint and fingerprint == one.batch.provenance.sha256:
        found.append(
            Caution(
                "error",
                "Training samples",
                "This is the file that the classifier was trained on: no validation.",
            )
        )
    return ordered(found)


def _methods(one: Validation) -> list[Paragraph]:
    return [
        Paragraph(
            "Design",
            "The classifier was read from its file and changed in nothing; every sample was aligned and called by "
            "itself. No threshold, scale or probability was adjusted to these samples.",
        ),
        Paragraph(
            "Intervals",
            "Shares have Clopper-Pearson intervals, balanced accuracy the exact intervals of its classes combined as "
            "variances are (MOVER), other metrics a bootstrap of the samples within their classes. Samples are taken "
            "for independent: several of one patient would make every interval too narrow.",
        ),
        Paragraph(
            "Abstention",
            "Metrics are given with every sample called, and the called ones apart: leaving out what a classifier "
            "abstained on would flatter it.",
        ),
        Paragraph(
            "Likeness",
            "Distance to the nearest class mean of training, each probe in its pooled within-class deviation plus the "
            "median of those; p is the share of held-out training samples at least as far off.",
        ),
    ]

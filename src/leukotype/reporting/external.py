"""The report of an external validation, and its JSON twin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from leukotype import __version__
from leukotype.classifier.calls import REASONS
from leukotype.classifier.validation import EXPECTED_UNLIKE, Number, Validation
from leukotype.figures.theme import counted, percent
from leukotype.reporting import formats, page
from leukotype.reporting.cautions import Caution, of_plates, ordered
from leukotype.reporting.page import Section
from leukotype.reporting.plates import Plate
from leukotype.reporting.statements import Point
from leukotype.reporting.summary import Tile
from leukotype.reporting.tables import Cell, Table

_FEW = 10
_MOST_ROWS = 500


@dataclass(frozen=True)
class _Listing:
    name: str
    title: str
    table: Table
    none: str


def of_validation(validation: Validation, plates: Sequence[Plate], *, command: str = "") -> str:
    """The page; the same bytes for the same validation."""
    drawn = [plate for plate in plates if plate.drawing is not None]
    listings = (_wrong(validation), _abstained(validation), _strangers(validation))
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
        cautions=ordered([*_cautions(validation), *of_plates(tuple(plates))]),
        metrics=_metrics(validation),
        undefined=(
            f"Not defined here, for {formats.listed(validation.absent)} "
            f"{'has' if len(validation.absent) == 1 else 'have'} no sample: {formats.listed(undefined)}."
            if undefined
            else ""
        ),
        classes=_classes(validation),
        results=drawn,
        drawn={plate.name for plate in drawn},
        samples=listings,
        methods=_methods(validation),
        command=command,
    )


def validation_json(validation: Validation) -> dict[str, Any]:
    """Return the content of validation.json: plain types, null for what is not a number."""
    one = validation
    return {
        "schema": 1,
        "version": __version__,
        "classifier": {"name": one.classifier.name, "fingerprint": one.classifier.fingerprint},
        "samples": {
            "n": one.batch.n_samples,
            "source": one.batch.provenance.source,
            "sha256": one.batch.provenance.sha256,
            "classes": _counts(one),
            "not_trained_on": int((~one.known).sum()),
            "absent": list(one.absent),
            "matched": one.calls.matched,
        },
        "metrics": {
            name: {**_plain(number), "claimed": dict(one.claimed(name)) or None}
            for name, (_, number) in one.metrics.items()
        },
        "undefined": list(one.undefined),
        "called": _plain(one.share_called),
        "right_among_called": _plain(one.right_among_called),
        "reasons": one.reasons,
        "calibration": {"mean_confidence": one.confidence, "accuracy": float(one.right.mean())},
        "sets": None
        if one.coverage is None
        else {"level": one.calls.level, **_plain(one.coverage), "mean_size": one.set_size},
        "unlike": {"expected": EXPECTED_UNLIKE, **_plain(one.unlike)},
    }


def _plain(number: Number) -> dict[str, Any]:
    values = {key: getattr(number, key) for key in ("value", "low", "high")}
    return {
        **{key: value if math.isfinite(value) else None for key, value in values.items()},
        "n": number.n,
        "interval": number.method,
    }


def _counts(one: Validation) -> dict[str, int]:
    names, counts = np.unique(one.labels, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _text(number: Number) -> str:
    return formats.estimate(number.value, number.low, number.high)


def _tiles(one: Validation) -> list[Tile]:
    balanced = one.metrics["balanced_accuracy"][1]
    n = len(one.codes)
    tiles = [
        Tile(
            "Right, every sample called", f"{int(one.right.sum())} of {n}", _text(one.metrics["accuracy"][1])
        ),
        Tile("Balanced accuracy", formats.number(balanced.value), _claim(one, "balanced_accuracy")),
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
    claimed = _claimed(one, metric)
    return f"claimed {claimed}" if claimed else "no claim in the file"


def _claimed(one: Validation, metric: str) -> str:
    entry = one.claimed(metric)
    values = [entry.get(key) for key in ("value", "low", "high")]
    if not isinstance(values[0], int | float):
        return ""
    numbers = [float(v) if isinstance(v, int | float) else math.nan for v in values]
    return formats.estimate(*numbers, formats.bounds_of(metric))


def _points(one: Validation) -> list[Point]:
    reasons = [f"{reason} {count}" for reason, count in one.reasons.items() if count]
    abstained = (
        f"Abstained on: {', '.join(reasons)}; a sample may have several." if reasons else "Abstained on none."
    )
    points = [
        Point(
            "Against the claim",
            f"Balanced accuracy {_text(one.metrics['balanced_accuracy'][1])} here, {_claim(one, 'balanced_accuracy')} "
            "(nested cross-validation on the training cohort).",
        ),
        Point("Abstention", abstained),
        Point(
            "Calibration",
            f"Mean confidence {one.confidence:.2f}; {one.right.mean():.2f} of the samples are right.",
        ),
    ]
    if one.coverage is not None:
        points.append(
            Point(
                "Prediction sets",
                f"{_text(one.coverage)} of the sets hold the true class, at a level of {one.calls.level:g}; "
                f"{one.set_size:.2f} classes in the mean set. {one.calls.sets_said}",
            )
        )
    points.append(
        Point(
            "Likeness",
            f"{_text(one.unlike)} of the samples lie farther from every class than {percent(1 - EXPECTED_UNLIKE)} of the "
            f"held-out training samples; {EXPECTED_UNLIKE:g} are expected of samples from the same source.",
        )
    )
    points.append(Point("Probes", one.calls.matched))
    return points


def _cautions(one: Validation) -> list[Caution]:
    found = []
    if one.batch.provenance.simulated:
        found.append(Caution("warning", "Simulated data", "No patient stands behind these values."))
    if one.classifier.record.get("cohort", {}).get("simulated") is True:
        found.append(Caution("warning", "Trained on simulated data", "The classifier knows no patient."))
    counts = {name: count for name, count in _counts(one).items() if name in one.classes}
    small = [f"{name} ({count})" for name, count in counts.items() if count < _FEW]
    if small:
        found.append(
            Caution("warning", "Small classes", f"Fewer than {_FEW} samples: {formats.listed(small)}.")
        )
    if one.absent:
        found.append(
            Caution(
                "note", "Classes without a sample", f"{formats.listed(one.absent)}: nothing is said of them."
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
                f"{counted(n_strange, 'sample')} of {formats.listed(names)}: {held} abstained on, "
                f"{n_strange - held} called something else. They count in no metric.",
            )
        )
    if one.unlike.low > EXPECTED_UNLIKE:
        found.append(
            Caution(
                "warning",
                "Shift against training",
                f"{_text(one.unlike)} of the samples count as unlike those of training, where {EXPECTED_UNLIKE:g} would.",
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
    fingerprint = one.classifier.record.get("cohort", {}).get("sha256")
    if fingerprint and fingerprint == one.batch.provenance.sha256:
        found.append(
            Caution(
                "error",
                "Training samples",
                "This is the file that the classifier was trained on: no validation.",
            )
        )
    return found


def _metrics(one: Validation) -> Table:
    rows = tuple(
        (
            Cell(title),
            Cell(
                formats.number(number.value, formats.bounds_of(name)),
                under=formats.interval(number.low, number.high, formats.bounds_of(name)),
            ),
            Cell(_claimed(one, name) or "–"),
        )
        for name, (title, number) in one.metrics.items()
    )
    return Table(
        "metrics",
        f"{counted(len(one.codes), 'sample')} of known classes, every one called; 95 % intervals. Claimed: out of fold on the "
        "training cohort.",
        ("Metric", "Here", "Claimed"),
        (False, True, True),
        rows,
    )


def _classes(one: Validation) -> Table:
    rows = []
    for code, name in enumerate(one.classes):
        own = one.codes == code
        n = int(own.sum())
        if not n:
            continue
        called = own & one.called
        rows.append(
            (
                Cell(name),
                Cell(str(n)),
                Cell(f"{int(one.right[own].sum())} of {n}"),
                Cell(f"{int(called.sum())} of {n}"),
                Cell(f"{int(one.right[called].sum())} of {int(called.sum())}"),
            )
        )
    return Table(
        "classes",
        "Samples of each class: right when every sample is called, called, and right among the called.",
        ("Class", "Samples", "Right", "Called", "Right among the called"),
        (False, True, True, True, True),
        tuple(rows),
    )


def _wrong(one: Validation) -> _Listing:
    places = np.flatnonzero(one.known)[~one.right]
    return _Listing(
        "wrong",
        "Wrong",
        _samples(
            one,
            places,
            "wrong-calls",
            "Samples whose most probable class is not the true one, called or not.",
        ),
        "No sample of a known class is wrong.",
    )


def _abstained(one: Validation) -> _Listing:
    places = np.flatnonzero(~one.calls.called & one.known)
    return _Listing(
        "abstained",
        "Abstained on",
        _samples(one, places, "abstentions", "Samples of known classes without a call."),
        "Every sample of a known class was called.",
    )


def _strangers(one: Validation) -> _Listing:
    places = np.flatnonzero(~one.known)
    return _Listing(
        "strangers",
        "Of classes not trained on",
        _samples(one, places, "stranger-calls", "Samples of classes that the classifier does not know."),
        "Every sample is of a class that the classifier knows.",
    )


def _samples(one: Validation, places: Iterable[int], name: str, caption: str) -> Table:
    chosen = list(places)
    more = f" The first {_MOST_ROWS}; all stand in calls.csv." if len(chosen) > _MOST_ROWS else ""
    rows = []
    for k in chosen[:_MOST_ROWS]:
        code = int(one.calls.predicted[k])
        reasons = [reason for reason in REASONS if reason in one.calls.reasons[k]]
        rows.append(
            (
                Cell(str(one.calls.samples[k])),
                Cell(str(one.labels[k])),
                Cell(one.classes[code]),
                Cell(formats.number(float(one.calls.probabilities[k, code]))),
                Cell(", ".join(reasons) or "called"),
                Cell(" | ".join(one.calls.set_of(k)) or "–"),
                Cell(formats.number(float(one.calls.p_like[k]))),
            )
        )
    columns = (
        "Sample",
        "True class",
        "Most probable",
        "Probability",
        "Abstained for",
        "Set",
        "p of likeness",
    )
    return Table(name, caption + more, columns, (False, False, False, True, False, False, True), tuple(rows))


def _methods(one: Validation) -> list[Point]:
    return [
        Point(
            "Design",
            "The classifier was read from its file and changed in nothing; every sample was aligned and called by itself. "
            "No threshold, scale or probability was adjusted to these samples.",
        ),
        Point(
            "Intervals",
            "Shares have Clopper-Pearson intervals, balanced accuracy the exact intervals of its classes combined as "
            "variances are (MOVER), other metrics a bootstrap of the samples within their classes. Samples are taken for "
            "independent: several of one patient would make every interval too narrow.",
        ),
        Point(
            "Abstention",
            "Metrics are given with every sample called, and the called ones apart: leaving out what a classifier "
            "abstained on would flatter it.",
        ),
        Point(
            "Likeness",
            "Distance to the nearest class mean of training, each probe in its pooled within-class deviation plus the "
            "median of those; p is the share of held-out training samples at least as far off.",
        ),
    ]

"""The tables of an external validation."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from leukotype import metrics as known_metrics
from leukotype import wording
from leukotype.classifier.calls import REASONS
from leukotype.classifier.validation import Validation
from leukotype.results.tables import Cell, Table
from leukotype.wording import counted

_MOST_ROWS = 500


@dataclass(frozen=True)
class Listing:
    """Some samples as a table, and what to say where there are none."""

    name: str
    title: str
    table: Table
    none: str


def claimed(one: Validation, metric: str) -> str:
    """What the file claims of a metric: "0.95 [0.88, 0.99]"; "" where it claims nothing."""
    entry = one.claimed(metric)
    values = [entry.get(key) for key in ("value", "low", "high")]
    if not isinstance(values[0], int | float):
        return ""
    numbers = [float(v) if isinstance(v, int | float) else math.nan for v in values]
    return wording.estimate(numbers[0], numbers[1], numbers[2], known_metrics.by_name(metric).bounds)


def metrics(one: Validation) -> Table:
    rows = tuple(
        (
            Cell(title),
            Cell(
                wording.number(number.value, known_metrics.by_name(name).bounds),
                under=wording.interval(number.low, number.high, known_metrics.by_name(name).bounds),
            ),
            Cell(claimed(one, name) or "–"),
        )
        for name, (title, number) in one.metrics.items()
    )
    return Table(
        "metrics",
        f"{counted(len(one.codes), 'sample')} of known classes, every one called; 95 % intervals. Claimed: out of fold "
        "on the training cohort.",
        ("Metric", "Here", "Claimed"),
        (False, True, True),
        rows,
    )


def classes(one: Validation) -> Table:
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


def wrong(one: Validation) -> Listing:
    places = np.flatnonzero(one.known)[~one.right]
    return Listing(
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


def abstained(one: Validation) -> Listing:
    places = np.flatnonzero(~one.calls.called & one.known)
    return Listing(
        "abstained",
        "Abstained on",
        _samples(one, places, "abstentions", "Samples of known classes without a call."),
        "Every sample of a known class was called.",
    )


def strangers(one: Validation) -> Listing:
    places = np.flatnonzero(~one.known)
    return Listing(
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
                Cell(wording.number(float(one.calls.probabilities[k, code]))),
                Cell(", ".join(reasons) or "called"),
                Cell(" | ".join(one.calls.set_of(k)) or "–"),
                Cell(wording.number(float(one.calls.p_like[k]))),
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

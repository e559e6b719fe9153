"""The page of an external validation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import PurePath

import numpy as np

from leukotype import wording
from leukotype.classifier.calls import REASONS
from leukotype.classifier.validation import EDGE, EXPECTED_UNLIKE, Number, Validation
from leukotype.metrics import by_name
from leukotype.results import methods, page
from leukotype.results import notices as shared
from leukotype.results.page import Block, Notice, Page, Paragraph, Tile, file_facts, heading, section, table
from leukotype.results.rendered import RenderedFigure
from leukotype.results.tables import Table, estimate
from leukotype.wording import counted, number, percent

_MOST_ROWS = 500


def validation_page(
    validation: Validation,
    figures: Sequence[RenderedFigure],
    missing: Sequence[Notice] = (),
    command: str = "",
) -> Page:
    """Return the page of an external validation."""
    one, source, classifier = validation, validation.batch.provenance, validation.classifier
    undefined = (
        f"Not defined because {wording.listed(one.absent)} {'has' if len(one.absent) == 1 else 'have'} no sample: "
        f"{wording.listed(one.undefined)}."
    )
    # Calls say "KIND: detail" of the scale of each sample.
    kinds = [scale.split(":")[0] for scale in one.calls.scales]
    scales = "; ".join(f"{counted(kinds.count(kind), 'sample')} {kind}" for kind in dict.fromkeys(kinds))
    sections = (
        section(
            "summary", "Summary", Block("tiles", list(_tiles(one))), Block("points", list(_summary(one)))
        ),
        page.notices([*notices(one), *missing]),
        section(
            "results",
            "Results",
            table(_metrics(one)),
            [Block("note", undefined)] if one.undefined else [],
            heading("classes", "Results for each class"),
            table(_classes(one)),
            [Block("figure", figure) for figure in figures],
        ),
        section("samples", "Samples", *_samples(one)),
        section("methods", "Methods", Block("prose", _methods())),
        page.provenance(
            source,
            first=[
                Paragraph("Classifier", classifier.name),
                *file_facts(classifier.fingerprint, classifier.signed_by),
            ],
            extra=[Paragraph("Scale", f"{scales}.")],
            command=command,
            software=methods.software(),
        ),
    )
    facts = (counted(one.batch.n_samples, "sample"), PurePath(source.source).name, "research use only")
    return Page("External validation of", classifier.name, facts, sections, source.simulated)


def notices(one: Validation) -> Iterator[Notice]:
    """Warnings and notes on a validation."""
    training = one.classifier.record.get("cohort")
    training = training if isinstance(training, dict) else {}
    if one.batch.provenance.simulated:
        yield shared.simulated()
    if training.get("simulated") is True:
        text = "The training data are simulated; they are not patient data."
        yield Notice("warning", "Trained on simulated data", text)
    counts = {name: n for name, n in one.class_counts.items() if name in one.classes and n < shared.FEW}
    if counts:
        yield shared.small_classes(counts)
    if one.absent:
        yield Notice("note", "Classes without samples", f"{wording.listed(one.absent)}: not validated.")
    unknown = int((~one.known).sum())
    if unknown:
        abstained = int((~one.calls.called[~one.known]).sum())
        names = wording.listed(sorted(set(one.labels[~one.known].tolist())))
        yield Notice(
            "warning",
            "Classes not in the training data",
            f"{counted(unknown, 'sample')} of {names}: the classifier abstained on {abstained} and assigned a wrong "
            f"class to {unknown - abstained}. They are not part of any metric.",
        )
    if one.unlike.low > EXPECTED_UNLIKE or one.near_the_edge.low > EDGE:
        yield Notice(
            "warning",
            "Samples differ from the training data",
            f"{_text(one.near_the_edge)} of the samples are farther from every class than 75 % of the held-out "
            f"training samples; {EDGE:g} is expected. The claimed performance may not hold for such samples.",
            "likeness",
        )
    claimed = one.claimed("balanced_accuracy").get("low")
    here = one.metrics["balanced_accuracy"][1]
    if isinstance(claimed, int | float) and here.high < claimed:
        text = f"The balanced accuracy {_text(here)} is below the claimed interval."
        yield Notice("error", "Worse than claimed", text)
    if one.trained_on:
        yield Notice(
            "warning",
            "Training samples left out",
            f"The classifier was trained on {counted(len(one.trained_on), 'sample')} of this file: "
            f"{wording.shortlist(one.trained_on, 6)}. They are in no number of this page.",
        )
    if one.unchecked:
        cause = (
            "The classifier file has no sketches of its training samples"
            if one.classifier.sketch is None
            else "Too few of their probes are measured"
        )
        yield Notice(
            "note" if one.unchecked < one.batch.n_samples else "warning",
            "Not compared with the training samples",
            f"{cause}, so {counted(one.unchecked, 'sample')} could not be compared with them. Make sure that the "
            "classifier was not trained on any of these samples.",
        )
    if training.get("sha256") and training["sha256"] == one.batch.provenance.sha256:
        text = "The file was used to train the classifier: this is no validation."
        yield Notice("error", "Training samples", text)


def _tiles(one: Validation) -> Iterator[Tile]:
    n, called = len(one.codes), int(one.called.sum())
    accuracy, balanced = (one.metrics[name][1] for name in ("accuracy", "balanced_accuracy"))
    yield Tile("Correct, without abstention", f"{int(one.right.sum())} of {n}", _text(accuracy))
    yield Tile("Balanced accuracy", number(balanced.value), _claim(one))
    yield Tile("Called", f"{called} of {n}", _text(one.share_called))
    if one.right_among_called.n:
        correct = f"{int(one.right[one.called].sum())} of {one.right_among_called.n}"
        yield Tile("Correct among called", correct, _text(one.right_among_called))


def _summary(one: Validation) -> Iterator[Paragraph]:
    balanced = _text(one.metrics["balanced_accuracy"][1])
    reasons = [f"{reason} {count}" for reason, count in one.reasons.items() if count]
    yield Paragraph(
        "Comparison with the claim",
        f"Balanced accuracy {balanced} here, {_claim(one)} (nested cross-validation on the training cohort).",
    )
    yield Paragraph(
        "Abstention",
        f"Samples without a call, by reason (a sample may have several): {', '.join(reasons)}."
        if reasons
        else "Every sample was called.",
    )
    yield Paragraph(
        "Calibration",
        f"The mean confidence is {one.confidence:.2f}; {one.right.mean():.2f} of the samples are classified correctly.",
    )
    if one.coverage is not None:
        yield Paragraph(
            "Prediction sets",
            f"{_text(one.coverage)} of the sets contain the true class, at a level of {one.calls.level:g}. The mean "
            f"set has {one.set_size:.2f} classes. {one.calls.sets_note}{_outside(one)}",
        )
    yield Paragraph(
        "Distance",
        f"{_text(one.unlike)} of the samples are farther from every class than {percent(1 - EXPECTED_UNLIKE)} of the "
        f"held-out training samples, and {_text(one.near_the_edge)} are farther than {percent(1 - EDGE)} of them. For "
        f"samples from the same source, at most about {EXPECTED_UNLIKE:g} and {EDGE:g} are expected.",
    )
    yield Paragraph("Probes", one.calls.matched)


def _outside(one: Validation) -> str:
    n = one.right_outside.n
    if not n:
        return ""
    return (
        f" {counted(n, 'call')} {'is' if n == 1 else 'are'} outside the prediction set of the sample, and "
        f"{round(n * one.right_outside.value)} of these correct."
    )


def _methods() -> list[Paragraph]:
    return [
        Paragraph(
            "Design",
            "The classifier was read from its file and not changed. Each sample was aligned and called independently "
            "of the others. No threshold, scale or probability was adjusted to these samples.",
        ),
        Paragraph(
            "Intervals",
            "Proportions have Clopper-Pearson intervals, the balanced accuracy combines the exact intervals of its "
            "classes (MOVER), and other metrics have a Bayesian bootstrap of the samples within classes. "
            "Samples are treated as independent: several samples of one patient would make the intervals too narrow.",
        ),
        Paragraph(
            "Abstention",
            "Metrics include all samples, as if the classifier never abstained; results for the called samples are "
            "separate. Metrics of the called samples alone would be too optimistic.",
        ),
        Paragraph(
            "Distance",
            "Distance to the nearest class mean of the training data; each probe is scaled by its pooled within-class "
            "deviation plus the median of these deviations. p is the share of held-out training samples that are at "
            "least as distant.",
        ),
    ]


def _metrics(one: Validation) -> Table:
    rows = [
        (title, estimate(found.value, found.low, found.high, by_name(name)), _claimed(one, name) or "–")
        for name, (title, found) in one.metrics.items()
    ]
    caption = (
        f"{counted(len(one.codes), 'sample')} of known classes, without abstention; 95 % intervals. Claimed: out of "
        "fold on the training cohort"
    )
    return Table("metrics", caption, ("Metric", "Here", "Claimed"), rows)


def _classes(one: Validation) -> Table:
    rows = []
    for code, name in enumerate(one.classes):
        own = one.codes == code
        n, called = int(own.sum()), own & one.called
        if n:
            correct = f"{int(one.right[own].sum())} of {n}"
            among = f"{int(one.right[called].sum())} of {int(called.sum())}"
            rows.append((name, str(n), correct, f"{int(called.sum())} of {n}", among))
    columns = ("Class", "Samples", "Correct", "Called", "Correct among called")
    caption = "Samples of each class: correct without abstention, called, and correct among called"
    return Table("classes", caption, columns, rows)


def _samples(one: Validation) -> Iterator[Block]:
    """List misclassified samples, abstentions and samples of unknown classes."""
    listings = (
        ("wrong", "Misclassified samples", np.flatnonzero(one.known)[~one.right]),
        ("abstained", "Abstentions", np.flatnonzero(~one.calls.called & one.known)),
        ("unknown", "Samples of unknown classes", np.flatnonzero(~one.known)),
    )
    for anchor, title, rows in listings:
        yield heading(anchor, title)
        yield (
            table(_calls(one, rows.tolist(), f"{anchor}-calls", title))
            if len(rows)
            else Block("text", "None.")
        )


def _calls(one: Validation, rows: Sequence[int], name: str, caption: str) -> Table:
    more = f"; the first {_MOST_ROWS}, see calls.csv for all" if len(rows) > _MOST_ROWS else ""
    calls = one.calls
    cells = [
        (
            str(calls.samples[row]),
            str(one.labels[row]),
            one.classes[calls.predicted[row]],
            number(float(calls.probabilities[row].max())),
            ", ".join(reason for reason in REASONS if reason in calls.reasons[row])
            or ("called, outside the set" if calls.outside[row] else "called"),
            " | ".join(calls.set_of(row)) or "–",
            number(float(calls.p_like[row])),
        )
        for row in rows[:_MOST_ROWS]
    ]
    columns = (
        "Sample", "True class", "Most probable", "Probability", "Reason for abstention", "Prediction set",
        "p of the distance",
    )  # fmt: skip
    return Table(name, caption + more, columns, cells, text=(0, 1, 2, 4, 5))


def _text(found: Number) -> str:
    return wording.estimate(found.value, found.low, found.high)


def _claimed(one: Validation, metric: str) -> str:
    """What the file claims: "0.95 [0.88, 0.99]"; empty if it claims nothing."""
    entry = one.claimed(metric)
    values = [entry.get(key) for key in ("value", "low", "high")]
    if not isinstance(values[0], int | float):
        return ""
    value, low, high = (float(v) if isinstance(v, int | float) else math.nan for v in values)
    return wording.estimate(value, low, high, by_name(metric).bounds)


def _claim(one: Validation) -> str:
    claimed = _claimed(one, "balanced_accuracy")
    return f"claimed {claimed}" if claimed else "no claim in the file"

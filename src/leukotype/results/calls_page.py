"""The page of a batch of calls: the evidence of each sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from leukotype.classifier import Classifier
from leukotype.classifier.calls import ABSTAINED, OUTSIDE, REASONS, Calls, Evidence
from leukotype.cohort import Provenance
from leukotype.results.page import Block, Page, Paragraph, Tile, file_facts, provenance, section
from leukotype.wording import counted

# Further classes, the least probable ones, are summed up.
_MOST_CLASSES = 6
_BAR = 120
_FOR, _AGAINST = "#0b5394", "#b35900"


def calls_page(calls: Calls, *, classifier: Classifier, source: Provenance, command: str = "") -> str:
    """Return the page as HTML, without any script; the same bytes for the same calls.

    source : of the samples
    """
    # A file may leave out any part of its record.
    parts = (classifier.record.get(name) for name in ("model", "cohort"))
    model, cohort = (part if isinstance(part, dict) else {} for part in parts)
    trained = cohort.get("name")
    about = [
        Paragraph("Classifier", classifier.name),
        *file_facts(classifier.fingerprint, classifier.signed_by),
        Paragraph("Model", str(model.get("title") or "unknown")),
        Paragraph("Trained on", f"{trained}, {cohort.get('n_samples')} samples" if trained else "unknown"),
        Paragraph("Classes", ", ".join(classifier.classes)),
    ]
    points = [Paragraph("Probes", calls.matched), Paragraph("Prediction sets", calls.sets_note)]
    sections = (
        section(
            "summary",
            "Summary",
            Block("tiles", list(_tiles(calls))),
            Block("facts", [point for point in points if point.text]),
        ),
        section(
            "samples", "Samples", Block("samples", [_sample(calls, row) for row in range(calls.n_samples)])
        ),
        section("reading", "How to read this page", [Block("text", text) for text in _reading(calls)]),
        provenance(source, first=about, command=command),
    )
    called = f"{int(calls.called.sum())} called"
    facts = (counted(calls.n_samples, "sample"), called, "research use only")
    simulated = bool(cohort.get("simulated"))
    return Page("Calls by", classifier.name, facts, sections, simulated).html(scripts=())


def _tiles(calls: Calls) -> Iterator[Tile]:
    found = Counter(call for call in calls.calls if call != ABSTAINED).most_common()
    counts = [f"{count} {name}" for name, count in found[:_MOST_CLASSES]]
    rest = found[_MOST_CLASSES:]
    if rest:
        counts.append(f"{sum(count for _, count in rest)} of {counted(len(rest), 'other class')}")
    yield Tile("Called", f"{int(calls.called.sum())} of {calls.n_samples}", ", ".join(counts))
    for reason in REASONS:
        count = sum(reason in own for own in calls.reasons)
        if count:
            yield Tile("Abstained", str(count), reason)
    if calls.outside.any():
        yield Tile("Doubtful", str(int(calls.outside.sum())), OUTSIDE)


def _sample(calls: Calls, row: int) -> dict[str, Any]:
    return {
        "name": str(calls.samples[row]),
        "called": not calls.reasons[row],
        "nearest": calls.classes[int(calls.predicted[row])],
        "reasons": ", ".join(calls.reasons[row]),
        "flag": OUTSIDE if calls.outside[row] else "",
        "chances": _chances(calls, row),
        "facts": list(_facts(calls, row)),
        "evidence": _evidence(calls.evidence[row], calls.classes) if calls.evidence else None,
    }


def _chances(calls: Calls, row: int) -> list[dict[str, Any]]:
    p = calls.probabilities[row]
    order = sorted(range(len(p)), key=lambda code: (-p[code], code))
    shown = [(calls.classes[code], float(p[code])) for code in order[:_MOST_CLASSES]]
    rest = order[_MOST_CLASSES:]
    if rest:
        shown.append((counted(len(rest), "other"), float(p[rest].sum())))
    return [{"name": name, "width": round(_BAR * p, 1), "text": _probability(p)} for name, p in shown]


def _facts(calls: Calls, row: int) -> Iterator[str]:
    if calls.sets is not None:
        yield f"{100 * calls.level:g} % set: {', '.join(calls.set_of(row)) or 'empty, no class fits'}"
    p = float(calls.p_like[row])
    yield f"distance to the training samples: p {p:.{3 if p < 0.1 else 2}f}"
    yield f"{calls.n_read - int(calls.missing[row]):,} of {calls.n_read:,} probes"
    yield f"values: {calls.scales[row]}"


def _evidence(found: Evidence, classes: tuple[str, ...]) -> dict[str, Any]:
    most = max((abs(driver.contribution) for driver in found.drivers), default=0.0) or 1.0
    drivers = [
        {
            "probe": driver.probe,
            "symbol": driver.symbol,
            "contribution": f"{driver.contribution:+.3g}",
            "value": f"{driver.value:.2f}",
            "usual": f"{driver.usual:.2f}",
            "imputed": driver.imputed,
            "width": round(abs(driver.contribution) / most * _BAR / 2, 1),
            "left": round(min(driver.contribution, 0.0) / most * _BAR / 2, 1),
            "colour": _FOR if driver.contribution >= 0 else _AGAINST,
        }
        for driver in found.drivers
    ]
    how = "Exact" if found.how == "exact" else "Approximate"
    return {
        "name": classes[found.code],
        "drivers": drivers,
        "has_symbols": any(driver.symbol for driver in found.drivers),
        "rest": f"{found.rest:+.3g}",
        "base": f"{found.base:+.3g}",
        "note": f"{how} contributions to: {found.meaning}.",
    }


def _reading(calls: Calls) -> Iterator[str]:
    yield (
        "Probabilities are calibrated on held-out training samples if there were enough of them; they hold for samples "
        "from the same source. The classifier abstains according to rules fixed in training; for an abstention, the "
        "nearest class is not a call."
    )
    yield (
        "p is the share of held-out training samples that are at least as distant from every class as this sample; a "
        "small p means a sample unlike the training samples. At most about one in twenty samples from the same source "
        "has p below 0.05."
    )
    if calls.sets is not None:
        yield (
            "A prediction set contains every class that is plausible at the stated confidence, for samples like the "
            "training samples. It has no guarantee for a sample with an abstention for another reason than its margin. "
            "A call outside its set is wrong more often than other calls: check such samples."
        )
    if calls.evidence:
        yield (
            "Evidence lists the probes with the largest contributions for or against a class. Value and training mean "
            "are given after alignment; imputed values are marked. A probe that drives a call need not cause the "
            "disease."
        )


def _probability(share: float) -> str:
    if 0 < share < 0.001:
        return "< 0.001"
    return "> 0.999" if 0.999 < share < 1 else f"{share:.3f}"

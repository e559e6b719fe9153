"""The page of a batch: one row of evidence per sample, in one HTML file that fetches nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import metadata, resources
from typing import Any

from leukotype.classifier.calls import ABSTAINED, REASONS, Calls, Evidence
from leukotype.cohort import Provenance

# Beyond so many classes the least probable are summed up.
_MOST_CLASSES = 6
_BAR = 120
_FOR, _AGAINST = "#0b5394", "#b35900"
# Nothing runs and nothing is fetched.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def page(calls: Calls, *, classifier: Mapping[str, Any], source: Provenance, command: str = "") -> str:
    """Return the page; the same bytes for the same calls.

    classifier : what `files.facts` says of it
    source     : where the samples came from
    """
    # The look of the other reports, without `page.render`: that loads what draws figures.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    assets = resources.files("leukotype") / "results" / "assets"
    environment = Environment(
        loader=FileSystemLoader(str(assets)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    n_called = int(calls.called.sum())
    return environment.get_template("calls.html.j2").render(
        version=metadata.version("leukotype"),
        css=Markup((assets / "report.css").read_text(encoding="utf-8")),
        policy=_POLICY,
        scripts=(),
        kind="Calls by",
        cohort={"name": classifier["name"]},
        provenance={"simulated": bool(classifier.get("simulated"))},
        facts=(
            f"{calls.n_samples} sample{'s' * (calls.n_samples != 1)}",
            f"{n_called} called",
            "research use only",
        ),
        sections=[
            {"name": name, "title": title, "parts": ()}
            for name, title in (
                ("summary", "Summary"),
                ("samples", "Samples"),
                ("reading", "How to read this"),
                ("provenance", "Provenance"),
            )
        ],
        tiles=list(_tiles(calls)),
        points=_points(calls),
        samples=[_sample(calls, row) for row in range(calls.n_samples)],
        reading=_reading(calls),
        origins=_origins(classifier, source, command),
    )


def _tiles(calls: Calls) -> Iterator[dict[str, str]]:
    n = calls.n_samples
    n_called = int(calls.called.sum())
    found = Counter(call for call in calls.calls if call != ABSTAINED).most_common()
    counts = [f"{count} {name}" for name, count in found[:_MOST_CLASSES]]
    rest = found[_MOST_CLASSES:]
    if rest:
        counts.append(f"{sum(count for _, count in rest)} of {len(rest)} other class{'es' * (len(rest) > 1)}")
    yield {"what": "Called", "value": f"{n_called} of {n}", "detail": ", ".join(counts)}
    for reason in REASONS:
        count = sum(reason in own for own in calls.reasons)
        if count:
            yield {"what": "Abstained on", "value": str(count), "detail": reason}


def _points(calls: Calls) -> list[tuple[str, str]]:
    return [(name, text) for name, text in (("Probes", calls.matched), ("Sets", calls.sets_said)) if text]


def _sample(calls: Calls, row: int) -> dict[str, Any]:
    called, code = not calls.reasons[row], int(calls.predicted[row])
    found: dict[str, Any] = {
        "name": str(calls.samples[row]),
        "called": called,
        "call": calls.classes[code],
        "nearest": calls.classes[code],
        "reasons": ", ".join(calls.reasons[row]),
        "chances": _chances(calls, row),
        "facts": list(_facts(calls, row)),
        "evidence": None,
    }
    if calls.evidence:
        found["evidence"] = _evidence(calls.evidence[row], calls.classes)
    return found


def _chances(calls: Calls, row: int) -> list[dict[str, Any]]:
    p = calls.probabilities[row]
    order = sorted(range(len(p)), key=lambda code: (-p[code], code))
    shown = [(calls.classes[code], float(p[code])) for code in order[:_MOST_CLASSES]]
    if len(order) > _MOST_CLASSES:
        rest = order[_MOST_CLASSES:]
        shown.append((f"{len(rest)} others", float(p[rest].sum())))
    return [
        {"name": name, "width": round(_BAR * share, 1), "text": _probability(share), "first": place == 0}
        for place, (name, share) in enumerate(shown)
    ]


def _facts(calls: Calls, row: int) -> Iterator[str]:
    if calls.sets is not None:
        yield f"{100 * calls.level:g} % set: {', '.join(calls.set_of(row)) or 'empty, no class fits'}"
    yield f"like the training samples: p {_p(float(calls.p_like[row]))}"
    used = calls.n_read - int(calls.missing[row])
    yield f"{used:,} of {calls.n_read:,} probes"
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
        "said": f"{how}. What is shared out: {found.meaning}.",
    }


def _reading(calls: Calls) -> list[str]:
    said = [
        "A probability is calibrated on held-out training samples, where there were enough of them; it holds for "
        "samples from the same source. A sample is abstained on where a rule that was fixed in training says so; the "
        "class it is nearest to is no call.",
        "p is the share of held-out training samples at least as far from every class as this one: small is unlike. "
        "One in twenty samples of the right kind, or fewer, falls below 0.05.",
    ]
    if calls.sets is not None:
        said.append(
            "A set holds every class that the sample could belong to at the stated confidence, if it is of the kind "
            "that was trained on: it says nothing of a sample that is abstained on for another reason than its margin."
        )
    if calls.evidence:
        said.append(
            "Evidence lists the probes that add most to what speaks for a class, or against it. Value and usual are "
            "the sample's and the training samples' mean, after alignment; a value that was missing is marked as "
            "imputed. A probe that drives a call need not drive the disease."
        )
    return said


def _origins(classifier: Mapping[str, Any], source: Provenance, command: str) -> list[tuple[str, str]]:
    trained = classifier.get("trained_on")
    rows = [
        (
            "Classifier",
            f"{classifier['name']}, SHA-256 of its manifest {classifier.get('fingerprint') or 'none'}",
        ),
        ("Model", str(classifier.get("title") or "not told")),
        ("Trained on", f"{trained}, {classifier.get('n_samples')} samples" if trained else "not told"),
        ("Classes", ", ".join(classifier.get("classes") or ())),
        ("Samples from", f"{source.source}, SHA-256 {source.sha256 or 'none'}"),
        ("What was done", " ".join(source.steps) or "nothing to the layout"),
        ("Command", command or "none"),
    ]
    return rows


def _probability(share: float) -> str:
    if 0 < share < 0.001:
        return "< 0.001"
    return "> 0.999" if 0.999 < share < 1 else f"{share:.3f}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"

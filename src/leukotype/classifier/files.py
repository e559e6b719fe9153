"""Facts about a classifier and its calls in JSON types, for pages and programs."""

from __future__ import annotations

from typing import Any

from leukotype.classifier.calls import Calls
from leukotype.classifier.classifier import Classifier


def facts(classifier: Classifier) -> dict[str, Any]:
    """Return the facts that a page of calls shows; None for those that the record lacks."""
    record = classifier.record
    model, cohort = (_object(record.get(name)) for name in ("model", "cohort"))
    return {
        "name": classifier.name,
        "fingerprint": classifier.fingerprint,
        "classes": list(classifier.classes),
        "title": model.get("title"),
        "trained_on": cohort.get("name"),
        "n_samples": cohort.get("n_samples"),
        "simulated": cohort.get("simulated"),
    }


def calls_json(calls: Calls, classifier: Classifier) -> dict[str, Any]:
    """Return the calls in JSON types."""
    return {
        "classifier": {"name": classifier.name, "fingerprint": classifier.fingerprint},
        "matched": calls.matched,
        "level": calls.level,
        "samples": [
            {
                "sample": str(calls.samples[row]),
                "call": calls.calls[row],
                "reasons": list(calls.reasons[row]),
                "probabilities": dict(zip(calls.classes, calls.probabilities[row].tolist(), strict=True)),
                "set": None if calls.sets is None else list(calls.set_of(row)),
                "unlikeness": float(calls.novelty[row]),
                "p_like": float(calls.p_like[row]),
                "probes_missing": int(calls.missing[row]),
                "probes_read": calls.n_read,
                "scale": calls.scales[row],
            }
            for row in range(calls.n_samples)
        ],
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

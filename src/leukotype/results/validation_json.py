"""The JSON twin of the report of an external validation."""

from __future__ import annotations

import math
from typing import Any

from leukotype import __version__
from leukotype.classifier.validation import EDGE, EXPECTED_UNLIKE, Number, Validation


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
            "classes": one.class_counts,
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
        "near_the_edge": {"expected": EDGE, **_plain(one.near_the_edge)},
        "unlike": {"expected": EXPECTED_UNLIKE, **_plain(one.unlike)},
    }


def _plain(number: Number) -> dict[str, Any]:
    values = {key: getattr(number, key) for key in ("value", "low", "high")}
    return {
        **{key: value if math.isfinite(value) else None for key, value in values.items()},
        "n": number.n,
        "interval": number.method,
    }

"""Files that the commands of a classifier write, and the facts that go into them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from leukotype.classifier.abstention import Target
from leukotype.classifier.calls import Calls
from leukotype.classifier.classifier import Classifier
from leukotype.errors import InfeasibleDesign, OutputRefused


def target_of(accuracy: float | None, coverage: float | None) -> Target:
    """Return what abstention is for; raises InfeasibleDesign where two targets are named."""
    if accuracy is not None and coverage is not None:
        raise InfeasibleDesign(
            "a target of accuracy and one of coverage were named, and one is needed. Leave one out."
        )
    if coverage is not None:
        return Target("coverage", coverage)
    return Target() if accuracy is None else Target("accuracy", accuracy)


def check_new(path: Path, *, overwrite: bool, read: Iterable[Path] = ()) -> None:
    """Refuse a file that is there already or that cannot be written, before anything is computed.

    read : files that the command reads, which it must not replace

    Raises OutputRefused.
    """
    try:
        is_folder, is_there = path.is_dir(), path.exists()
        is_read = is_there and any(other.exists() and path.samefile(other) for other in read)
    except OSError as problem:
        raise OutputRefused(
            f"cannot write {path}: {problem.strerror or problem}. Choose another name with --out."
        ) from problem
    if is_read:
        raise OutputRefused(f"{path} is what is read, and would be lost. Choose another name with --out.")
    if is_folder:
        raise OutputRefused(f"{path} is a folder, and a file is needed. Choose another name with --out.")
    if is_there and not overwrite:
        raise OutputRefused(
            f"{path} is there already. Say --overwrite to replace it, or choose another name with --out."
        )
    if not path.parent.is_dir():
        raise OutputRefused(
            f"there is no folder {path.parent} for {path.name}. Make it, or choose another with --out."
        )
    trial = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    try:
        trial.touch()
        trial.unlink()
    except OSError as problem:
        raise OutputRefused(
            f"cannot write {path}: {problem.strerror or problem}. Choose a folder you may write to with --out."
        ) from problem


def page_beside(calls: Path) -> Path:
    """Return where the page of evidence goes; raises OutputRefused where the calls would have its name."""
    page = calls.with_suffix(".html")
    if page == calls:
        raise OutputRefused(
            f"{calls} is the name of the page of evidence, and the calls are a CSV. Name that one, such as "
            f"{calls.with_suffix('.csv').name}, or say --no-page."
        )
    return page


def symbols_of(annotation: Path | None) -> dict[str, str] | None:
    """Read gene symbols of probes where a table was named."""
    if annotation is None:
        return None
    from leukotype.genes import read_annotation

    return dict(read_annotation(annotation).symbols)


def facts(classifier: Classifier) -> dict[str, Any]:
    """Return what a page of calls says of the classifier; whatever a file may leave out of its record is None."""
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
    """Return the calls for programs: plain types."""
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

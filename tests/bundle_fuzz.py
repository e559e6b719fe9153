"""Mutated classifier files: each is refused in one line or gives the same calls.

`python bundle_fuzz.py FIRST LAST` tries the mutants with these numbers in one process without machine-learning
libraries, and prints the outcomes, the longest time and the peak memory.  With `commands` as third argument, it runs
what predict, inspect and validate do with the mutants of classifiers, except for drawing.
"""

from __future__ import annotations

import copy
import io
import json
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from bundle_forgeries import FORGERIES
from bundle_mutants import ACCIDENTS, Members
from classifier_forgeries import OWN_FORGERIES
from leukotype import bundle
from leukotype.classifier import Calls, Classifier, load
from leukotype.cohort import Batch, Provenance
from leukotype.errors import InputError
from memory import peak_mib

KEPT = Path(__file__).parent / "kept"
RULES = sorted(KEPT.glob("*.leuko"))
CLASSIFIERS = sorted((KEPT / "classifiers").glob("*.leuko"))
WAYS = (
    *((file, way) for file in RULES for way in (*ACCIDENTS, *FORGERIES)),
    *((file, way) for file in CLASSIFIERS for way in (*ACCIDENTS, *FORGERIES, *OWN_FORGERIES)),
)


@cache
def original(file: Path) -> tuple[bytes, Members, bundle.Bundle]:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return file.read_bytes(), members, bundle.read(file)


def mutant(number: int) -> tuple[Path, Callable[..., bytes], bytes]:
    """Return the original file, the mutation and the mutated bytes; equal numbers give equal mutants."""
    rng = np.random.default_rng([2026, number])
    file, way = WAYS[number % len(WAYS)]
    raw, members, _ = original(file)
    return file, way, way(rng, raw, copy.copy(members))


def outcome(number: int, folder: Path) -> str:
    """Return 'refused', 'same' or, for a valid forgery, 'other'; raises for any other behaviour."""
    file, way, content = mutant(number)
    path = folder / "mutant.leuko"
    path.write_bytes(content)
    try:
        return (_of_classifier if file in CLASSIFIERS else _of_rule)(path, file, way in ACCIDENTS)
    except InputError as refused:
        _one_line(refused)
        return "refused"


def _one_line(refused: InputError) -> None:
    line = str(refused)
    assert "\n" not in line, line
    assert 20 < len(line) < 400, line


def _of_rule(path: Path, file: Path, is_accident: bool) -> str:
    kept = original(file)[2]
    samples, expected = kept.arrays["check.samples"], kept.arrays["check.outputs"]
    read = bundle.read(path)
    rule = bundle.rule_of(read)
    x = samples[:, rule.reads] if is_accident else np.resize(samples, (len(samples), rule.n_read))
    found = rule.output(x)
    explained = x if is_accident else rule.contributions(x[:1], 0).values
    assert np.isfinite(found).all()
    assert np.isfinite(explained).all()
    assert found.shape == (len(x), rule.n_classes)
    if is_accident:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        assert read.document == kept.document
        assert read.texts == kept.texts
        return "same"
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)
    return "same" if found.shape == expected.shape and np.allclose(found, expected, atol=1e-12) else "other"


def _of_classifier(path: Path, file: Path, is_accident: bool) -> str:
    one, (batch, odd) = load(path), new_samples(file)
    calls = one.predict(batch, why=2)
    _in_order(calls, one)
    for strange in odd:
        try:
            _in_order(one.predict(strange, level=0.5, why=1), one)
        except InputError as refused:
            _one_line(refused)
    alike = calls.to_csv() == unchanged(file).to_csv()
    if is_accident:
        kept = original(file)[2]
        assert alike
        assert one.card == kept.texts["card.md"]
        assert one.record == kept.document["record"]
    return "same" if alike else "other"


def commanded(number: int, folder: Path) -> str:
    """Do what predict, inspect and validate do; return 'refused' or 'answered'; raises for any other behaviour."""
    from leukotype import console
    from leukotype.classifier.validation import validate
    from leukotype.figures import validation as pictures
    from leukotype.results import json_report
    from leukotype.results.calls_page import calls_page
    from leukotype.results.validation_page import notices, validation_page

    file, _, content = mutant(number)
    path = folder / "mutant.leuko"
    path.write_bytes(content)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            one = load(path)
            console.show_card(one.card, one.fingerprint, "", is_trusted=False)
            json.dumps({"name": one.name, "record": one.record})
            batch = new_samples(file)[0]
            calls = one.predict(batch, level=0.8, why=2)
            assert "<html" in calls_page(calls, classifier=one, source=batch.provenance)
            json.dumps(json_report.calls_json(calls, one))
            console.show_calls(calls, [])
            labels = np.resize(np.array([*one.classes, "another"]), len(batch.samples))
            found = validate(one, replace(batch, labels=labels))
            assert "<html" in validation_page(found, ()).html()
            assert all("\n" not in notice.title for notice in notices(found))
            console.show_validation(found, folder)
            json.dumps(json_report.validation_json(found), allow_nan=False)
            assert len(pictures.risk(found).table())
        except InputError as refused:
            _one_line(refused)
            return "refused"
    return "answered"


def _in_order(calls: Calls, one: Classifier) -> None:
    assert np.isfinite(calls.probabilities).all()
    assert (calls.probabilities >= 0).all()
    np.testing.assert_allclose(calls.probabilities.sum(axis=1), 1.0, atol=1e-5)
    assert np.isfinite(calls.novelty).all()
    assert all(np.isfinite(driver.contribution) for found in calls.evidence for driver in found.drivers)
    assert len(calls.to_csv().splitlines()) == calls.n_samples + 1
    assert isinstance(one.card, str)
    assert repr(one)
    assert "\n" not in calls.sets_note


@cache
def new_samples(file: Path) -> tuple[Batch, tuple[Batch, ...]]:
    """Return ordinary samples and extreme ones: huge, tiny, constant, with one value only, and all missing."""
    said = json.loads(file.with_suffix(".json").read_text())
    samples = np.array(said["samples"], dtype=np.float64)
    rng = np.random.default_rng(0)
    n = samples.shape[1]
    odd = [
        np.where(rng.random(n) < 0.3, 1e30, samples[0]),
        np.where(rng.random(n) < 0.3, -1e30, samples[1]),
        np.where(rng.random(n) < 0.5, np.nan, np.where(rng.random(n) < 0.3, 9.9e29, samples[2])),
        np.full(n, 1e-300),
        np.where(np.arange(n) > 0, np.nan, 8.0),
        np.full(n, np.nan),
    ]
    return _batch(samples, said["probes"]), tuple(_batch(row[None], said["probes"]) for row in odd)


def _batch(samples: np.ndarray, probes: list[str]) -> Batch:
    return Batch(samples, np.arange(len(samples)).astype(str), np.array(probes), Provenance("kept"))


@cache
def unchanged(file: Path) -> Calls:
    return load(file).predict(new_samples(file)[0], why=2)


def main(first: int, last: int, way: str = "files") -> None:
    numbers = [k for k in range(first, last) if way == "files" or WAYS[k % len(WAYS)][0] in CLASSIFIERS]
    if way == "files":
        # Larger allocations fail at once.
        resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
    counts: dict[str, int] = {}
    longest, slowest = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            started = time.process_time()
            try:
                found = (outcome if way == "files" else commanded)(number, Path(folder))
            except Exception as error:
                raise AssertionError(f"mutant {number}, {mutant(number)[1].__name__}") from error
            spent = time.process_time() - started
            if spent > longest:
                longest, slowest = spent, number
            name = f"{'accident' if mutant(number)[1] in ACCIDENTS else 'forgery'} {found}"
            counts[name] = counts.get(name, 0) + 1
    heavy = sorted({"sklearn", "scipy", "xgboost"} & set(sys.modules))
    print(
        json.dumps(
            {"counts": counts, "longest": longest, "slowest": slowest, "MiB": peak_mib(), "heavy": heavy}
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])

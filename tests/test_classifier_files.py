"""Classifier files: stored ones still give the same calls, and invalid ones are refused with the reason."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import classifier_cases as cases
import leukotype as lt
from bundle_forgeries import resealed, saved
from bundle_fuzz import CLASSIFIERS, new_samples
from leukotype import bundle
from leukotype.errors import BadBundle, InputError, OutputRefused, UnreadableFile

FINGERPRINTS = {
    "none-1": "b3b8fcea4ed6e70b",
    "quantile-1": "3efba5f5f47391d5",
    "quantile-2": "4bb30a6a7c4ab8fd",
    "rank-1": "b9fde7939e87f107",
}


@pytest.mark.parametrize("file", CLASSIFIERS, ids=lambda file: file.stem)
def test_stored_classifiers_give_the_same_calls(file):
    one, said = lt.load_classifier(file), json.loads(file.with_suffix(".json").read_text())
    calls = one.predict(new_samples(file)[0])
    assert calls.calls == said["calls"]
    assert [list(reasons) for reasons in calls.reasons] == said["reasons"]
    assert_allclose(calls.probabilities, said["probabilities"], rtol=0, atol=1e-12)
    assert_array_equal(calls.sets, said["sets"])
    assert_allclose(calls.novelty, said["unlikeness"], rtol=1e-12)
    assert_array_equal(calls.p_like, said["p_like"])
    assert_array_equal(calls.missing, said["missing"])
    assert calls.outside.tolist() == said.get("outside", [False] * 8)
    assert file.stat().st_size < 60_000


def test_stored_classifiers_are_unchanged():
    """A new format needs new files; these must never be rewritten."""
    assert {file.stem: lt.load_classifier(file).fingerprint[:16] for file in CLASSIFIERS} == FINGERPRINTS
    kept = [lt.load_classifier(file) for file in CLASSIFIERS]
    assert [one.record["recipe"]["align"] for one in kept] == ["none", "quantile", "quantile", "rank"]
    # Format 1 has neither donors nor sketches.
    new = [file.stem.endswith("2") for file in CLASSIFIERS]
    assert [one.sketch is not None for one in kept] == [one.sets.donors is not None for one in kept] == new
    assert {one.calibration.method for one in kept} == {"raw", "temperature", "sigmoid"}
    every = {reason for file in CLASSIFIERS for reasons in json.loads(file.with_suffix(".json").read_text())["reasons"]
             for reason in reasons}  # fmt: skip
    assert len(every) == 4


RANK = next(file for file in CLASSIFIERS if file.stem == "rank-1")
FORMAT_2 = next(file for file in CLASSIFIERS if file.stem == "quantile-2")


def members(file: Path = RANK) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forged(path: Path, change, file: Path = RANK) -> Path:
    """A kept file with changed document and arrays, and correct hashes."""
    content = members(file)
    document = json.loads(content.pop("document.json"))
    arrays = {
        name.removeprefix("arrays/").removesuffix(".npy"): np.load(io.BytesIO(content.pop(name)))
        for name in list(content)
        if name.startswith("arrays/")
    }
    change(document, arrays)
    content |= {f"arrays/{name}.npy": saved(np.asarray(array)) for name, array in arrays.items()}
    path.write_bytes(resealed({**content, "document.json": json.dumps(document).encode()}))
    return path


def puts(*path, value):
    """A change of one entry of the document, or of one array."""

    def change(document, arrays):
        if len(path) == 1 and path[0] in arrays:
            arrays[path[0]] = np.array(value(arrays[path[0]]) if callable(value) else value)
            return
        where = document
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = value(where[path[-1]]) if callable(value) else value

    return change


def drops(*path):
    def change(document, arrays):
        where = arrays if path[0] in arrays else document
        for key in path[:-1]:
            where = where[key]
        del where[path[-1]]

    return change


def one_value(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.copy()
    changed.flat[0] = value
    return changed


NAN, INF = float("nan"), float("inf")
CASES = {
    "no rule": (drops("rule"), "no rule"),
    "a rule that is a list": (puts("rule", value=[]), "no rule"),
    "no classifier": (drops("classifier"), "no classifier"),
    "no record": (drops("record"), "no record"),
    "a record that is a list": (puts("record", value=[1]), "no record"),
    "an entry too many": (puts("code", value="import os"), "entry 'code'"),
    "one class": (puts("classifier", "classes", value=["AML"]), "its classes are not a list"),
    "a class too many": (puts("classifier", "classes", value=list("abcd")), "3 classes and 36 probes"),
    "a class twice": (puts("classifier", "classes", value=["AML", "PB", "PB"]), "occurs twice"),
    "a class that is a number": (puts("classifier", "classes", value=["AML", "PB", 3]), "not a text"),
    "a probe less": (puts("classifier", "probes", value=lambda names: names[1:]), "its symbols are not a list of 35"),
    "a probe twice": (puts("classifier", "probes", value=lambda names: [*names[1:], names[1]]), "occurs twice"),
    "a long name": (puts("classifier", "name", value="a" * 1001), "not a text of 1 to 1000"),
    "no name": (puts("classifier", "name", value=""), "not a text of 1 to 1000"),
    "a symbol less": (puts("classifier", "symbols", value=lambda names: names[1:]), "its symbols are not a list"),
    "another calibration": (puts("classifier", "calibration", value="isotonic"), "must be one of raw"),
    "a calibration without its lines": (puts("classifier", "calibration", value="temperature"), "must have shape 1"),
    "lines that fall": (puts("calibration.slope", value=lambda a: -a), "calibration.slope"),
    "a level above 1": (puts("classifier", "unlike_level", value=1.5), "from 0 to 1"),
    "a limit that is true": (puts("classifier", "missing_limit", value=True), "from 0 to 1"),
    "bound that is 1": (puts("classifier", "scale_is_bound", value=1), "neither true nor false"),
    "a threshold that is no number": (puts("thresholds", value=lambda a: one_value(a, NAN)), "thresholds"),
    "a threshold above never": (puts("thresholds", value=lambda a: one_value(a, 2.5)), "thresholds"),
    "a threshold less": (puts("thresholds", value=lambda a: a[1:]), "must have shape 3"),
    "no thresholds": (drops("thresholds"), "no array thresholds"),
    "an unknown alignment": (puts("scorer", "align", value="loess"), "must be one of none, quantile, rank"),
    "no reference": (drops("own.reference"), "no array reference"),
    "a reference that falls": (puts("own.reference", value=lambda a: a[::-1]), "not in ascending order"),
    "a reference without end": (puts("own.reference", value=lambda a: one_value(a, -INF)), "reference"),
    "a reference too many": (puts("scorer", "align", value="none"), "unknown entry 'reference'"),
    "a centre of words": (puts("own.centre", value=lambda a: a.astype("<i8")), "must hold floating-point"),
    "a centre too large": (puts("own.centre", value=lambda a: one_value(a, 1e31)), "centre"),
    "a temperature of 0": (puts("scorer", "temperature", value=0), "temperature is 0"),
    "scores without temperature": (puts("scorer", "temperature", value=None), "no temperature to turn them"),
    "folds' scores without temperature": (puts("folds", 0, "temperature", value=None), "no temperature"),
    "folds that are none": (puts("folds", value={"0": {}}), "not a list of objects"),
    "a hundred folds": (puts("folds", value=lambda folds: folds * 40), "at most 100"),
    "a fold less": (puts("folds", value=lambda folds: folds[:2]), "sets.folds|unknown entry 'fold2"),
    "a fold of another cohort": (puts("folds", 0, "rule", "n_probes", value=37), "rule"),
    "means of two classes": (puts("unlike.means", value=lambda a: a[:2]), "must have shape 3 x 36"),
    "a scale of nothing": (puts("unlike.scale", value=lambda a: one_value(a, 0.0)), "unlike.scale"),
    "a scale below nothing": (puts("unlike.scale", value=lambda a: -a), "unlike.scale"),
    "distances in no order": (puts("unlike.held_out", value=lambda a: a[::-1]), "not in ascending order"),
    "no distances": (puts("unlike.held_out", value=lambda a: a[:0]), "are empty"),
    "a distance below 0": (puts("unlike.held_out", value=lambda a: one_value(a, -1.0)), "unlike.held_out"),
    "a curve of one column": (puts("missing.curve", value=lambda a: a[:, :1]), "must have shape any x 2"),
    "an accuracy above 1": (puts("missing.curve", value=lambda a: a * 1.5), "missing.curve"),
    "a range of four": (puts("scale.range", value=lambda a: a[:4]), "must have shape 5"),
    "a range that is no number": (puts("scale.range", value=lambda a: one_value(a, NAN)), "scale.range"),
    "labels of a class that is none": (puts("sets.labels", value=lambda a: one_value(a, 3)), "sets.labels"),
    "labels with a point": (puts("sets.labels", value=lambda a: a.astype("<f8")), "must hold integers"),
    "a fold that is none": (puts("sets.folds", value=lambda a: one_value(a, -1)), "sets.folds"),
    "scores above 1": (puts("sets.scores", value=lambda a: one_value(a, 1.1)), "sets.scores"),
    "a score less": (puts("sets.scores", value=lambda a: a[1:]), "sets.labels"),
    "sets of nobody": (puts("sets.scores", value=lambda a: a[:0]), "have 0 samples"),
    "sets of too many": (puts("sets.scores", value=np.zeros(1_000_001)), "1 to 1,000,000"),
    "an array too many": (lambda document, arrays: arrays.update(more=np.zeros(2)), "unknown entry 'more'"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_invalid_files_are_refused_with_the_reason(tmp_path, name):
    change, said = CASES[name]
    path = forged(tmp_path / "a.leuko", change)
    with pytest.raises(BadBundle, match=said) as refused:
        lt.load_classifier(path)
    line = str(refused.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert len(line) < 400 + len(str(path))


CASES_2 = {
    "a donor that is none": (puts("sets.donors", value=lambda a: one_value(a, -1)), "sets.donors"),
    "a donor beyond the samples": (puts("sets.donors", value=lambda a: one_value(a, 32)), "sets.donors"),
    "a donor less": (puts("sets.donors", value=lambda a: a[1:]), "must have shape 32"),
    "donors with a point": (puts("sets.donors", value=lambda a: a.astype("<f8")), "must hold integers"),
    "few pairs": (puts("sketch.pairs", value=lambda a: a[:63]), "63 pairs of probes"),
    "a pair of no probe": (puts("sketch.pairs", value=lambda a: one_value(a, 36)), "sketch.pairs"),
    "a pair less": (puts("sketch.pairs", value=lambda a: a[:-8]), "sketch.bits"),
    "pairs without bits": (drops("sketch.bits"), "no array sketch.bits"),
    "bits of two bytes": (puts("sketch.bits", value=lambda a: a.astype("<u2")), "must hold bytes"),
    "bits of nobody": (puts("sketch.bits", value=lambda a: a[:0]), "sketches of 0 samples"),
    "bits without pairs": (drops("sketch.pairs"), "unknown entry 'sketch.bits'"),
    "a limit above 1": (puts("sketch.limit", value=[1.5]), "sketch.limit"),
    "no limit": (drops("sketch.limit"), "no array sketch.limit"),
}


@pytest.mark.parametrize("name", CASES_2)
def test_invalid_files_of_format_2_are_refused_with_the_reason(tmp_path, name):
    change, said = CASES_2[name]
    path = forged(tmp_path / "a.leuko", change, FORMAT_2)
    with pytest.raises(BadBundle, match=said) as refused:
        lt.load_classifier(path)
    assert "\n" not in str(refused.value)


def test_an_unchanged_forgery_is_accepted(tmp_path):
    """So the cases above are refused because of their change alone."""
    path = forged(tmp_path / "a.leuko", lambda document, arrays: None)
    batch = new_samples(RANK)[0]
    expected = lt.load_classifier(RANK).predict(batch).to_csv()
    assert lt.load_classifier(path).predict(batch).to_csv() == expected
    # Calls do not depend on the record.
    for record in (
        {},
        {"sets": {"why_none": [1]}, "model": 3, "recipe": None},
        {"cohort": {"classes": "many"}},
    ):
        path = forged(tmp_path / "b.leuko", puts("record", value=record))
        assert lt.load_classifier(path).predict(batch).to_csv() == expected


def test_a_file_without_classifier_is_refused(tmp_path):
    for file in sorted((Path(__file__).parent / "kept").glob("*.leuko")):
        with pytest.raises(BadBundle, match="no classifier"):
            lt.load_classifier(file)
    bundle.write(tmp_path / "empty.leuko", {}, {}, {})
    with pytest.raises(BadBundle):
        lt.load_classifier(tmp_path / "empty.leuko")
    (tmp_path / "text.leuko").write_text("no zip")
    with pytest.raises(BadBundle):
        lt.load_classifier(tmp_path / "text.leuko")
    with pytest.raises(UnreadableFile):
        lt.load_classifier(tmp_path / "none.leuko")


def test_a_failed_write_leaves_nothing(tmp_path):
    one = cases.trained("centroids")
    with pytest.raises(OutputRefused, match="cannot write"):
        one.save(tmp_path / "no" / "a.leuko")
    one.save(tmp_path / "a.leuko")
    assert [file.name for file in tmp_path.iterdir()] == ["a.leuko"]


# Runs in a new process, whose memory holds nothing of other tests.
_GREEDY = """
import json, resource, sys, time
import bundle_fuzz
from memory import peak_mib
from leukotype.classifier import load
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
started = time.process_time()
one = load(sys.argv[1])
loaded = time.process_time() - started
batch = bundle_fuzz.new_samples(bundle_fuzz.CLASSIFIERS[-1])[0]
one.trained_on(batch)
bundle_fuzz._in_order(one.predict(batch, level=0.5), one)
print(json.dumps([loaded, (time.process_time() - started - loaded) / batch.n_samples, peak_mib()]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("file", [RANK, FORMAT_2], ids=["format 1", "format 2"])
def test_the_largest_sets_take_seconds_and_less_than_a_gigabyte(tmp_path, file):
    """A million training samples, the limit of a file."""
    rng = np.random.default_rng(0)
    n = 1_000_000

    def change(document, arrays):
        arrays["sets.scores"] = rng.random(n).round(2)
        arrays["sets.labels"] = rng.integers(0, 3, n).astype("<i4")
        arrays["sets.folds"] = rng.integers(0, 3, n).astype("<i4")
        arrays["unlike.held_out"] = np.sort(rng.random(n).round(2))
        if "sets.donors" in arrays:
            arrays["sets.donors"] = rng.integers(0, n // 2, n).astype("<i4")
            arrays["sketch.bits"] = rng.integers(0, 4, (n, 32), dtype="u1") * 64

    path = forged(tmp_path / "a.leuko", change, file)
    done = subprocess.run(
        [sys.executable, "-c", _GREEDY, str(path)], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    loaded, each, peak = json.loads(done.stdout)
    assert loaded < 5
    assert each < 1
    assert peak < 1024


def test_reading_and_calling_is_fast(tmp_path):
    started = time.process_time()
    for file in CLASSIFIERS:
        lt.load_classifier(file).predict(new_samples(file)[0])
    assert time.process_time() - started < 2
    assert issubclass(BadBundle, InputError)

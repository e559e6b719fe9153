"""Classifier files: round trip, deterministic bytes, files of earlier versions, limits."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from leukotype import bundle
from leukotype.bundle import npy, zipped
from leukotype.errors import BadBundle, NotPortable, OutputRefused, UnreadableFile

KEPT = Path(__file__).parent / "kept"
FINGERPRINTS = {
    "boosted-1": "6e7a5f9093b1c773",
    "linear-1": "6e46591fee78e361",
    "neighbours-1": "3c6d945618a0e982",
    "trees-1": "595328cb1a8cb5e2",
}
DOCUMENT = {"classes": ["AML", "B"], "half": 0.5, "none": None, "nested": {"é": [1, 2, {"deep": True}]}}
ARRAYS = {"rule.weights": np.arange(12.0).reshape(3, 4), "codes": np.array([1, 2, 3], dtype="<i4")}
TEXTS = {"card.md": "# A card\n\nµ"}


def test_written_content_is_read_back(tmp_path):
    bundle.write(tmp_path / "a.leuko", DOCUMENT, ARRAYS, TEXTS)
    again = bundle.read(tmp_path / "a.leuko")
    assert again.document == DOCUMENT
    assert again.texts == TEXTS
    assert list(again.arrays) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        assert_array_equal(again.arrays[name], array, strict=True)
    assert [file.name for file in tmp_path.iterdir()] == ["a.leuko"]


@pytest.mark.parametrize("kind", npy.TYPES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_arrays_have_numpys_format(kind, data):
    array = data.draw(arrays(kind, array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
    content = npy.dumps(npy.plain(array))
    assert_array_equal(npy.loads(content, "x"), array, strict=True)
    assert_array_equal(np.load(io.BytesIO(content), allow_pickle=False), array, strict=True)
    theirs = io.BytesIO()
    np.lib.format.write_array(theirs, np.ascontiguousarray(array), version=(1, 0))
    assert_array_equal(npy.loads(theirs.getvalue(), "x"), np.ascontiguousarray(array), strict=True)


def test_equal_content_gives_equal_bytes(tmp_path):
    bundle.write(tmp_path / "a.leuko", DOCUMENT, ARRAYS, TEXTS)
    turned = {name: ARRAYS[name] for name in reversed(ARRAYS)}
    bundle.write(tmp_path / "b.leuko", {name: DOCUMENT[name] for name in reversed(DOCUMENT)}, turned, TEXTS)
    assert (tmp_path / "a.leuko").read_bytes() == (tmp_path / "b.leuko").read_bytes()
    bundle.write(tmp_path / "b.leuko", DOCUMENT, ARRAYS, {"card.md": "another"})
    one, two = bundle.read(tmp_path / "a.leuko"), bundle.read(tmp_path / "b.leuko")
    assert one.fingerprint != two.fingerprint


def test_any_zip_reader_can_read_it(tmp_path):
    bundle.write(tmp_path / "a.leuko", DOCUMENT, ARRAYS, TEXTS)
    with zipfile.ZipFile(tmp_path / "a.leuko") as archive:
        assert archive.testzip() is None
        assert archive.namelist()[:2] == ["manifest.json", "document.json"]
        assert json.loads(archive.read("document.json")) == DOCUMENT
        assert_array_equal(np.load(archive.open("arrays/rule.weights.npy")), ARRAYS["rule.weights"])


def test_arrays_of_any_memory_order_and_byte_order_are_stored(tmp_path):
    array = np.arange(12).reshape(3, 4)
    given = {"a": np.asfortranarray(array), "b": array.astype(">i8"), "c": array[::-1, ::2]}
    bundle.write(tmp_path / "a.leuko", {}, given, {})
    again = bundle.read(tmp_path / "a.leuko").arrays
    for name, expected in given.items():
        assert_array_equal(again[name], expected)
        assert again[name].dtype.str == "<i8"


@pytest.mark.parametrize(
    ("document", "arrays", "texts", "refusal"),
    [
        ({"a": float("nan")}, {}, {}, ValueError),
        ({"a": {1, 2}}, {}, {}, TypeError),
        ({"a": "\x1b[2J"}, {}, {}, ValueError),
        ({}, {"a": np.array(["x"], dtype=object)}, {}, TypeError),
        ({}, {"a": np.array([True])}, {}, TypeError),
        ({}, {"../a": np.zeros(1)}, {}, ValueError),
        ({}, {}, {"../a.md": "x"}, ValueError),
        ({}, {}, {"a.md": "\x07"}, ValueError),
        ({}, {f"a{number}": np.zeros(1) for number in range(300)}, {}, ValueError),
        ({}, {"a": np.broadcast_to(np.zeros(1, dtype="|u1"), (2**28,))}, {}, NotPortable),
    ],
)
def test_content_that_the_format_cannot_hold_is_not_written(tmp_path, document, arrays, texts, refusal):
    with pytest.raises(refusal):
        bundle.write(tmp_path / "a.leuko", document, arrays, texts)
    assert not list(tmp_path.iterdir())


def test_missing_folder_is_reported(tmp_path):
    with pytest.raises(OutputRefused, match="cannot write"):
        bundle.write(tmp_path / "no" / "a.leuko", {}, {}, {})
    with pytest.raises(UnreadableFile, match="no file"):
        bundle.read(tmp_path / "no.leuko")
    with pytest.raises(UnreadableFile):
        bundle.read(tmp_path)


def test_newer_format_is_refused_with_both_versions(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "FORMAT_VERSION", 7)
    bundle.write(tmp_path / "a.leuko", DOCUMENT, ARRAYS, TEXTS)
    monkeypatch.undo()
    with pytest.raises(BadBundle, match=r"format 7; .* reads formats up to 2\. Install a newer"):
        bundle.read(tmp_path / "a.leuko")


@pytest.mark.parametrize("file", sorted(KEPT.glob("*.leuko")), ids=lambda file: file.stem)
def test_files_of_earlier_versions_give_the_same_outputs(file):
    kept = bundle.read(file)
    rule = bundle.rule_of(kept)
    samples, expected = kept.arrays["check.samples"], kept.arrays["check.outputs"]
    assert_allclose(rule.output(samples[:, rule.reads]), expected, rtol=0, atol=1e-12)
    assert file.stat().st_size < 30_000


def test_files_of_earlier_versions_are_unchanged():
    """These files prove that old files stay readable; a new format needs new files, never replacements."""
    found = {file.stem: bundle.read(file).fingerprint[:16] for file in KEPT.glob("*.leuko")}
    assert found == FINGERPRINTS


# Runs in its own process, so that memory used by other tests does not count.
_GREEDY = """
import json, resource, sys, time
from memory import peak_mib
from leukotype import bundle
from leukotype.errors import InputError
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
report = []
for path in sys.argv[1:]:
    started = time.process_time()
    try:
        bundle.rule_of(bundle.read(path))
    except InputError as refused:
        report.append([str(refused), time.process_time() - started])
print(json.dumps([report, peak_mib()]))
"""


@pytest.mark.slow
def test_largest_allowed_files_take_seconds_and_less_than_a_gigabyte(tmp_path):
    most = zipped.LARGEST_CONTENT - 2**24 - 2**10
    zeros = np.zeros(most, dtype="|u1")
    files = {"full": ({"a": [[]] * 2_700_000}, {"a": zeros})}
    # Trees of the largest allowed depth and number, plus one split.
    spec = {"kind": "trees", "n_classes": 2, "n_probes": 1, "link": "logistic"}
    n_splits, n_trees = 513, 1900
    left = np.tile(np.append(np.tile([1, 0], n_splits), 0), n_trees).astype("<i4")
    right = np.where(left > 0, 2, 0).astype("<i4")
    height = 2 * n_splits + 1
    cover = np.tile(np.append(np.repeat(np.arange(n_splits, 0, -1), 2), 1), n_trees).astype("<i4")
    cover[1::2] = 1
    chains = {
        "reads": np.zeros(1, dtype="<i4"), "roots": (np.arange(n_trees) * height).astype("<i4"), "left": left,
        "right": right, "column": np.zeros_like(left), "threshold": np.zeros(len(left)),
        "value": np.zeros((len(left), 1)), "cover": cover, "group": np.zeros(n_trees, dtype="<i4"),
        "base": np.zeros(1),
    }  # fmt: skip
    files["chains"] = {"rule": spec}, {f"rule.{name}": array for name, array in chains.items()}
    for name, (document, members) in files.items():
        bundle.write(tmp_path / name, document, members, {})
    paths = [str(tmp_path / name) for name in files]
    done = subprocess.run(
        [sys.executable, "-c", _GREEDY, *paths],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report, peak = json.loads(done.stdout)
    assert len(report) == len(files)
    assert "deeper than 512 splits" in report[-1][0]
    assert max(seconds for _, seconds in report) < 5
    assert peak < 1024

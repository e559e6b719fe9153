"""The cache of parsed tables: intact entries are used, damaged ones are replaced, failures are ignored."""

from __future__ import annotations

import json
import os
import random
import threading

import numpy as np
import pytest

from leukotype import readers
from leukotype.errors import BadLabels, UnreadableFile
from leukotype.readers import cache as parses
from leukotype.readers import read


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(4)
    lines = ["samples,type,sex," + ",".join(f"p{i}" for i in range(20))]
    lines += [
        f"s{i},{'ab'[i % 2]},{'fm'[i % 2]}," + ",".join(map(repr, rng.uniform(3, 14, 20).tolist()))
        for i in range(8)
    ]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "deep" / "cache"


@pytest.fixture
def parsed(monkeypatch):
    """Count how often a file is parsed."""
    times = []
    parse = readers._parse
    monkeypatch.setattr(readers, "_parse", lambda *arguments: times.append(1) or parse(*arguments))
    return times


def same(one, other) -> bool:
    return (
        one.fingerprint == other.fingerprint
        and one.provenance == other.provenance
        and one.covariates.equals(other.covariates)
    )


def test_second_read_does_not_parse(file, folder, parsed):
    plain = read(file)
    assert same(read(file, cache=folder), plain)
    assert len(parsed) == 2
    assert same(read(file, cache=folder), plain)
    assert len(parsed) == 2
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".npy"]


def test_entry_is_found_by_content_not_by_name(file, folder, parsed):
    read(file, cache=folder)
    copy = file.with_name("copy.csv")
    copy.write_bytes(file.read_bytes())
    cohort = read(copy, cache=folder)
    assert len(parsed) == 1
    assert cohort.provenance.source == str(copy)
    assert cohort.name == "copy"


def test_changed_file_is_parsed_again(file, folder, parsed):
    before = read(file, cache=folder)
    stamp = file.stat()
    # Same length and time stamp; only the content differs.
    file.write_bytes(file.read_bytes().replace(b"s3,b", b"s3,a"))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert file.stat().st_size == stamp.st_size
    after = read(file, cache=folder)
    assert len(parsed) == 2
    assert (before.labels[3], after.labels[3]) == ("b", "a")
    assert before.provenance.sha256 != after.provenance.sha256


def test_options_that_affect_parsing_have_their_own_entry(file, folder, parsed):
    read(file, cache=folder)
    assert read(file, label="sex", cache=folder).classes == ("f", "m")
    assert len(parsed) == 2
    # A label column of numbers must not come back as a probe.
    assert read(file, label="p3", cache=folder).n_probes == 19
    assert read(file, cache=folder).n_probes == 20
    # Options applied after parsing share the entry.
    read(file, drop_class=(), impute="median", scale="linear", cache=folder)
    assert len(parsed) == 3


def test_labels_file_affects_parsing(tmp_path, folder):
    """Only the labels file shows that the header of this matrix holds the samples."""
    file = tmp_path / "turned.csv"
    file.write_text("what,s1,s2,s3,s4\np1,5,6,7,8\np2,6,5,8,7\n")
    with pytest.raises(BadLabels):
        read(file, cache=folder)
    (tmp_path / "labels.csv").write_text("sample,label\ns1,a\ns2,a\ns3,b\ns4,b\n")
    cohort = read(file, labels=tmp_path / "labels.csv", cache=folder)
    assert cohort.samples.tolist() == ["s1", "s2", "s3", "s4"]


def damage_value(path):
    path.write_bytes(path.read_bytes()[:-8] + b"\0" * 8)


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def empty(path):
    path.write_bytes(b"")


def scribble(path):
    path.write_bytes(b"\x93NUMPY scribble {] \xff")


def pickle_in(path):
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def other_shape(path):
    np.save(path, np.zeros((3, 3)))


def edit(**changes):
    def apply(path):
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return apply


@pytest.mark.parametrize(
    ("ending", "damage"),
    [
        *((".npy", damage) for damage in (damage_value, cut, empty, scribble, pickle_in, other_shape)),
        *((".json", damage) for damage in (cut, empty, scribble)),
        (".json", edit(format=1)),
        (".json", edit(shape=[8, 19])),
        (".json", edit(probes=["p0"])),
        (".json", edit(probes=None)),
        (".json", edit(text={"type": ["a"]})),
        (".json", edit(text=[1, 2])),
        (".json", lambda path: path.write_text("[]")),
        (".json", lambda path: path.unlink()),
        (".npy", lambda path: path.unlink()),
    ],
)  # fmt: skip
def test_damaged_entry_is_replaced(ending, damage, file, folder, parsed):
    plain = read(file)
    read(file, cache=folder)
    damage(next(folder.glob(f"*{ending}")))
    assert same(read(file, cache=folder), plain)
    assert len(parsed) == 3
    assert same(read(file, cache=folder), plain)
    assert len(parsed) == 3


@pytest.mark.parametrize("ending", [".npy", ".json"])
def test_any_flipped_bit_is_detected(ending, file, folder):
    plain = read(file, cache=folder)
    [path] = folder.glob(f"*{ending}")
    whole = path.read_bytes()
    # The header of the matrix, all of it, and some bits behind.
    places = [*range(1024), *random.Random(5).sample(range(1024, 8 * len(whole)), 300)]
    name = path.stem
    for place in places:
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(bytes(damaged))
        assert parses.load(folder, name) is None, place
    path.write_bytes(whole)
    assert parses.load(folder, name) is not None
    assert same(read(file, cache=folder), plain)


def test_entries_are_private(file, folder):
    read(file, cache=folder)
    assert folder.stat().st_mode & 0o077 == 0


def test_unwritable_folder_is_ignored(file, tmp_path):
    (tmp_path / "flat").write_text("a file where the cache should be")
    assert same(read(file, cache=tmp_path / "flat" / "cache"), read(file))
    assert (tmp_path / "flat").read_text() == "a file where the cache should be"


def test_full_disk_leaves_no_partial_file(file, folder, monkeypatch):
    def full(handle, values, **options):
        handle.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parses.np, "save", full)
    assert read(file, cache=folder).n_samples == 8
    assert list(folder.iterdir()) == []


def test_refused_file_is_not_cached(file, folder):
    file.write_text(file.read_text().replace("s3,b", "s3,b,extra"))
    with pytest.raises(UnreadableFile, match="line 5"):
        read(file, cache=folder)
    assert not folder.exists()


def test_concurrent_writes(file, folder):
    plain = read(file)
    found, problems = [], []

    def work():
        try:
            found.extend(same(read(file, cache=folder), plain) for _ in range(5))
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert found == [True] * 40
    assert len(list(folder.iterdir())) == 2


def test_cached_values_are_read_only(file, folder):
    read(file, cache=folder)
    with pytest.raises(ValueError, match="read-only"):
        read(file, cache=folder).expression[0, 0] = 1.0


def test_file_that_changes_during_reading_is_stored_under_the_parsed_content(file, folder, monkeypatch):
    old = file.read_bytes()
    monkeypatch.setattr(readers, "digest", lambda path, **options: "0" * 64)
    read(file, cache=folder)
    monkeypatch.undo()
    assert file.read_bytes() == old
    before = sorted(path.name for path in folder.iterdir())
    read(file, cache=folder)
    assert sorted(path.name for path in folder.iterdir()) == before

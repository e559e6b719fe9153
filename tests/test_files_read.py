"""Only regular files are read, and no further than to a limit."""

from __future__ import annotations

import gzip
import os
import time
import zlib
from pathlib import Path

import pytest

from csv_files import write_csv
from leukotype import bundle, cli, genes, readers
from leukotype.datasets import simulate
from leukotype.errors import InputError, UnreadableFile
from leukotype.readers import text

ZEROS = bytes(10**6)


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "table.csv"
    write_csv(simulate.simulate({"AML": 6, "PB": 6}, 30, seed=1).cohort, path)
    return path


def bomb(path: Path, megabytes: int, start: bytes = b"") -> Path:
    with gzip.open(path, "wb", compresslevel=9) as stream:
        stream.write(start)
        for _ in range(megabytes):
            stream.write(ZEROS)
    return path


@pytest.mark.parametrize("read", [readers.read, readers.read_labels, genes.read_annotation, bundle.read])
@pytest.mark.parametrize(
    "name", ["pipe", "/dev/zero", "/dev/full", "loop", "nowhere", "folder", "a\x1bb", "a\udcffb"]
)
def test_special_files_are_refused_at_once(read, name, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("missing")
    (tmp_path / "folder").mkdir()
    started = time.monotonic()
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path / name)
    assert time.monotonic() - started < 2
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_symbolic_links_to_files_are_read(table, tmp_path):
    (tmp_path / "link.csv").symlink_to(table)
    assert readers.read(tmp_path / "link.csv").n_samples == 12


def test_gzip_bomb_is_refused_without_unpacking_all_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "_SMALL", 5_000_000)
    path = bomb(tmp_path / "bomb.csv.gz", 40, b"a,b\n")
    unpacked: list[int] = []

    class Counting:
        def __init__(self, stream: zlib._Decompress) -> None:
            self.stream = stream

        def decompress(self, *words):
            found = self.stream.decompress(*words)
            unpacked.append(len(found))
            return found

        def __getattr__(self, name: str):
            return getattr(self.stream, name)

    make = zlib.decompressobj
    monkeypatch.setattr(text.zlib, "decompressobj", lambda **options: Counting(make(**options)))
    with pytest.raises(UnreadableFile, match="--max-size"):
        readers.read(path)
    assert sum(unpacked) < 12_000_000


def test_max_size_allows_and_refuses(table, tmp_path, monkeypatch, capsys):
    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(table.read_bytes()))
    for path in (table, packed):
        assert readers.read(path, max_size=1).n_samples == 12
        with pytest.raises(UnreadableFile, match="--max-size"):
            readers.read(path, max_size=1e-6)
        with pytest.raises(UnreadableFile, match="--max-size"):
            readers.read_batch(path, max_size=1e-6, cache=tmp_path / "cache")
    monkeypatch.setattr(text, "_SMALL", 10)
    monkeypatch.setattr(text, "_MOST_RATIO", 1)
    with pytest.raises(UnreadableFile, match="--max-size"):
        readers.read(packed)
    assert readers.read(packed, max_size=1).n_samples == 12
    for odd in ("0", "-1", "nan", "inf"):
        assert cli.run(["explore", str(table), "--max-size", odd, "--out", str(tmp_path / "out")]) == 2
        assert "--max-size" in capsys.readouterr().err


def test_gzip_members_and_padding_are_joined(table, tmp_path):
    whole = table.read_bytes()
    packed = gzip.compress(whole[:500]) + gzip.compress(b"") + gzip.compress(whole[500:]) + bytes(700)
    assert text.text_of(packed, "x") == whole.decode()


@pytest.mark.parametrize("read", [readers.read, readers.read_labels, genes.read_annotation])
@pytest.mark.parametrize("place", [2, 11, 40, 200, -6, -2])
def test_damaged_gzip_is_refused(read, place, table, tmp_path):
    packed = bytearray(gzip.compress(table.read_bytes()))
    packed[place] ^= 0x55
    path = tmp_path / "a.gz"
    for content in (packed, packed[: len(packed) // 2], packed[:3], packed + b"tail"):
        path.write_bytes(content)
        with pytest.raises(InputError) as refused:
            read(path)
        assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("cell", ["a" * 131_073, '"' + "a\n" * 70_000, "a\x00b"])
def test_odd_cells_of_an_annotation_are_refused(cell, tmp_path):
    path = tmp_path / "annotation.csv"
    path.write_text(f'probe_id,symbol\n"{cell}",b\n')
    try:
        found = genes.read_annotation(path)
    except UnreadableFile as refused:
        assert "\n" not in str(refused)  # noqa: PT017
    else:
        assert found.symbols

"""What a killed process leaves: swept at the next start, and nothing of the data outlives the run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from leukotype import atomic, cli, manifest, temporary
from leukotype.execution.engine import MatrixFile, mapped
from leukotype.results import folder
from run_cases import write_plugin, write_tiny_csv


def dead(name: str) -> str:
    """Return the temporary name of a process that is dead."""
    return name.replace(f"-{os.getpid()}-", "-999999999-")


def test_only_files_of_dead_processes_are_swept(tmp_path):
    mine, left = temporary.name(), dead(temporary.name())
    others = [f".leukotype-{'a' * 12}", "leukotype-settings", ".leukotype-", f"x{left}", f"{left}.csv"]
    for name in (mine, left, dead(temporary.name(temporary.SHOWN_PREFIX)), *others):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part.npy").touch()
    temporary.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([mine, *others])
    # A process of the same number that started at another time is another process.
    (tmp_path / (mine.replace(mine.split("-")[3], "0123abcd"))).touch()
    temporary.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([mine, *others])


def test_files_of_other_machines_and_earlier_versions_are_kept_for_a_day(tmp_path):
    for name in (f".leukotype-0123abcd-{os.getpid()}-0123abcd-{'a' * 12}", f".leukotype-{'b' * 12}"):
        path = tmp_path / name
        path.touch()
        temporary.sweep(tmp_path)
        assert path.exists()
        os.utime(path, (time.time() - 90_000,) * 2)
        temporary.sweep(tmp_path)
        assert not path.exists()


def test_writing_sweeps_its_folder(tmp_path):
    (tmp_path / dead(temporary.name())).write_bytes(b"half")
    atomic.put(tmp_path / "calls.csv", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["calls.csv"]


def test_every_start_sweeps_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / dead(temporary.name(temporary.SHOWN_PREFIX))).mkdir()
    assert cli.run(["--version"]) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_matrix_has_no_name_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    one, other = np.arange(12.0).reshape(3, 4), np.ones((2, 2))
    file = MatrixFile()
    path = file.path_of(one)
    np.testing.assert_array_equal(mapped(path), one)
    assert all(found.is_symlink() or found.is_dir() for found in tmp_path.rglob("*"))
    assert file.path_of(one) == path
    assert file.path_of(other) != path
    np.testing.assert_array_equal(mapped(file.path_of(other)), other)
    file.close()
    assert list(tmp_path.iterdir()) == []


# A replacement killed after each of its steps


def result(place: Path, word: str) -> None:
    names = (
        "predictions.csv",
        "figures/a.svg",
        "study.json",
        *(("only.csv",) if word == "new" else ("gone.csv",)),
    )
    for name in names:
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(word)
    manifest.write(place, command="", facts={"kind": "study", "word": word})


def content(place: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()
    }


@pytest.mark.parametrize("earlier", [True, False])
def test_replacement_killed_at_any_step_is_undone(earlier, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    if earlier:
        result(out, "old")
    (out / "tasks.sqlite").write_text("kept")
    before = content(out)
    staging = out / dead(temporary.name())
    staging.mkdir()
    result(staging, "new")
    after = {**content(staging), "tasks.sqlite": b"kept"}
    images: list[Path] = []

    def photographed(source: Path, target: Path, rename=os.rename) -> None:
        images.append(tmp_path / f"image{len(images)}")
        shutil.copytree(out, images[-1])
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", photographed)
        folder._swap(staging, out)
    assert content(out) == after
    assert len(images) == (10 if earlier else 5)
    for image in images:
        folder.check_output(image, overwrite=True, resume=True)
        assert content(image) == before
        assert not [path for path in image.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("step", range(3))
def test_replacement_that_could_not_be_undone_is_undone_at_the_next_start(step, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    result(out, "old")
    before = content(out)
    staging = out / dead(temporary.name())
    staging.mkdir()
    result(staging, "new")

    class Killed(BaseException):
        pass

    def killed_at(limit: int, rename=os.rename):
        count = iter(range(limit))

        def renamed(source: Path, target: Path) -> None:
            if next(count, None) is None:
                raise Killed
            rename(source, target)

        return renamed

    # From this rename on nothing works, and so neither does undoing.
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", killed_at(7 + step))
        with pytest.raises(Killed):
            folder._swap(staging, out)
    folder.check_output(out, overwrite=True, resume=True)
    assert content(out) == before


# Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_killed_study_leaves_no_data(number, tmp_path):
    data, plugin = write_tiny_csv(tmp_path / "tiny.csv"), write_plugin(tmp_path)
    temporary_folder, out = tmp_path / "temporary", tmp_path / "out"
    temporary_folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary_folder), "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        "-m",
        "leukotype",
        "study",
        data,
        "--plugin",
        plugin,
        "--models",
        "stuck",
        "--jobs",
        "2",
    ]
    driver = subprocess.Popen(
        [*map(str, command), "--no-cache", "--out", out], env=environment, stderr=subprocess.PIPE
    )
    end = time.monotonic() + 60
    while not list(temporary_folder.rglob("*.npy")) and time.monotonic() < end and driver.poll() is None:
        time.sleep(0.02)
    time.sleep(0.2)
    driver.send_signal(number)
    said = driver.communicate(timeout=30)[1].decode()
    if number == signal.SIGTERM:
        assert driver.returncode == 130
        assert len(said.splitlines()[-1:]) == 1
        assert "interrupted" in said
        assert list(temporary_folder.iterdir()) == []
        assert not out.exists()
    # Links to files that ended with their process.
    assert not [path for path in temporary_folder.rglob("*.npy") if path.exists()]
    with_folder = {**environment, "TMPDIR": str(temporary_folder)}
    subprocess.run(
        [sys.executable, "-m", "leukotype", "--version"], env=with_folder, check=True, capture_output=True
    )
    assert list(temporary_folder.iterdir()) == []

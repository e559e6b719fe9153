"""Every command with every option at its extremes and with special files: an answer or one line, within seconds."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
import typing
from pathlib import Path

import numpy as np
import pytest
import typer

from csv_files import write_csv
from leukotype import cli
from leukotype.datasets import simulate

SECONDS = 10
WHOLE = (
    "-1",
    "0",
    "1",
    "2147483648",
    "4294967295",
    "4294967296",
    "1000000000",
    "1" + "0" * 30,
    "1e3",
    "",
    "nan",
)
REAL = ("inf", "-inf", "nan", "0", "-0.0", "-1", "1", "1e308", "1e-320", "0.5", "x", "")
TEXT = (
    *(
        "",
        " ",
        ",",
        "/",
        "-",
        "a" * 5000,
        "[/x]",
        "[bold]",
        "é",
        "\u202e",
        "\x1b[31m",
        "\udcff",
        "none",
        "median",
    ),
    *("0.9", "1e-999999999", "%", "all", "=1+1", "*"),
)
KEPT = Path(__file__).parent / "kept" / "classifiers"


class TooSlow(BaseException):
    """The command took longer than allowed."""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a small cohort and special files."""
    folder = tmp_path_factory.mktemp("extremes")
    write_csv(simulate.simulate({"AML": 6, "PB": 6}, 30, seed=1).cohort, folder / "data.csv")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("missing")
    (folder / "empty").touch()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket"))
    (folder / "noise").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "cells.csv").write_text('probe_id,symbol\n"' + "a" * 131_073 + '",b\n')
    (folder / "deep.json").write_text("[" * 100_000)
    return folder


def files(place: Path) -> list[str]:
    """Return special files, none of which is an input or output that a command can use."""
    own = (
        "pipe",
        "loop",
        "nowhere",
        "empty",
        "folder",
        "socket",
        "noise",
        "cells.csv",
        "deep.json",
        "missing",
        "data.csv/x",
    )
    devices = (
        "/dev/zero",
        "/dev/full",
        "/dev/null",
        "/dev/stdin",
        "/",
        "",
        ".",
        "..",
        "/proc/self/mem",
        "b" * 300,
    )
    return [str(place / name) for name in own] + list(devices)


def base(command: str, place: Path) -> list[str]:
    """Return a valid call of a command."""
    data, quick = str(place / "data.csv"), ["--outer", "2", "--inner", "2", "--jobs", "1", "--no-cache"]
    classifier = str(KEPT / "none-1.leuko")
    return {
        "study": ["study", data, "--models", "majority", *quick, "--overwrite"],
        "explore": ["explore", data, "--no-cache", "--overwrite"],
        "train": ["train", data, "--model", "majority", "--repeats", "1", *quick, "--overwrite"],
        "predict": ["predict", classifier, data],
        "validate": ["validate", classifier, data],
        "inspect": ["inspect", classifier],
        "benchmark": ["benchmark", data, "--models", "majority", *quick, "--overwrite"],
        "status": ["status", str(place)],
        "check-claim": ["check-claim", "--n-test", "13", "--accuracy", "0.96"],
        "list": ["datasets", "list"],
        "fetch": ["datasets", "fetch", "--type", "NoSuchType"],
        "check": ["datasets", "check", data, "--name", "Leukemia_GSE9476"],
    }[command]


def cases(place: Path) -> list[list[str]]:
    """Return every command with each option and argument at each extreme."""
    found = []
    root = typer.main.get_command(cli.app)
    commands = {name: one for name, one in root.commands.items() if name != "datasets"}
    for name, command in {**commands, **root.commands["datasets"].commands}.items():
        for option in command.params:
            if option.name in ("help", "scheduler"):
                continue
            hint = typing.get_type_hints(command.callback)[option.name]
            kinds = set(typing.get_args(hint)) | {hint}
            if bool in kinds:
                continue
            values = WHOLE if int in kinds else REAL if float in kinds else (*TEXT, *files(place))
            if option.param_type_name == "option":
                found += [[*base(name, place), option.opts[0], value] for value in values]
            else:
                start = base(name, place)
                at = next((k for k, word in enumerate(start) if word.startswith("/")), len(start) - 1)
                found += [[*start[:at], value, *start[at + 1 :]] for value in values]
    return found


def judge(words: list[str], place: Path, capfd) -> None:
    """Run a command; it must end in time with an exit code of ours, at most one line of error and nothing left."""
    shown = " ".join(word[:60] for word in words)

    def stop(number, frame):
        raise TooSlow(shown)

    before = signal.signal(signal.SIGALRM, stop)
    # Again every second, because some code ignores exceptions, for example a destructor.
    signal.setitimer(signal.ITIMER_REAL, SECONDS, 1)
    started = time.monotonic()
    try:
        code = cli.run(words)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    said = capfd.readouterr()
    assert code in (0, 1, 2), (shown, said.err)
    assert time.monotonic() - started < SECONDS, shown
    errors = [line for line in said.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) <= 1, (shown, said.err)
    assert errors or code != 2, (shown, said.err)
    assert all(len(line) <= 300 for line in errors), shown
    assert "Traceback" not in said.err
    assert "an error in leukotype" not in said.err, (shown, said.err)


@pytest.fixture
def workplace(place, tmp_path, monkeypatch):
    # The folder above must hold nothing of other tests, since a benchmark searches it.
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("LEUKOTYPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LEUKOTYPE_DATA", "")
    return place


@pytest.fixture
def without_pictures(monkeypatch):
    for name in ("study", "exploration", "validation", "benchmark"):
        monkeypatch.setattr(f"leukotype.results.save_{name}", lambda *words, **options: None)
    for name in ("show_results", "show_cohort", "show_validation", "show_leaderboard", "print_json"):
        monkeypatch.setattr(f"leukotype.console.{name}", lambda *words, **options: None)


@pytest.mark.parametrize("part", range(2))
def test_some_extremes(part, workplace, without_pictures, capfd):
    for words in random.Random(part).sample(cases(workplace), 40):
        judge(words, workplace, capfd)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_every_extreme(part, workplace, without_pictures, capfd):
    for words in cases(workplace)[part::10]:
        judge(words, workplace, capfd)

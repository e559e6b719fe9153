"""Whatever goes wrong ends in one line; names never steer the terminal."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leukotype import cli, console, wording
from leukotype.cli import guard, study
from run_cases import write_tiny_csv

PRIVATE = "7.31415 'patient X'"
ESCAPE = "\x1b[31mred\x07"


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def failing(problem: BaseException):
    def resolve(*arguments, **options):
        raise problem

    return resolve


def test_unforeseen_error_is_one_line_with_a_file_for_the_report(tmp_path, capsys, monkeypatch):
    def parse(cell):
        try:
            float(cell)
        except ValueError as problem:
            raise KeyError(cell) from problem

    monkeypatch.setattr("leukotype.datasets.resolve", lambda *a, **k: parse(PRIVATE))
    assert cli.run(["explore", "patient.csv", "--label", "secret", "--json"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert len(line) <= 300
    assert "Traceback" not in line
    [report] = Path(tmp_path).glob("leukotype-bug-*.txt")
    assert str(report) in line
    text = report.read_text()
    assert "KeyError" in text
    assert "ValueError" in text
    assert "test_crashes.py" in text
    assert "--label" in text
    for private in ("7.31415", "31415", "patient", "secret"):
        assert private not in text


def test_endless_chain_of_causes_gives_a_report():
    one, other = ValueError("a"), KeyError("b")
    one.__cause__, other.__cause__ = other, one
    assert "KeyError" in guard.bug_report(one, ["study"])


@pytest.mark.parametrize(
    "problem", [RecursionError("deep"), TypeError("x"), AssertionError(), RuntimeError("y" * 10**6)]
)
def test_any_exception_gives_exit_code_1(problem, capsys, monkeypatch):
    monkeypatch.setattr("leukotype.datasets.resolve", failing(problem))
    assert cli.run(["explore", "x.csv"]) == 1
    assert len(capsys.readouterr().err) < 400


def test_long_error_keeps_its_remedy(capsys):
    console.fail("found " + "x" * 10**6 + " Correct it.")
    [line] = capsys.readouterr().err.splitlines()
    assert len(line) == 300
    assert line.startswith("Error: found xxx")
    assert line.endswith(" Correct it.")


@pytest.mark.parametrize("argument", [f"{ESCAPE}.csv", "a\udcffb.csv", "a\nb", "\u202egnp.csv", "\x9b31m"])
def test_arguments_with_control_characters_are_refused(argument, capsys):
    assert cli.run(["explore", argument]) == 2
    assert cli.run(["study", "x.csv", f"--label={argument}"]) == 2
    assert wording.printable(found := capsys.readouterr().err.replace("\n", "")) == found


def test_names_are_printed_without_control_characters(capsys):
    console.put(f"a {ESCAPE}\nb")
    console.say(f"c {ESCAPE}")
    console.fail(f"d {ESCAPE}")
    console._table(f"e {ESCAPE}", ["[/x]", ESCAPE], [["[bold]f[/x]", ESCAPE]])
    said = capsys.readouterr()
    assert not re.search("[\x00-\x09\x0b-\x1f]", said.out + said.err)
    assert "\\x1b[31mred\\x07" in said.out
    # Square brackets are text, not markup.
    assert "[/x]" in said.out
    assert "[bold]f[/x]" in said.out


def test_progress_prints_square_brackets(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with console.progress("[/x] Reading", 2) as advance:
        advance("[/y], fold 1")
        advance(ESCAPE)
    said = capsys.readouterr().err
    assert "[/x] Reading" in said
    assert "\x07" not in said


def started(*arguments: object, **options) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "leukotype", *map(str, arguments)], stderr=subprocess.PIPE, **options
    )


def test_closed_reader_of_the_output_ends_quietly():
    driver = started("datasets", "list", stdout=subprocess.PIPE)
    driver.stdout.close()
    assert driver.communicate(timeout=30)[1] == b""
    assert driver.returncode in (0, 1)


def test_full_and_closed_output():
    with open("/dev/full", "w") as full:
        driver = started("check-claim", "--n-test", 13, "--accuracy", 0.96, stdout=full)
        said = driver.communicate(timeout=30)[1].decode()
    assert driver.returncode == 1
    assert len(said.splitlines()) == 1
    driver = started("check-claim", "--n-test", 13, "--accuracy", 0.96, preexec_fn=lambda: os.close(1))
    assert driver.communicate(timeout=30)[1] == b""
    assert driver.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_to_end_act_like_ctrl_c(number, capsys, monkeypatch):
    monkeypatch.setattr(study, "read_cohort", lambda *a, **k: os.kill(os.getpid(), number))
    before = signal.getsignal(number)
    assert cli.run(["explore", "x.csv"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert signal.getsignal(number) == before


def test_little_address_space_costs_the_figures_alone(tmp_path):
    limit = 1_500_000_000
    driver = started(
        "explore", write_tiny_csv(tmp_path / "tiny.csv"), "--no-cache", "--out", tmp_path / "out",
        stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip
    said = driver.communicate(timeout=60)[1].decode()
    assert driver.returncode == 0, said
    assert "no figures" in said
    assert "Drawing needs" in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "manifest.json").exists()

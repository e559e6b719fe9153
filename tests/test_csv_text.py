"""CSV files: text that a spreadsheet would run as a formula, and --safe-csv."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import make_tiny_cohort
from leukotype import cli
from leukotype.csv_text import csv_text

ATTACKS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "a;=1", "a\n=1", "\uff1d1"]
PLAIN = ["AML", "a-b", "a=b", "p[+]", "'=1", "a; b", ""]
FORMULA = re.compile("(^|[;\t\r\n])[=+@\t\r-]")


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_only_text_that_looks_like_a_formula_is_changed() -> None:
    text = [*ATTACKS, *PLAIN]
    numbers = -np.arange(len(text)) / 7
    table = pd.DataFrame(
        {"text": text, "number": numbers, "=head": pd.Categorical(text), "n": -np.arange(len(text))}
    )
    table["mixed"] = [-1.5 if k % 2 else "-x" for k in range(len(text))]
    found = cells(csv_text(table, safe=True))
    assert found[0] == ["text", "number", "'=head", "n", "mixed"]
    for k, row in enumerate(found[1:]):
        assert row[0] == row[2] == (text[k] if k >= len(ATTACKS) else row[0])
        assert not FORMULA.search(row[0])
        assert row[0].replace("'", "") == text[k].replace("'", "")
        assert (float(row[1]), int(row[3])) == (numbers[k], -k)
        assert row[4] == ("-1.5" if k % 2 else "'-x")
    assert csv_text(table) == table.to_csv(index=False, lineterminator="\n")
    assert csv_text(pd.DataFrame({"a": ["\r=1"]}), safe=True).count("'") == 2
    empty = pd.DataFrame({"a": []})
    assert csv_text(empty, safe=True) == csv_text(empty)


def write_hostile(path: Path, seed: int) -> Path:
    """Write a cohort whose classes, samples and probes are formulas."""
    cohort = make_tiny_cohort(seed)
    names = {name: f"=cmd|{name}" for name in cohort.classes}
    table = pd.DataFrame(cohort.expression, columns=[f"@{probe}" for probe in cohort.probes])
    table.insert(0, "type", [names[label] for label in cohort.labels])
    table.insert(0, "samples", [f"-{sample}x" for sample in cohort.samples])
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hostile(tmp_path_factory.mktemp("hostile") / "hostile.csv", 20)


def run(*arguments: object) -> None:
    assert cli.run([str(argument) for argument in arguments]) == 0


def formulas(folder: Path) -> list[str]:
    """Return the cells in the CSV files of a folder that a spreadsheet would run."""
    found = []
    files = sorted(folder.rglob("*.csv"))
    assert files
    for file in files:
        with file.open(newline="", encoding="utf-8") as stream:
            found += [c for row in csv.reader(stream) for c in row if FORMULA.search(c) and not is_number(c)]
    return found


QUICK = ("--outer", 3, "--inner", 2, "--jobs", 1)


def test_calls_are_defused_on_request(
    hostile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, calls = tmp_path / "made" / "a.leuko", tmp_path / "made" / "calls.csv"
    for folder in ("made", "others"):
        (tmp_path / folder).mkdir()
    run("train", hostile, "--model", "centroids", "--repeats", 1, *QUICK, "--out", model)
    run("predict", model, hostile, "--out", calls, "--no-page")
    assert formulas(tmp_path / "made")
    run("predict", model, hostile, "--out", calls, "--no-page", "--overwrite", "--safe-csv")
    assert formulas(tmp_path / "made") == []
    capsys.readouterr()
    run("predict", model, hostile, "--safe-csv")
    assert capsys.readouterr().out == calls.read_text(encoding="utf-8")
    others = write_hostile(tmp_path / "others" / "hostile.csv", 21)
    run("validate", model, others, "--out", tmp_path / "made" / "validation", "--safe-csv")
    assert formulas(tmp_path / "made") == []


@pytest.mark.slow
def test_result_folders_are_defused_on_request(
    hostile: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = ("--models", "majority,centroids")
    run("explore", hostile, "--out", tmp_path / "explore", "--safe-csv")
    run("benchmark", hostile, *models, *QUICK, "--out", tmp_path / "benchmark", "--safe-csv")
    run("study", hostile, *models, *QUICK, "--out", tmp_path / "study", "--safe-csv")
    for name in ("study", "explore", "benchmark"):
        assert formulas(tmp_path / name) == []
    # The option does not belong to the run: the same tasks give the usual files.
    capsys.readouterr()
    run("study", hostile, *models, *QUICK, "--out", tmp_path / "study", "--resume")
    assert "finished task" in capsys.readouterr().err
    assert formulas(tmp_path / "study")


def test_all_csv_files_are_written_in_one_place() -> None:
    source = Path(cli.__file__).parents[1]
    writers = [
        path
        for path in source.rglob("*.py")
        if re.search(r"\.to_csv\(index", path.read_text(encoding="utf-8"))
    ]
    assert [path.name for path in writers] == ["csv_text.py"]

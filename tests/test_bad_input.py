"""Every kind of bad input through the command line: one clear line, exit code 2, nothing half-written."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from leukotype import cli

CLASSES = ("AML", "Bone_Marrow", "PB")
QUICK = ("--models", "majority", "--jobs", "1", "--no-cache")


@pytest.fixture(autouse=True)
def _own_place(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUKOTYPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LEUKOTYPE_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def table(per_class: int = 8, n_probes: int = 12) -> list[list[str]]:
    """Cells of a good file, header first: three classes, log2 intensities."""
    rng = np.random.default_rng(3)
    labels = [name for name in CLASSES for _ in range(per_class)]
    values = rng.uniform(4, 12, (len(labels), n_probes))
    header = ["samples", "type", *(f"{200000 + i}_at" for i in range(n_probes))]
    return [
        header,
        *(
            [f"s{i + 1}", label, *(f"{v:.3f}" for v in row)]
            for i, (label, row) in enumerate(zip(labels, values, strict=True))
        ),
    ]


def text(rows: list[list[str]], delimiter: str = ",") -> str:
    return "".join(delimiter.join(row) + "\n" for row in rows)


def good() -> str:
    return text(table())


def edited(row: int, column: int, cell: str) -> str:
    rows = table()
    rows[row][column] = cell
    return text(rows)


def with_header(*changes: tuple[int, str]) -> str:
    rows = table()
    for column, name in changes:
        rows[0][column] = name
    return text(rows)


def donor_missing() -> str:
    header, *rows = table()
    donors = ["p1", "p1", "", *(f"p{i}" for i in range(len(rows) - 3))]
    return text([[*header, "person"], *([*row, donor] for row, donor in zip(rows, donors, strict=True))])


def only(*classes: str, singles: tuple[str, ...] = ()) -> str:
    header, *rows = table()
    kept = [row for row in rows if row[1] in classes]
    kept += [next(row for row in rows if row[1] == name) for name in singles]
    return text([header, *kept])


def in_words() -> str:
    header, *rows = table()
    return text(
        [header, *([*row[:2], *("high" if float(cell) > 8 else "low" for cell in row[2:])] for row in rows)]
    )


def with_decimal_commas(delimiter: str, quote: str = "") -> str:
    header, *rows = table()
    return text(
        [
            header,
            *([*row[:2], *(quote + cell.replace(".", ",") + quote for cell in row[2:])] for row in rows),
        ],
        delimiter,
    )


def workbook() -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    return stream.getvalue()


def turned(rows: list[list[str]]) -> str:
    return text([list(column) for column in zip(*rows, strict=True)])


@dataclass(frozen=True)
class Case:
    """A bad file, the options it is read with, and the words that say found, needed, remedy."""

    name: str
    content: str | bytes
    words: tuple[str, ...]
    options: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.name


FILES = (
    Case("empty file", b"", ("is empty", "Download or export it again")),
    Case("blank lines alone", "\n \n\n", ("blank lines", "again")),
    Case("a byte-order mark alone", b"\xef\xbb\xbf", ("blank lines", "again")),
    Case("bytes of no meaning", bytes(range(256)) * 40, ("binary", "text", "Export it as CSV")),
    Case("a web page", "<!DOCTYPE html>\n<html><body>404, not found</body></html>\n", ("web page", "Download")),
    Case("a PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", ("a PDF", "text table", "Export it as CSV")),
    Case("a workbook", workbook(), ("Excel workbook", "text table", "Export it as CSV")),
    Case("prose", "Dear colleague\nplease find the table attached\n", ("only one column", "Export it as CSV")),
    Case("prose with commas", "Dear colleague,\nhere, as promised, is it,\n\nyours,\nN.\n",
         ("only one column", "table")),
    Case("gzip cut short", gzip.compress(good().encode())[:-300], ("gzip", "truncated", "Download it again")),
    Case("gzip with a damaged middle", gzip.compress(b"x" * 9 + good().encode())[:40] + b"\0" * 60,
         ("gzip", "damaged")),
    Case("gzip of nothing", gzip.compress(b""), ("blank lines",)),
    Case("gzip of a web page", gzip.compress(b"<html></html>"), ("web page",)),
    Case("header alone", text(table()[:1]), ("header but no rows", "again")),
    Case("no label column", with_header((1, "site_code")),
         ("no label column", "--label", "--labels", "samples, site_code")),
    Case("--label that is not there", good(), ("'tissue'", "--label", "samples, type"), ("--label", "tissue")),
    Case("--donor that is not there", good(), ("'person'", "--donor", "samples, type"), ("--donor", "person")),
    Case("--samples that is not there", good(), ("'gsm'", "--samples", "samples, type"), ("--samples", "gsm")),
    Case("a sample without a label", edited(3, 1, ""), ("1 sample without a label", "'type'", "'s3'", "Label them")),
    Case("a label that is missing", edited(3, 1, "NA"), ("1 sample without a label", "'s3'", "--drop-class NA")),
    Case("a sample without an id", edited(3, 0, ""), ("1 sample without an id", "'samples'", "line 4")),
    Case("a sample without a donor", donor_missing(),
         ("1 sample without a donor", "'person'", "'s3'", "Give each sample"), ("--donor", "person")),
    Case("only one class", only("AML"), ("only one class", "'AML'", "at least 2", "--label")),
    Case("a class with one sample", only("AML", "PB", singles=("Bone_Marrow",)),
         ("'Bone_Marrow' has 1 sample;", "5 outer", "at least", "--drop-class Bone_Marrow")),
    Case("fewer samples than folds", text(table(per_class=2)), ("6 samples", "7 outer folds", "--outer 3"),
         ("--outer", "7")),
    Case("a class smaller than the folds", text(table(per_class=3)),
         ("too few samples", "--outer 3 --inner 2", "5 outer", "--outer", "--drop-class")),
    Case("duplicate sample ids", edited(5, 0, "s2"), ("sample id 's2'", "more than once", "unique", "remove")),
    Case("duplicate probe ids", with_header((5, "200000_at")), ("probe id '200000_at'", "more than once", "unique")),
    Case("a column name twice", with_header((0, "type")), ("'type'", "more than once", "unique")),
    Case("a probe without a name", with_header((7, "")), ("column 8", "no name")),
    Case("cells that are not numeric", edited(4, 6, "high"), ("'high'", "line 5", "'200004_at'", "--impute median")),
    Case("a number with a unit", edited(4, 6, "7.1 au"), ("'7.1 au'", "line 5", "'200004_at'")),
    Case("a truth value", edited(4, 6, "true"), ("'true'", "line 5", "'200004_at'")),
    Case("a number no spreadsheet writes", edited(4, 6, "1_000"), ("'1_000'", "line 5", "'200004_at'")),
    Case("missing values", edited(4, 6, ""), ("1 missing value,", "'s4'", "'200004_at'", "--impute median")),
    Case("infinite values", edited(4, 6, "inf"), ("1 infinite value,", "'s4'", "'200004_at'", "Replace them")),
    Case("infinite values, imputed", edited(4, 6, "-Inf"), ("1 infinite value,", "Replace them"),
         ("--impute", "median")),
    Case("a number beyond all", edited(4, 6, "1e999"), ("1 infinite value,", "'s4'")),
    Case("a probe with no value at all",
         text([[*row[:3], "NA" if i else row[3], *row[4:]] for i, row in enumerate(table())]),
         ("24 missing values", "'200001_at'")),
    Case("no such imputation", good(), ("'mean'", "median"), ("--impute", "mean")),
    Case("no such scale", good(), ("'log10'", "auto, log2, linear"), ("--scale", "log10")),
    Case("no such class to drop", good(), ("'MPAL'", "AML, Bone_Marrow, PB"), ("--drop-class", "MPAL")),
    Case("no probes", text([row[:2] for row in table()]), ("no probes", "numbers")),
    Case("columns of text alone", in_words(), ("no probes", "14 columns", "numbers", "numeric column")),
    Case("pipes", text(table(), "|"), ("only one column", "'|'", "comma, tab or semicolon")),
    Case("spaces", text(table(), " "), ("only one column", "' '", "comma, tab or semicolon")),
    Case("decimal commas, semicolons", with_decimal_commas(";"), ("decimal", "comma", "point")),
    Case("decimal commas, tabs", with_decimal_commas("\t"), ("decimal", "comma", "point")),
    Case("decimal commas, quoted", with_decimal_commas(",", '"'), ("decimal", "comma", "point")),
    Case("decimal commas among commas", with_decimal_commas(","), ("line 2", "26 cells", "14", "decimal")),
    Case("a Latin-1 byte in the middle", good().replace("s9,Bone_Marrow", "s9,Caf\xe9").encode("latin-1"),
         ("line 10", "0xe9", "UTF-8")),
    Case("UTF-16", good().encode("utf-16"), ("UTF-16", "UTF-8")),
    Case("UTF-16 without a mark", good().encode("utf-16-le"), ("binary", "UTF-8")),
    Case("genes turned into dates", with_header((4, "2-Sep"), (5, "1-Mar")),
         ("2 dates among the probe", "'2-Sep'", "spreadsheet", "SEPT2", "text")),
    Case("genes turned into ISO dates", with_header((4, "2024-09-02")), ("1 date among the probe", "spreadsheet")),
    Case("genes in rows turned into dates", turned(table()).replace("200003_at", "Mar-01"),
         ("1 date among the probe", "'Mar-01'", "spreadsheet")),
    Case("genes turned into dates with a year", with_header((4, "2-Sep-24")), ("1 date among the probe",)),
    Case("genes turned into German dates", with_header((4, "01. Mrz"), (6, "02.Sep")), ("2 dates among the probe",)),
    Case("genes turned into dates and into names of R", with_header((4, "X2.Sep")), ("1 date among the probe",)),
    Case("a word in the first line", edited(1, 6, "high"),
         ("1 non-numeric cell;", "'high'", "line 2", "'200004_at'", "--impute median")),
    Case("a title above the header", "Leukemia of 24 samples\n" + good(),
         ("line 1", "not a header", "Remove all lines above")),
    Case("decimal commas in a short row", text([*table()[:6], [*table()[6][:-2], "7,125"], *table()[7:]], ";"),
         ("line 7", "13 cells", "14")),
    Case("every class dropped", good(), ("leaves no sample", "AML, Bone_Marrow, PB", "Keep"),
         ("--drop-class", "AML", "--drop-class", "Bone_Marrow", "--drop-class", "PB")),
    Case("a row too short", text([*table()[:6], table()[6][:9], *table()[7:]]),
         ("line 7", "9 cells", "14", "one cell per column")),
    Case("a row too long", text([*table()[:6], [*table()[6], "5.1", "6"], *table()[7:]]),
         ("line 7", "16 cells", "14")),
    Case("a blank line in the middle", text(table()[:6]) + "\n" + text(table()[6:]), ("line 7", "1 cell,", "14")),
    Case("a quote never closed", edited(4, 1, '"AML'), ("line 5", "quote")),
    Case("a quote never closed in a long line", text([[*row, *("7.125" for _ in range(30000))] if i else
         [*row, *(f"p{j}" for j in range(30000))] for i, row in enumerate(table(4))]).replace("s4,AML", 's4,"AML'),
         ("line 5", "quote")),
    Case("labels file with samples missing", text([[row[0], *row[2:]] for row in table()]),
         ("23 of 24 samples", "labels file", "'s2'", "s1"), ("--labels", "l.csv"),
         (("l.csv", "sample,label\ns1,AML\n"),)),
    Case("labels file without a header", text([[row[0], *row[2:]] for row in table()]),
         ("1 of 24 samples", "'s1'", "Line 1 was read as its header"), ("--labels", "l.csv"),
         (("l.csv", "".join(f"{row[0]},{row[1]}\n" for row in table()[1:])),)),
    Case("labels file with a missing label", text([[row[0], *row[2:]] for row in table()]),
         ("1 sample without a label", "labels file", "'s3'", "--drop-class NA"), ("--labels", "l.csv"),
         (("l.csv", "".join(f"{row[0]},{'NA' if i == 3 else row[1]}\n" for i, row in enumerate(table()))),)),
    Case("labels file with a conflict", good(), ("'s1'", "two labels", "one"), ("--labels", "l.csv"),
         (("l.csv", "sample,label\ns1,AML\ns1,PB\n"),)),
    Case("labels file of one column", good(), ("l.csv", "only one column"),
         ("--labels", "l.csv"), (("l.csv", "sample\ns1\n"),)),
    Case("labels file with an empty label", good(), ("l.csv", "line 3", "no label"), ("--labels", "l.csv"),
         (("l.csv", "sample,label\ns1,AML\ns2,\n"),)),
    Case("labels file of many columns", good(), ("l.csv", "3 columns", "two"), ("--labels", "l.csv"),
         (("l.csv", "sample,age,label\ns1,40,AML\n"),)),
    Case("no labels file", good(), ("l.csv", "no file", "Check the path"), ("--labels", "l.csv")),
    Case("folds file without its columns", good(), ("f.csv", "sample, repeat and fold"), ("--folds", "f.csv"),
         (("f.csv", "a,b\n1,2\n"),)),
    Case("folds file with a stranger", good(), ("f.csv", "'zz'", "sample column"), ("--folds", "f.csv"),
         (("f.csv", "sample,repeat,fold\nzz,0,0\n"),)),
    Case("folds file that leaves samples out", good(), ("f.csv", "2 of 24", "exactly one line"), ("--folds", "f.csv"),
         (("f.csv", "sample,repeat,fold\ns1,0,0\ns2,0,1\n"),)),
    Case("folds file with words for numbers", good(), ("f.csv", "column fold", "whole numbers"), ("--folds", "f.csv"),
         (("f.csv", "sample,repeat,fold\n" + "".join(f"s{i + 1},0,first\n" for i in range(24))),)),
    Case("folds file that is empty", good(), ("f.csv", "sample,repeat,fold"), ("--folds", "f.csv"), (("f.csv", ""),)),
    Case("no folds file", good(), ("f.csv", "sample,repeat,fold"), ("--folds", "f.csv")),
    Case("folds file that is binary", good(), ("f.csv", "sample,repeat,fold"),
         ("--folds", "f.csv"), (("f.csv", "\xff\x00\xfe"),)),
)  # fmt: skip


def refuse(capsys, *arguments: object) -> str:
    """Run the command line and return its one line of error."""
    capsys.readouterr()
    assert cli.run([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert captured.err.rstrip().endswith(lines[0])
    assert "Traceback" not in captured.err
    return lines[0]


@pytest.mark.parametrize("case", FILES, ids=str)
def test_bad_file_is_refused_in_one_line(case, tmp_path, capsys):
    content = case.content.encode() if isinstance(case.content, str) else case.content
    (tmp_path / "bad.csv").write_bytes(content)
    for name, other in case.others:
        (tmp_path / name).write_bytes(other.encode("latin-1"))
    before = sorted(tmp_path.iterdir())
    said = refuse(capsys, "study", "bad.csv", *QUICK, *case.options, "--out", "out/deep")
    assert [word for word in case.words if word not in said] == [], said
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("case", [case for case in FILES if not case.options and "class" not in case.name
                                  and "folds" not in case.name], ids=str)  # fmt: skip
def test_explore_refuses_it_too(case, tmp_path, capsys):
    content = case.content.encode() if isinstance(case.content, str) else case.content
    (tmp_path / "bad.csv").write_bytes(content)
    said = refuse(capsys, "explore", "bad.csv", "--no-cache", "--out", "out")
    assert [word for word in case.words if word not in said] == [], said
    assert not (tmp_path / "out").exists()


def test_missing_file(tmp_path, capsys):
    said = refuse(capsys, "study", "nowhere/mine.csv", *QUICK, "--out", "out")
    assert "no file nowhere/mine.csv" in said
    assert str(tmp_path) in said
    assert not list(tmp_path.iterdir())


def test_a_folder_for_a_file(tmp_path, capsys):
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in refuse(capsys, "study", "folder.csv", *QUICK, "--out", "out")


def test_a_refused_file_leaves_the_cache_empty(tmp_path, capsys):
    (tmp_path / "bad.csv").write_text(edited(4, 6, "high"))
    refuse(capsys, "study", "bad.csv", "--models", "majority", "--out", "out")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("cells", "kind"),
    [({(2, 4): "", (9, 4): "NA", (9, 7): "nan"}, "missing"), ({(2, 4): "inf", (3, 3): "-inf"}, "infinite")],
)
def test_values_are_counted_and_the_first_is_named(cells, kind, tmp_path, capsys):
    rows = table()
    for (row, column), cell in cells.items():
        rows[row][column] = cell
    (tmp_path / "holes.csv").write_text(text(rows))
    said = refuse(capsys, "study", "holes.csv", *QUICK, "--out", "out")
    assert f"{len(cells)} {kind} values, the first in sample 's2', probe '200002_at'" in said


def test_imputed_values_go_through_to_the_end(tmp_path, capsys):
    rows = table()
    for row, column in ((2, 4), (9, 4), (9, 7)):
        rows[row][column] = ""
    (tmp_path / "holes.csv").write_text(text(rows))
    arguments = ("study", "holes.csv", "--models", "logistic,knn", "--jobs", "1", "--impute", "median")
    assert cli.run([*arguments, "--out", "out"]) == 0
    assert (
        "Missing values (3) are filled with the training median inside each fold" in capsys.readouterr().err
    )
    assert "nan" not in (tmp_path / "out" / "predictions.csv").read_text().lower()
    report = (tmp_path / "out" / "report.html").read_text()
    assert "Missing values (3) are filled with the training median" in report


def test_constant_probes_are_taken_and_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "leukotype.results.save.save_study", lambda *arguments, **named: None
    )  # the report takes its time
    rows = [[*row[:5], "5.000" if i else row[5], *row[6:]] for i, row in enumerate(table())]
    (tmp_path / "flat.csv").write_text(text(rows))
    models = "logistic,knn,svm,centroids,forest"
    assert cli.run(["study", "flat.csv", "--models", models, "--jobs", "1", "--out", "out"]) == 0
    captured = capsys.readouterr()
    assert "Probes with the same value in every sample (1) were kept" in captured.err
    assert "centroids" in captured.out


@pytest.mark.parametrize("out", ["file/out", "file/a/b", "file"])
def test_output_folder_that_cannot_be(out, tmp_path, capsys):
    (tmp_path / "good.csv").write_text(good())
    (tmp_path / "file").write_text("mine")
    said = refuse(capsys, "study", "good.csv", *QUICK, "--out", out)
    assert "file" in said
    assert "--out" in said
    assert (tmp_path / "file").read_text() == "mine"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_output_folder_of_another_study(tmp_path, capsys):
    (tmp_path / "good.csv").write_text(good())
    (tmp_path / "bad.csv").write_text(edited(4, 6, "high"))
    command = ("study", "good.csv", *QUICK, "--out", "out")
    assert cli.run(list(command)) == 0
    before = contents(tmp_path / "out")

    said = refuse(capsys, *command)
    assert "holds an earlier result" in said
    assert "--overwrite" in said
    # A result is not given up for input that is refused.
    refuse(capsys, "study", "bad.csv", *QUICK, "--out", "out", "--overwrite")
    assert contents(tmp_path / "out") == before

    assert cli.run([*command, "--seed", "1", "--overwrite"]) == 0
    assert contents(tmp_path / "out").keys() == before.keys()
    assert contents(tmp_path / "out")["predictions.csv"] != before["predictions.csv"]


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)], ids=["plain", "overwrite"])
def test_output_folder_of_a_stranger(overwrite, tmp_path, capsys):
    (tmp_path / "good.csv").write_text(good())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("three years")
    said = refuse(capsys, "study", "good.csv", *QUICK, "--out", "out", *overwrite)
    assert "'thesis.txt'" in said
    assert "--out" in said
    assert contents(tmp_path / "out") == {"thesis.txt": b"three years"}


@pytest.mark.parametrize("name", ["empty file", "gzip cut short", "cells that are not numeric"])
def test_by_the_shell(name, tmp_path):
    case = next(case for case in FILES if case.name == name)
    (tmp_path / "bad.csv").write_bytes(
        case.content.encode() if isinstance(case.content, str) else case.content
    )
    done = subprocess.run(
        [sys.executable, "-m", "leukotype", "study", "bad.csv", *QUICK, "--out", "out"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Error: ")
    assert [word for word in case.words if word not in done.stderr] == []
    assert not (tmp_path / "out").exists()

"""Probe annotation, for any order of columns and lines."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from leukotype.errors import UnreadableFile
from leukotype.genes import read_annotation

# As in real .chip files: a trailing tab in the header, -666 for no gene, quotation marks in titles.
CHIP = (
    "pr_id\tpr_gene_id\tpr_gene_symbol\tpr_gene_title\t\n"
    '2_at\t7503\tXIST\tX "inactive" 5\' end\t\n'
    "1_at\t-666\t-666\tno gene\t\n"
    "3_at\t1;2\tDDR1 /// MIR4640\ttwo genes\t\n"
)


def test_chip(tmp_path: Path) -> None:
    path = tmp_path / "array.chip"
    path.write_text(CHIP)
    annotation = read_annotation(path)
    assert dict(annotation.symbols) == {"2_at": "XIST", "3_at": "DDR1 /// MIR4640"}
    assert annotation.symbols.get("1_at") is None
    assert annotation.symbols.get("unknown") is None
    assert annotation.probes_of("MIR4640", ["1_at", "2_at", "3_at"]) == ["3_at"]
    assert annotation.probes_of("MIR", ["3_at"]) == []


def test_windows_lines_gzip_commas_and_other_headers(tmp_path: Path) -> None:
    path = tmp_path / "array.csv.gz"
    table = '# comment\r\n"Gene Symbol","Probe Set ID"\r\n"XIST","2_at"\r\n"---","1_at"\r\n'
    path.write_bytes(gzip.compress(table.encode()))
    assert dict(read_annotation(path).symbols) == {"2_at": "XIST"}


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("", "is empty"),
        ("\n", "blank lines"),
        ("a\tb\n1\t2\n", "pr_gene_symbol"),
        ("pr_id\tpr_gene_symbol\n1_at\t-666\n", "no probe with a symbol"),
        ("pr_id\tpr_gene_symbol\n1_at\tA\n1_at\tB\n", "A and B"),
        ("pr_id\tpr_gene_symbol\n1_at\tA\n2_at\n", "line 3"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, needed: str) -> None:
    path = tmp_path / "bad.chip"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=needed):
        read_annotation(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="nowhere"):
        read_annotation(tmp_path / "nowhere.chip")


def test_real_chip(data_folder: Path) -> None:
    annotation = read_annotation(data_folder / "annotation" / "HG_U133A.chip")
    assert annotation.symbols.get("221728_x_at") == annotation.symbols.get("214218_s_at") == "XIST"
    assert annotation.symbols.get("201909_at") == "RPS4Y1"
    assert annotation.symbols.get("AFFX-BioB-5_at") is None
    assert len(annotation.symbols) > 20000

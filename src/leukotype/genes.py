"""Probe annotation: gene symbols of probes."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leukotype.errors import UnreadableFile
from leukotype.readers import read_text

_MISSING = frozenset({"", "-666", "---", "NA", "na", "null"})
_PROBE_COLUMNS = ("pr_id", "probe set id", "probe set name", "probe_id", "id", "probe")
_SYMBOL_COLUMNS = ("pr_gene_symbol", "gene symbol", "gene_symbol", "symbol")


@dataclass(frozen=True, eq=False)
class Annotation:
    """Gene symbols of the probes of one array.

    symbols : probe id to symbol; probes without a gene are left out
    source  : file name
    """

    symbols: Mapping[str, str]
    source: str

    def probes_of(self, symbol: str, probes: Iterable[str]) -> list[str]:
        """Return those of `probes`, in order, that measure the gene, alone or with others ("A /// B")."""
        return [probe for probe in probes if symbol in self.symbols.get(probe, "").split(" /// ")]


def read_annotation(path: str | Path) -> Annotation:
    """Read a table of probes and symbols: a .chip file or any tab- or comma-separated table, plain or gzipped.

    The columns are found by name: `pr_id` and `pr_gene_symbol` in .chip files, `Probe Set ID` and `Gene Symbol`
    in the manufacturer's.  The symbols -666 and --- mean no gene.  All lines of a probe must give the same symbol.

    Raises UnreadableFile if the file is missing, lacks these columns or contradicts itself.
    """
    try:
        rows = list(_rows(path))
    except csv.Error as problem:
        raise UnreadableFile(
            f"{path} is not a probe annotation: a cell cannot be read ({problem}). Check its quotation marks."
        ) from problem
    header = [name.strip().lower() for name in rows[0]] if rows else []
    probe_at = next((header.index(name) for name in _PROBE_COLUMNS if name in header), None)
    symbol_at = next((header.index(name) for name in _SYMBOL_COLUMNS if name in header), None)
    if probe_at is None or symbol_at is None:
        seen = ", ".join(name for name in header[:6] if name) or "nothing"
        raise UnreadableFile(
            f"{path} is not a probe annotation: its first line has {seen}. It needs a column of probes (pr_id, "
            "'Probe Set ID') and one of symbols (pr_gene_symbol, 'Gene Symbol')."
        )
    symbols: dict[str, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) <= max(probe_at, symbol_at):
            if any(cell.strip() for cell in row):
                raise UnreadableFile(
                    f"{path}: line {number} has {len(row)} cells and no symbol. Get the complete file."
                )
            continue
        probe, symbol = row[probe_at].strip(), row[symbol_at].strip()
        if symbol in _MISSING or not probe:
            continue
        if symbols.setdefault(probe, symbol) != symbol:
            raise UnreadableFile(
                f"{path}: probe {probe!r} has two symbols, {symbols[probe]} and {symbol}. Remove one."
            )
    if not symbols:
        raise UnreadableFile(f"{path} has no probe with a symbol. Name another annotation table.")
    return Annotation(symbols, Path(path).name)


def _rows(path: str | Path) -> Iterable[list[str]]:
    lines = [line for line in read_text(path).splitlines() if not line.startswith("#")]
    if lines and "\t" in lines[0]:
        # In tab-separated titles a quotation mark is an ordinary character.
        return csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return csv.reader(lines)

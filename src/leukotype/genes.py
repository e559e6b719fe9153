"""Probe annotation: from probe to gene symbol."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leukotype.errors import UnreadableFile

_MISSING = frozenset({"", "-666", "---", "NA", "na", "null"})
_PROBE_COLUMNS = ("pr_id", "probe set id", "probe set name", "probe_id", "id", "probe")
_SYMBOL_COLUMNS = ("pr_gene_symbol", "gene symbol", "gene_symbol", "symbol")


@dataclass(frozen=True, eq=False)
class Annotation:
    """Gene symbols of the probes of one array.

    symbols : probe id to symbol; probes without a gene are left out
    source  : where it came from
    """

    symbols: Mapping[str, str]
    source: str

    def symbol(self, probe: str) -> str | None:
        """Return the symbol of `probe`, None where it has no gene or is not of this array."""
        return self.symbols.get(probe)

    def probes_of(self, symbol: str, probes: Iterable[str]) -> list[str]:
        """Return those of `probes` that measure the gene, alone or with others ("A /// B"), in their order."""
        return [probe for probe in probes if symbol in self.symbols.get(probe, "").split(" /// ")]


def read_annotation(path: str | Path) -> Annotation:
    """Read a table of probes and symbols: a .chip file, or any tab- or comma-separated one, gzipped or not.

    The columns are found by name (`pr_id` and `pr_gene_symbol` of a .chip file, `Probe Set ID` and
    `Gene Symbol` of the manufacturer's), so the order of columns and probes does not matter.  A symbol of
    -666 or --- means none.  A second line for the same probe must name the same gene.

    Raises UnreadableFile where the file is missing, holds no such columns or contradicts itself.
    """
    rows = list(_rows(Path(path)))
    header = [name.strip().lower() for name in rows[0]] if rows else []
    probe_at = next((header.index(name) for name in _PROBE_COLUMNS if name in header), None)
    symbol_at = next((header.index(name) for name in _SYMBOL_COLUMNS if name in header), None)
    if probe_at is None or symbol_at is None:
        seen = ", ".join(name for name in header[:6] if name) or "nothing"
        raise UnreadableFile(
            f"{path} is no probe annotation: its first line holds {seen}. A column of probes (pr_id, "
            "'Probe Set ID') and one of symbols (pr_gene_symbol, 'Gene Symbol') are needed."
        )
    symbols: dict[str, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) <= max(probe_at, symbol_at):
            if any(cell.strip() for cell in row):
                raise UnreadableFile(
                    f"{path}: line {number} has {len(row)} cells and no symbol. Is the file truncated?"
                )
            continue
        probe, symbol = row[probe_at].strip(), row[symbol_at].strip()
        if symbol in _MISSING or not probe:
            continue
        if symbols.setdefault(probe, symbol) != symbol:
            raise UnreadableFile(
                f"{path}: probe {probe!r} is given the symbols {symbols[probe]} and {symbol}. Give it one."
            )
    if not symbols:
        raise UnreadableFile(f"{path} gives no probe a symbol.")
    return Annotation(symbols, Path(path).name)


def text_of(path: str | Path) -> str:
    """Return the text of a file, gzipped or not; raises UnreadableFile where it has none."""
    try:
        content = Path(path).read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as problem:
        raise UnreadableFile(
            f"{path} can't be read as text: {problem}. Name an annotation table, or a list of probes."
        ) from problem


def _rows(path: Path) -> Iterable[list[str]]:
    lines = [line for line in text_of(path).splitlines() if not line.startswith("#")]
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    content_lines = io.StringIO("\n".join(lines))
    if delimiter == "\t":
        # A quotation mark in a title is a character there, not the start of a quoted field.
        return csv.reader(content_lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(content_lines, delimiter=delimiter)

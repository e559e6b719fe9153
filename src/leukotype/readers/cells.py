"""Lines, cells and numbers of delimited text: fast where all is well, exact about the place where it is not."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

import numpy as np
import orjson

from leukotype.arrays import FloatArray
from leukotype.errors import UnreadableFile
from leukotype.readers.raw import MISSING, Head

DELIMITERS = (",", "\t", ";")
# As many cells of a row as it takes to know the layout; a whole row of a wide file is costly.
_PEEK = 64
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
POINT_HINT = "Use a decimal point, not a decimal comma."


def head_of(lines: Sequence[str], path: str) -> Head:
    """Return the start of a delimited file; raises UnreadableFile where no delimiter parts it into columns."""
    delimiter = max(DELIMITERS, key=lines[0].count)
    if delimiter not in lines[0]:
        if len(lines) > 2 and any(
            delimiter in lines[1] and delimiter in lines[2] for delimiter in DELIMITERS
        ):
            raise UnreadableFile(
                f"{path}: line 1 ({lines[0][:40]!r}) is no header: it has one cell, and the lines below have more. "
                "Remove what stands above the names of the columns."
            )
        guess = next((f" They may be parted by {c!r}." for c in ("|", " ", ":") if c in lines[0]), "")
        raise UnreadableFile(
            f"{path} has one column only: its first line holds no comma, tab or semicolon.{guess} "
            "Export it as CSV or tab-separated text."
        )
    if len(lines) < 2:
        raise UnreadableFile(f"{path} has a header and no rows. Export it again with its samples.")
    header = split(lines[0], delimiter, f"{path}: line 1")
    while len(header) > 1 and not header[-1]:
        header.pop()
    if len(header) == 1:
        raise UnreadableFile(
            f"{path} has one column only: its first line names {header[0]!r} alone. Name a table with more columns."
        )
    rows = tuple(
        tuple(_start(line, delimiter, f"{path}: line {number}"))
        for number, line in enumerate(lines[1:6], start=2)
    )
    return Head(path, delimiter, tuple(header), rows, len(lines))


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without the blank ones at its end; they end in LF, CRLF or CR."""
    if "\n" not in text:
        text = text.replace("\r", "\n")
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return [line[:-1] if line.endswith("\r") else line for line in lines]


def split(line: str, delimiter: str, place: str) -> list[str]:
    """Return the cells of a line, quotes undone; raises UnreadableFile with the `place` of a stray quote."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True))]
    except csv.Error:
        raise UnreadableFile(
            f'{place} has a quote (") that is not closed in the line, or that ends amid a cell. '
            "Remove it, or double it inside a quoted cell."
        ) from None


def fitted(cells: list[str], width: int, head: Head, line: int) -> list[str]:
    """Return `width` cells; empty ones beyond the header are left out. Raises UnreadableFile for other counts."""
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) == width:
        return cells
    hint = ""
    if len(cells) == width + 1:
        hint = " If the first column has no name in the header, give it one."
    elif head.delimiter == "," and 3 * width < 2 * len(cells) <= 4 * width:
        hint = f" {POINT_HINT}"
    raise UnreadableFile(
        f"{head.path}: line {line} has {len(cells)} cells, and the header has {width}. "
        f"Every line needs one cell per column.{hint}"
    )


def fast_numbers(text: str, delimiter: str, n: int) -> FloatArray | None:
    """Return `n` numbers, or None where the text is not just plain numbers (`+1`, `.5`, `NaN` are not plain)."""
    # What JSON knows beside numbers: true, false, null and strings.
    if "u" in text or "l" in text or '"' in text:
        return None
    if delimiter != ",":
        if "," in text:
            return None
        text = text.replace(delimiter, ",")
    try:
        numbers = np.array(orjson.loads(f"[{text}]"), dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    # Zero is one value, although text may write it as -0.
    return numbers + 0.0 if numbers.shape == (n,) else None


def numbers_of(cells: Sequence[str]) -> tuple[FloatArray, list[int]]:
    """Return the numbers of cells, NaN where one is missing, and the positions of those that are no numbers."""
    filled = ["nan" if cell.lower() in MISSING else cell for cell in cells]
    try:
        numbers = np.array(filled, dtype=np.float64) + 0.0
    except ValueError:
        numbers = np.full(len(cells), np.nan)
    else:
        # NumPy reads 1_000 as Python does; no table means it so.
        if not any("_" in cell for cell in filled):
            return numbers, []
    wrong = []
    for position, cell in enumerate(filled):
        if is_number(cell):
            numbers[position] = float(cell) + 0.0
        else:
            wrong.append(position)
    return numbers, wrong


def are_words(numbers: FloatArray, n_wrong: int) -> bool:
    """Tell text from numbers with mistakes in them: more cells are words than numbers; missing ones do not count."""
    return n_wrong > int(np.count_nonzero(~np.isnan(numbers)))


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number; "1_000" is none, although Python reads it."""
    if "_" in cell:
        return False
    try:
        float(cell)
    except ValueError:
        return False
    return True


def is_decimal_comma(cell: str) -> bool:
    """Tell whether a cell is a number written with a decimal comma."""
    return _DECIMAL_COMMA.fullmatch(cell) is not None


def _start(line: str, delimiter: str, place: str) -> list[str]:
    if '"' in line:
        return split(line, delimiter, place)[:_PEEK]
    return [cell.strip() for cell in line.split(delimiter, _PEEK)[:_PEEK]]

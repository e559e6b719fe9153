"""Lines, cells and numbers of delimited text: fast where all is well, exact about the place where it is not."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence

import numpy as np

from leukotype.cohort import FloatArray
from leukotype.errors import UnreadableFile
from leukotype.readers.raw import MISSING, Head

DELIMITERS = (",", "\t", ";")
_NAMES = {",": "commas", "\t": "tabs", ";": "semicolons"}


def head_of(text: str, path: str) -> Head:
    """Return the start of a delimited file; raises UnreadableFile where no delimiter parts it into columns."""
    lines = lines_of(text)
    delimiter = max(DELIMITERS, key=lines[0].count)
    if delimiter not in lines[0]:
        guess = next((f" They may be parted by {c!r}." for c in ("|", " ", ":") if c in lines[0]), "")
        raise UnreadableFile(
            f"{path} has one column only: its first line holds no comma, tab or semicolon.{guess} "
            "Export it as CSV or tab-separated text."
        )
    if len(lines) < 2:
        raise UnreadableFile(f"{path} has a header and no rows. Export it again with its samples.")
    rows = tuple(tuple(split(line, delimiter)) for line in lines[:6])
    return Head(path, delimiter, rows[0], rows[1:], len(lines))


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without the blank ones at its end."""
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return [line[:-1] if line.endswith("\r") else line for line in lines]


def split(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line, quotes undone; a delimiter at the end of the line makes no cell."""
    cells = next(csv.reader([line], delimiter=delimiter)) if '"' in line else line.split(delimiter)
    cells = [cell.strip() for cell in cells]
    while len(cells) > 1 and not cells[-1] and line.rstrip().endswith(delimiter.strip() or "\t"):
        cells.pop()
        line = line.rstrip()[:-1]
    return cells


def fast_numbers(text: str, delimiter: str, n: int) -> FloatArray | None:
    """Return `n` numbers, or None where the text is not just that."""
    with warnings.catch_warnings():
        # NumPy warns where it meets a cell that is no number; the count tells.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            numbers = np.fromstring(text, dtype=np.float64, sep=delimiter)
        except ValueError:
            return None
    return numbers if len(numbers) == n else None


def numbers_of(cells: Sequence[str]) -> tuple[FloatArray, list[int]]:
    """Return the numbers of cells, NaN where one is missing, and the positions of those that are no numbers."""
    filled = ["nan" if cell.lower() in MISSING else cell for cell in cells]
    try:
        return np.array(filled, dtype=np.float64), []
    except ValueError:
        pass
    numbers = np.full(len(cells), np.nan)
    wrong = []
    for position, cell in enumerate(filled):
        if is_number(cell):
            numbers[position] = float(cell)
        else:
            wrong.append(position)
    return numbers, wrong


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number; "1_000" is none, although Python reads it."""
    if "_" in cell:
        return False
    try:
        float(cell)
    except ValueError:
        return False
    return True


def delimiter_name(delimiter: str) -> str:
    """Return the delimiter in words."""
    return _NAMES[delimiter]

"""Samples in rows, one column per probe: the layout of CuMiDa and of most spreadsheets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.errors import BadIdentifiers
from leukotype.readers.raw import Head, Options, RawTable
from leukotype.readers.text import (
    are_words,
    fast_numbers,
    fitted,
    numbers_of,
    refuse_thousands,
    refuse_words,
    split,
)

# Row and text of each non-numeric cell, by column.
Faults = dict[int, list[tuple[int, str]]]


def detects(head: Head, options: Options) -> bool:
    """Accept any delimited file; this reader comes last."""
    return True


def read(lines: Sequence[str], head: Head, options: Options) -> RawTable:
    """Read a matrix with samples in rows; text columns and known non-probe columns become covariates."""
    header = list(head.header)
    width = len(header)
    if "" in header[1:]:
        raise BadIdentifiers(
            f"{head.path}: column {header.index('', 1) + 1} has no name in the header. Name each column, or remove it."
        )
    known = _text_columns(lines[1], head, options)
    texts = sorted(known)
    numeric = [column for column in range(width) if column not in known]
    block = _block(numeric, width)

    values = np.empty((len(lines) - 1, len(numeric)))
    words: list[list[str]] = []
    faults: Faults = {}
    for row, line in enumerate(lines[1:]):
        if block is not None and (parsed := _parse_block(line, head.delimiter, block, len(numeric))):
            values[row] = parsed[0]
            words.append(parsed[1])
            continue
        cells = fitted(split(line, head.delimiter, f"{head.path}: line {row + 2}"), width, head, row + 2)
        values[row], wrong = numbers_of([cells[column] for column in numeric])
        for position in wrong:
            faults.setdefault(position, []).append((row, cells[numeric[position]]))
        words.append([cells[column] for column in texts])
    table = {header[column]: [row[place] for row in words] for place, column in enumerate(texts)}
    # Text columns whose first cell is missing look numeric until their other cells are read.
    late = _late(values, faults, lines, numeric, head)
    damaged = {numeric[position]: cells for position, cells in faults.items() if position not in late}
    guessed = {column: header[column] for column in texts if not options.is_text(header[column])}
    for column, name in guessed.items():
        if not are_words(table[name]):
            cells = table[name]
            damaged[column] = [(row, cells[row]) for row in numbers_of(cells)[1]]
    if damaged:
        row, column, cell = min(
            (row, column, cell) for column, cells in damaged.items() for row, cell in cells
        )
        refuse_words(
            head.path,
            sum(map(len, damaged.values())),
            cell,
            f"line {row + 2}, column {header[column]!r}",
            name=header[column] if len(damaged) == 1 else None,
        )
    table |= {header[numeric[position]]: cells for position, cells in late.items()}
    _check_thousands(lines, numeric, head)

    kept = [position for position in range(len(numeric)) if position not in late]
    steps: tuple[str, ...] = ()
    first = values[:, kept[0]] if kept and numeric[kept[0]] == 0 else np.empty(0)
    # R and pandas write row numbers in the first column.
    if len(first) > 2 and first[0] in (0, 1) and (np.diff(first) == 1).all():
        table[header[0]] = [str(int(value)) for value in first]
        kept = kept[1:]
        steps = (f"The first column ({header[0]!r}) holds row numbers and was not used as a probe.",)
    return RawTable(
        {name: table[name] for name in sorted(table, key=header.index)},
        values[:, kept] if len(kept) < len(numeric) else values,
        [header[numeric[position]] for position in kept],
        steps=steps,
    )


def _text_columns(line: str, head: Head, options: Options) -> set[int]:
    """Return the columns that are not expression by name, and those with text in the first row."""
    width = len(head.header)
    found = {column for column, name in enumerate(head.header) if options.is_text(name)}
    others = [column for column in range(width) if column not in found]
    block = _block(others, width)
    if block is None or _parse_block(line, head.delimiter, block, len(others)) is None:
        first = fitted(split(line, head.delimiter, f"{head.path}: line 2"), width, head, 2)
        _, wrong = numbers_of([first[column] for column in others])
        found |= {others[position] for position in wrong}
    names = Counter(head.header[column] for column in found)
    repeated = [name for name, count in names.items() if count > 1]
    if repeated:
        raise BadIdentifiers(
            f"{head.path}: column {repeated[0]!r} appears more than once. Each column name must be unique."
        )
    return found


def _block(numeric: list[int], width: int) -> tuple[int, int] | None:
    """Return the numbers of text columns before and after the probes, or None if text lies between probes."""
    if not numeric or numeric[-1] - numeric[0] + 1 != len(numeric):
        return None
    return numeric[0], width - 1 - numeric[-1]


def _parse_block(
    line: str, delimiter: str, block: tuple[int, int], n: int
) -> tuple[FloatArray, list[str]] | None:
    """Return numbers and words of a line without splitting its numbers; None unless the line is plain."""
    before, after = block
    front = line.split(delimiter, before)
    back = front.pop().rsplit(delimiter, after)
    if len(front) < before or len(back) < after + 1 or '"' in "".join(front + back[1:]):
        return None
    numbers = fast_numbers(back[0], delimiter, n)
    return None if numbers is None else (numbers, [cell.strip() for cell in (*front, *back[1:])])


def _late(
    values: FloatArray, faults: Faults, lines: Sequence[str], numeric: list[int], head: Head
) -> dict[int, list[str]]:
    """Return the cells of text columns whose first cell is missing, by position in `numeric`."""
    # A column with a number is damaged, not text.
    wordy = [position for position in faults if not np.isfinite(values[:, position]).any()]
    if not wordy:
        return {}
    rows = [split(line, head.delimiter, head.path) for line in lines[1:]]
    cells = {position: [row[numeric[position]] for row in rows] for position in wordy}
    return {position: column for position, column in cells.items() if are_words(column)}


def _check_thousands(lines: Sequence[str], numeric: list[int], head: Head) -> None:
    """Raise BadValues if points may separate thousands; some rows and columns suffice to see it."""
    rows = lines[1:] if len(lines) < 42 else [*lines[1:31], *lines[-10:]]
    if any("." in line for line in rows):
        columns = numeric[:: 1 + len(numeric) // 2000]
        cells = (split(line, head.delimiter, head.path) for line in rows)
        refuse_thousands([[row[column] for column in columns] for row in cells], head.path)

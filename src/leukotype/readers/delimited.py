"""Samples in rows, one column a probe: the CuMiDa layout and what spreadsheets make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.errors import BadIdentifiers, BadValues
from leukotype.readers.cells import (
    POINT_HINT,
    are_words,
    fast_numbers,
    fitted,
    is_decimal_comma,
    numbers_of,
    split,
)
from leukotype.readers.raw import Head, Options, RawTable


def detects(head: Head, options: Options) -> bool:
    """Any delimited file that is nothing else."""
    return True


def read(lines: Sequence[str], head: Head, options: Options) -> RawTable:
    """Read a matrix with samples in rows; columns that hold text, or are known to be no probes, stand apart."""
    header = list(head.header)
    _refuse_nameless(header, head.path)
    width = len(header)
    texts = _text_columns(lines[1], head, options)
    numeric = [column for column in range(width) if column not in texts]
    block = _block(numeric, width)

    values = np.empty((len(lines) - 1, len(numeric)))
    words: list[list[str]] = []
    wrong: dict[int, list[tuple[int, str]]] = {}
    for row, line in enumerate(lines[1:]):
        if block is not None and (parsed := _parse_block(line, head.delimiter, block, len(numeric))):
            values[row] = parsed[0]
            words.append(parsed[1])
            continue
        cells = fitted(split(line, head.delimiter, f"{head.path}: line {row + 2}"), width, head, row + 2)
        values[row], bad = numbers_of([cells[column] for column in numeric])
        for position in bad:
            wrong.setdefault(position, []).append((row, cells[numeric[position]]))
        words.append([cells[column] for column in sorted(texts)])
    table = {header[column]: [row[place] for row in words] for place, column in enumerate(sorted(texts))}
    late = {position for position, cells in wrong.items() if are_words(values[:, position], len(cells))}
    damaged = {numeric[position]: cells for position, cells in wrong.items() if position not in late}
    guessed = {head.header[column]: column for column in texts if not options.is_text(head.header[column])}
    _refuse_damaged(damaged | _damaged_from_the_start(table, guessed), head)
    table.update(_texts_at([numeric[position] for position in sorted(late)], lines, head))

    kept = [position for position in range(len(numeric)) if position not in late]
    steps: tuple[str, ...] = ()
    if kept and numeric[kept[0]] == 0 and _counts_rows(values[:, kept[0]]):
        # R and pandas write row numbers in front; no probe counts the samples.
        table[header[0]] = [str(int(value)) for value in values[:, kept[0]]]
        kept = kept[1:]
        steps = (f"The first column ({header[0]!r}) numbers the rows: it was not taken for a probe.",)
    return RawTable(
        {name: table[name] for name in sorted(table, key=header.index)},
        values[:, kept] if len(kept) < len(numeric) else values,
        [header[numeric[position]] for position in kept],
        steps=steps,
    )


def _refuse_nameless(header: list[str], path: str) -> None:
    if "" in header[1:]:
        raise BadIdentifiers(
            f"{path}: column {header.index('', 1) + 1} has no name in the header. Name each column, or remove it."
        )


def _text_columns(line: str, head: Head, options: Options) -> set[int]:
    """Return the columns known by name to be no expression, and those whose first cell is text."""
    width = len(head.header)
    found = options.text_columns(head.header)
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
    """Return the numbers of text columns before and after the probes, where the probes stand side by side."""
    if not numeric or numeric[-1] - numeric[0] + 1 != len(numeric):
        return None
    return numeric[0], width - 1 - numeric[-1]


def _parse_block(
    line: str, delimiter: str, block: tuple[int, int], n: int
) -> tuple[FloatArray, list[str]] | None:
    """Return the numbers and the words of a plain line without making a cell of each number; None for others."""
    before, after = block
    front = line.split(delimiter, before)
    back = front.pop().rsplit(delimiter, after)
    if len(front) < before or len(back) < after + 1 or '"' in "".join(front + back[1:]):
        return None
    numbers = fast_numbers(back[0], delimiter, n)
    return None if numbers is None else (numbers, [cell.strip() for cell in (*front, *back[1:])])


def _damaged_from_the_start(
    table: dict[str, list[str]], columns: dict[str, int]
) -> dict[int, list[tuple[int, str]]]:
    """Return the bad cells of those columns that begin with a word although most of their cells are numbers."""
    found = {}
    for name, column in columns.items():
        numbers, wrong = numbers_of(table[name])
        if not are_words(numbers, len(wrong)):
            found[column] = [(row, table[name][row]) for row in wrong]
    return found


def _refuse_damaged(damaged: dict[int, list[tuple[int, str]]], head: Head) -> None:
    """Raise BadValues where columns of numbers, by their place in the header, hold cells that are none."""
    if not damaged:
        return
    row, column, cell = min((row, column, cell) for column, cells in damaged.items() for row, cell in cells)
    hint = f" {POINT_HINT}" if is_decimal_comma(cell) else ""
    raise BadValues(
        f"{head.path}: {sum(map(len, damaged.values()))} cells are no numbers, the first {cell!r} in line "
        f"{row + 2}, column {head.header[column]!r}. Correct them, or leave them empty; a "
        f"cohort then needs --impute median.{hint}"
    )


def _texts_at(columns: list[int], lines: Sequence[str], head: Head) -> dict[str, list[str]]:
    """Return the cells of columns that hold text although their first cell is missing."""
    if not columns:
        return {}
    rows = [
        split(line, head.delimiter, f"{head.path}: line {n}") for n, line in enumerate(lines[1:], start=2)
    ]
    return {head.header[column]: [row[column] for row in rows] for column in columns}


def _counts_rows(column: FloatArray) -> bool:
    return len(column) > 2 and column[0] in (0, 1) and bool((np.diff(column) == 1).all())

"""Samples in rows, one column a probe: the CuMiDa layout and what spreadsheets make of it."""

from __future__ import annotations

from collections import Counter

import numpy as np

from leukotype.errors import BadIdentifiers, BadValues, UnreadableFile
from leukotype.readers.cells import fast_numbers, is_number, lines_of, numbers_of, split
from leukotype.readers.raw import MISSING, Head, Options, RawTable


def detects(head: Head, options: Options) -> bool:
    """Any delimited file that is nothing else."""
    return True


def read(text: str, head: Head, options: Options) -> RawTable:
    """Read a matrix with samples in rows; columns that hold text, or are known to be no probes, stand apart."""
    lines = lines_of(text)
    header = list(head.header)
    width = len(header)
    text_columns = _text_columns(head, options)
    numeric = [column for column in range(width) if column not in text_columns]
    # A leading block of text, then numbers to the end, is parsed line by line without making cells.
    lead = len(text_columns) if text_columns == set(range(len(text_columns))) else None

    values = np.empty((len(lines) - 1, len(numeric)))
    words: list[list[str]] = []
    wrong: Counter[int] = Counter()
    first_wrong: dict[int, tuple[int, str]] = {}
    for row, line in enumerate(lines[1:]):
        if lead is not None and '"' not in line:
            parts = line.split(head.delimiter, lead)
            if len(parts) == lead + 1:
                numbers = fast_numbers(parts[-1], head.delimiter, len(numeric))
                if numbers is not None:
                    values[row] = numbers
                    words.append([part.strip() for part in parts[:-1]])
                    continue
        cells = split(line, head.delimiter)
        # Empty cells at the end of a line are missing values, not a shorter line.
        cells += [""] * min(width - len(cells), _empty_at_end(line, head.delimiter))
        if len(cells) != width:
            raise UnreadableFile(
                f"{head.path}: line {row + 2} has {len(cells)} cells, and the header has {width}. "
                "Every line needs one cell per column."
            )
        values[row], bad = numbers_of([cells[column] for column in numeric])
        for position in bad:
            wrong[position] += 1
            first_wrong.setdefault(position, (row, cells[numeric[position]]))
        words.append([cells[column] for column in sorted(text_columns)])
    names = [header[column] for column in sorted(text_columns)]
    table = _table(names, words)
    kept, more = _sort_out(wrong, first_wrong, head, numeric, lines)
    table.update(more)
    return RawTable(
        {name: table[name] for name in header if name in table},
        values[:, kept] if len(kept) < len(numeric) else values,
        [header[numeric[position]] for position in kept],
    )


def _text_columns(head: Head, options: Options) -> set[int]:
    first = head.rows[0]
    found = set()
    for column, name in enumerate(head.header):
        cell = first[column] if column < len(first) else ""
        if options.is_text(name) or (cell.lower() not in MISSING and not is_number(cell)):
            found.add(column)
    return found


def _empty_at_end(line: str, delimiter: str) -> int:
    stripped = line.rstrip(" ")
    return len(stripped) - len(stripped.rstrip(delimiter))


def _table(names: list[str], words: list[list[str]]) -> dict[str, list[str]]:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise BadIdentifiers(
            f"column {repeated[0]!r} appears more than once. Each column name must be unique."
        )
    return {name: [row[column] for row in words] for column, name in enumerate(names)}


def _sort_out(
    wrong: Counter[int], first: dict[int, tuple[int, str]], head: Head, numeric: list[int], lines: list[str]
) -> tuple[list[int], dict[str, list[str]]]:
    """Part columns of text that began with a missing cell from expression with cells that are no numbers."""
    n_rows = len(lines) - 1
    mostly_text = {position for position, count in wrong.items() if 2 * count > n_rows}
    damaged = {position: count for position, count in wrong.items() if position not in mostly_text}
    if damaged:
        position = min(damaged, key=lambda p: first[p])
        row, cell = first[position]
        hint = " Use a point, not a comma, for decimals." if "," in cell else ""
        raise BadValues(
            f"{head.path}: {sum(damaged.values())} cells are no numbers, the first {cell!r} in line {row + 2}, "
            f"column {head.header[numeric[position]]!r}. Correct them, or leave them empty and use "
            f"--impute median.{hint}"
        )
    more = {}
    for position in mostly_text:
        column = numeric[position]
        more[head.header[column]] = [split(line, head.delimiter)[column] for line in lines[1:]]
    return [position for position in range(len(numeric)) if position not in mostly_text], more

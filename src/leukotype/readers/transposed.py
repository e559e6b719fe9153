"""Probes in rows, one column a sample; with or without a `call` column beside every sample (Golub)."""

from __future__ import annotations

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
    is_number,
    numbers_of,
    split,
)
from leukotype.readers.raw import LABEL_NAMES, MISSING, PROBE_NAMES, Head, Options, RawTable

# What only a column of samples is called: a panel of few probes has more rows than columns, too.
_SAMPLE_NAMES = frozenset(
    {"samples", "sample", "sample_id", "sampleid", "sample id", "geo_accession", "gsm", "patient"}
)
TURNED = "Probes stood in rows: the matrix was turned, so that samples stand in rows."


def detects_calls(head: Head, options: Options) -> bool:
    """Tell whether every other column is called `call`: detection calls A, P, M beside the intensities."""
    if not any(name.lower() == "call" for name in head.header[:8]):
        return False
    names = [name.lower() for name in head.header]
    return names.count("call") >= 2 and names.count("call") >= (len(names) - 3) // 2


def detects(head: Head, options: Options) -> bool:
    """Tell whether probes stand in rows: by the names of the first column, the labels, or the labels file."""
    # Columns that are no expression stand at either end.
    names = [name.lower() for name in (*head.header[:10], *head.header[-10:])]
    if options.label in head.header or options.samples in head.header:
        return False
    if len(options.label_samples.intersection(row[0] for row in head.rows)) >= 2:
        return False
    if options.label_samples and len(options.label_samples & set(head.header)) >= 2:
        return True
    if options.label is not None and any(row[0] == options.label for row in head.rows):
        return True
    if any(name in LABEL_NAMES for name in names):
        return False
    first_cells = [row[0] for row in head.rows if row]
    if any(cell.lower() in LABEL_NAMES for cell in first_cells):
        return True
    if names[0] in PROBE_NAMES:
        return True
    if names[0] in _SAMPLE_NAMES:
        return False
    # Without any names to go by: far more rows than columns, and a first column of ids.
    return head.n_lines > 3 * len(head.header) and not any(is_number(cell) for cell in first_cells)


def read(lines: Sequence[str], head: Head, options: Options) -> RawTable:
    """Read a matrix with probes in rows and turn it; rows of text are labels or covariates."""
    return _read(lines, head, options, step=1)


def read_calls(lines: Sequence[str], head: Head, options: Options) -> RawTable:
    """Read the Kaggle layout of Golub: description, accession, then intensity and call of each patient."""
    table = _read(lines, head, options, step=2)
    return table.noting("The detection calls (A, P, M) beside the intensities were left out.")


def _read(lines: Sequence[str], head: Head, options: Options, step: int) -> RawTable:
    n_lead = _lead(head)
    header = list(head.header)
    ids = header[n_lead::step]
    id_column = _id_column(head, n_lead)
    width = len(header)
    probes: list[str] = []
    rows: list[FloatArray] = []
    words: dict[str, list[str]] = {}
    damaged: list[tuple[int, str, str, str]] = []
    for number, line in enumerate(lines[1:]):
        if step == 1 and '"' not in line:
            parts = line.split(head.delimiter, n_lead)
            name = parts[id_column].strip() if len(parts) == n_lead + 1 else ""
            numbers = None if options.is_text(name) else fast_numbers(parts[-1], head.delimiter, len(ids))
            if numbers is not None:
                rows.append(numbers)
                probes.append(name)
                continue
        cells = split(line, head.delimiter, f"{head.path}: line {number + 2}")
        # The last detection call may be left out.
        if step == 2 and len(cells) == width - 1:
            cells.append("")
        cells = fitted(cells, width, head, number + 2)
        own = cells[n_lead::step][: len(ids)]
        numbers, wrong = numbers_of(own)
        name = cells[id_column]
        if are_words(numbers, len(wrong)) or options.is_text(name):
            words[name] = own
            continue
        damaged += [(number + 2, name, ids[position], own[position]) for position in wrong]
        rows.append(numbers)
        probes.append(name)
    _refuse_damaged(damaged, head.path)
    if not rows:
        raise BadValues(
            f"{head.path} has no row of numbers: the matrix has no probes. Name a file with expression."
        )
    values = np.ascontiguousarray(np.array(rows).T)
    return RawTable(words, values, probes, ids=ids, steps=(TURNED,))


def _refuse_damaged(cells: list[tuple[int, str, str, str]], path: str) -> None:
    """Raise BadValues where rows of numbers hold cells that are none; each as line, probe, sample and text."""
    if not cells:
        return
    line, probe, sample, cell = cells[0]
    hint = f" {POINT_HINT}" if is_decimal_comma(cell) else ""
    raise BadValues(
        f"{path}: {len(cells)} cells are no numbers, the first {cell!r} in line {line}, probe {probe!r}, sample "
        f"{sample!r}. Correct them, or leave them empty; a cohort then needs --impute median.{hint}"
    )


def _lead(head: Head) -> int:
    """Return the number of columns that describe the probe, before the first sample."""
    named = [name.strip().lower() in PROBE_NAMES for name in head.header]
    lead = named.index(False) if False in named else len(named)
    if lead:
        return lead
    first = next((row for row in head.rows if row[0].lower() not in LABEL_NAMES), head.rows[0])
    texts = [not is_number(cell) and cell.lower() not in MISSING for cell in first]
    return max(1, texts.index(False) if False in texts else 1)


def _id_column(head: Head, n_lead: int) -> int:
    """Return the column of the probe ids: the one called so, else the first without a repeated cell."""
    for column in range(n_lead):
        if any(word in head.header[column].lower() for word in ("accession", "probe", "id_ref")):
            return column
    for column in range(n_lead):
        cells = [row[column] for row in head.rows]
        if len(set(cells)) == len(cells):
            return column
    raise BadIdentifiers(
        f"{head.path}: no column before the samples holds probe ids that differ. Give each probe its own id."
    )

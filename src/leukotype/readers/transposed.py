"""Probes in rows, one column per sample, with or without a `call` column after each sample (Golub)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.errors import BadIdentifiers, BadValues
from leukotype.readers.raw import LABEL_NAMES, MISSING, PROBE_NAMES, Head, Options, RawTable
from leukotype.readers.text import are_words, fast_numbers, fitted, is_number, numbers_of, refuse_words, split

# Names that only a column of samples has.  Shape alone does not decide: a small panel has more rows than columns.
_SAMPLE_NAMES = frozenset(
    {"samples", "sample", "sample_id", "sampleid", "sample id", "geo_accession", "gsm", "patient"}
)
TURNED = "The file has probes in rows; the matrix was transposed to samples in rows."


def detects_calls(head: Head, options: Options) -> bool:
    """Tell whether every other column is called `call`: detection calls A, P, M next to the intensities."""
    if not any(name.lower() == "call" for name in head.header[:8]):
        return False
    n_calls = sum(name.lower() == "call" for name in head.header)
    return n_calls >= 2 and n_calls >= (len(head.header) - 3) // 2


def detects(head: Head, options: Options) -> bool:
    """Tell whether probes are in rows, by the name of the first column, the labels, or the labels file."""
    # Non-expression columns are at either end.
    names = [name.lower() for name in (*head.header[:10], *head.header[-10:])]
    first_cells = [row[0] for row in head.rows if row]
    labelled = set(options.labels or ())
    if options.label in head.header or options.samples in head.header:
        return False
    if len(labelled.intersection(first_cells)) >= 2:
        return False
    if len(labelled.intersection(head.header)) >= 2:
        return True
    if options.label is not None and options.label in first_cells:
        return True
    if any(name in LABEL_NAMES for name in names):
        return False
    if any(cell.lower() in LABEL_NAMES for cell in first_cells) or names[0] in PROBE_NAMES:
        return True
    if names[0] in _SAMPLE_NAMES:
        return False
    # No name decides: far more rows than columns, and ids in the first column.
    return head.n_lines > 3 * len(head.header) and not any(is_number(cell) for cell in first_cells)


def read(lines: Sequence[str], head: Head, options: Options) -> RawTable:
    """Read a matrix with probes in rows and transpose it; rows of text are labels or covariates."""
    return _read(lines, head, options, 1, (TURNED,))


def read_calls(lines: Sequence[str], head: Head, options: Options) -> RawTable:
    """Read the Kaggle layout of Golub: description, accession, then intensity and call of each patient."""
    return _read(lines, head, options, 2, (TURNED, "The detection calls (A, P, M) were left out."))


def _read(lines: Sequence[str], head: Head, options: Options, step: int, notes: tuple[str, ...]) -> RawTable:
    n_lead = _lead(head)
    ids = list(head.header[n_lead::step])
    id_column = _id_column(head, n_lead)
    width = len(head.header)
    probes: list[str] = []
    rows: list[FloatArray] = []
    words: dict[str, list[str]] = {}
    faults: list[tuple[str, str]] = []
    for number, line in enumerate(lines[1:], start=2):
        if step == 1 and '"' not in line:
            parts = line.split(head.delimiter, n_lead)
            name = parts[id_column].strip() if len(parts) == n_lead + 1 else ""
            numbers = None if options.is_text(name) else fast_numbers(parts[-1], head.delimiter, len(ids))
            if numbers is not None:
                rows.append(numbers)
                probes.append(name)
                continue
        cells = split(line, head.delimiter, f"{head.path}: line {number}")
        # The last detection call may be missing.
        if step == 2 and len(cells) == width - 1:
            cells.append("")
        cells = fitted(cells, width, head, number)
        own = cells[n_lead::step][: len(ids)]
        numbers, wrong = numbers_of(own)
        name = cells[id_column]
        if are_words(numbers, len(wrong)) or options.is_text(name):
            words[name] = own
            continue
        faults += [
            (own[position], f"line {number}, probe {name!r}, sample {ids[position]!r}") for position in wrong
        ]
        rows.append(numbers)
        probes.append(name)
    if faults:
        refuse_words(head.path, len(faults), *faults[0])
    if not rows:
        raise BadValues(f"{head.path} has no row of numbers, so no probes. Name a file with expression.")
    values = np.ascontiguousarray(np.array(rows).T)
    return RawTable(words, values, probes, ids=ids, steps=notes)


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
    """Return the column of the probe ids: by its name, else the first column without repeated cells."""
    for column in range(n_lead):
        if any(word in head.header[column].lower() for word in ("accession", "probe", "id_ref")):
            return column
    for column in range(n_lead):
        cells = [row[column] for row in head.rows]
        if len(set(cells)) == len(cells):
            return column
    raise BadIdentifiers(
        f"{head.path}: no column before the samples has unique probe ids. Give each probe its own id."
    )

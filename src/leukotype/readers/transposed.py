"""Probes in rows, one column per sample, with or without a `call` column after each sample (Golub)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.errors import BadIdentifiers, BadValues, UnreadableFile
from leukotype.readers.raw import (
    ANNOTATION_NAMES,
    DESCRIPTION_NAMES,
    LABEL_NAMES,
    PROBE_NAMES,
    Head,
    Options,
    RawTable,
    plain,
)
from leukotype.readers.text import (
    PEEK,
    are_words,
    fast_numbers,
    fitted,
    is_number,
    numbers_of,
    refuse_thousands,
    refuse_words,
    split,
)
from leukotype.wording import counted, shortlist

# Names that only a column of samples has.
_SAMPLE_NAMES = frozenset((
    "samples", "sample", "sampleid", "samplename", "geoaccession", "gsm", "patient", "patientid", "subject",
    "subjectid", "specimen", "barcode", "mrn", "caseid", "case", "participant",
))  # fmt: skip
# Columns of an array's software that alternate with the samples.
_DETECTION = ("detectionpval", "detectionpvalue", "detection", "nbeads", "beadstderr", "avgnbeads")
# Identifiers of probes and genes: Affymetrix, Ensembl, Illumina, Agilent, microRNA, control probes.
_PROBE = re.compile(
    r"[\w/.-]+_at|ENS[A-Z]*[GTP]\d{6,}(\.\d+)?|ILMN_\d+|A_\d+_P\d+|(hsa|mmu|rno)-(miR|let|mir)-.+|AFFX.+|NM_\d+(\.\d+)?",
    re.ASCII,
)
_SAMPLE = re.compile(r"(GSM|SRR|ERR|DRR|SRX|SAMN|TCGA-)\w.*", re.ASCII)
# Kinds of genes, as GENCODE and NCBI name them.
_BIOTYPE = re.compile(
    r"protein[-_ ]coding|.*pseudogene|(\w+_)?(linc|lnc|mi|pi|r|sc|sn|sno|sca|t|mt_t|mt_r|v\w*_)_?rna|antisense|ncrna|"
    r"processed_transcript|(ig|tr)_[cdjv]_gene|misc_rna|other|biological[-_ ]region|tec",
    re.IGNORECASE,
)
TURNED = "The file has probes in rows; the matrix was transposed to samples in rows."


def detects_calls(head: Head, options: Options) -> bool:
    """Tell whether every other column is called `call`: detection calls A, P, M next to the intensities."""
    if options.samples_in == "rows" or not any(plain(name) in ("call", "calls") for name in head.header[:8]):
        return False
    n_calls = sum(plain(name) in ("call", "calls") for name in head.header)
    return n_calls >= 1 and n_calls >= (len(head.header) - 3) // 2


def detects(head: Head, options: Options) -> bool:
    """Tell whether probes are in rows, by the user's options, by names and identifiers, and last by shape.

    Raises UnreadableFile if signs of both orientations are found.
    """
    first_cells = [row[0] for row in head.rows if row]
    if options.samples_in is not None:
        return options.samples_in == "columns"
    told = _told(head, options, first_cells)
    if told is not None:
        return told
    rows, columns = _signs(head, first_cells)
    if rows and columns:
        raise UnreadableFile(
            f"{head.path}: {rows[0]} suggests samples in rows, but {columns[0]} suggests probes in rows. "
            "Use --samples-in rows or --samples-in columns."
        )
    if rows or columns:
        return bool(columns)
    if plain(head.header[0]) in DESCRIPTION_NAMES:
        return True
    # No name decides: far more rows than columns, and ids in the first column.
    return head.n_lines > 3 * len(head.header) and not any(is_number(cell) for cell in first_cells)


def _told(head: Head, options: Options, first_cells: Sequence[str]) -> bool | None:
    """Return whether probes are in rows according to what the user named; None if that does not tell."""
    labelled = set(options.labels or ())
    named = {options.label, options.samples, options.donor, *options.covariates} - {None}
    if named.intersection(head.header) or len(labelled.intersection(first_cells)) >= 2:
        return False
    if len(labelled.intersection(head.header)) >= 2 or named.intersection(first_cells):
        return True
    return None


def _signs(head: Head, first_cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the signs of samples in rows, and those of probes in rows."""
    first = plain(head.header[0])
    rows: list[str] = []
    columns: list[str] = []
    # Non-expression columns are at either end.
    width = len(head.header)
    for place in sorted({*range(min(10, width)), *range(max(width - 10, 0), width)}):
        name = head.header[place]
        if plain(name) not in LABEL_NAMES:
            continue
        cells = [row[place] for row in head.rows if place < len(row)]
        # Labels repeat; names of genes under a name such as "Target" do not.
        if place == 0 and len(set(cells)) == len(cells) > 1:
            continue
        if cells and all(_BIOTYPE.fullmatch(cell) for cell in cells):
            columns.append(f"the kinds of genes in column {name!r}")
        else:
            rows.append(f"the name of column {name!r}")
    if first in PROBE_NAMES:
        columns.append(f"the name of the first column, {head.header[0]!r}")
    labels = [cell for cell in first_cells if plain(cell) in LABEL_NAMES]
    if labels:
        columns.append(f"the name of row {labels[0]!r}")
    for names, place in ((head.header[1:], "header"), (first_cells, "first column")):
        for pattern, kind in ((_PROBE, "probe"), (_SAMPLE, "sample")):
            fits = [name for name in names if pattern.fullmatch(name)]
            if len(fits) > max(1, len(names) // 2):
                sign = f"the {kind} id {fits[0]!r} in the {place}"
                (rows if (kind == "probe") == (place == "header") else columns).append(sign)
    # R writes such a name also above the probe ids of a transposed table.
    if first in _SAMPLE_NAMES and not columns:
        rows.append(f"the name of the first column, {head.header[0]!r}")
    return rows, columns


def read(lines: Sequence[str], head: Head, options: Options) -> RawTable:
    """Read a matrix with probes in rows and transpose it; rows of text are labels or covariates."""
    return _read(lines, head, options, 1, (TURNED,))


def read_calls(lines: Sequence[str], head: Head, options: Options) -> RawTable:
    """Read the Kaggle layout of Golub: description, accession, then intensity and call of each patient."""
    return _read(lines, head, options, 2, (TURNED, "The detection calls (A, P, M) were left out."))


def _read(lines: Sequence[str], head: Head, options: Options, step: int, notes: tuple[str, ...]) -> RawTable:
    width = len(head.header)
    n_lead, n_tail = _annotation(head)
    end = width - n_tail
    ids = list(head.header[n_lead:end:step])
    id_column = _id_column(head, n_lead)
    left_out = [
        name for place, name in enumerate(head.header) if place != id_column and not n_lead <= place < end
    ]
    strange = [name for name in ids if plain(name).endswith(_DETECTION) or plain(name) in ANNOTATION_NAMES]
    if strange and step == 1:
        raise BadIdentifiers(
            f"{head.path}: {counted(len(strange), 'column')} without expression among the samples, the first "
            f"{strange[0]!r}. Remove such columns."
        )
    if left_out:
        notes = (*notes, f"Columns that describe the probes were left out: {shortlist(left_out, 6)}.")
    probes: list[str] = []
    rows: list[FloatArray] = []
    words: dict[str, list[str]] = {}
    faults: list[tuple[str, str]] = []
    for number, line in enumerate(lines[1:], start=2):
        if step == 1 and not n_tail and '"' not in line:
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
        own = cells[n_lead:end:step]
        numbers, wrong = numbers_of(own)
        name = cells[id_column]
        if options.is_text(name) or (wrong and are_words(own)):
            words[name] = own
            continue
        faults += [
            (own[position], f"line {number}, probe {name!r}, sample {ids[position]!r}") for position in wrong
        ]
        rows.append(numbers)
        probes.append(name)
    if faults:
        refuse_words(head.path, len(faults), *faults[0], name=None)
    if not rows:
        raise BadValues(f"{head.path} has no row of numbers, so no probes. Name a file with expression.")
    values = np.ascontiguousarray(np.array(rows).T)
    # Samples are the columns here too: a probe of large values may have points in every cell.
    sampled = lines[1 :: 1 + len(lines) // 2000]
    if any("." in line for line in sampled):
        cells_of = (split(line, head.delimiter, head.path)[n_lead:end:step] for line in sampled)
        refuse_thousands([cells for cells in cells_of if not are_words(cells)], head.path)
    return RawTable(words, values, probes, ids=ids, steps=notes)


def _annotation(head: Head) -> tuple[int, int]:
    """Return the number of columns that describe the probe, before the first sample and after the last one."""
    known = (*PROBE_NAMES, *DESCRIPTION_NAMES, *ANNOTATION_NAMES)
    rows = [row for row in head.rows if plain(row[0]) not in LABEL_NAMES] or list(head.rows)

    def describes(place: int) -> bool:
        name = plain(head.header[place])
        if name in known or name.endswith(_DETECTION):
            return True
        return are_words([row[place] for row in rows if place < len(row)])

    width = len(head.header)
    lead = next((place for place in range(width) if not describes(place)), 1)
    # Only the first cells of a row were read; of the last columns of a wide table, the names are known.
    tail = 0
    while width - tail - 1 > lead and (
        describes(width - tail - 1) if width <= PEEK else plain(head.header[width - tail - 1]) in known
    ):
        tail += 1
    return max(1, lead), tail


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

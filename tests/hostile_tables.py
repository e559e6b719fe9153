"""Seeded tables with one fault each, and a judge that knows the true cohort of each."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Rows = list[list[str]]
CLASSES = ("AML", "ALL", "PB")


@dataclass
class Table:
    """A written table and its truth.

    rows     : cells, header first
    labels   : true class of each sample
    values   : (n_samples, n_probes) true values
    accepted : how a reader may accept it: "never"; "true" with the true cohort; "warned" with a warning as well
    """

    rows: Rows
    samples: list[str]
    labels: list[str]
    probes: list[str]
    values: Any
    delimiter: str = ","
    accepted: str = "never"
    options: dict[str, Any] = field(default_factory=dict)
    finish: Callable[[bytes], bytes] = lambda data: data

    def write(self, folder: Path, number: int) -> Path:
        text = "\n".join(self.delimiter.join(row) for row in self.rows) + "\n"
        path = folder / f"table{number}.csv"
        path.write_bytes(self.finish(text.encode("utf-8")))
        return path


def plain(rng: np.random.Generator) -> Table:
    """A good table: log2 values with two or more decimals, samples sorted by class or not."""
    n, p = int(rng.integers(15, 40)), int(rng.integers(12, 80))
    n_classes = int(rng.integers(2, 4))
    labels = [CLASSES[k] for k in rng.integers(0, n_classes, n)]
    for k in range(n_classes):
        labels[3 * k : 3 * k + 3] = [CLASSES[k]] * 3
    if rng.random() < 0.5:
        labels.sort()
    decimals = int(rng.integers(2, 6))
    values = np.round(rng.normal(8, 1.5, (n, p)).clip(2.5, 15), decimals)
    probes = [f"{200000 + k}_at" for k in range(p)] if rng.random() < 0.5 else [f"GENE{k}A" for k in range(p)]
    samples = [f"GSM{100 + k}" for k in rng.permutation(n)]
    rows = [["samples", "type", *probes]]
    rows += [
        [s, c, *(f"{v:.{decimals}f}" for v in row)] for s, c, row in zip(samples, labels, values, strict=True)
    ]
    return Table(rows, samples, labels, probes, values)


def insert(table: Table, name: str, cells: list[str], place: int) -> Table:
    """Insert a column; `place` counts columns after the label."""
    for row, cell in zip(table.rows, [name, *cells], strict=True):
        row.insert(2 + place, cell)
    return table


def somewhere(rng: np.random.Generator, table: Table) -> int:
    """A place among the probes, mostly at an edge."""
    width = len(table.probes)
    return int(rng.choice([0, 0, 1, width, width, rng.integers(0, width)]))


def turned(table: Table, corner: str = "") -> Table:
    """Probes in rows, classes in the first row."""
    table.rows = [list(column) for column in zip(*table.rows, strict=True)]
    table.rows[0][0] = corner
    return table


# Each fault: from a generator to a table.
def good(rng):
    table = plain(rng)
    table.accepted = "true"
    table.delimiter = str(rng.choice([",", "\t", ";"]))
    if rng.random() < 0.4:
        turned(table, str(rng.choice(["probe", "ID_REF", "gene", ""])))
    if rng.random() < 0.3:
        table.finish = lambda data: gzip.compress(data)
    return table


def class_code(rng):
    """One number per class, under a name that may be known."""
    table = plain(rng)
    step = int(rng.integers(1, 3))
    code = {name: str(k * step) for k, name in enumerate(dict.fromkeys(table.labels))}
    table.accepted = "true"
    name = str(rng.choice(["class_code", "y", "code", "outcome_num", "is_case", "response"]))
    return insert(table, name, [code[c] for c in table.labels], somewhere(rng, table))


def one_hot(rng):
    table = plain(rng)
    return insert(table, "is_AML", [str(int(c == "AML")) for c in table.labels], somewhere(rng, table))


def class_code_with_decimals(rng):
    table = plain(rng)
    shift = {c: 6 + 1.25 * k for k, c in enumerate(dict.fromkeys(table.labels))}
    return insert(table, "score", [f"{shift[c]:.2f}" for c in table.labels], somewhere(rng, table))


ID_NAMES = (
    "Sample Name", "Sample.ID", "sample_no", "MRN", "barcode", "ID_REF", "Patient ID", "patient_no", "subject",
    "Subject ID", "case id", "Specimen", "aliquot", "record_id", "participant", "run id", "array id", "X",
    "Unnamed: 0", "no", "Nr.", "row", "hospital no", "biopsy", "internal", "lfd", "nummer", "key",
)  # fmt: skip


def numbers_as_ids(rng):
    """Sample numbers in row order, under a known or unknown name."""
    table = plain(rng)
    name = str(rng.choice(ID_NAMES))
    start, step = int(rng.integers(0, 100_000)), int(rng.integers(1, 4))
    cells = [str(start + step * k) for k in range(len(table.labels))]
    table.accepted = "true"
    return insert(table, name, cells, somewhere(rng, table))


CLINICAL: dict[str, Callable[[np.random.Generator, int], list[str]]] = {
    "age": lambda rng, n: [str(v) for v in rng.integers(2, 90, n)],
    "Alter": lambda rng, n: [str(v) for v in rng.integers(20, 90, n)],
    "white cells": lambda rng, n: [f"{v:.1f}" for v in rng.lognormal(3.5, 0.8, n)],
    "leukocytes": lambda rng, n: [f"{v:.1f}" for v in rng.lognormal(4.2, 0.5, n)],
    "batch": lambda rng, n: [str(v) for v in rng.integers(1, 4, n)],
    "purity": lambda rng, n: [f"{v:.2f}" for v in rng.uniform(0.2, 0.95, n)],
    "tumour_content": lambda rng, n: [f"{v:.2f}" for v in rng.uniform(0.2, 0.95, n)],
    "survival_days": lambda rng, n: [str(v) for v in rng.integers(10, 4000, n)],
    "platelets": lambda rng, n: [str(v) for v in rng.integers(20, 400, n)],
    "year": lambda rng, n: [str(v) for v in rng.integers(1998, 2012, n)],
    "RIN": lambda rng, n: [f"{v:.1f}" for v in rng.uniform(5, 10, n)],
    "LDH": lambda rng, n: [f"{v:.1f}" for v in rng.uniform(120, 900, n)],
}


def clinical(rng):
    table = plain(rng)
    name = str(rng.choice(list(CLINICAL)))
    table.accepted = "true"
    return insert(table, name, CLINICAL[name](rng, len(table.labels)), somewhere(rng, table))


def two_clinical(rng):
    table = clinical(rng)
    name = str(rng.choice([name for name in CLINICAL if name not in table.rows[0]]))
    return insert(table, name, CLINICAL[name](rng, len(table.labels)), 0)


def mixed_scales(rng):
    table = plain(rng)
    half = rng.random(len(table.labels)) < rng.uniform(0.1, 0.9)
    half[0], half[-1] = True, False
    for row, is_linear, values in zip(table.rows[1:], half, table.values, strict=True):
        if is_linear:
            row[2:] = [f"{2**v:.1f}" for v in values]
    return table


def scale_and_column(rng):
    """A log2 matrix with one large column; small panels made the whole matrix look linear."""
    table = plain(rng)
    table.accepted = "true"
    cells = [f"{v:.1f}" for v in rng.lognormal(7, 0.6, len(table.labels))]
    return insert(table, str(rng.choice(["LDH", "ferritin", "cd34_count"])), cells, somewhere(rng, table))


def gene_table(rng):
    """Genes in rows with a column of their types, which is called like a label."""
    table = turned(plain(rng), str(rng.choice(["gene_id", "Geneid", "gene", "ENSEMBL"])))
    del table.rows[1]  # no labels inside
    kinds = [
        str(rng.choice(["protein_coding", "lncRNA", "miRNA", "processed_pseudogene"])) for _ in table.probes
    ]
    for row, cell in zip(table.rows, [str(rng.choice(["type", "class", "group"])), *kinds], strict=True):
        row.insert(1, cell)
    return table


def below_limit(rng):
    table = plain(rng)
    word = str(rng.choice(["<LOD", "ND", "n.d.", "<0.5", "BDL", "not detected"]))
    column = 2 + int(rng.integers(0, len(table.probes)))
    share = rng.choice([0.1, 0.6, 0.95, 1.0])
    rows = rng.choice(len(table.labels), max(1, int(share * len(table.labels))), replace=False)
    for row in rows:
        table.rows[1 + row][column] = word
    return table


def german_thousands(rng):
    """Linear values with points between thousands."""
    table = plain(rng)
    table.delimiter = str(rng.choice([";", "\t"]))
    for row, values in zip(table.rows[1:], table.values, strict=True):
        row[2:] = [f"{int(2**v):,}".replace(",", ".") for v in values]
    return table


def english_thousands(rng):
    table = plain(rng)
    table.delimiter = str(rng.choice([";", "\t", ","]))
    for row, values in zip(table.rows[1:], table.values, strict=True):
        row[2:] = [f"{int(2**v):,}" for v in values]
        if table.delimiter == ",":
            row[2:] = [f'"{cell}"' if "," in cell else cell for cell in row[2:]]
    return table


def decimal_commas(rng):
    table = plain(rng)
    table.delimiter = ";"
    for row in table.rows[1:]:
        row[2:] = [cell.replace(".", ",") for cell in row[2:]]
    return table


VARIANTS: tuple[Callable[[str], str], ...] = (
    str.lower,
    lambda name: f"{name}\u00a0",
    lambda name: name.replace("A", "\u0410"),
    lambda name: name[0] + "\u200b" + name[1:],
    lambda name: "".join(chr(ord(c) + 0xFEE0) for c in name),
    lambda name: name[:1] + " " + name[1:],
    lambda name: name.capitalize(),
)


def similar_classes(rng):
    table = plain(rng)
    change = VARIANTS[int(rng.integers(0, len(VARIANTS)))]
    places = [k for k, name in enumerate(table.labels) if name == "AML"]
    for k in places[: max(1, len(places) // 2)]:
        table.rows[1 + k][1] = table.labels[k] = change("AML")
    # A no-break space at the end is stripped, which restores the truth.
    table.labels = [name.strip() for name in table.labels]
    table.accepted = "true" if set(table.labels) <= set(CLASSES) else "warned"
    return table


def missing_classes(rng):
    table = plain(rng)
    word = str(rng.choice(["-", ".", "<NA>", "NA", "", "n/a", "?", "nan", "NULL"]))
    for k in rng.choice(len(table.labels), 3, replace=False):
        table.rows[1 + k][1] = word
    return table


def two_label_columns(rng):
    table = plain(rng)
    others = [str(rng.choice(["relapse", "remission"])) for _ in table.labels]
    table.accepted = "warned"
    return insert(
        table, str(rng.choice(["diagnosis", "Group", "subtype", "condition"])), others, somewhere(rng, table)
    )


CONTROLS = ("\x07", "\x0b", "\x1b[31m", "\uffff", "\x00", "\x9b", "\u202e", "\x7f")


def control_character(rng):
    table = plain(rng)
    mark = CONTROLS[int(rng.integers(0, len(CONTROLS)))]
    row, column = (
        (0, 2 + int(rng.integers(0, len(table.probes))))
        if rng.random() < 0.4
        else (1 + int(rng.integers(0, len(table.labels))), int(rng.integers(0, 2)))
    )
    table.rows[row][column] += mark
    return table


def broken_shape(rng):
    table = plain(rng)
    row = 1 + int(rng.integers(0, len(table.labels)))
    if rng.random() < 0.5:
        table.rows[row].append("7.5")
    else:
        table.rows[row].pop()
    return table


def repeated_id(rng):
    table = plain(rng)
    if rng.random() < 0.5:
        table.rows[1][0] = table.rows[2][0]
    else:
        table.rows[0][2] = table.rows[0][3]
    return table


def encoded(rng):
    table = plain(rng)
    kind = str(rng.choice(["utf-16", "utf-32", "utf-16-le", "utf-32-be", "twice"]))
    if kind == "twice":
        table.accepted = "true"
        table.finish = lambda data: b"\xef\xbb\xbf" * 2 + data
    else:
        table.finish = lambda data: data.decode().encode(kind)
    return table


def excel_separator(rng):
    table = plain(rng)
    table.rows.insert(0, [f"sep={table.delimiter}"])
    table.accepted = "true"
    return table


def contradictory(rng):
    """A sample table whose first column is called like a column of probes."""
    table = plain(rng)
    table.rows[0][0] = str(rng.choice(["probe_id", "gene", "ID_REF"]))
    table.accepted = "true"
    return table


def word_in_probe(rng):
    table = plain(rng)
    for _ in range(int(rng.integers(1, 4))):
        row = 1 + int(rng.integers(0, len(table.labels)))
        table.rows[row][2 + int(rng.integers(0, len(table.probes)))] = str(
            rng.choice(["#VALUE!", "high", "12,5", "1e", "7.1.2", "--", "0x1F", "1_000", "inf"])
        )
    return table


FAULTS: tuple[Callable[[np.random.Generator], Table], ...] = (
    good, good, class_code, one_hot, class_code_with_decimals, numbers_as_ids, numbers_as_ids, clinical, clinical,
    two_clinical, mixed_scales, scale_and_column, gene_table, below_limit, german_thousands, english_thousands,
    decimal_commas, similar_classes, missing_classes, two_label_columns, control_character, broken_shape, repeated_id,
    encoded, excel_separator, contradictory, word_in_probe,
)  # fmt: skip


def draw(number: int) -> tuple[str, Table]:
    """Return the name of the fault and the table with this number."""
    fault = FAULTS[number % len(FAULTS)]
    return fault.__name__, fault(np.random.default_rng([12, number]))

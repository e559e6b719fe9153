"""A raw table and the user's options become a cohort."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from leukotype.cohort import Cohort, Provenance
from leukotype.errors import BadIdentifiers, BadLabels, BadValues, UnknownName
from leukotype.readers import scale as scales
from leukotype.readers.cells import POINT_HINT, head_of, is_decimal_comma, lines_of, split
from leukotype.readers.raw import LABEL_NAMES, MISSING, SAMPLE_NAMES, RawTable
from leukotype.readers.source import load, text_of

# A class may be called "none"; these say that nobody knows.
_NO_LABEL = frozenset({"", "na", "nan", "n/a", "#n/a", "null", "?"})
# English and German spreadsheets; R puts an X before a name that begins with a digit, and dots for other signs.
_MONTH = "(jan|feb|mar|mrz|mär|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez)"
_DATE = re.compile(
    rf"X?\d{{1,2}}[-/ .]{{1,2}}{_MONTH}([-/ .]{{1,2}}\d{{2,4}})?|{_MONTH}[-/ .]{{1,2}}\d{{1,2}}"
    r"|X?\d{4}[-.]\d\d[-.]\d\d( 00:00:00)?|\d{1,2}/\d{1,2}/\d{2,4}",
    re.IGNORECASE,
)


def assemble(
    raw: RawTable,
    *,
    path: str,
    sha256: str,
    name: str,
    label: str | None,
    labels: dict[str, str] | None,
    donor: str | None,
    samples: str | None,
    scale: str,
    impute: str | None,
    drop_class: Sequence[str] = (),
) -> Cohort:
    """Return the cohort that a raw table holds; raises InputError with what is wrong with it."""
    if scale not in scales.SCALES:
        raise UnknownName(f"no scale {scale!r}. There are {', '.join(scales.SCALES)}.")
    if impute not in (None, "median"):
        raise UnknownName(f"no imputation {impute!r}. There is median.")
    steps = list(raw.steps)
    if not raw.probes:
        raise BadValues(
            f"{path} has no probes: none of its {len(raw.text)} columns holds numbers. {hint(raw.text)}"
        )
    sample_column, ids = sample_ids(raw, samples, path)
    if sample_column is None and raw.ids is None:
        steps.append("No column of sample ids: the rows were numbered from 1.")
    label_column, classes = class_column(raw, label, labels, ids, path, drop_class)
    donors = None if donor is None else _donors(raw, donor, ids, path)
    used = {sample_column, label_column, donor}
    covariates = {column: cells for column, cells in raw.text.items() if column not in used}

    steps += _checked(raw, ids, impute, path)
    values, unit, done = scales.apply(raw.values, scale)
    steps += done
    return Cohort(
        expression=values,
        labels=np.array(classes),
        samples=np.array(ids),
        probes=np.array(raw.probes),
        name=name,
        donors=None if donors is None else np.array(donors),
        covariates=_typed(covariates) if covariates else None,
        provenance=Provenance(path, sha256, unit, tuple(steps)),
    )


def read_labels(path: str | Path) -> dict[str, str]:
    """Read a CSV of two columns, sample and label; raises BadLabels where it is none."""
    lines = lines_of(text_of(load(path)))
    head = head_of(lines, str(path))
    if len(head.header) > 2:
        raise BadLabels(
            f"{path} has {len(head.header)} columns, and a labels file needs two, sample and label. Keep those two."
        )
    found: dict[str, str] = {}
    for number, line in enumerate(lines[1:]):
        cells = split(line, head.delimiter, f"{path}: line {number + 2}")
        if len(cells) < 2 or not cells[1]:
            raise BadLabels(
                f"{path}: line {number + 2} holds no label. Each line needs a sample and its label."
            )
        if found.setdefault(cells[0], cells[1]) != cells[1]:
            raise BadLabels(f"{path}: sample {cells[0]!r} has two labels. Give each sample one.")
    return found


def refuse_dates(probes: Sequence[str], path: str) -> None:
    """Raise BadIdentifiers where a spreadsheet turned gene names into dates."""
    # Few names have what parts a date, and the search takes its time.
    suspects = (probe for probe in probes if "-" in probe or "." in probe or "/" in probe or " " in probe)
    dates = [probe for probe in suspects if _DATE.fullmatch(probe)]
    if dates:
        raise BadIdentifiers(
            f"{path}: {len(dates)} probe names are dates, the first {dates[0]!r}: a spreadsheet turned gene names "
            "such as SEPT2 or MARCH1 into them. Export the table again with that column as text."
        )


def sample_ids(raw: RawTable, samples: str | None, path: str) -> tuple[str | None, list[str]]:
    """Return the column of the sample ids, None where there is none, and the ids."""
    if raw.ids is not None and samples is None:
        return None, raw.ids
    column = samples
    if column is None:
        lower = {name.lower(): name for name in reversed(raw.text)}
        column = next((lower[name] for name in SAMPLE_NAMES if name in lower), None)
    if column is None:
        return None, [str(row + 1) for row in range(len(raw.values))]
    ids = _column(raw, column, "--samples", path)
    if "" in ids:
        raise BadIdentifiers(
            f"{path}: {ids.count('')} samples have no id in column {column!r}, the first in line "
            f"{ids.index('') + 2}. Name each sample, or take another column with --samples."
        )
    return column, ids


def class_column(
    raw: RawTable,
    label: str | None,
    labels: dict[str, str] | None,
    ids: list[str],
    path: str,
    drop_class: Sequence[str],
) -> tuple[str | None, list[str]]:
    """Return the column of the classes, None where a labels file gives them, and the class of each sample."""
    if labels is not None:
        without = [sample for sample in ids if sample not in labels]
        if without:
            # Its first line may have been a sample.
            header = " The first line is taken for its header." if len(without) == 1 else ""
            raise BadLabels(
                f"{len(without)} of {len(ids)} samples stand in no line of the labels file, the first "
                f"{without[0]!r}. Its samples are called {', '.join(list(labels)[:3])} ...{header}"
            )
        classes = [labels[sample] for sample in ids]
        _refuse_unlabelled(ids, classes, "the labels file", drop_class)
        return None, classes
    column = label
    if column is None:
        lower = {name.strip().lower(): name for name in reversed(raw.text)}
        column = next((lower[name] for name in LABEL_NAMES if name in lower), None)
    if column is None:
        seen = ", ".join([*raw.text, *raw.probes][:6])
        raise BadLabels(
            f"{path} has no label column: none is called {', '.join(LABEL_NAMES[:4])} ...; it begins with {seen}. "
            "Name the column with --label, or a file of labels with --labels."
        )
    classes = _column(raw, column, "--label", path)
    _refuse_unlabelled(ids, classes, f"column {column!r} of {path}", drop_class)
    return column, classes


def _refuse_unlabelled(ids: list[str], classes: list[str], place: str, drop_class: Sequence[str]) -> None:
    empty = [
        (sample, cell)
        for sample, cell in zip(ids, classes, strict=True)
        if cell.lower() in _NO_LABEL and (not cell or cell not in drop_class)
    ]
    if empty:
        sample, cell = empty[0]
        said = f" ({cell!r})" if cell else ""
        remedy = f"leave them out with --drop-class {cell}" if cell else "leave them out of the file"
        raise BadLabels(
            f"{len(empty)} samples have no label in {place}, the first {sample!r}{said}. "
            f"Label them, or {remedy}."
        )


def _donors(raw: RawTable, donor: str, ids: list[str], path: str) -> list[str]:
    donors = _column(raw, donor, "--donor", path)
    without = [sample for sample, cell in zip(ids, donors, strict=True) if cell.lower() in MISSING]
    if without:
        raise BadIdentifiers(
            f"{path}: {len(without)} samples have no donor in column {donor!r}, the first {without[0]!r}. "
            "Give each sample its donor, one of its own where nobody knows."
        )
    return donors


def hint(columns: dict[str, list[str]]) -> str:
    """What to do about a table without numbers."""
    cells = [column[0] for column in columns.values() if column]
    if 2 * sum(map(is_decimal_comma, cells)) > len(cells):
        return f"Its numbers are written like {next(filter(is_decimal_comma, cells))!r}. {POINT_HINT}"
    return "Name a file with one numeric column per probe."


def _column(raw: RawTable, name: str, option: str, path: str) -> list[str]:
    if name not in raw.text:
        there = ", ".join(list(raw.text)[:8]) or "none"
        raise BadIdentifiers(f"{path} has no column {name!r} for {option}. Its text columns: {there}.")
    return raw.text[name]


def _checked(raw: RawTable, ids: list[str], impute: str | None, path: str) -> list[str]:
    """Return what is to be said of missing values and constant probes; raises BadValues for values of no use."""
    values = raw.values
    low, high = values.min(axis=0), values.max(axis=0)
    # Minimum and maximum are finite only where every value is.
    if np.isfinite(low).all() and np.isfinite(high).all():
        return _said_of_constants(int((low == high).sum()))
    known = ~np.isnan(values)
    if not known.any():
        raise BadValues(
            f"{path} holds no value at all: every cell of its {len(raw.probes)} probes is missing."
        )
    for bad, kind in ((np.isinf(values), "infinite"), (~known, "missing")):
        if not bad.any() or (kind == "missing" and impute is not None):
            continue
        row, column = np.argwhere(bad)[0]
        remedy = (
            "Fill them inside each fold with --impute median, or leave those samples or probes out"
            if kind == "missing"
            else "Replace them in the file"
        )
        raise BadValues(
            f"{path}: {int(bad.sum())} values are {kind}, the first in sample {ids[row]!r}, "
            f"probe {raw.probes[column]!r}. {remedy}."
        )
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    steps = [
        f"{int((~known).sum())} missing values are filled by the training median inside each fold, as asked."
    ]
    empty = int((~known.any(axis=0)).sum())
    if empty:
        steps.append(f"{empty} probes have no value in any sample; they were kept, and say nothing.")
    return steps + _said_of_constants(int((low == high).sum()))


def _said_of_constants(count: int) -> list[str]:
    return [f"{count} probes have the same value in every sample; they were kept."] if count else []


def _typed(columns: dict[str, list[str]]) -> pd.DataFrame:
    """Return covariates as numbers where every known cell is one, else as text."""
    frame = pd.DataFrame(columns)
    for name in frame:
        numbers = pd.to_numeric(frame[name].replace("", None), errors="coerce")
        if numbers.notna().sum() == (frame[name] != "").sum() and numbers.notna().any():
            frame[name] = numbers
    return frame

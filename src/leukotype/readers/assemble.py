"""Turn a raw table and the user's options into a cohort or a batch."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from leukotype.arrays import BoolArray
from leukotype.class_names import similar_classes
from leukotype.cohort import Batch, Cohort, Provenance
from leukotype.errors import BadIdentifiers, BadLabels, BadValues, UnknownName
from leukotype.readers import scale as scales
from leukotype.readers.columns import shown, stray_columns
from leukotype.readers.raw import (
    LABEL_NAMES,
    MISSING,
    SAMPLE_NAMES,
    Options,
    RawTable,
    is_not_expression,
    plain,
)
from leukotype.readers.text import (
    comma_hint,
    head_of,
    is_comma_number,
    is_number,
    lines_of,
    read_text,
    split,
)
from leukotype.wording import counted, shortlist

# Names of label columns that often mean something else.
_WEAK_LABELS = frozenset({"status", "group", "outcome", "target", "condition", "disease", "cancer"})
_SUMMARY = re.compile(
    r"__(no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique)|N_(unmapped|multimapping|noFeature|ambiguous)|"
    r"(Unassigned|Assigned)_?\\w*|total|sum|grand total",
    re.IGNORECASE,
)
_NUMBERED = "No sample id column; rows were numbered from 1."
# Missing labels; a class may be called "none".
_NO_LABEL = frozenset({"", "na", "nan", "n/a", "n.a.", "#n/a", "<na>", "null", "?", "-", "--", "."})
# Dates of spreadsheets in several languages; R puts an X before a leading digit and replaces other signs by dots.
_MONTH = (
    "(jan|feb|mar|mrz|mär|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez|janv|févr|mars|avr|juin|juil|août|déc|"
    "ene|abr|ago|dic|gen|mag|giu|lug|set|ott|mrt|mei|maj|márc|ápr|máj|jún|júl|out|fev)"
)
_DATE = re.compile(
    rf"X?\d{{1,2}}[-/ .]{{1,2}}{_MONTH}\.?([-/ .]{{1,2}}\d{{2,4}})?|{_MONTH}\.?[-/ .]{{1,2}}\d{{1,2}}"
    r"|X?\d{4}[-./]\d\d[-./]\d\d( 00:00:00)?|\d{1,2}/\d{1,2}/\d{2,4}|\d{1,2}\.\d{1,2}\.\d{2,4}|\d{1,2}月\d{1,2}日",
    re.IGNORECASE,
)


def cohort_of(
    raw: RawTable,
    *,
    path: str,
    sha256: str,
    name: str,
    options: Options,
    scale: str,
    impute: str | None,
    drop_class: Sequence[str] = (),
) -> Cohort:
    """Return the cohort in a raw table; raises InputError for what is wrong with it."""
    if impute not in (None, "median"):
        raise UnknownName(f"unknown imputation {impute!r}. Use median.")
    _check_options(raw, options, path)
    sample_column, ids, steps = _samples(raw, options.samples, scale, path)
    label_column, classes, warnings = _classes(raw, options, ids, path, drop_class)
    donors = None if options.donor is None else _donors(raw, options.donor, ids, path)
    used = {sample_column, label_column, options.donor}
    covariates = {column: cells for column, cells in raw.text.items() if column not in used}
    if covariates:
        steps.append(f"Not expression, kept as covariates: {shortlist(list(covariates), 8)}.")

    # First, because the remedy for missing values would make a clinical column a probe.
    _refuse_strays(raw, options, classes, drop_class, path)
    steps += _check_values(raw, ids, impute, path)
    values, unit, done = scales.apply(raw.values, scale, ids, path)
    return Cohort(
        expression=values,
        labels=np.array(classes),
        samples=np.array(ids),
        probes=np.array(raw.probes),
        name=name,
        donors=None if donors is None else np.array(donors),
        covariates=_typed(covariates) if covariates else None,
        provenance=Provenance(path, sha256, unit, (*steps, *done), warnings=(*raw.warnings, *warnings)),
    )


def batch_of(
    raw: RawTable, *, path: str, sha256: str, options: Options, wants_labels: bool, scale: str
) -> Batch:
    """Return the samples in a raw table; raises InputError for what is wrong with it.

    wants_labels : whether each sample needs a label; if not, labels are not read
    """
    _check_options(raw, options, path)
    _, ids, steps = _samples(raw, options.samples, scale, path)
    classes, warnings = None, raw.warnings
    if _NUMBERED in steps and len(ids) > 1:
        # The calls of new samples are of no use without their ids.
        warnings = (*warnings, f"{_NUMBERED} Choose the column with --samples.")
    if wants_labels:
        _, labels, more = _classes(raw, options, ids, path, ())
        classes, warnings = np.array(labels, dtype=np.str_), (*warnings, *more)
    _refuse(np.isinf(raw.values), "infinite value", raw, ids, path, "Replace them in the file")
    values, notes = scales.apply_by_sample(raw.values, scale)
    return Batch(
        expression=values,
        samples=np.array(ids, dtype=np.str_),
        probes=np.array(raw.probes, dtype=np.str_),
        provenance=Provenance(path, sha256, steps=tuple(steps), warnings=warnings),
        labels=classes,
        scales=tuple(notes),
    )


def read_labels(path: str | Path) -> dict[str, str]:
    """Read a CSV with two columns, sample and label; raises BadLabels if it is anything else."""
    lines = lines_of(read_text(path))
    head = head_of(lines, str(path))
    if len(head.header) > 2:
        raise BadLabels(
            f"{path} has {len(head.header)} columns; a labels file needs two, sample and label. Keep only those two."
        )
    found: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        cells = split(line, head.delimiter, f"{path}: line {number}")
        while len(cells) > 2 and not cells[-1]:
            cells.pop()
        if len(cells) > 2:
            raise BadLabels(
                f"{path}: line {number} has {len(cells)} cells, but the header has 2. Put a cell with "
                f"{head.delimiter!r} in quotes, or keep only sample and label."
            )
        if len(cells) < 2 or not cells[1]:
            raise BadLabels(f"{path}: line {number} has no label. Each line needs a sample and its label.")
        if found.setdefault(cells[0], cells[1]) != cells[1]:
            raise BadLabels(f"{path}: sample {cells[0]!r} has two labels. Give it one.")
    return found


def without_summaries(raw: RawTable) -> RawTable:
    """Return the table without the summary rows of HTSeq, STAR and featureCounts, and without totals."""
    kept = [place for place, probe in enumerate(raw.probes) if not _SUMMARY.fullmatch(probe)]
    if len(kept) == len(raw.probes):
        return raw
    left_out = [probe for probe in raw.probes if _SUMMARY.fullmatch(probe)]
    step = f"Summaries, not genes, were left out: {shortlist(left_out, 6)}."
    probes = [raw.probes[place] for place in kept]
    return replace(raw, values=raw.values[:, kept], probes=probes, steps=(*raw.steps, step))


def refuse_dates(probes: Sequence[str], path: str) -> None:
    """Raise BadIdentifiers if a spreadsheet turned gene names into dates."""
    # Few names have the separators of a date, and the regular expression is slow.
    suspects = (probe for probe in probes if any(sign in probe for sign in "-./ 月"))
    dates = [probe for probe in suspects if _DATE.fullmatch(probe)]
    if dates:
        raise BadIdentifiers(
            f"{path}: {counted(len(dates), 'date')} among the probe names, the first {dates[0]!r}. A spreadsheet "
            "turned gene names such as SEPT2 or MARCH1 into dates. Export the table again with that column as text."
        )


def _samples(
    raw: RawTable, samples: str | None, scale: str, path: str
) -> tuple[str | None, list[str], list[str]]:
    """Return the column of the sample ids, None if there is none, the ids, and the steps for the provenance."""
    if scale not in scales.SCALES:
        raise UnknownName(f"unknown scale {scale!r}. Use {', '.join(scales.SCALES)}.")
    if not raw.probes or not len(raw.values):
        raise BadValues(
            f"{path} has no probes: none of its {counted(len(raw.text), 'column')} holds numbers. {_hint(raw.text)}"
        )
    if raw.ids is not None and samples is None:
        return None, raw.ids, list(raw.steps)
    column = _named(raw, SAMPLE_NAMES) if samples is None else samples
    steps = list(raw.steps)
    if column is None:
        column = _first_ids(raw)
        if column is None:
            numbers = [str(row + 1) for row in range(len(raw.values))]
            return None, numbers, [*steps, _NUMBERED]
        steps.append(f"Sample ids are from column {column!r}.")
    ids = _column(raw, column, "--samples", path)
    if "" in ids:
        raise BadIdentifiers(
            f"{path}: {counted(ids.count(''), 'sample')} without an id in column {column!r}, the first in line "
            f"{ids.index('') + 2}. Name each sample, or choose another column with --samples."
        )
    return column, ids, steps


def _first_ids(raw: RawTable) -> str | None:
    """Return the first text column if its words differ and it is no label column."""
    for name, cells in list(raw.text.items())[:1]:
        if plain(name) not in LABEL_NAMES and len(set(cells)) == len(cells) > 1:
            return name
    return None


def _classes(
    raw: RawTable, options: Options, ids: list[str], path: str, drop_class: Sequence[str]
) -> tuple[str | None, list[str], tuple[str, ...]]:
    """Return the column of the classes, None if a labels file gives them, the class of each sample, and warnings."""
    labels = options.labels
    if labels is not None:
        without = [sample for sample in ids if sample not in labels]
        if len(without) == len(ids) and len(set(ids).intersection(labels.values())) > len(ids) // 2:
            raise BadLabels(
                "the labels file has the sample ids in its second column. Put sample ids first and labels second."
            )
        if without:
            # The first line may have been a sample.
            header = " Line 1 was read as its header." if len(without) == 1 else ""
            raise BadLabels(
                f"{len(without)} of {len(ids)} samples are missing from the labels file, the first {without[0]!r}. "
                f"The file has samples {', '.join(list(labels)[:3])} ...{header} Add the missing samples."
            )
        classes = [labels[sample] for sample in ids]
        _refuse_unlabelled(ids, classes, "the labels file", drop_class)
        return None, classes, similar_classes([name for name in classes if name not in drop_class])
    column = _named(raw, LABEL_NAMES) if options.label is None else options.label
    if column is None:
        seen = ", ".join([*raw.text, *raw.probes][:6])
        raise BadLabels(
            f"{path} has no label column ({', '.join(LABEL_NAMES[:4])} ...); its first columns are {seen}. "
            "Name the column with --label, or a labels file with --labels."
        )
    classes = _column(raw, column, "--label", path)
    _refuse_unlabelled(ids, classes, f"column {column!r} of {path}", drop_class)
    warnings = similar_classes([name for name in classes if name not in drop_class])
    others = [name for name in raw.text if plain(name) in LABEL_NAMES and name != column]
    if plain(column) in _WEAK_LABELS:
        known = {column, options.donor, *others}
        others += [
            name for name, cells in raw.text.items() if name not in known and _is_category(name, cells)
        ]
    if others and options.label is None:
        warnings += (
            f"The classes are from column {column!r}, but {shortlist(list(map(repr, others)), 3)} may hold classes "
            "too. Choose with --label.",
        )
    return column, classes, warnings


def _is_category(name: str, cells: Sequence[str]) -> bool:
    """Tell whether a text column may hold classes: few different words, each of several samples."""
    counts = Counter(cells)
    few = 2 <= len(counts) <= len(cells) // 3
    return few and not is_not_expression(name) and not any(map(is_number, counts))


def _check_options(raw: RawTable, options: Options, path: str) -> None:
    """Raise BadIdentifiers if a column that the user named does not exist."""
    for option, names in (("--covariate", options.covariates), ("--expression", options.expression)):
        missing = [name for name in names if name not in raw.text and name not in raw.probes]
        if missing:
            raise BadIdentifiers(f"{path} has no column {missing[0]!r} for {option}. Check its spelling.")
    both = set(options.covariates).intersection(options.expression)
    if both:
        raise BadIdentifiers(f"--covariate and --expression both name {min(both)!r}. Use one of the two.")


def _refuse_strays(
    raw: RawTable, options: Options, classes: Sequence[str], drop_class: Sequence[str], path: str
) -> None:
    """Raise BadValues if numeric columns are not expression."""
    kept = np.array([label not in drop_class for label in classes], dtype=bool)
    codes = np.unique(np.array(classes, dtype=np.str_)[kept], return_inverse=True)[1]
    strays = [
        s for s in stray_columns(raw.values[kept], codes) if raw.probes[s.column] not in options.expression
    ]
    if strays:
        names = [raw.probes[stray.column] for stray in strays]
        raise BadValues(
            f"{path}: {counted(len(strays), 'column')} that {'is' if len(strays) == 1 else 'are'} not expression: "
            f"{shown(strays, raw.probes)}. Use --covariate {shlex.quote(names[0])} if it is not expression, or "
            f"--expression {shlex.quote(names[0])} if it is."
        )


def _refuse_unlabelled(ids: list[str], classes: list[str], place: str, drop_class: Sequence[str]) -> None:
    empty = [
        (sample, cell)
        for sample, cell in zip(ids, classes, strict=True)
        if cell.lower() in _NO_LABEL and (not cell or cell not in drop_class)
    ]
    if empty:
        sample, cell = empty[0]
        shown = f" ({cell!r})" if cell else ""
        remedy = f"drop them with --drop-class {cell}" if cell else "remove them from the file"
        raise BadLabels(
            f"{counted(len(empty), 'sample')} without a label in {place}, the first {sample!r}{shown}. "
            f"Label them, or {remedy}."
        )


def _donors(raw: RawTable, donor: str, ids: list[str], path: str) -> list[str]:
    donors = _column(raw, donor, "--donor", path)
    without = [sample for sample, cell in zip(ids, donors, strict=True) if cell.lower() in MISSING]
    if without:
        raise BadIdentifiers(
            f"{path}: {counted(len(without), 'sample')} without a donor in column {donor!r}, the first {without[0]!r}. "
            "Give each sample its donor; use a unique name if the donor is unknown."
        )
    return donors


def _named(raw: RawTable, names: Sequence[str]) -> str | None:
    """Return the first text column with one of these names, in the order of the names."""
    found = {plain(name): name for name in reversed(raw.text)}
    return next((found[name] for name in names if name in found), None)


def _column(raw: RawTable, name: str, option: str, path: str) -> list[str]:
    if name not in raw.text:
        columns = ", ".join(list(raw.text)[:8]) or "none"
        raise BadIdentifiers(f"{path} has no column {name!r} for {option}. Its text columns: {columns}.")
    return raw.text[name]


def _hint(columns: dict[str, list[str]]) -> str:
    """Return advice for a table without numbers."""
    cells = [column[0] for column in columns.values() if column]
    commas = [cell for cell in cells if is_comma_number(cell)]
    if 2 * len(commas) > len(cells):
        return f"Numbers such as {commas[0]!r} have a comma. {comma_hint(commas)}"
    return "Name a file with one numeric column per probe."


def _check_values(raw: RawTable, ids: list[str], impute: str | None, path: str) -> list[str]:
    """Return provenance steps on missing values and constant probes; raises BadValues for unusable values."""
    values = raw.values
    low, high = values.min(axis=0), values.max(axis=0)
    steps = []
    # Minimum and maximum are finite only if every value is.
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        missing = np.isnan(values)
        if missing.all():
            raise BadValues(f"{path} has no values: every cell of its {len(raw.probes)} probes is missing.")
        _refuse(np.isinf(values), "infinite value", raw, ids, path, "Replace them in the file")
        if impute is None:
            remedy = "Impute them inside each fold with --impute median, or remove those samples or probes"
            _refuse(missing, "missing value", raw, ids, path, remedy)
        low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
        n_missing, n_empty = int(missing.sum()), int(missing.all(axis=0).sum())
        steps.append(f"Missing values ({n_missing:,}) are filled with the training median inside each fold.")
        if n_empty:
            steps.append(f"Probes without any value ({n_empty:,}) were kept; they carry no information.")
    n_constant = int((low == high).sum())
    if n_constant:
        steps.append(f"Probes with the same value in every sample ({n_constant:,}) were kept.")
    return steps


def _refuse(bad: BoolArray, kind: str, raw: RawTable, ids: list[str], path: str, remedy: str) -> None:
    """Raise BadValues if any value is `bad`; (n_samples, n_probes) bool."""
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise BadValues(
            f"{path}: {counted(int(bad.sum()), kind)}, the first in sample {ids[row]!r}, probe "
            f"{raw.probes[column]!r}. {remedy}."
        )


def _typed(columns: dict[str, list[str]]) -> pd.DataFrame:
    """Return covariates as numbers if every known cell is a number, else as text."""
    frame = pd.DataFrame(columns)
    for name in frame:
        numbers = pd.to_numeric(frame[name].replace("", None), errors="coerce")
        if numbers.notna().sum() == (frame[name] != "").sum() and numbers.notna().any():
            frame[name] = numbers
    return frame

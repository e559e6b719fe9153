"""READERS: one module per file layout. `read` detects the layout from the content and returns a cohort."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from leukotype.cohort import Batch, Cohort
from leukotype.errors import BadLabels, DataWarning, UnknownName, UnreadableFile
from leukotype.readers import cache as parses
from leukotype.readers import delimited, transposed
from leukotype.readers.assemble import batch_of, cohort_of, read_labels, refuse_dates, without_summaries
from leukotype.readers.raw import Options, RawTable, Reader
from leukotype.readers.scale import detect_scale
from leukotype.readers.text import (
    check_max_size,
    digest,
    head_of,
    lines_of,
    read_bytes,
    read_text,
    text_of,
)

__all__ = [
    "READERS",
    "Reader",
    "detect_scale",
    "digest",
    "read",
    "read_batch",
    "read_bytes",
    "read_labels",
    "read_text",
]

# The first reader that detects its layout reads the file.
READERS: tuple[Reader, ...] = (
    Reader(
        "golub",
        "Probes in rows with detection calls (Kaggle Golub)",
        transposed.detects_calls,
        transposed.read_calls,
    ),
    Reader("transposed", "Probes in rows", transposed.detects, transposed.read),
    Reader("delimited", "Samples in rows (CuMiDa)", delimited.detects, delimited.read),
)


def read(
    path: str | Path,
    *,
    label: str | None = None,
    labels: str | Path | None = None,
    donor: str | None = None,
    samples: str | None = None,
    covariates: Sequence[str] = (),
    expression: Sequence[str] = (),
    samples_in: str | None = None,
    drop_class: Sequence[str] = (),
    scale: str = "auto",
    impute: str | None = None,
    keep_controls: bool = False,
    name: str | None = None,
    cache: Path | None = None,
    max_size: float | None = None,
) -> Cohort:
    """Read an expression table; layout, delimiter and compression are detected from the content, not the name.

    label      : column of the classes; by default found by name (`type`, `label`, `class` ...)
    labels     : CSV with two columns, sample and label, for files without labels
    donor      : column with the donor of each sample
    samples    : column of the sample ids; by default found by name
    covariates : columns that are not expression
    expression : numeric columns that are expression although they look like a class code, a sample number or a
                 clinical value
    samples_in : "rows" or "columns"; by default detected
    drop_class : classes to leave out
    scale      : scale of the values: "auto" (detect), "log2", or "linear" (transformed to log2(max(x, 1)))
    impute     : "median" accepts missing values and fills them inside each fold
    keep_controls : keep control probes (`cohort.is_control`), which are left out by default
    cache      : folder of parsed tables, looked up by the content of the file
    max_size   : most gigabytes of text; by default 2, and 150 times the size of a gzipped file

    Gives a DataWarning for each entry of `cohort.provenance.warnings`.
    Raises InputError: what was found, what was needed, what to do.
    """
    _need_path(path)
    options = _options(
        label, labels, donor, samples, samples_in, covariates=tuple(covariates), expression=tuple(expression)
    )
    raw, sha256 = _table_of(path, options, cache, max_size)
    # Before the checks for missing and constant values: these are for the probes that remain.
    cohort = cohort_of(
        raw if keep_controls else raw.without_controls(str(path)),
        path=str(path),
        sha256=sha256,
        name=name or _stem(path),
        options=options,
        scale=scale,
        impute=impute,
        drop_class=drop_class,
    )
    kept = cohort.drop_classes(tuple(drop_class))
    if not kept.n_samples:
        raise BadLabels(
            f"--drop-class leaves no sample of {path}: its classes are {', '.join(cohort.classes)}. Keep at least two."
        )
    for text in kept.provenance.warnings:
        warnings.warn(text, DataWarning, stacklevel=2)
    return kept


def read_batch(
    path: str | Path,
    *,
    label: str | None = None,
    labels: str | Path | None = None,
    samples: str | None = None,
    samples_in: str | None = None,
    scale: str = "auto",
    wants_labels: bool = False,
    cache: Path | None = None,
    max_size: float | None = None,
) -> Batch:
    """Read new samples in any layout that `read` knows; labels are optional and values may be missing.

    label, labels : as in `read`; used if `wants_labels`
    samples       : column of the sample ids; by default found by name
    samples_in    : "rows" or "columns"; by default detected
    scale         : scale of the values: "auto" (detect for each sample), "log2", or "linear"
    cache         : folder of parsed tables, looked up by the content of the file
    max_size      : as in `read`

    Raises InputError: what was found, what was needed, what to do.
    """
    _need_path(path)
    options = _options(label, labels, None, samples, samples_in)
    raw, sha256 = _table_of(path, options, cache, max_size)
    batch = batch_of(
        raw, path=str(path), sha256=sha256, options=options, wants_labels=wants_labels, scale=scale
    )
    for text in batch.provenance.warnings:
        warnings.warn(text, DataWarning, stacklevel=2)
    return batch


def _need_path(path: object) -> None:
    if not isinstance(path, str | Path):
        raise UnreadableFile(
            f"a path is needed, not a {type(path).__name__}. For a DataFrame, use Cohort.of(frame, labels) or "
            "Batch.of(frame)."
        )


def _options(
    label: str | None,
    labels: str | Path | None,
    donor: str | None,
    samples: str | None,
    samples_in: str | None,
    **columns: tuple[str, ...],
) -> Options:
    if label is not None and labels is not None:
        raise BadLabels("--label and --labels exclude each other: both give the classes. Use one of the two.")
    if samples_in not in (None, "rows", "columns"):
        raise UnknownName(f"unknown orientation {samples_in!r}. Use rows or columns for --samples-in.")
    found = None if labels is None else read_labels(labels)
    return Options(label, donor, samples, found, samples_in=samples_in, **columns)


def _table_of(
    path: str | Path, options: Options, cache: Path | None, max_size: float | None
) -> tuple[RawTable, str]:
    """Return the parsed table of a file, and the sha256 of the file."""
    check_max_size(max_size)
    if cache is None:
        return _parse(path, options, max_size)
    sha256 = digest(path, max_size=max_size)
    table = parses.load(cache, parses.key(sha256, options))
    if table is None:
        # The file may have changed since `digest`; this hash is of the bytes that were parsed.
        table, sha256 = _parse(path, options, max_size)
        parses.store(cache, parses.key(sha256, options), table)
    return table, sha256


def _parse(path: str | Path, options: Options, max_size: float | None) -> tuple[RawTable, str]:
    data = read_bytes(path, max_size=max_size)
    with ThreadPoolExecutor(1) as pool:
        sha256 = pool.submit(lambda: hashlib.sha256(data).hexdigest())
        lines = lines_of(text_of(data, str(path), max_size=max_size))
        head = head_of(lines, str(path))
        reader = next(reader for reader in READERS if reader.detects(head, options))
        table = without_summaries(reader.read(lines, head, options))
        table = replace(table, steps=(*head.notes, *table.steps))
    refuse_dates(table.probes, str(path))
    return table, sha256.result()


def _stem(path: str | Path) -> str:
    stem = Path(path).name
    for ending in (".gz", ".csv", ".tsv", ".txt"):
        stem = stem.removesuffix(ending)
    return stem

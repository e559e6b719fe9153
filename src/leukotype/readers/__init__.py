"""READERS: one file a format; `read` finds the format by content and returns a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from leukotype.cohort import Cohort
from leukotype.readers import cache as parses
from leukotype.readers import delimited, transposed
from leukotype.readers.assemble import assemble, read_labels
from leukotype.readers.cells import head_of
from leukotype.readers.raw import Options, RawTable, Reader
from leukotype.readers.scale import detect_scale
from leukotype.readers.source import Source, load, text_of

__all__ = ["READERS", "Reader", "detect_scale", "read"]

# The first that detects its format reads the file.
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
    drop_class: Sequence[str] = (),
    scale: str = "auto",
    impute: str | None = None,
    name: str | None = None,
    cache: Path | None = None,
) -> Cohort:
    """Read an expression table; format, delimiter and compression are found by content, not by name.

    label      : column of the classes; found by name (`type`, `label`, `class` ...) where not given
    labels     : CSV of two columns, sample and label, for files that carry none
    donor      : column that names the donor of each sample
    samples    : column of the sample ids; found by name where not given
    drop_class : classes to leave out
    scale      : what the values are: "auto" (look), "log2", or "linear" (then log2(max(x, 1)) is taken)
    impute     : "median" lets missing values pass, to be filled inside each fold
    cache      : folder where the parsed table is kept and looked for, by content

    Raises an InputError that says what was found, what was needed and what to do.
    """
    source = load(path)
    known = None if labels is None else read_labels(labels)
    options = Options(label, donor, samples, known is not None, frozenset(known or ()))
    raw = _parsed(source, options, cache)
    cohort = assemble(
        raw,
        source,
        name=name or _stem(path),
        label=label,
        labels=known,
        donor=donor,
        samples=samples,
        scale=scale,
        impute=impute,
    )
    return cohort.drop_classes(tuple(drop_class))


def _parsed(source: Source, options: Options, cache: Path | None) -> RawTable:
    if cache is None:
        return _parse(source, options)
    entry = parses.key(
        source.sha256, (options.label, options.donor, options.samples, sorted(options.label_samples))
    )
    table = parses.load(cache, entry)
    if table is None:
        table = _parse(source, options)
        parses.store(cache, entry, table)
    return table


def _parse(source: Source, options: Options) -> RawTable:
    text = text_of(source)
    head = head_of(text, source.path)
    reader = next(reader for reader in READERS if reader.detects(head, options))
    return reader.read(text, head, options)


def _stem(path: str | Path) -> str:
    stem = Path(path).name
    for ending in (".gz", ".csv", ".tsv", ".txt"):
        stem = stem.removesuffix(ending)
    return stem

"""READERS: one file a format; `read` finds the format by content and returns a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from leukotype.batch import Batch
from leukotype.cohort import Cohort
from leukotype.errors import BadLabels
from leukotype.readers import batches, delimited, transposed
from leukotype.readers import cache as parses
from leukotype.readers.assemble import assemble, read_labels, refuse_dates
from leukotype.readers.cells import head_of, lines_of
from leukotype.readers.raw import Options, RawTable, Reader
from leukotype.readers.scale import detect_scale
from leukotype.readers.source import digest, load, text_of

__all__ = ["READERS", "Reader", "detect_scale", "read", "read_batch", "read_labels"]

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
    keep_controls: bool = False,
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
    keep_controls : whether control probes stay among the features (`Cohort.drop_controls` says which they are);
                 they are left out by default, and the provenance says how many
    cache      : folder where the parsed table is kept and looked for, by content

    Raises an InputError that says what was found, what was needed and what to do.
    """
    known = None if labels is None else read_labels(labels)
    options = Options(label, donor, samples, known is not None, frozenset(known or ()))
    raw, sha256 = _parse(path, options) if cache is None else _recall(path, options, cache)
    # Before anything is said of missing or constant values: that shall hold for what is kept.
    table = raw if keep_controls else raw.without_controls(str(path))
    cohort = assemble(
        table,
        path=str(path),
        sha256=sha256,
        name=name or _stem(path),
        label=label,
        labels=known,
        donor=donor,
        samples=samples,
        scale=scale,
        impute=impute,
        drop_class=drop_class,
    )
    kept = cohort.drop_classes(tuple(drop_class))
    if not kept.n_samples:
        raise BadLabels(
            f"--drop-class leaves no sample of {path}: its classes are {', '.join(cohort.classes)}. Keep two at least."
        )
    return kept


def read_batch(
    path: str | Path,
    *,
    label: str | None = None,
    labels: str | Path | None = None,
    samples: str | None = None,
    scale: str = "auto",
    wants_labels: bool = False,
    cache: Path | None = None,
) -> Batch:
    """Read new samples, in any format that `read` knows; no label is needed, and values may be missing.

    label, labels : as in `read`; looked at where `wants_labels`
    samples       : column of the sample ids; found by name where not given
    scale         : what the values are: "auto" (look at each sample by itself), "log2", or "linear"
    cache         : folder where the parsed table is kept and looked for, by content

    Raises an InputError that says what was found, what was needed and what to do.
    """
    known = batches.labels_of(labels)
    options = Options(label, None, samples, known is not None, frozenset(known or ()))
    raw, sha256 = _parse(path, options) if cache is None else _recall(path, options, cache)
    return batches.of_table(
        raw,
        path=str(path),
        sha256=sha256,
        options=options,
        labels=known,
        wants_labels=wants_labels,
        scale=scale,
    )


def _recall(path: str | Path, options: Options, cache: Path) -> tuple[RawTable, str]:
    sha256 = digest(path)
    table = parses.load(cache, parses.key(sha256, options))
    if table is None:
        # The hash that comes with the table is of the very bytes that were parsed.
        table, sha256 = _parse(path, options)
        parses.store(cache, parses.key(sha256, options), table)
    return table, sha256


def _parse(path: str | Path, options: Options) -> tuple[RawTable, str]:
    source = load(path)
    with ThreadPoolExecutor(1) as beside:
        sha256 = beside.submit(lambda: source.sha256)
        lines = lines_of(text_of(source))
        head = head_of(lines, source.path)
        reader = next(reader for reader in READERS if reader.detects(head, options))
        table = reader.read(lines, head, options)
    refuse_dates(table.probes, source.path)
    return table, sha256.result()


def _stem(path: str | Path) -> str:
    stem = Path(path).name
    for ending in (".gz", ".csv", ".tsv", ".txt"):
        stem = stem.removesuffix(ending)
    return stem

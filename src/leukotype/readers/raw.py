"""RawTable, the result of every reader: text columns and a matrix with samples in rows; known column names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from leukotype.arrays import FloatArray
from leukotype.cohort import without_controls

LABEL_NAMES = (
    "type", "label", "labels", "class", "classes", "diagnosis", "group", "cancer", "cancer_type", "phenotype",
    "condition", "disease", "subtype", "target", "outcome", "status",
)  # fmt: skip
SAMPLE_NAMES = (
    "samples", "sample", "sample_id", "sampleid", "sample id", "geo_accession", "accession", "gsm", "patient", "id",
    "index", "unnamed: 0", "",
)  # fmt: skip
# Numeric columns that are not expression.
COVARIATE_NAMES = (
    "age", "sex", "gender", "batch", "donor", "patient_id", "center", "centre", "site", "date", "scan_date", "plate",
    "series", "stage", "grade", "time", "event", "survival", "row", "row_number", "level_0",
)  # fmt: skip
PROBE_NAMES = (
    "probe", "probes", "probe_id", "probeset", "probe_set_id", "probe set id", "id_ref", "gene", "genes", "gene_id",
    "gene symbol", "symbol", "gene accession number", "gene description", "name", "description", "feature",
)  # fmt: skip
_NOT_PROBES = frozenset((*LABEL_NAMES, *SAMPLE_NAMES, *COVARIATE_NAMES))
MISSING = frozenset({"", "na", "nan", "n/a", "#n/a", "null", "none", "?", "-", "."})


@dataclass(frozen=True)
class Options:
    """Column names given by the user, None if they are to be detected; and the labels of a labels file, by sample."""

    label: str | None = None
    donor: str | None = None
    samples: str | None = None
    labels: Mapping[str, str] | None = None

    def is_text(self, name: str) -> bool:
        """Tell whether a column called `name` is never expression, whatever its cells are."""
        return name.lower() in _NOT_PROBES or name in (self.label, self.donor, self.samples)


@dataclass(frozen=True)
class Head:
    """The start of a file: its delimiter, its whole header, and the first cells of a few rows."""

    path: str
    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_lines: int


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as read, samples in rows.

    text   : text columns by name, in file order, one cell per sample
    values : (n_samples, n_probes) float64; NaN if a cell is missing
    probes : names of the numeric columns
    ids    : sample ids from the header of a transposed matrix, else None
    steps  : changes to the layout, one sentence each
    """

    text: dict[str, list[str]]
    values: FloatArray
    probes: list[str]
    ids: list[str] | None = None
    steps: tuple[str, ...] = ()

    def without_controls(self, path: str) -> RawTable:
        """Return the table without control probes; a step says how many were removed."""
        values, probes, step = without_controls(self.values, self.probes, path)
        return replace(self, values=values, probes=probes, steps=(*self.steps, step)) if step else self


@dataclass(frozen=True)
class Reader:
    """A file format.

    detects : tells whether the start of a file has this format
    read    : turns all lines, header first, into a RawTable; raises InputError with the place of a fault
    """

    name: str
    title: str
    detects: Callable[[Head, Options], bool]
    read: Callable[[Sequence[str], Head, Options], RawTable]

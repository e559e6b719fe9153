"""What every format yields: text columns and a matrix, samples in rows; and the names that mean something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

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
# Columns that are numbers but no expression.
COVARIATE_NAMES = (
    "age", "sex", "gender", "batch", "donor", "patient_id", "center", "centre", "site", "date", "scan_date", "plate",
    "series", "stage", "grade", "time", "event", "survival", "row", "row_number", "level_0",
)  # fmt: skip
PROBE_NAMES = (
    "probe", "probes", "probe_id", "probeset", "probe_set_id", "probe set id", "id_ref", "gene", "genes", "gene_id",
    "gene symbol", "symbol", "gene accession number", "gene description", "name", "description", "feature",
)  # fmt: skip
_NO_PROBES = frozenset((*LABEL_NAMES, *SAMPLE_NAMES, *COVARIATE_NAMES))
MISSING = frozenset({"", "na", "nan", "n/a", "#n/a", "null", "none", "?", "-", "."})


@dataclass(frozen=True)
class Options:
    """Names of columns as the user gave them; None where they are to be found."""

    label: str | None = None
    donor: str | None = None
    samples: str | None = None
    has_labels_file: bool = False
    label_samples: frozenset[str] = field(default_factory=frozenset)

    def is_text(self, name: str) -> bool:
        """Tell whether what is called `name` is never expression, whatever stands in it."""
        return name.lower() in _NO_PROBES or name in (self.label, self.donor, self.samples)

    def text_columns(self, header: Sequence[str]) -> set[int]:
        """Return the columns that are never expression."""
        return {column for column, name in enumerate(header) if self.is_text(name)}


@dataclass(frozen=True)
class Head:
    """The start of a file: its delimiter, its whole header, and the first cells of a few rows after it."""

    path: str
    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_lines: int


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as read, samples in rows.

    text   : text columns by name, in file order, one cell a sample
    values : (n_samples, n_probes) float64; NaN where a cell was missing
    probes : names of the numeric columns
    ids    : sample ids where the layout itself names them (a transposed matrix)
    steps  : what was done to the layout
    """

    text: dict[str, list[str]]
    values: FloatArray
    probes: list[str]
    ids: list[str] | None = None
    steps: tuple[str, ...] = ()

    def noting(self, step: str) -> RawTable:
        """Return the table with one more step."""
        return replace(self, steps=(*self.steps, step))

    def without_controls(self, path: str) -> RawTable:
        """Return the table without control probes, and with a step that says so where there were any."""
        values, probes, step = without_controls(self.values, self.probes, path)
        return replace(self, values=values, probes=probes).noting(step) if step else self


@dataclass(frozen=True)
class Reader:
    """A file format.

    detects : whether the start of a file looks like this format
    read    : all lines, the header first, to a RawTable; raises InputError with the place where it fails
    """

    name: str
    title: str
    detects: Callable[[Head, Options], bool]
    read: Callable[[Sequence[str], Head, Options], RawTable]

    def __str__(self) -> str:
        return self.name

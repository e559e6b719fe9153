"""Cohort: labelled samples to learn from. Batch: new samples to call."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from leukotype.arrays import FloatArray, IntArray, StrArray
from leukotype.errors import BadIdentifiers, BadLabels, BadValues
from leukotype.wording import counted

# Affymetrix: AFFX-BioB-5_at.  ERCC spike-ins end in five digits: ERCC-00002; ERCC1 and ERCC2 are genes.
# Agilent: (+)E1A_r60_3, (-)3xSLv1, DarkCorner.  R replaces other signs by dots.
_CONTROL = re.compile(
    r"AFFX[-._].+|ERCC[-._]\d{5}|(\(\+\)|X\.{3})E1A_r60_.+|(\(-\)|X\.{3})3xSLv1|DarkCorner|(GE_)?BrightCorner",
    re.IGNORECASE,
)
# First letters of control probes; most other probes need no regular expression.
_INITIALS = frozenset("AaEeXx(DdGgBb")
MOST_CHARACTERS = 1000
# Far above any log2 intensity; the square of such a value is still finite.
LARGEST = 1e30


@dataclass(frozen=True)
class Provenance:
    """Origin of the values and the steps applied to them.

    source    : path or URL as the user gave it, or how the cohort was made
    sha256    : hash of the file's bytes; empty if there is no file
    scale     : unit of the expression values in the cohort, e.g. "log2 intensity"
    steps     : changes to values or layout, one sentence each, in order
    simulated : True if the values do not come from patients
    warnings  : what may be wrong with the data, one sentence each
    citation, licence : empty if unknown
    """

    source: str
    sha256: str = ""
    scale: str = "log2 intensity"
    steps: tuple[str, ...] = ()
    simulated: bool = False
    citation: str = ""
    licence: str = ""
    warnings: tuple[str, ...] = ()

    def then(self, step: str) -> Provenance:
        """Return this provenance with one more step."""
        return replace(self, steps=(*self.steps, step))


@dataclass(frozen=True, eq=False)
class Cohort:
    """Labelled samples with expression of the same probes.

    expression : (n_samples, n_probes) float64, log2 intensity; NaN only if imputation was requested
    labels     : (n_samples,) str, class of each sample
    samples    : (n_samples,) str, unique sample ids
    probes     : (n_probes,) str, unique probe ids
    donors     : (n_samples,) str, or None if unknown; a donor's samples stay in one fold
    covariates : one row per sample with the other columns of the file; None if there are none
    provenance : source, hash and processing steps

    Raises BadIdentifiers, BadLabels or BadValues if the parts do not match.
    """

    expression: FloatArray
    labels: StrArray
    samples: StrArray
    probes: StrArray
    name: str = "cohort"
    donors: StrArray | None = None
    covariates: pd.DataFrame | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance("memory"))

    @classmethod
    def of(
        cls, frame: pd.DataFrame, labels: ArrayLike, *, donors: ArrayLike | None = None, name: str = "cohort"
    ) -> Cohort:
        """Return the cohort of a table with samples in rows and probes in columns, named by its index and columns.

        frame          : log2 intensity
        labels, donors : of each sample; a Series is matched by its index, an array by position

        Raises BadIdentifiers, BadLabels or BadValues if the parts do not match.
        """
        samples, probes = _names_of(frame)
        return cls(frame.to_numpy(), labels, samples, probes, name=name, donors=donors)  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        matrix = _matrix(self.expression)
        object.__setattr__(self, "expression", _frozen(matrix, original=self.expression))
        for column in ("labels", "samples", "probes", "donors"):
            values = getattr(self, column)
            if isinstance(values, pd.Series) and column in ("labels", "donors"):
                values = _by_sample(values, np.asarray(self.samples), column)
            if values is not None:
                object.__setattr__(self, column, _frozen(_as_text(values), original=values))
        _check_parts(self, ("labels", "samples", "donors", "covariates"))
        if self.n_probes == 0:
            raise BadValues("the matrix has no probes; at least one numeric column is needed.")
        _check_unique("probe id", self.probes)
        if self.n_samples and (self.labels == "").any():
            n = int((self.labels == "").sum())
            raise BadLabels(f"{counted(n, 'sample')} without a label. Add the labels, or remove the samples.")

    @property
    def n_samples(self) -> int:
        return int(self.expression.shape[0])

    @property
    def n_probes(self) -> int:
        return int(self.expression.shape[1])

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes, sorted by name; the order of every probability column."""
        return tuple(str(label) for label in np.unique(self.labels))

    @cached_property
    def codes(self) -> IntArray:
        """(n_samples,) position of each sample's label in `classes`."""
        return np.searchsorted(np.array(self.classes), self.labels).astype(np.intp)

    @cached_property
    def class_counts(self) -> dict[str, int]:
        """Number of samples of each class, in the order of `classes`."""
        counts = np.bincount(self.codes, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    @cached_property
    def fingerprint(self) -> str:
        """Sha256 of everything a result depends on: values, labels, samples, probes and donors."""
        digest = hashlib.sha256(np.array(self.expression.shape, dtype="<i8").tobytes())
        digest.update(self.expression.astype("<f8", copy=False).tobytes())
        for ids in (self.labels, self.samples, self.probes, self.donors):
            digest.update(b"\x00none" if ids is None else "\x1f".join(ids.tolist()).encode())
            digest.update(b"\x1e")
        return digest.hexdigest()

    def facts(self) -> dict[str, Any]:
        """Return the description of the cohort as JSON values."""
        provenance = self.provenance
        return {
            "name": self.name,
            "source": provenance.source,
            "sha256": provenance.sha256,
            "fingerprint": self.fingerprint,
            "n_samples": self.n_samples,
            "n_probes": self.n_probes,
            "n_donors": None if self.donors is None else len(set(self.donors.tolist())),
            "classes": self.class_counts,
            "scale": provenance.scale,
            "steps": list(provenance.steps),
            "warnings": list(provenance.warnings),
            "simulated": provenance.simulated,
            "citation": provenance.citation,
            "licence": provenance.licence,
        }

    def take(self, rows: ArrayLike, step: str) -> Cohort:
        """Return the cohort of the samples at `rows` (indices or mask); `step` is added to the provenance."""
        chosen = np.arange(self.n_samples)[np.asarray(rows)]
        return replace(
            self,
            expression=self.expression[chosen],
            labels=self.labels[chosen],
            samples=self.samples[chosen],
            donors=None if self.donors is None else self.donors[chosen],
            covariates=None
            if self.covariates is None
            else self.covariates.iloc[chosen].reset_index(drop=True),
            provenance=self.provenance.then(step),
        )

    def drop_classes(self, names: Sequence[str]) -> Cohort:
        """Return the cohort without the classes `names`; raises BadLabels for an unknown class."""
        unknown = [name for name in names if name not in self.classes]
        if unknown:
            raise BadLabels(
                f"{self.name} has no class {unknown[0]!r} to drop. Its classes are {', '.join(self.classes)}."
            )
        if not names:
            return self
        dropped = np.isin(self.labels, names)
        step = f"{counted(int(dropped.sum()), 'sample')} of class {', '.join(names)} left out, as requested."
        return self.take(~dropped, step)

    def drop_controls(self) -> Cohort:
        """Return the cohort without its control probes; raises BadValues if no other probes remain."""
        values, probes, step = without_controls(self.expression, self.probes.tolist(), self.name)
        if not step:
            return self
        return replace(
            self, expression=values, probes=np.array(probes), provenance=self.provenance.then(step)
        )

    def __repr__(self) -> str:
        classes = ", ".join(f"{name} {count}" for name, count in self.class_counts.items())
        return f"Cohort({self.name}: {self.n_samples} samples × {self.n_probes} probes; {classes})"


@dataclass(frozen=True, eq=False)
class Batch:
    """New samples that were read together; each is called independently of the others.

    expression : (n_samples, n_probes) float64, log2 intensity; NaN if a value is missing
    samples    : (n_samples,) str, unique sample ids
    probes     : (n_probes,) str, probe ids or gene symbols; may be repeated
    labels     : (n_samples,) str, or None if the classes are unknown
    scales     : how the scale of each sample was handled, e.g. "log2 taken"; None if it was not checked
    provenance : source, hash and changes to the layout

    Raises BadIdentifiers or BadValues if the parts do not match.
    """

    expression: FloatArray
    samples: StrArray
    probes: StrArray
    provenance: Provenance
    labels: StrArray | None = None
    scales: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", np.ascontiguousarray(self.expression, dtype=np.float64))
        _check_parts(self, ("samples", "labels"))
        beyond = (np.abs(self.expression) > LARGEST).any(axis=1)
        if beyond.any():
            raise BadValues(
                f"sample {str(self.samples[beyond][0])!r} has a value beyond {LARGEST:g}, but log2 intensities are "
                "needed. Use --scale linear if the values are linear, or remove the sample."
            )

    @property
    def n_samples(self) -> int:
        return len(self.expression)

    def take(self, rows: ArrayLike, step: str) -> Batch:
        """Return the samples at `rows` (indices or mask); `step` is added to the provenance."""
        chosen = np.arange(self.n_samples)[np.asarray(rows)]
        return replace(
            self,
            expression=self.expression[chosen],
            samples=self.samples[chosen],
            labels=None if self.labels is None else self.labels[chosen],
            scales=None if self.scales is None else tuple(self.scales[row] for row in chosen.tolist()),
            provenance=self.provenance.then(step),
        )

    @classmethod
    def of(cls, samples: Cohort | pd.DataFrame) -> Batch:
        """Return the samples of a cohort, with their labels, or of a table.

        samples : a table has samples in rows and probes in columns, log2 intensity; its index and columns name them
        """
        if isinstance(samples, Cohort):
            return cls(
                samples.expression, samples.samples, samples.probes, samples.provenance, samples.labels
            )
        return cls(_matrix(samples.to_numpy()), *_names_of(samples), Provenance("memory"))


def need_cohort(value: object) -> None:
    """Raise BadValues unless the value is a Cohort."""
    if not isinstance(value, Cohort):
        raise BadValues(
            f"a Cohort is needed, not a {type(value).__name__}. Use Cohort.of(frame, labels) for a DataFrame, or "
            "read(path) for a file."
        )


def is_control(probe: str) -> bool:
    """Tell whether a probe is a technical control, by its whole name.

    Controls are Affymetrix AFFX-... probes (spiked-in transcripts and RNA degradation checks), ERCC spike-ins
    (ERCC-00002) and Agilent's alignment and background spots.  AFF1 and ERCC1 are genes.
    """
    return _CONTROL.fullmatch(probe) is not None


def without_controls(
    expression: FloatArray, probes: Sequence[str], name: str
) -> tuple[FloatArray, list[str], str]:
    """Return expression and probes without controls, and a sentence for the provenance ("" if there are none).

    expression : (n_samples, n_probes)
    name       : of the file or cohort, for the error message

    Raises BadValues if all probes are controls.
    """
    controls = [place for place, probe in enumerate(probes) if probe[:1] in _INITIALS and is_control(probe)]
    if not controls:
        return expression, list(probes), ""
    first = probes[controls[0]]
    count = "1 control probe" if len(controls) == 1 else f"{len(controls)} control probes"
    if len(controls) == len(probes):
        raise BadValues(
            f"{name} has no probes except {count} (first: {first}); at least one other probe is needed. "
            "Keep the controls with --keep-controls (keep_controls=True)."
        )
    kept = np.ones(len(probes), dtype=bool)
    kept[controls] = False
    step = f"{count} ({first}{' ...' * (len(controls) > 1)}) left out of the features."
    return np.compress(kept, expression, axis=1), list(compress(probes, kept)), step


def _check_parts(of: Cohort | Batch, per_sample: Sequence[str]) -> None:
    matrix = of.expression
    if matrix.ndim != 2:
        raise BadValues(f"expression has {matrix.ndim} dimensions; 2 are needed: samples × probes.")
    needed = {**dict.fromkeys(per_sample, matrix.shape[0]), "probes": matrix.shape[1]}
    for column, n in needed.items():
        values = getattr(of, column)
        if values is not None and len(values) != n:
            raise BadIdentifiers(
                f"{len(values)} {column} for a matrix of {matrix.shape[0]} samples × {matrix.shape[1]} probes. "
                f"Give exactly {n}."
            )
    _check_unique("sample id", of.samples)
    for kind, names in (("sample id", of.samples), ("probe id", of.probes), ("label", of.labels)):
        if names is not None:
            _check_length(kind, np.asarray(names))
    if np.isinf(matrix).any():
        raise BadValues("expression holds infinite values. Replace them, or remove the samples.")


def _check_length(kind: str, names: StrArray) -> None:
    # The width of the array is that of its longest name.
    if names.dtype.kind == "U" and names.dtype.itemsize // 4 > MOST_CHARACTERS:
        longest = max(map(str, names), key=len)
        if len(longest) > MOST_CHARACTERS:
            raise BadIdentifiers(
                f"{kind} {longest[:40]!r} ... has {len(longest):,} characters; at most {MOST_CHARACTERS} are possible. "
                "Shorten it; a quote may be missing in the file."
            )


def _check_unique(kind: str, ids: StrArray) -> None:
    if len(set(ids.tolist())) == len(ids):
        return
    names, counts = np.unique(ids, return_counts=True)
    repeated = names[counts > 1]
    raise BadIdentifiers(
        f"{kind} {str(repeated[0])!r} appears more than once ({counted(len(repeated), 'repeated id')}). "
        f"Each {kind} must be unique: rename or remove the copies."
    )


def _matrix(values: ArrayLike) -> FloatArray:
    try:
        return np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise BadValues(
            f"expression is not numeric: {problem}. Remove columns that are not probes."
        ) from problem


def _names_of(frame: pd.DataFrame) -> tuple[StrArray, StrArray]:
    """Return the ids of samples and probes of a table."""
    if not isinstance(frame, pd.DataFrame):
        raise BadValues(
            f"a DataFrame is needed, not a {type(frame).__name__}: samples in rows, probes in columns."
        )
    return _as_text(frame.index.to_numpy()), _as_text(frame.columns.to_numpy())


def _by_sample(values: pd.Series, samples: NDArray[Any], column: str) -> NDArray[Any]:
    """Return a Series in the order of the samples, by its index; by position if the index only counts."""
    if values.index.equals(pd.RangeIndex(len(samples))):
        return values.to_numpy()
    index = [str(name) for name in values.index]
    wanted = [str(name) for name in samples]
    if len(set(index)) != len(index) or set(index) != set(wanted):
        missing = sorted(set(wanted) - set(index))
        what = (
            f"lack sample {missing[0]!r}"
            if missing
            else "name samples twice or samples that are not in the cohort"
        )
        raise BadIdentifiers(
            f"the {column} {what}. The index of a Series must hold the sample ids; pass an array to match by position."
        )
    places = {name: place for place, name in enumerate(index)}
    return values.to_numpy()[[places[name] for name in wanted]]


def _as_text(values: ArrayLike) -> StrArray:
    if isinstance(values, np.ndarray) and values.dtype.kind == "U":
        return values.copy()
    return np.array([str(value) for value in np.asarray(values).tolist()], dtype=np.str_)


def _frozen(array: NDArray[Any], original: object) -> NDArray[Any]:
    # The caller's array stays writable; the cohort holds a read-only view or copy.
    view = array.view() if array is original else array
    view.setflags(write=False)
    return view

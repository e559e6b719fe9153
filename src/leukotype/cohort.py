"""The cohort: expression of the same probes in every sample, and who the samples are."""

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

# Affymetrix: AFFX-BioB-5_at.  ERCC spike-ins, which end in five digits: ERCC-00002; ERCC1 and ERCC2 are genes.
# Agilent: (+)E1A_r60_3, (-)3xSLv1, DarkCorner.  R writes a dot for other signs.
_CONTROL = re.compile(
    r"AFFX[-._].+|ERCC[-._]\d{5}|(\(\+\)|X\.{3})E1A_r60_.+|(\(-\)|X\.{3})3xSLv1|DarkCorner|(GE_)?BrightCorner",
    re.IGNORECASE,
)
# Most probes begin with something else, and need no closer look.
_INITIALS = frozenset("AaEeXx(DdGgBb")


@dataclass(frozen=True)
class Provenance:
    """Where the values came from and what was done to them.

    source    : path or URL as the user gave it, or how the cohort was made
    sha256    : of the file's bytes; empty where there is no file
    scale     : unit of the expression values as they stand in the cohort, e.g. "log2 intensity"
    steps     : what was done to the values or the layout, one sentence each, in order
    simulated : True where no patient stands behind the values
    citation, licence : as known; empty otherwise
    """

    source: str
    sha256: str = ""
    scale: str = "log2 intensity"
    steps: tuple[str, ...] = ()
    simulated: bool = False
    citation: str = ""
    licence: str = ""

    def then(self, step: str) -> Provenance:
        """Return this provenance with one more step."""
        return replace(self, steps=(*self.steps, step))


@dataclass(frozen=True, eq=False)
class Cohort:
    """Expression of the same probes in every sample, and who the samples are.

    expression : (n_samples, n_probes) float64, log2 intensity; NaN only where the user asked for imputation
    labels     : (n_samples,) str, the class of each sample
    samples    : (n_samples,) str, unique sample ids
    probes     : (n_probes,) str, unique probe ids
    donors     : (n_samples,) str; one donor never stands on both sides of a split; None where unknown
    covariates : one row a sample, whatever else the file says of it; None where nothing is known
    provenance : source, hash, what was done to the values

    Raises BadIdentifiers, BadLabels or BadValues where the parts do not fit together.
    """

    expression: FloatArray
    labels: StrArray
    samples: StrArray
    probes: StrArray
    name: str = "cohort"
    donors: StrArray | None = None
    covariates: pd.DataFrame | None = None
    provenance: Provenance = field(default_factory=lambda: Provenance("memory"))

    def __post_init__(self) -> None:
        matrix = np.ascontiguousarray(self.expression, dtype=np.float64)
        object.__setattr__(self, "expression", _frozen(matrix, original=self.expression))
        for column in ("labels", "samples", "probes", "donors"):
            values = getattr(self, column)
            if values is not None:
                object.__setattr__(self, column, _frozen(_as_text(values), original=values))
        self._check()

    def _check(self) -> None:
        if self.expression.ndim != 2:
            raise BadValues(
                f"expression has {self.expression.ndim} dimensions, and needs 2: samples × probes."
            )
        n_samples, n_probes = self.expression.shape
        for column, needed in (("labels", n_samples), ("samples", n_samples), ("probes", n_probes)):
            found = len(getattr(self, column))
            if found != needed:
                raise BadIdentifiers(
                    f"{found} {column} for a matrix of {n_samples} samples × {n_probes} probes: "
                    f"{needed} are needed. Give one of them for each."
                )
        if self.donors is not None and len(self.donors) != n_samples:
            raise BadIdentifiers(
                f"{len(self.donors)} donors for {n_samples} samples. Give one for each sample."
            )
        if self.covariates is not None and len(self.covariates) != n_samples:
            raise BadIdentifiers(f"{len(self.covariates)} rows of covariates for {n_samples} samples.")
        if n_probes == 0:
            raise BadValues("the matrix has no probes: at least one numeric column is needed.")
        for kind, ids in (("sample id", self.samples), ("probe id", self.probes)):
            repeated = _repeated(ids)
            if repeated:
                raise BadIdentifiers(
                    f"{kind} {repeated[0]!r} appears more than once ({len(repeated)} ids are repeated). "
                    f"Each {kind} must be unique: rename or remove the copies."
                )
        if np.isinf(self.expression).any():
            raise BadValues("expression holds infinite values. Replace them or leave the samples out.")
        if n_samples and (self.labels == "").any():
            raise BadLabels(
                f"{int((self.labels == '').sum())} samples have no label. Label them or leave them out."
            )

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
        """Sha256 of all that a result depends on: values, labels, samples, probes and donors."""
        digest = hashlib.sha256(np.array(self.expression.shape, dtype="<i8").tobytes())
        digest.update(self.expression.astype("<f8", copy=False).tobytes())
        for ids in (self.labels, self.samples, self.probes, self.donors):
            digest.update(b"\x00none" if ids is None else "\x1f".join(ids.tolist()).encode())
            digest.update(b"\x1e")
        return digest.hexdigest()

    def facts(self) -> dict[str, Any]:
        """Return what the cohort is and where it came from, as JSON values."""
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
            "simulated": provenance.simulated,
            "citation": provenance.citation,
            "licence": provenance.licence,
        }

    def take(self, rows: ArrayLike, step: str) -> Cohort:
        """Return the cohort of the samples at `rows` (indices or mask); `step` says why, for the provenance."""
        chosen = np.asarray(rows)
        return replace(
            self,
            expression=self.expression[chosen],
            labels=self.labels[chosen],
            samples=self.samples[chosen],
            donors=None if self.donors is None else self.donors[chosen],
            covariates=None
            if self.covariates is None
            else self.covariates.loc[chosen].reset_index(drop=True)
            if chosen.dtype == bool
            else self.covariates.iloc[chosen].reset_index(drop=True),
            provenance=self.provenance.then(step),
        )

    def drop_classes(self, names: Sequence[str]) -> Cohort:
        """Return the cohort without the classes `names`; raises BadLabels for a class it does not have."""
        unknown = [name for name in names if name not in self.classes]
        if unknown:
            raise BadLabels(
                f"no class {unknown[0]!r} to drop in {self.name}. Its classes are {', '.join(self.classes)}."
            )
        if not names:
            return self
        left = int(np.isin(self.labels, names).sum())
        return self.take(
            ~np.isin(self.labels, names), f"{left} samples of class {', '.join(names)} left out, as asked."
        )

    def drop_controls(self) -> Cohort:
        """Return the cohort without its control probes; raises BadValues where it has no others."""
        values, probes, step = without_controls(self.expression, self.probes.tolist(), self.name)
        if not step:
            return self
        return replace(
            self, expression=values, probes=np.array(probes), provenance=self.provenance.then(step)
        )

    def __repr__(self) -> str:
        classes = ", ".join(f"{name} {count}" for name, count in self.class_counts.items())
        return f"Cohort({self.name}: {self.n_samples} samples × {self.n_probes} probes; {classes})"


def is_control(probe: str) -> bool:
    """Tell whether a probe measures how the laboratory worked, not the sample.

    Such are, by name, Affymetrix's controls (AFFX-...: spiked-in transcripts, and both ends of a few human ones,
    which show how far RNA is broken down), the spike-ins of the External RNA Controls Consortium (ERCC-00002) and
    Agilent's spots of alignment and background.  A gene or probe whose name only begins alike (AFF1, ERCC1) is none.
    """
    return _CONTROL.fullmatch(probe) is not None


def without_controls(
    expression: FloatArray, probes: Sequence[str], name: str
) -> tuple[FloatArray, list[str], str]:
    """Return expression and probes without control probes, and what is to be said of it; "" where there are none.

    expression : (n_samples, n_probes)
    name       : of the file or cohort, for the message

    Raises BadValues where there are no others.
    """
    controls = [place for place, probe in enumerate(probes) if probe[:1] in _INITIALS and is_control(probe)]
    if not controls:
        return expression, list(probes), ""
    first = probes[controls[0]]
    count = "1 control probe" if len(controls) == 1 else f"{len(controls)} control probes"
    if len(controls) == len(probes):
        raise BadValues(
            f"{name} holds {count} and no other, the first {first}, and at least one other probe is needed. "
            "Keep them with --keep-controls (keep_controls=True)."
        )
    kept = np.ones(len(probes), dtype=bool)
    kept[controls] = False
    step = f"{count} ({first}{' ...' * (len(controls) > 1)}) left out of the features."
    return np.compress(kept, expression, axis=1), list(compress(probes, kept)), step


def _as_text(values: ArrayLike) -> StrArray:
    if isinstance(values, np.ndarray) and values.dtype.kind == "U":
        return values.copy()
    return np.array([str(value) for value in np.asarray(values).tolist()], dtype=np.str_)


def _frozen(array: NDArray[Any], original: object) -> NDArray[Any]:
    # A caller's array stays writable for the caller; ours is a view or a copy that is not.
    view = array.view() if array is original else array
    view.setflags(write=False)
    return view


def _repeated(ids: StrArray) -> list[str]:
    if len(set(ids.tolist())) == len(ids):
        return []
    names, counts = np.unique(ids, return_counts=True)
    return [str(name) for name in names[counts > 1]]

"""New samples: expression as a file gives it, of samples nobody may have labelled yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leukotype.arrays import FloatArray, StrArray
from leukotype.cohort import Cohort, Provenance
from leukotype.errors import BadIdentifiers, BadValues

# No logarithm of an intensity comes near it, and squares of such values stay finite.
LARGEST = 1e30


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples that came together, and that nothing ties to each other: each is read and called by itself.

    expression : (n_samples, n_probes) float64, log2 intensity; NaN where a value is missing
    samples    : (n_samples,) str, unique sample ids
    probes     : (n_probes,) str, probe ids or gene symbols; one may stand there more than once
    labels     : (n_samples,) str, where the classes are known; None otherwise
    scales     : one entry per sample: what was done to its values, e.g. "log2 taken"; None where nobody looked
    provenance : source, hash, what was done to the layout

    Raises BadIdentifiers or BadValues where the parts do not fit together.
    """

    expression: FloatArray
    samples: StrArray
    probes: StrArray
    provenance: Provenance
    labels: StrArray | None = None
    scales: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        matrix = np.ascontiguousarray(self.expression, dtype=np.float64)
        object.__setattr__(self, "expression", matrix)
        if matrix.ndim != 2:
            raise BadValues(f"expression has {matrix.ndim} dimensions, and needs 2: samples × probes.")
        for name, needed in (("samples", matrix.shape[0]), ("probes", matrix.shape[1])):
            if len(getattr(self, name)) != needed:
                raise BadIdentifiers(f"{len(getattr(self, name))} {name} for a matrix of {matrix.shape}.")
        if self.labels is not None and len(self.labels) != self.n_samples:
            raise BadIdentifiers(
                f"{len(self.labels)} labels for {self.n_samples} samples. Give one for each."
            )
        if len(set(self.samples.tolist())) < self.n_samples:
            names, counts = np.unique(self.samples, return_counts=True)
            raise BadIdentifiers(
                f"sample id {str(names[counts > 1][0])!r} appears more than once. Each must be unique: rename the "
                "copies, or name another column with --samples."
            )
        if np.isinf(matrix).any():
            raise BadValues("expression holds infinite values. Replace them or leave the samples out.")
        beyond = (np.abs(matrix) > LARGEST).any(axis=1)
        if beyond.any():
            raise BadValues(
                f"sample {str(self.samples[beyond][0])!r} has a value beyond {LARGEST:g}, and log2 intensities are "
                "needed. Name the scale of its values with --scale linear, or leave the sample out."
            )

    @property
    def n_samples(self) -> int:
        return len(self.expression)

    @classmethod
    def of(cls, cohort: Cohort) -> Batch:
        """Return the samples of a cohort, with their labels."""
        return cls(cohort.expression, cohort.samples, cohort.probes, cohort.provenance, cohort.labels)

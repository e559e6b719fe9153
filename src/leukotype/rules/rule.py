"""The base class of all portable rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from leukotype.arrays import FloatArray, IntArray
from leukotype.errors import BadValues
from leukotype.rules.fields import LARGEST, MOST_CLASSES, MOST_PROBES, Fields, refuse

Parts = tuple[dict[str, Any], dict[str, NDArray[Any]]]


@dataclass(frozen=True, eq=False)
class Contributions:
    """The contribution of each probe to the evidence for one class.

    values  : (n, n_read); base + values.sum(axis=1) is the evidence of each sample
    how     : "exact" if the values follow from the rule and the definition in `meaning`; "approximate" if they
              follow a convention
    base    : evidence that no probe contributes
    meaning : the evidence, in words for a report
    """

    values: FloatArray
    how: Literal["exact", "approximate"]
    base: float
    meaning: str


@dataclass(frozen=True, eq=False)
class Rule(ABC):
    """A fitted model as plain arrays.

    n_classes : at least 2
    n_probes  : number of probes in the training matrix
    reads     : (n_read,) columns of that matrix that the rule reads, ascending
    """

    n_classes: int
    n_probes: int
    reads: IntArray

    kind: ClassVar[str]

    @property
    def n_read(self) -> int:
        return len(self.reads)

    def output(self, x: FloatArray) -> FloatArray:
        """(n, n_classes) probabilities, or decision scores if the model gives scores.

        x : (n, n_read) raw expression, columns as in `reads`

        A row's bytes do not depend on the other rows. Raises BadValues for NaN, infinity or a huge value.
        """
        return self.unchecked_output(self._checked(x))

    def contributions(self, x: FloatArray, code: int) -> Contributions:
        """Split the evidence for class `code` among the probes of samples `x` (n, n_read).

        Raises BadValues for NaN, infinity or a huge value.
        """
        if not 0 <= code < self.n_classes:
            raise ValueError(f"class {code} is not one of 0 to {self.n_classes - 1}.")
        return self._contributions(self._checked(x), code)

    def parts(self) -> Parts:
        """Return the JSON values and the named arrays from which `assemble` rebuilds this rule."""
        spec, arrays = self._own_parts()
        return (
            {"kind": self.kind, "n_classes": self.n_classes, "n_probes": self.n_probes, **spec},
            {"reads": self.reads.astype("<i4"), **arrays},
        )

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Build the rule from the entries of a file; raises BadBundle unless they describe a rule of this kind."""
        n_classes = fields.whole("n_classes", 2, MOST_CLASSES)
        n_probes = fields.whole("n_probes", 0, MOST_PROBES)
        reads = fields.wholes("reads", (None,), 0, n_probes - 1)
        if (np.diff(reads) <= 0).any():
            refuse("its probe numbers are not ascending")
        rule = cls._from_fields(fields, n_classes, n_probes, reads)
        fields.finish()
        return rule

    @abstractmethod
    def unchecked_output(self, x: FloatArray) -> FloatArray:
        """`output` for values that are known to be finite."""

    @abstractmethod
    def _contributions(self, x: FloatArray, code: int) -> Contributions: ...

    @abstractmethod
    def _own_parts(self) -> Parts: ...

    @classmethod
    @abstractmethod
    def _from_fields(cls, fields: Fields, n_classes: int, n_probes: int, reads: IntArray) -> Self: ...

    def _checked(self, x: FloatArray) -> FloatArray:
        rows = np.ascontiguousarray(x, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.n_read:
            raise ValueError(f"x has shape {rows.shape}, and must have shape (n, {self.n_read}).")
        # NaN fails the comparison.
        if rows.size and not (rows.min() >= -LARGEST and rows.max() <= LARGEST):
            raise BadValues(
                f"expression has missing values or values beyond {LARGEST:g}. Impute missing values first."
            )
        return rows

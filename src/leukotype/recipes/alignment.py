"""Alignment of one sample to the distribution of the training samples, independently of other samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Literal, Self, get_args

import numpy as np

from leukotype.arrays import FloatArray, IntArray

How = Literal["none", "quantile", "rank"]
HOWS: tuple[How, ...] = get_args(How)
# With fewer probes, the distribution depends more on the choice of probes than on the scale of the array.
LEAST_PROBES = 500


def default(n_probes: int) -> How:
    """Return the default alignment for this number of probes."""
    return "quantile" if n_probes >= LEAST_PROBES else "none"


@dataclass(frozen=True, eq=False)
class Sorted:
    """The order of one sample's values.

    present : (n_present,) probes that have a value
    order   : (n_present,) positions among those, from the lowest value to the highest; ties in any order
    starts  : (n_groups,) start of each run of equal values in that order
    """

    present: IntArray
    order: IntArray
    starts: IntArray

    @classmethod
    def of(cls, x: FloatArray) -> Self:
        """Sort a sample (n_probes,); NaN for missing values."""
        present = np.flatnonzero(~np.isnan(x))
        values = x[present]
        order = np.argsort(values)
        ascending = values[order]
        starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1])) if len(order) else order
        return cls(present, order, starts)

    def without(self, gone: IntArray, n_probes: int) -> Self:
        """Return the order of the same sample without the probes `gone`."""
        stays = np.zeros(n_probes, dtype=bool)
        stays[self.present] = True
        stays[gone] = False
        kept = stays[self.present]
        ascending = kept[self.order]
        # Position of each remaining value among the remaining ones.
        place = np.cumsum(kept) - 1
        groups = np.repeat(np.arange(len(self.starts)), self._sizes)[ascending]
        starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1])) if len(groups) else groups
        return type(self)(np.flatnonzero(stays), place[self.order[ascending]], starts)

    def to(self, reference: FloatArray) -> FloatArray:
        """(n_present,) the reference values in this sample's order; equal values get their mean.

        reference : (n_present,) ascending
        """
        if len(self.starts) == len(self.order):
            aligned = np.empty(len(self.order))
            aligned[self.order] = reference
            return aligned
        return np.asarray((np.add.reduceat(reference, self.starts) / self._sizes)[self._run_of])

    @property
    def largest_run(self) -> int:
        """Number of occurrences of the most frequent value."""
        return int(self._sizes.max(initial=0))

    @cached_property
    def _sizes(self) -> IntArray:
        """(n_groups,) length of each run of equal values."""
        return np.diff(self.starts, append=len(self.order))

    @cached_property
    def _run_of(self) -> IntArray:
        """(n_present,) run of equal values that each value belongs to."""
        runs = np.empty(len(self.order), dtype=np.intp)
        runs[self.order] = np.repeat(np.arange(len(self.starts)), self._sizes)
        return runs


@dataclass(frozen=True, eq=False)
class Alignment:
    """The distribution of the training samples, to which new samples are aligned.

    how       : "none"; "quantile": values are replaced by the mean order statistics of the training samples
                (quantile normalisation to a frozen reference); "rank": by normal scores
    reference : (n_probes,) ascending; None for "none"
    centre    : (n_probes,) mean of each probe over the aligned training samples; replaces missing values

    Bolstad et al. (2003), Bioinformatics 19, 185-193; the reference frozen as in McCall et al. (2010), Biostatistics
    11, 242-253.
    """

    how: How
    reference: FloatArray | None
    centre: FloatArray

    @classmethod
    def learn(cls, x: FloatArray, how: How) -> Self:
        """Learn from training samples `x` (n_train, n_probes) without missing values."""
        if how == "none":
            return cls(how, None, x.mean(axis=0))
        n_probes = x.shape[1]
        reference = np.sort(x, axis=1).mean(axis=0) if how == "quantile" else normal_scores(n_probes)
        total = np.zeros(n_probes)
        for row in x:
            total += Sorted.of(row).to(reference)
        return cls(how, reference, total / len(x))

    def arrays(self) -> tuple[FloatArray, ...]:
        """Return the arrays that a classifier file holds."""
        return (self.centre,) if self.reference is None else (self.centre, self.reference)

    @cached_property
    def usual_places(self) -> IntArray:
        """(n_probes,) rank of each probe by its training mean."""
        places = np.empty(len(self.centre), dtype=np.intp)
        places[np.argsort(self.centre, kind="stable")] = np.arange(len(self.centre))
        return places

    def complete(self, x: FloatArray, ranked: Sorted | None = None) -> FloatArray:
        """(n_probes,) the aligned sample; missing values get the training mean.

        x      : (n_probes,) log2 expression, NaN for missing values
        ranked : `Sorted.of(x)`, if it is already known

        The usual ranks of missing probes are removed from the reference, so that a panel of highly expressed probes is
        not stretched over the whole distribution.
        """
        if self.reference is None:
            return np.where(np.isnan(x), self.centre, x)
        ranked = ranked or Sorted.of(x)
        if len(ranked.present) == len(x):
            return ranked.to(self.reference)
        missing = np.ones(len(x), dtype=bool)
        missing[ranked.present] = False
        aligned = self.centre.copy()
        if len(ranked.present):
            aligned[ranked.present] = ranked.to(np.delete(self.reference, self.usual_places[missing]))
        return aligned


def normal_scores(n: int) -> FloatArray:
    """(n,) normal quantiles at (i - 1/2) / n, ascending and symmetric."""
    half = [NormalDist().inv_cdf((place + 0.5) / n) for place in range(n // 2)]
    middle = [0.0] if n % 2 else []
    return np.array([*half, *middle, *(-value for value in reversed(half))])

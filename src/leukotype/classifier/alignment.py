"""One sample brought to the distribution of the training samples, by itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Literal, Self, get_args

import numpy as np

from leukotype.arrays import FloatArray, IntArray

How = Literal["none", "quantile", "rank"]
HOWS: tuple[How, ...] = get_args(How)
# A distribution of fewer probes than these says more of which they are than of the array's scale.
LEAST_PROBES = 500


def default(n_probes: int) -> How:
    """Return how samples of so many probes are aligned where nobody says otherwise."""
    return "quantile" if n_probes >= LEAST_PROBES else "none"


@dataclass(frozen=True, eq=False)
class Sorted:
    """One sample's values in order, whatever they are aligned to.

    present : (n_probes,) whether there is a value
    order   : (n_present,) places among those present, from the lowest value to the highest; equal ones in any order,
              for nothing depends on it
    starts  : (n_groups,) where each run of equal values begins in that order
    """

    present: IntArray
    order: IntArray
    starts: IntArray

    @classmethod
    def of(cls, x: FloatArray) -> Self:
        """Sort a sample (n_probes,), NaN where a value is missing."""
        present = np.flatnonzero(~np.isnan(x))
        values = x[present]
        order = np.argsort(values)
        ascending = values[order]
        starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1])) if len(order) else order
        return cls(present, order, starts)

    def without(self, gone: IntArray, n_probes: int) -> Self:
        """Return what `of` would of the same sample without the values of the probes `gone`."""
        stays = np.zeros(n_probes, dtype=bool)
        stays[self.present] = True
        stays[gone] = False
        kept = stays[self.present]
        ascending = kept[self.order]
        # The place of each that stays among those that stay.
        place = np.cumsum(kept) - 1
        groups = np.repeat(np.arange(len(self.starts)), self._sizes)[ascending]
        starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1])) if len(groups) else groups
        return type(self)(np.flatnonzero(stays), place[self.order[ascending]], starts)

    def to(self, reference: FloatArray) -> FloatArray:
        """(n_present,) the reference's values in this sample's order; equal values share their mean.

        reference : (n_present,) ascending
        """
        if len(self.starts) == len(self.order):
            aligned = np.empty(len(self.order))
            aligned[self.order] = reference
            return aligned
        return np.asarray((np.add.reduceat(reference, self.starts) / self._sizes)[self._run_of])

    @property
    def largest_run(self) -> int:
        """How often the most frequent value stands there."""
        return int(self._sizes.max(initial=0))

    @cached_property
    def _sizes(self) -> IntArray:
        """(n_groups,) how many values are equal."""
        return np.diff(self.starts, append=len(self.order))

    @cached_property
    def _run_of(self) -> IntArray:
        """(n_present,) which run of equal values each belongs to."""
        runs = np.empty(len(self.order), dtype=np.intp)
        runs[self.order] = np.repeat(np.arange(len(self.starts)), self._sizes)
        return runs


@dataclass(frozen=True, eq=False)
class Alignment:
    """What is learned of the training samples' distribution, and how a sample is brought to it.

    how       : "none"; "quantile": its values are replaced by the training samples' mean order statistics (quantile
                normalisation to a frozen reference); "rank": by normal scores
    reference : (n_probes,) ascending; None for "none"
    centre    : (n_probes,) mean of each probe over the aligned training samples: what a missing value is taken for

    Bolstad et al. (2003), Bioinformatics 19, 185-193; the reference frozen as in McCall et al. (2010), Biostatistics
    11, 242-253.
    """

    how: How
    reference: FloatArray | None
    centre: FloatArray

    @classmethod
    def learn(cls, x: FloatArray, how: How) -> Self:
        """Learn from training samples `x` (n_train, n_probes), none of their values missing."""
        if how == "none":
            return cls(how, None, x.mean(axis=0))
        n_probes = x.shape[1]
        reference = np.sort(x, axis=1).mean(axis=0) if how == "quantile" else normal_scores(n_probes)
        total = np.zeros(n_probes)
        for row in x:
            total += Sorted.of(row).to(reference)
        return cls(how, reference, total / len(x))

    def arrays(self) -> tuple[FloatArray, ...]:
        """Return what a file holds of it."""
        return (self.centre,) if self.reference is None else (self.centre, self.reference)

    @cached_property
    def usual_places(self) -> IntArray:
        """(n_probes,) place of each probe among all, by its mean in training."""
        places = np.empty(len(self.centre), dtype=np.intp)
        places[np.argsort(self.centre, kind="stable")] = np.arange(len(self.centre))
        return places

    def complete(self, x: FloatArray, ranked: Sorted | None = None) -> FloatArray:
        """(n_probes,) a sample aligned, missing values as the training samples have them in the mean.

        x      : (n_probes,) log2 intensity, NaN where a value is missing
        ranked : `Sorted.of(x)` where it is known

        What is missing is left out of the reference at its usual place, so that a panel of high probes is not
        stretched over the whole distribution.
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

    def matrix(self, x: FloatArray) -> FloatArray:
        """(n, n_probes) each sample of `x` by itself; `x` itself where there is nothing to do."""
        if self.reference is None and not np.isnan(x).any():
            return x
        return np.array([self.complete(row) for row in x])


def normal_scores(n: int) -> FloatArray:
    """(n,) normal quantiles at (i - 1/2) / n, ascending and symmetric."""
    half = [NormalDist().inv_cdf((place + 0.5) / n) for place in range(n // 2)]
    middle = [0.0] if n % 2 else []
    return np.array([*half, *middle, *(-value for value in reversed(half))])

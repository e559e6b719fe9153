"""Adjusting p-values for their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from leukotype.arrays import FloatArray


def holm(p: ArrayLike) -> FloatArray:
    """(n,) p-values adjusted so that the chance of any false rejection stays below the level.

    An undefined value (nan) stays undefined, yet counts as a test that was made.

    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted

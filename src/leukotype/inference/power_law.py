"""How error falls with the number of training samples: an inverse power law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from leukotype.arrays import FloatArray

# Slower than this no cohort will ever show; faster is nearer to a step than to a law.
_EXPONENTS = np.linspace(0.05, 3.0, 119)


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """Errors a + b n^-c of one or many curves; each part (n_curves,), a and b at least 0."""

    floor: FloatArray
    scale: FloatArray
    exponent: FloatArray

    def at(self, n: ArrayLike) -> FloatArray:
        """(n_curves, n_sizes) error at each number of training samples."""
        sizes = np.atleast_1d(np.asarray(n, dtype=np.float64))
        return self.floor[:, None] + self.scale[:, None] * sizes ** -self.exponent[:, None]

    def samples_for(self, error: FloatArray) -> FloatArray:
        """(n_curves,) training samples at which each curve reaches its `error`; inf where it never does."""
        room = error - self.floor
        with np.errstate(divide="ignore", over="ignore"):
            needed = (self.scale / np.where(room > 0, room, 1.0)) ** (1 / self.exponent)
        return np.where(room > 0, needed, np.inf)


def fit(sizes: ArrayLike, errors: ArrayLike) -> PowerLaw:
    """Fit each curve by least squares, with floor and scale at least 0.

    sizes  : (n_sizes,) numbers of training samples
    errors : (n_curves, n_sizes)

    For a fixed exponent floor and scale solve a linear problem; the exponent is the best of a fine grid from
    0.05 to 3.  Where floor and scale explain a curve no better than a constant, the scale is 0.

    Cortes et al. (1993), NIPS 6, 327-334; Mukherjee et al. (2003), J. Comput. Biol. 10, 119-142, on microarrays.
    """
    n = np.asarray(sizes, dtype=np.float64)
    y = np.atleast_2d(np.asarray(errors, dtype=np.float64))
    # Relative to the largest size powers stay of order one.
    x = (n / n.max()) ** -_EXPONENTS[:, None]
    x_mean, y_mean = x.mean(axis=1), y.mean(axis=1)
    centred = x - x_mean[:, None]
    slope = np.maximum(y @ centred.T / (centred**2).sum(axis=1), 0.0)
    floor = y_mean[:, None] - slope * x_mean
    # A floor below 0 is set to 0, and the scale solved for alone.
    sunk = floor < 0
    alone = np.maximum(y @ x.T / (x**2).sum(axis=1), 0.0)
    floor, slope = np.where(sunk, 0.0, floor), np.where(sunk, alone, slope)
    residual = ((y[:, None, :] - floor[:, :, None] - slope[:, :, None] * x) ** 2).sum(axis=2)
    best = residual.argmin(axis=1)
    rows = np.arange(len(y))
    exponent = _EXPONENTS[best]
    return PowerLaw(floor[rows, best], slope[rows, best] * n.max() ** exponent, exponent)

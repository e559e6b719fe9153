"""Scale check: broken samples and other scales are detected, rounding alone is not."""

from __future__ import annotations

import numpy as np
import pytest

from leukotype.arrays import FloatArray
from leukotype.classifier.scale_check import ScaleRange
from leukotype.recipes.alignment import Sorted


def _samples(n: int, n_probes: int, seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(7, 2, n_probes) + rng.normal(0, 0.4, (n, n_probes)), 2, 14)


@pytest.mark.parametrize("n_probes", [1_000, 22_283])
@pytest.mark.parametrize("decimals", [1, 2, 3])
def test_rounding_is_accepted(n_probes: int, decimals: int) -> None:
    x = _samples(6, n_probes, 1)
    scale = ScaleRange.learn(x[:5], is_bound=False)
    new = np.round(x[5], decimals)
    assert not scale.is_off(new, Sorted.of(new))


def test_a_dominant_or_few_distinct_values_are_off_scale() -> None:
    x = _samples(6, 5_000, 2)
    scale = ScaleRange.learn(x[:5], is_bound=False)
    floored = np.maximum(x[5], np.quantile(x[5], 0.95))
    coarse = np.round(x[5] / 2)
    for new in (floored, coarse, np.full(5_000, 7.0)):
        assert scale.is_off(new, Sorted.of(new))


def test_a_floor_like_that_of_the_training_samples_is_accepted() -> None:
    x = np.maximum(_samples(6, 5_000, 3), 11.0)
    assert (x == 11.0).mean() > 0.9
    scale = ScaleRange.learn(x[:5], is_bound=False)
    assert not scale.is_off(x[5], Sorted.of(x[5]))

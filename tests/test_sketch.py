"""Sketches recognise a training sample after a change of scale, and no other sample."""

from __future__ import annotations

import numpy as np
import pytest

import leukotype as lt
from leukotype.classifier.sketch import LEAST, N_PAIRS, Sketch


@pytest.fixture(scope="module")
def simulated():
    return lt.simulate({"a": 18, "b": 12}, 120, seed=3)


def learned(simulated) -> Sketch:
    found = Sketch.learn(simulated.cohort.expression, simulated.cohort.codes)
    assert found is not None
    return found


def test_bits_are_the_signs_of_the_pairs(simulated):
    one, x = learned(simulated), simulated.cohort.expression
    assert LEAST <= len(one.pairs) <= N_PAIRS
    assert (one.pairs[:, 0] != one.pairs[:, 1]).all()
    bits = np.unpackbits(one.bits, axis=1, count=len(one.pairs))
    np.testing.assert_array_equal(bits, x[:, one.pairs[:, 0]] > x[:, one.pairs[:, 1]])
    # No probe is in many pairs, and the order of most pairs varies.
    assert np.bincount(one.pairs.ravel()).max() <= 20
    assert np.minimum(bits.mean(axis=0), 1 - bits.mean(axis=0)).mean() > 0.2


@pytest.mark.parametrize("seed", range(3))
def test_changes_that_keep_the_order_are_recognised_with_missing_values(simulated, seed):
    one, rng = learned(simulated), np.random.default_rng(seed)
    for x in simulated.cohort.expression:
        missing = rng.random(len(x)) < 0.3
        for changed in (
            x.round(1),
            2**x,
            np.sqrt(x),
            (x - x.mean()) / x.std(),
            np.argsort(np.argsort(x)) + 0.0,
        ):
            assert one.knows(np.where(missing, np.nan, changed)) is True


def test_other_samples_are_not_recognised(simulated):
    one, fresh = learned(simulated), simulated.fresh({"a": 300, "b": 200}, 1)
    assert not any(one.knows(x) for x in fresh.expression)


def test_the_same_cohort_gives_the_same_sketch(simulated):
    first, second = learned(simulated), learned(simulated)
    np.testing.assert_array_equal(first.pairs, second.pairs)
    np.testing.assert_array_equal(first.bits, second.bits)


def test_few_values_are_not_compared(simulated):
    one = learned(simulated)
    assert one.knows(np.full(120, np.nan)) is None
    assert one.knows(np.full(120, 7.0)) is None


def test_there_is_no_sketch_that_cannot_tell_samples_apart():
    few = lt.simulate({"a": 18, "b": 12}, 8, seed=1).cohort
    assert Sketch.learn(few.expression, few.codes) is None
    # Probes whose order is the same in every sample.
    stable = np.arange(100.0) + np.random.default_rng(0).normal(0, 0.01, (30, 100))
    assert Sketch.learn(stable, few.codes) is None
    # Each sample twice.
    twice = np.repeat(np.random.default_rng(0).normal(7, 1, (15, 100)), 2, axis=0)
    assert Sketch.learn(twice, few.codes) is None


def test_a_cohort_with_missing_values_is_recognised(simulated):
    x = simulated.cohort.expression
    gappy = np.where(np.random.default_rng(0).random(x.shape) < 0.05, np.nan, x)
    one = Sketch.learn(gappy, simulated.cohort.codes)
    assert one is not None
    assert all(one.knows(row) for row in gappy)

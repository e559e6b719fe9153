"""The F screen against scikit-learn, weighted draws, and the effect of a screen that saw the test part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_selection import f_classif

from leukotype.wide import boosting, elasticnet, forest, pairs
from leukotype.wide.fold import Fold
from leukotype.wide.screen import FScreens, f_screen, f_statistic, strongest


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 30), st.integers(1, 12), st.integers(2, 4), st.integers(0, 1000))
def test_f_statistic_equals_scikit_learn(n, p, n_classes, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % n_classes)
    x = rng.normal(100.0, 1.0, size=(n, p))
    expected = f_classif(x, labels)[0] if n > n_classes else np.zeros(p)
    assert_allclose(f_statistic(x, labels), expected, rtol=1e-6, atol=1e-9)


def test_f_statistic_where_the_usual_formula_divides_by_zero():
    labels = np.array([0, 0, 1, 1])
    x = np.array([[3.0, 0.0, 1.0], [3.0, 0.0, 2.0], [3.0, 1.0, 1.0], [3.0, 1.0, 2.0]])
    assert_array_equal(f_statistic(x, labels), [0.0, np.inf, 0.0])
    assert_array_equal(f_statistic(x, np.zeros(4, dtype=int)), np.zeros(3))
    assert_array_equal(f_statistic(x, np.arange(4)), np.zeros(3))


def test_a_draw_counts_a_sample_as_often_as_it_was_drawn():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(20, 50)), np.arange(20) % 3
    drawn = rng.integers(0, 20, size=(6, 20))
    weights = np.array([np.bincount(rows, minlength=20) for rows in drawn], dtype=float)
    screens = FScreens(x, labels, 7).of_draws(weights)
    for rows, screen in zip(drawn, screens, strict=True):
        assert_array_equal(screen, f_screen(x[rows], labels[rows], 7))


def test_a_draw_without_a_class():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(9, 30)), np.repeat([0, 1, 2], 3)
    weights = np.array([[2, 1, 1, 3, 1, 1, 0, 0, 0.0]])
    rows = np.repeat(np.arange(9), weights[0].astype(int))
    assert_array_equal(FScreens(x, labels, 5).of_draws(weights)[0], f_screen(x[rows], labels[rows], 5))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20), st.integers(1, 25))
def test_strongest_is_a_stable_sort(scores, size):
    values = np.array([scores], dtype=float)
    assert_array_equal(strongest(values, size)[0], np.argsort(-values[0], kind="stable")[:size])


def test_constant_probes_come_last():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 6))
    x[:, 2] = 5.0
    labels = np.arange(12) % 2
    assert f_screen(x, labels, 6)[-1] == 2
    assert FScreens(x - x.mean(axis=0), labels, 6).of_draws(np.ones((1, 12)))[0, -1] == 2


# The accuracy that the leak must exceed: additive stumps read few of the chosen probes and gain less.
PATHS = {
    "elasticnet": (elasticnet.path, {"strength": 0.1}, 0.85),
    "forest": (forest.path, {"screen": 20, "n_estimators": 60}, 0.8),
    "boosting": (boosting.path, {"screen": 20, "n_estimators": 40, "max_depth": 1}, 0.6),
    "pairs": (pairs.path, {"k": 9, "screen": 50}, 0.75),
}


def accuracy_of_cross_validation(path, setting, x, labels):
    correct = 0
    for test in np.array_split(np.arange(len(x)), 5):
        train = np.setdiff1d(np.arange(len(x)), test)
        fold = Fold(x, train, test)
        (candidate,) = path(fold, labels[train], [setting], np.random.default_rng(0))
        correct += int((candidate.predict_proba(fold).argmax(axis=1) == labels[test]).sum())
    return correct / len(x)


@pytest.mark.parametrize("name", PATHS)
def test_accuracy_on_noise_is_at_chance_and_high_with_a_screen_before_the_split(name):
    path, setting, bar = PATHS[name]
    honest, leaky = [], []
    for seed in range(6):
        rng = np.random.default_rng([seed, 7])
        x, labels = rng.normal(size=(40, 4000)), rng.permutation(np.arange(40) % 2)
        honest.append(accuracy_of_cross_validation(path, setting, x, labels))
        leaky.append(accuracy_of_cross_validation(path, setting, x[:, f_screen(x, labels, 50)], labels))
    # 240 random predictions: 0.5 with standard deviation 0.032.
    assert 0.38 < np.mean(honest) < 0.6
    assert np.mean(leaky) > bar

"""Top scoring pairs against brute force, and invariance to increasing transformations."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import rankdata

from leukotype.wide.fold import Fold
from leukotype.wide.pairs import path

GRID = tuple({"k": k, "screen": 30} for k in (1, 3, 5, 7))


def problem(n=30, p=40, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % n_classes).astype(np.intp)
    x = rng.normal(7.0, 1.0, size=(n, p))
    x[np.arange(n), labels] += 2.0
    return x, labels


def fit(x, labels, grid=GRID, test=None):
    test = x if test is None else test
    fold = Fold(np.concatenate([x, test]), np.arange(len(x)), len(x) + np.arange(len(test)))
    return fold, path(fold, labels, grid, np.random.default_rng(0))


def duels(candidate):
    """(lower, upper) columns of the pairs of each two classes."""
    rule = candidate.portable
    ends = np.cumsum(rule.counts)[:-1]
    sides = (np.split(rule.reads[side], ends) for side in (rule.lower, rule.upper))
    return list(zip(*sides, strict=True))


def test_the_best_pair_is_the_best_of_all_pairs():
    # Geman 2004: the largest difference between the classes in how often one probe is above the other,
    # ties by the difference in mean rank gap; here over every pair.
    for seed in range(5):
        x, labels = problem(n=24, p=12, seed=seed)
        _, (candidate,) = fit(x, labels, [{"k": 1, "screen": 12}])
        ranks = rankdata(x, axis=1)
        one, two = labels == 0, labels == 1

        def score(pair, x=x, ranks=ranks, one=one, two=two):
            i, j = pair
            above = x[:, j] > x[:, i]
            gap = ranks[:, j] - ranks[:, i]
            return round(above[two].mean() - above[one].mean(), 9), gap[two].mean() - gap[one].mean()

        i, j = max(permutations(range(12), 2), key=score)
        assert tuple(side[0] for side in duels(candidate)[0]) == (i, j)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["exp", "cube", "rank", "shift"]), st.integers(2, 4))
def test_any_increasing_transformation_of_each_sample_gives_the_same_rule(seed, kind, n_classes):
    rng = np.random.default_rng(seed)
    x, labels = problem(n=18, p=15, n_classes=n_classes, seed=seed)
    test, _ = problem(n=7, p=15, seed=seed + 1)
    each = {
        "exp": lambda row: np.exp(rng.uniform(0.1, 2) * row),
        "cube": lambda row: (row - 7) ** 3,
        "rank": lambda row: rankdata(row),
        "shift": lambda row: rng.uniform(0.5, 2) * row + rng.normal(),
    }[kind]
    fold, before = fit(x, labels, GRID, test)
    bent_fold, after = fit(np.array([each(r) for r in x]), labels, GRID, np.array([each(r) for r in test]))
    for one, two in zip(before, after, strict=True):
        for first, second in zip(duels(one), duels(two), strict=True):
            assert_array_equal(first, second)
        assert_array_equal(one.predict_proba(fold), two.predict_proba(bent_fold))


def test_pairs_are_disjoint_and_a_smaller_k_is_a_beginning_of_a_larger():
    x, labels = problem(n_classes=3)
    _, fitted = fit(x, labels)
    longest = fitted[-1]
    for candidate, setting in zip(fitted, GRID, strict=True):
        for duel, whole in zip(duels(candidate), duels(longest), strict=True):
            both = np.concatenate(duel)
            assert len(np.unique(both)) == len(both) == 2 * setting["k"]
            assert_array_equal(duel[0], whole[0][: setting["k"]])


def test_probabilities_are_shares_of_votes():
    x, labels = problem(n_classes=2)
    fold, fitted = fit(x, labels)
    for candidate, setting in zip(fitted, GRID, strict=True):
        p = candidate.predict_proba(fold)
        ((lower, upper),) = duels(candidate)
        votes = (x[:, upper] > x[:, lower]).sum(axis=1)
        assert_allclose(p[:, 1], votes / setting["k"])
        assert_allclose(p.sum(axis=1), 1.0)


def test_every_duel_of_a_class_counts_equally():
    x, labels = problem(n_classes=4)
    fold, (candidate,) = fit(x, labels, [{"k": 3, "screen": 20}])
    assert len(duels(candidate)) == 6
    # A class that wins all of its duels has 3 votes of 6.
    assert candidate.predict_proba(fold).max() <= 0.5
    assert (candidate.predict_proba(fold).argmax(axis=1) == labels).mean() > 0.8
    assert_allclose(candidate.predict_proba(fold).sum(axis=1), 1.0)


@pytest.mark.parametrize("n", [254, 255, 256, 600])
def test_counts_that_exceed_a_byte(n):
    x, labels = problem(n=2 * n, p=6)
    x[labels == 0, 3:5] = [100.0, 200.0]
    x[labels == 1, 3:5] = [200.0, 100.0]
    _, (candidate,) = fit(x, labels, [{"k": 1, "screen": 6}])
    assert tuple(side[0] for side in duels(candidate)[0]) == (4, 3)


def test_too_few_probes_for_k_give_an_odd_number_of_pairs():
    x, labels = problem(n=20, p=9)
    fold, (candidate,) = fit(x, labels, [{"k": 9, "screen": 9}])
    n_pairs = len(duels(candidate)[0][0])
    assert n_pairs in (1, 3)
    assert set((candidate.predict_proba(fold)[:, 1] * n_pairs).round(9)) <= {0.0, 1.0, 2.0, 3.0}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"k": 2}, "k is 2"),
        ({"k": 0}, "k is 0"),
        ({"screen": 1}, "screen is 1"),
        ({"n": 3}, "no setting 'n'"),
    ],
)
def test_bad_settings_are_named(setting, words):
    x, labels = problem(n=12, p=5)
    with pytest.raises(ValueError, match=words):
        fit(x, labels, [setting])

"""k nearest neighbours against scikit-learn, ties included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from leukotype.wide import Fold
from leukotype.wide.neighbors import path
from wide_problems import fit, problem

GRID = tuple({"n_neighbors": k, "weights": w} for k in (1, 2, 3, 5, 7, 12) for w in ("uniform", "distance"))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tie-breaking in scikit-learn may depend on the number of threads; many threads make small calls slow."""
    with threadpool_limits(1):
        yield


def plain(fold: Fold, labels, setting):
    model = KNeighborsClassifier(**setting, algorithm="brute").fit(fold.z_train, labels)
    return model.predict_proba(fold.z_test)


def assert_equal_to_plain(fold, fitted, labels, grid=GRID):
    for candidate, setting in zip(fitted, grid, strict=True):
        assert_allclose(candidate.predict_proba(fold), plain(fold, labels, setting), atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3, 6])
@pytest.mark.parametrize("p", [1, 5, 80, 3000])
def test_every_k_and_weighting_equals_scikit_learn(n_classes, p):
    x, labels = problem(40, p, n_classes)
    new, _ = problem(15, p, n_classes, seed=1)
    fold, fitted = fit(path, x, labels, GRID, new)
    assert_equal_to_plain(fold, fitted, labels)


def signs(n_train, n_test, p, seed):
    """Samples of -1 and 1 whose training columns have mean 0 and deviation 1: all squared distances are integers."""
    rng = np.random.default_rng(seed)
    half = np.repeat([-1.0, 1.0], n_train // 2)
    train = np.stack([rng.permutation(half) for _ in range(p)], axis=1)
    return train, rng.choice([-1.0, 1.0], size=(n_test, p))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([6, 10, 24, 60]), st.integers(2, 9), st.integers(2, 4))
def test_ties_are_resolved_as_in_scikit_learn(seed, n_train, p, n_classes):
    x, new = signs(n_train, 5, p, seed)
    labels = np.random.default_rng(seed).permutation(np.arange(n_train) % n_classes)
    grid = [setting for setting in GRID if setting["n_neighbors"] <= n_train]
    fold, fitted = fit(path, x, labels, grid, new)
    assert_equal_to_plain(fold, fitted, labels, grid)


def test_those_ties_exist_and_affect_the_output():
    x, new = signs(60, 5, 6, 0)
    fold = Fold(np.vstack([x, new]), np.arange(60), np.arange(60, 65))
    distances = np.sort(fold.squared_distances_from(fold).round(9), axis=1)
    assert (distances[:, 4] == distances[:, 5]).any()
    labels = np.arange(60) % 3
    first = path(fold, labels, GRID, np.random.default_rng(0))
    turned = Fold(np.vstack([x[::-1], new]), np.arange(60), np.arange(60, 65))
    last = path(turned, labels[::-1].copy(), GRID, np.random.default_rng(0))
    pairs = zip(first, last, strict=True)
    assert any(not np.allclose(one.predict_proba(fold), two.predict_proba(turned)) for one, two in pairs)


def test_duplicates_among_the_training_samples():
    x, _ = problem(20, 60)
    labels = np.arange(40) % 3
    new, _ = problem(15, 60, seed=1)
    fold, fitted = fit(path, np.vstack([x, x]), labels, GRID, new)
    assert_equal_to_plain(fold, fitted, labels)


def test_only_samples_at_distance_0_vote_by_distance():
    x, labels = problem(20, 60)
    fold, fitted = fit(path, x, labels, GRID)
    for candidate, setting in zip(fitted, GRID, strict=True):
        if setting["weights"] == "distance":
            assert_array_equal(candidate.predict_proba(fold), np.eye(3)[labels])
    # Two equal samples of different classes share the vote; beyond the k-th place there is no vote.
    twice = np.vstack([x, x])
    fold, (both, one) = fit(
        path,
        twice,
        np.repeat([0, 1], 20),
        [{"n_neighbors": 2, "weights": "distance"}, {"n_neighbors": 1, "weights": "distance"}],
    )
    assert_array_equal(both.predict_proba(fold), 0.5)
    assert set(one.predict_proba(fold).ravel()) == {0.0, 1.0}


def test_all_neighbours_give_the_class_shares():
    x, labels = problem(24)
    fold, fitted = fit(path, x, labels, [{"n_neighbors": k} for k in (24, 25, 1000)])
    for candidate in fitted:
        assert_allclose(candidate.predict_proba(fold), np.tile(np.bincount(labels) / 24, (24, 1)), atol=1e-12)


def test_shares_are_multiples_of_one_in_k():
    x, labels = problem()
    fold, fitted = fit(path, x, labels, [{"n_neighbors": k} for k in (1, 4, 7)])
    for candidate, k in zip(fitted, (1, 4, 7), strict=True):
        votes = candidate.predict_proba(fold) * k
        assert_allclose(votes, votes.round(), atol=1e-12)
        assert_allclose(votes.sum(axis=1), k)


def test_more_training_samples_than_a_chunk_of_scikit_learn():
    x, new = signs(600, 8, 7, 1)
    labels = np.random.default_rng(1).integers(0, 3, 600)
    fold, fitted = fit(path, x, labels, GRID, new)
    for candidate, setting in zip(fitted, GRID, strict=True):
        model = KNeighborsClassifier(**setting, algorithm="brute").fit(fold.z_train, labels)
        alone = np.vstack([model.predict_proba(row[None, :]) for row in fold.z_test])
        assert_allclose(candidate.predict_proba(fold), alone, atol=1e-9)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"n_neighbors": 0}, "n_neighbors is 0"),
        ({"n_neighbors": 2.5}, "integer"),
        ({"weights": "rank"}, "uniform, distance"),
        ({"k": 3}, "no setting 'k'"),
    ],
)
def test_bad_settings_are_named(setting, words):
    x, labels = problem()
    with pytest.raises(ValueError, match=words):
        fit(path, x, labels, [setting])

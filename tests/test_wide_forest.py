"""The forest against scikit-learn's, its out-of-bag score, and its seeds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import RandomForestClassifier

from leukotype.wide.fold import Fold
from leukotype.wide.forest import path
from leukotype.wide.screen import f_screen

SCREENS = (None, 20)


def problem(n=40, p=80, n_classes=3, seed=0, effect=2.0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    x = rng.normal(7.0, 1.0, size=(n, p))
    x[np.arange(n), labels] += effect
    return x, labels.astype(np.intp)


def fit(x, labels, grid, test=None, seed=3):
    test = x if test is None else test
    fold = Fold(np.concatenate([x, test]), np.arange(len(x)), len(x) + np.arange(len(test)))
    return fold, path(fold, labels, grid, np.random.default_rng(seed))


def oob_error(candidate, labels):
    return (candidate.out_of_bag.argmax(axis=1) != labels).mean()


@pytest.mark.parametrize("max_features", ["sqrt", "log2", 0.1, None])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_without_a_screen_it_is_the_forest_of_scikit_learn(n_classes, max_features):
    x, labels = problem(n_classes=n_classes)
    fold, (ours,) = fit(x, labels, [{"max_features": max_features, "n_estimators": 60}])
    seed = int(np.random.default_rng(3).integers(np.iinfo(np.int32).max))
    theirs = RandomForestClassifier(60, max_features=max_features, random_state=seed, oob_score=True)
    theirs.fit(x, labels)
    assert_allclose(ours.predict_proba(fold), theirs.predict_proba(x), atol=1e-12)
    assert_allclose(ours.out_of_bag, theirs.oob_decision_function_, atol=1e-12)
    assert_allclose(1 - oob_error(ours, labels), theirs.oob_score_)
    assert_array_equal(ours.probes, np.flatnonzero(theirs.feature_importances_))


def test_values_are_compared_in_single_precision_as_scikit_learn_does():
    x, labels = problem(n_classes=2)
    seed = int(np.random.default_rng(3).integers(np.iinfo(np.int32).max))
    theirs = RandomForestClassifier(20, random_state=seed).fit(x, labels)
    # The next double above a root's threshold, which is equal in single precision.
    test = np.repeat(x[:1], 20, axis=0)
    for row, tree in zip(test, theirs.estimators_, strict=True):
        row[tree.tree_.feature[0]] = np.nextafter(tree.tree_.threshold[0], np.inf)
    fold, (ours,) = fit(x, labels, [{"n_estimators": 20}], test)
    assert_allclose(ours.predict_proba(fold), theirs.predict_proba(test), atol=1e-12)


def test_out_of_bag_error_on_noise_is_at_chance_with_a_screen_per_tree():
    # A screen shared by all trees has seen the samples that a tree left out.
    own, shared = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x, labels = rng.normal(size=(40, 2000)), np.arange(40) % 2
        _, (honest,) = fit(x, labels, [{"screen": 20, "n_estimators": 100}])
        own.append(oob_error(honest, labels))
        _, (leaky,) = fit(x[:, f_screen(x, labels, 20)], labels, [{"n_estimators": 100}])
        shared.append(oob_error(leaky, labels))
    assert np.mean(own) > 0.35
    assert np.mean(shared) < 0.2


def test_out_of_bag_score_finds_the_better_setting():
    x, labels = problem(n=60, p=400, n_classes=2)
    grid = [{"max_features": 1, "n_estimators": 150}, {"max_features": 0.5, "n_estimators": 150}]
    _, (blind, sighted) = fit(x, labels, grid)
    assert sighted.own_score > blind.own_score
    votes = np.maximum(sighted.out_of_bag[np.arange(60), labels], 0.005)
    assert_allclose(sighted.own_score, np.log(votes).mean())


def test_a_larger_forest_begins_with_the_smaller():
    x, labels = problem()
    fold, (small, large) = fit(x, labels, [{"n_estimators": 5}, {"n_estimators": 9}])
    n_nodes = small.trees.roots[-1]
    assert_array_equal(small.trees.roots, large.trees.roots[:5])
    assert_array_equal(small.trees.threshold[:n_nodes], large.trees.threshold[:n_nodes])
    assert small.predict_proba(fold).shape == (len(x), 3)


@pytest.mark.parametrize("screen", SCREENS)
def test_the_order_of_growing_trees_changes_nothing(screen):
    x, labels = problem()
    grid = [{"screen": screen, "n_estimators": 170}, {"screen": 10, "n_estimators": 30}]
    fold, scored = fit(x, labels, grid)
    scores = [candidate.own_score for candidate in scored]
    _, unscored = fit(x, labels, grid)
    before = [candidate.predict_proba(fold) for candidate in reversed(unscored)][::-1]
    for candidate, probabilities in zip(scored, before, strict=True):
        assert_array_equal(candidate.predict_proba(fold), probabilities)
    assert [candidate.own_score for candidate in unscored] == scores


@pytest.mark.parametrize("screen", SCREENS)
def test_the_same_seed_gives_the_same_forest_and_another_does_not(screen):
    x, labels = problem()
    fold, (one,) = fit(x, labels, [{"screen": screen, "n_estimators": 20}])
    _, (two,) = fit(x, labels, [{"screen": screen, "n_estimators": 20}])
    _, (other,) = fit(x, labels, [{"screen": screen, "n_estimators": 20}], seed=4)
    assert_array_equal(one.predict_proba(fold), two.predict_proba(fold))
    assert (one.predict_proba(fold) != other.predict_proba(fold)).any()


def test_one_tree_and_two_samples():
    x = np.array([[0.0, 1.0], [1.0, 1.0]])
    fold, (candidate,) = fit(x, np.array([0, 1]), [{"n_estimators": 1, "screen": 1}])
    assert candidate.predict_proba(fold).shape == (2, 2)
    assert candidate.own_score <= 0


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"screen": 0}, "screen is 0"),
        ({"n_estimators": 0}, "n_estimators is 0"),
        ({"max_depth": 3}, "no setting 'max_depth'"),
    ],
)
def test_bad_settings_are_named(setting, words):
    x, labels = problem(n=12, p=5)
    with pytest.raises(ValueError, match=words):
        fit(x, labels, [setting])

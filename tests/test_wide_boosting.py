"""Boosting: the numbers of XGBoost for every number of rounds."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from xgboost import XGBClassifier

from leukotype.wide.boosting import path
from leukotype.wide.fold import Fold

SCREENS = (None, 20)


def problem(n=40, p=60, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    x = rng.normal(7.0, 1.0, size=(n, p))
    x[np.arange(n), labels] += 1.5
    return x, labels.astype(np.intp)


def fit(x, labels, grid, test=None):
    test = x if test is None else test
    fold = Fold(np.concatenate([x, test]), np.arange(len(x)), len(x) + np.arange(len(test)))
    return fold, path(fold, labels, grid, np.random.default_rng(0))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_without_a_screen_it_is_xgboost_for_every_number_of_rounds(n_classes):
    x, labels = problem(n=60, n_classes=n_classes)
    # Trees split at values of training samples, so these are tested too.
    test = np.concatenate([problem(n=25, seed=9, n_classes=n_classes)[0], x])
    grid = [
        {"max_depth": depth, "learning_rate": rate, "n_estimators": rounds, "reg_lambda": 0.5}
        for depth in (2, 4)
        for rate in (0.1, 0.3)
        for rounds in (1, 7, 25)
    ]
    fold, fitted = fit(x, labels, grid, test)
    for setting, ours in zip(grid, fitted, strict=True):
        theirs = XGBClassifier(tree_method="hist", n_jobs=1, random_state=0, **setting).fit(x, labels)
        assert ours.setting == setting
        assert_allclose(ours.predict_proba(fold), theirs.predict_proba(test), atol=1e-6)
        assert_array_equal(ours.probes, np.flatnonzero(theirs.feature_importances_))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_columns_per_tree_is_colsample_bytree_as_a_count(n_classes):
    x, labels = problem(n=60, n_classes=n_classes)
    grid = [
        {"max_depth": depth, "n_estimators": rounds, "columns_per_tree": 15}
        for depth in (2, 4)
        for rounds in (3, 60)
    ]
    fold, fitted = fit(x, labels, grid)
    seed = int(np.random.default_rng(0).integers(np.iinfo(np.int32).max))
    for setting, ours in zip(grid, fitted, strict=True):
        wanted = {name: value for name, value in setting.items() if name != "columns_per_tree"}
        theirs = XGBClassifier(
            tree_method="hist", n_jobs=1, random_state=seed, colsample_bytree=0.25, **wanted
        ).fit(x, labels)
        assert_allclose(ours.predict_proba(fold), theirs.predict_proba(x), atol=2e-6)
        assert_array_equal(ours.probes, np.flatnonzero(theirs.feature_importances_))


@pytest.mark.parametrize("columns_per_tree", [1, 60, 1000, None])
def test_a_tree_reads_at_most_columns_per_tree_probes(columns_per_tree):
    x, labels = problem(n_classes=2)
    x[:, 2:] += labels[:, None] * np.linspace(0.2, 0.8, 58)
    setting = {"n_estimators": 30, "max_depth": 4, "columns_per_tree": columns_per_tree}
    _, (one,) = fit(x, labels, [setting])
    trees = one.trees
    edges = [*trees.roots.tolist(), len(trees.left)]
    split = trees.left != np.arange(len(trees.left))
    most = max(
        len(np.unique(trees.column[start:stop][split[start:stop]]))
        for start, stop in itertools.pairwise(edges)
    )
    _, (unlimited,) = fit(x, labels, [{"n_estimators": 30, "max_depth": 4}])
    if columns_per_tree == 1:
        assert most == 1
        assert len(one.probes) > len(unlimited.probes)
    else:
        # A count above the number of probes means all.
        assert_array_equal(one.trees.threshold, unlimited.trees.threshold)


@pytest.mark.parametrize("min_child_weight", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_rounds_without_splits_equal_those_of_xgboost(n_classes, min_child_weight):
    x, labels = problem(n=34, n_classes=n_classes)
    setting = {
        "learning_rate": 0.3,
        "n_estimators": 120,
        "max_depth": 3,
        "min_child_weight": min_child_weight,
    }
    fold, (ours,) = fit(x, labels, [setting])
    theirs = XGBClassifier(tree_method="hist", n_jobs=1, random_state=0, **setting).fit(x, labels)
    assert_allclose(ours.predict_proba(fold), theirs.predict_proba(x), atol=2e-6)
    assert ours.trees.n_trees == 120 * (n_classes if n_classes > 2 else 1)


def count_updates(monkeypatch):
    import xgboost

    counted = []
    update = xgboost.Booster.update

    def counting(booster, data, *rest):
        counted.append(data.num_col())
        return update(booster, data, *rest)

    monkeypatch.setattr(xgboost.Booster, "update", counting)
    return counted


def test_one_fit_serves_every_number_of_rounds_and_every_depth_not_reached(monkeypatch):
    counted = count_updates(monkeypatch)
    x, labels = problem(n=20)
    fit(x, labels, [{"n_estimators": k, "max_depth": d} for d in (1, 7, 8, 9) for k in (5, 12, 3)])
    # One fit for the depths that no tree reaches, one for stumps.
    assert len(counted) == 24


def test_probes_are_not_searched_when_nothing_can_split(monkeypatch):
    counted = count_updates(monkeypatch)
    x, labels = problem(n=34, n_classes=2)
    fit(x, labels, [{"n_estimators": 100}])
    assert len(counted) == 100
    assert 0 < counted.count(x.shape[1]) < 80


def test_a_screen_restricts_the_probes():
    x, labels = problem()
    _, (screened,) = fit(x, labels, [{"screen": 5, "n_estimators": 50}])
    assert len(screened.probes) <= 5
    assert {0, 1, 2} <= set(screened.probes.tolist())


def test_no_value_is_lost_in_binning():
    # With a bin for every value, values and their ranks make the same trees.
    x, labels = problem(n=200, p=12)
    ranks = np.argsort(np.argsort(x, axis=0), axis=0)
    fold, (values,) = fit(x, labels, [{"n_estimators": 5}])
    rank_fold, (orders,) = fit(ranks, labels, [{"n_estimators": 5}])
    assert_allclose(values.predict_proba(fold), orders.predict_proba(rank_fold), atol=1e-6)


def test_a_setting_does_not_depend_on_the_rest_of_the_grid():
    x, labels = problem()
    grid = [{"n_estimators": k, "max_depth": d, "screen": s} for s in SCREENS for d in (1, 3) for k in (4, 9)]
    grid += [{**setting, "columns_per_tree": 7} for setting in grid]
    fold, forwards = fit(x, labels, grid)
    _, backwards = fit(x, labels, grid[::-1])
    for setting, one, two in zip(grid, forwards, backwards[::-1], strict=True):
        _, (alone,) = fit(x, labels, [setting])
        assert_array_equal(one.predict_proba(fold), two.predict_proba(fold))
        assert_array_equal(one.predict_proba(fold), alone.predict_proba(fold))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"screen": 0}, "screen is 0"),
        ({"n_estimators": 0}, "n_estimators is 0"),
        ({"columns_per_tree": 0}, "columns_per_tree is 0"),
        ({"gamma": 3}, "no setting 'gamma'"),
    ],
)
def test_bad_settings_are_named(setting, words):
    x, labels = problem(n=12, p=5)
    with pytest.raises(ValueError, match=words):
        fit(x, labels, [setting])


def test_the_library_is_loaded_only_when_boosting():
    code = "import sys, leukotype.wide.boosting; sys.exit('xgboost' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""The estimators whose rules read few features: scikit-learn's checks, and the same rule as the path gives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from leukotype import wide
from leukotype.wide import boosting, elasticnet, forest, pairs

ESTIMATORS = (
    wide.WideElasticNet(),
    wide.ScreenedForest(n_estimators=25),
    wide.ScreenedForest(n_estimators=25, screen=None),
    wide.ScreenedBoosting(n_estimators=30),
    wide.TopScoringPairs(),
)
PATHS = (
    (wide.WideElasticNet, elasticnet.path, {"l1_ratio": 0.7, "strength": 0.2}),
    (wide.ScreenedForest, forest.path, {"n_estimators": 12, "screen": 9}),
    (wide.ScreenedBoosting, boosting.path, {"n_estimators": 12, "screen": 9, "max_depth": 3}),
    (wide.TopScoringPairs, pairs.path, {"k": 3, "screen": 15}),
)


@parametrize_with_checks(list(ESTIMATORS))
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def problem():
    rng = np.random.default_rng(0)
    labels = np.array(["b", "a", "c"])[np.arange(36) % 3]
    x = rng.normal(7.0, 1.0, size=(36, 50))
    x[np.arange(36), np.arange(36) % 3] += 2.0
    return x, labels


@pytest.mark.parametrize(("estimator", "path", "setting"), PATHS)
def test_the_estimator_is_its_path(estimator, path, setting):
    x, labels = problem()
    seed = {"random_state": 4} if estimator is wide.ScreenedForest else {}
    fitted = estimator(**setting, **seed).fit(x[:24], labels[:24])
    fold = wide.Fold(x, np.arange(24), np.arange(24, 36))
    codes = np.unique(labels[:24], return_inverse=True)[1]
    (candidate,) = path(fold, codes, [setting], np.random.default_rng(4))
    assert_array_equal(fitted.predict_proba(x[24:]), candidate.predict_proba(fold))
    assert_array_equal(fitted.candidate_.probes, candidate.probes)


def test_a_grid_search_can_tune_the_screen():
    x, labels = problem()
    search = GridSearchCV(wide.ScreenedBoosting(n_estimators=10), {"screen": [3, None]}, cv=3).fit(x, labels)
    assert search.best_params_["screen"] in (3, None)
    assert set(search.classes_) == {"a", "b", "c"}

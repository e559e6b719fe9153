"""The estimators follow scikit-learn's contract, and predict like their paths."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from leukotype.wide import estimators as wide
from wide_problems import fit, problem

# Each estimator with a grid.
GRIDS = (
    (wide.WideLogisticRegression(), {"C": [1e-3, 1.0]}),
    (wide.WideKNeighborsClassifier(), {"n_neighbors": [1, 5], "weights": ["uniform", "distance"]}),
    (wide.WideLinearSVC(), {"C": [1e-3, 1.0]}),
    (wide.ShrunkenCentroids(), {"shrinkage": [0.0, 0.5]}),
    (wide.DiagonalDiscriminant(), {"shrinkage": [0.0, 0.5]}),
    (wide.RidgeDiscriminant(), {"ridge": [1.0, 100.0]}),
    (wide.WideElasticNet(), {"strength": [0.1, 0.5]}),
    (wide.ScreenedForest(n_estimators=25, random_state=0), {"screen": [3, None]}),
    (wide.ScreenedBoosting(n_estimators=30, random_state=0), {"screen": [3, None]}),
    (wide.TopScoringPairs(), {"k": [1, 3]}),
)
ESTIMATORS = tuple(estimator for estimator, _ in GRIDS)
# The checks run without seeds too.
UNSEEDED = (
    wide.ScreenedForest(n_estimators=25),
    wide.ScreenedForest(n_estimators=25, screen=None),
    wide.ScreenedBoosting(n_estimators=30),
)


@parametrize_with_checks([*ESTIMATORS[:7], *UNSEEDED, ESTIMATORS[9]])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(params=ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def estimator(request):
    return clone(request.param)


def outputs(fitted, x):
    return fitted.predict_proba(x) if hasattr(fitted, "predict_proba") else fitted.decision_function(x)


def test_is_the_path_at_one_setting(estimator):
    x, labels = problem(n_classes=4)
    new, _ = problem(9, seed=1)
    setting = estimator.get_params()
    setting.pop("random_state", None)
    fold, (candidate,) = fit(type(estimator)._path, x, labels, [setting], new)
    fitted = estimator.fit(x, labels)
    assert_array_equal(outputs(fitted, new), candidate.predict_proba(fold))
    assert_array_equal(fitted.candidate_.probes, candidate.probes)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_may_be_strings(estimator, n_classes):
    x, labels = problem(n_classes=n_classes)
    words = np.array(["PB", "AML", "Bone_Marrow"])[labels]
    fitted = estimator.fit(x, words)
    assert fitted.classes_.tolist() == sorted(set(words))
    found = outputs(fitted, x)
    if found.ndim == 1:
        found = np.stack([-found, found], axis=1)
    assert_array_equal(fitted.predict(x), fitted.classes_[found.argmax(axis=1)])


@pytest.mark.parametrize(("estimator", "grid"), GRIDS, ids=lambda value: type(value).__name__)
def test_a_grid_search_over_a_pipeline(estimator, grid):
    x, labels = problem(45, n_classes=3)
    prefix = f"{type(estimator).__name__.lower()}__"
    search = GridSearchCV(
        make_pipeline(VarianceThreshold(), clone(estimator)),
        {prefix + key: values for key, values in grid.items()},
        cv=3,
        error_score="raise",
    ).fit(x, labels)
    assert search.predict(x).shape == (45,)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_survives_pickling(estimator):
    x, labels = problem()
    fitted = estimator.fit(x, labels)
    assert_array_equal(outputs(pickle.loads(pickle.dumps(fitted)), x), outputs(fitted, x))


def test_one_class_is_refused(estimator):
    x, _ = problem()
    with pytest.raises(ValueError, match="y has one class, 'AML', and must have at least 2"):
        estimator.fit(x, np.repeat("AML", len(x)))


def test_missing_values_are_refused(estimator):
    x, labels = problem()
    x[3, 4] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        estimator.fit(x, labels)


def test_logistic_replaces_a_scaler_and_scikit_learns_model():
    x, labels = problem(n_classes=3)
    new, _ = problem(9, seed=1)
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, tol=1e-8)).fit(x, labels)
    ours = wide.WideLogisticRegression(C=0.01).fit(x, labels)
    assert_allclose(ours.predict_proba(new), plain.predict_proba(new), atol=1e-4)
    assert ours.candidate_.gradient_norm < 1e-10

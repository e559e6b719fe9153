"""The estimators keep scikit-learn's contract."""

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

from leukotype import wide
from leukotype.wide import logistic
from wide_problems import fit, problem

ESTIMATORS = (
    wide.WideLogisticRegression(),
    wide.WideKNeighborsClassifier(),
    wide.WideLinearSVC(),
    wide.ShrunkenCentroids(),
    wide.DiagonalDiscriminant(),
    wide.RidgeDiscriminant(),
)
SETTINGS = {
    "WideLogisticRegression": {"C": [1e-3, 1.0]},
    "WideKNeighborsClassifier": {"n_neighbors": [1, 5], "weights": ["uniform", "distance"]},
    "WideLinearSVC": {"C": [1e-3, 1.0]},
    "ShrunkenCentroids": {"shrinkage": [0.0, 0.5]},
    "DiagonalDiscriminant": {"shrinkage": [0.0, 0.5]},
    "RidgeDiscriminant": {"ridge": [1.0, 100.0]},
}


@parametrize_with_checks(list(ESTIMATORS))
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
    fold, (candidate,) = fit(type(estimator)._path, x, labels, [estimator.get_params()], new)
    assert_array_equal(outputs(estimator.fit(x, labels), new), candidate.predict_proba(fold))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_may_be_words(estimator, n_classes):
    x, labels = problem(n_classes=n_classes)
    words = np.array(["PB", "AML", "Bone_Marrow"])[labels]
    fitted = estimator.fit(x, words)
    assert fitted.classes_.tolist() == sorted(set(words))
    found = outputs(fitted, x)
    if found.ndim == 1:
        found = np.stack([-found, found], axis=1)
    assert_array_equal(fitted.predict(x), fitted.classes_[found.argmax(axis=1)])


def test_a_grid_search_over_a_pipeline(estimator):
    x, labels = problem(45, n_classes=3)
    name = type(estimator).__name__
    prefix = f"{name.lower()}__"
    search = GridSearchCV(
        make_pipeline(VarianceThreshold(), estimator),
        {prefix + key: values for key, values in SETTINGS[name].items()},
        cv=3,
        error_score="raise",
    ).fit(x, labels)
    assert search.predict(x).shape == (45,)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_survives_pickling(estimator):
    x, labels = problem()
    fitted = estimator.fit(x, labels)
    assert_array_equal(outputs(pickle.loads(pickle.dumps(fitted)), x), outputs(fitted, x))


def test_one_class_is_refused_in_words(estimator):
    x, _ = problem()
    with pytest.raises(ValueError, match="y holds one class, 'AML', and at least 2 are needed"):
        estimator.fit(x, np.repeat("AML", len(x)))


def test_missing_values_are_refused(estimator):
    x, labels = problem()
    x[3, 4] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        estimator.fit(x, labels)


def test_logistic_stands_in_for_a_scaler_and_scikit_learns():
    x, labels = problem(n_classes=3)
    new, _ = problem(9, seed=1)
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, tol=1e-8)).fit(x, labels)
    ours = wide.WideLogisticRegression(C=0.01).fit(x, labels)
    assert_allclose(ours.predict_proba(new), plain.predict_proba(new), atol=1e-4)
    assert ours.candidate_.gradient_norm < 1e-10
    assert type(ours)._path is logistic.path

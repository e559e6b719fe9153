"""Linear support vector machines against scikit-learn, and their coefficients."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.svm import SVC

from leukotype.rules.margins import apply_link
from leukotype.wide.svm import path
from wide_problems import coefficients_of, fit, problem

GRID = tuple({"C": strength} for strength in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0))


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("p", [4, 80, 3000])
def test_scores_equal_scikit_learn(n_classes, p):
    x, labels = problem(40, p, n_classes)
    new, _ = problem(12, p, n_classes, seed=1)
    fold, fitted = fit(path, x, labels, GRID, new)
    for candidate, setting in zip(fitted, GRID, strict=True):
        plain = SVC(kernel="linear", **setting, tol=1e-7).fit(fold.z_train, labels)
        expected = plain.decision_function(fold.z_test)
        if n_classes == 2:
            expected = np.stack([-expected, expected], axis=1)
        found = candidate.predict_proba(fold)
        assert_allclose(found, expected, atol=1e-5)
        # Its default tolerance is 1e-3, and without break_ties it predicts the first class on equal votes.
        coarse = SVC(kernel="linear", **setting, break_ties=n_classes > 2).fit(fold.z_train, labels)
        assert (found.argmax(axis=1) == coarse.predict(fold.z_test)).mean() > 0.9


@pytest.mark.parametrize("n_classes", [2, 4])
def test_coefficients_on_the_probes(n_classes):
    x, labels = problem(40, 80, n_classes)
    new, _ = problem(12, 80, n_classes, seed=1)
    fold, fitted = fit(path, x, labels, GRID, new)
    for candidate, setting in zip(fitted, GRID, strict=True):
        plain = SVC(kernel="linear", **setting, tol=1e-7).fit(fold.z_train, labels)
        assert_allclose(coefficients_of(candidate, fold)[0], plain.coef_, atol=1e-6)


def test_two_classes_obey_the_optimality_conditions():
    # Cortes & Vapnik: a sample beyond its margin has no weight, one inside it has weight C.
    x, labels = problem(40, 20, 2, shift=0.7)
    fold, (candidate,) = fit(path, x, labels, [{"C": 0.01}])
    side = 2.0 * labels - 1.0
    slack = 1.0 - side * candidate.predict_proba(fold)[:, 1]
    weight = candidate.dual[:, 0] * side
    assert weight.min() >= 0
    assert weight.max() <= 0.01 + 1e-12
    assert_allclose(weight[slack < -1e-4], 0.0, atol=1e-12)
    assert_allclose(weight[slack > 1e-4], 0.01)
    assert_allclose((weight * side).sum(), 0.0, atol=1e-9)
    assert 0 < (weight > 0).sum() < len(x)


def test_the_class_that_wins_every_duel_has_the_highest_score():
    margins = np.array([[0.01, 0.02, 90.0], [-50.0, 0.3, 0.1]])
    found = apply_link("duels", margins, 3)
    assert found.argmax(axis=1).tolist() == [0, 1]
    assert_allclose(found.round(), [[2, 1, 0], [1, 2, 0]], atol=0.5)
    assert_allclose(apply_link("duels", np.array([[1.5], [-2.0]]), 2), [[-1.5, 1.5], [2.0, -2.0]])


def test_bad_settings_are_named():
    x, labels = problem()
    with pytest.raises(ValueError, match="C is -1"):
        fit(path, x, labels, [{"C": -1}])

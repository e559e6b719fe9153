"""Ridge logistic regression: the optimum against scikit-learn, glmnet and its own gradient."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from leukotype.wide import Fold
from leukotype.wide.logistic import Problem, path
from wide_problems import coefficients_of, fit, problem

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
GRID = tuple({"C": strength} for strength in STRENGTHS)
REFERENCE = json.loads((Path(__file__).parent / "references" / "glmnet_ridge.json").read_text())


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("p", [4, 80, 400])
def test_optimum_equals_scikit_learn(n_classes, p):
    x, labels = problem(40, p, n_classes)
    new, _ = problem(10, p, n_classes, seed=1)
    fold, fitted = fit(path, x, labels, GRID, new)
    for candidate, setting in zip(fitted, GRID, strict=True):
        assert candidate.setting == setting
        plain = LogisticRegression(**setting, solver="newton-cg", tol=1e-11, max_iter=1000)
        plain.fit(fold.z_train, labels)
        assert_allclose(candidate.predict_proba(fold), plain.predict_proba(fold.z_test), atol=1e-6)
        coefficients, intercept = coefficients_of(candidate, fold)
        assert coefficients.shape == (n_classes, p)
        own = coefficients[1:] if n_classes == 2 else coefficients
        assert_allclose(own, plain.coef_, atol=1e-6)
        assert_allclose(intercept[1:] if n_classes == 2 else intercept, plain.intercept_, atol=1e-6)
        # The default solver stops before it reaches this tolerance.
        usual = LogisticRegression(**setting, tol=1e-8, max_iter=100_000).fit(fold.z_train, labels)
        assert_allclose(candidate.predict_proba(fold), usual.predict_proba(fold.z_test), atol=1e-4)


@pytest.mark.parametrize("name", REFERENCE["cases"])
def test_optimum_equals_glmnet(name):
    case = REFERENCE["cases"][name]
    grid = [{"C": strength} for strength in case["C"]]
    fold, fitted = fit(path, np.array(case["x"]), np.array(case["labels"]), grid)
    for candidate, expected in zip(fitted, case["probability"], strict=True):
        assert_allclose(candidate.predict_proba(fold), expected, atol=2e-9)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("p", [4, 80])
def test_certificate_is_the_gradient_over_all_probes(n_classes, p):
    # For the coefficients of every probe, which the solver never computes.
    x, labels = problem(40, p, n_classes)
    fold, fitted = fit(path, x, labels, GRID)
    truth = np.eye(n_classes)[labels]
    for candidate, strength in zip(fitted, STRENGTHS, strict=True):
        coefficients, intercept = coefficients_of(candidate, fold)
        excess = (softmax(fold.z_train @ coefficients.T + intercept, axis=1) - truth) / len(x)
        gradient = excess.T @ fold.z_train + coefficients / (strength * len(x))
        free = excess.sum(axis=0)
        if n_classes == 2:
            gradient, free = gradient[1:], free[1:]
        norm = np.sqrt((gradient**2).sum() + (free**2).sum())
        assert candidate.gradient_norm < 1e-10
        assert norm < 1e-10
        # Coefficients that are off by 0.1 % fail the same criterion.
        spoilt = excess.T @ fold.z_train + 1.001 * coefficients / (strength * len(x))
        assert np.linalg.norm(spoilt[-1]) > 1e-8


def test_primal_and_dual_solutions_are_equal():
    # Constant probes change only the number of probes, which selects primal or dual.
    x, labels = problem(30, 6)
    new, _ = problem(8, 6, seed=3)
    primal, few = fit(path, x, labels, GRID, new)
    dual, many = fit(
        path, np.hstack([x, np.ones((30, 40))]), labels, GRID, np.hstack([new, np.ones((8, 40))])
    )
    for one, two in zip(few, many, strict=True):
        assert_allclose(one.predict_proba(primal), two.predict_proba(dual), atol=1e-9)


def test_the_grid_affects_only_the_starting_point():
    x, labels = problem()
    fold, together = fit(path, x, labels, GRID)
    for candidate, setting in zip(together, GRID, strict=True):
        (alone,) = path(fold, labels, [setting], np.random.default_rng(0))
        assert_allclose(alone.predict_proba(fold), candidate.predict_proba(fold), atol=1e-9)
    backwards = path(fold, labels, GRID[::-1], np.random.default_rng(0))[::-1]
    for one, two in zip(together, backwards, strict=True):
        assert_array_equal(one.predict_proba(fold), two.predict_proba(fold))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_infinite_penalty_gives_the_class_shares(n_classes):
    x, labels = problem(n_classes=n_classes)
    fold, (candidate,) = fit(path, x, labels, [{"C": 1e-12}])
    shares = np.bincount(labels) / len(labels)
    assert_allclose(candidate.predict_proba(fold), np.tile(shares, (len(x), 1)), atol=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_newton_starts_at_the_class_shares(n_classes):
    x, labels = problem(n_classes=n_classes)
    span = Fold(x, np.arange(len(x)), []).span
    start = Problem(span.coordinates, span.lengths, labels)
    margins = start.contrasts @ start.start()[-1]
    assert_allclose(softmax(margins), np.bincount(labels) / len(labels), rtol=1e-12)


@pytest.mark.parametrize("strength", [1e3, 1e6, 1e9])
def test_separated_classes_converge_under_a_weak_penalty(strength):
    x, labels = problem(shift=8.0)
    fold, (candidate,) = fit(path, x, labels, [{"C": strength}])
    assert candidate.gradient_norm < 1e-10
    assert (candidate.predict_proba(fold).argmax(axis=1) == labels).all()


def test_overlapping_classes_without_much_penalty():
    x, labels = problem(60, 3, 3, shift=0.3)
    fold, (candidate,) = fit(path, x, labels, [{"C": 1e6}])
    plain = LogisticRegression(C=1e6, tol=1e-10, max_iter=100_000, solver="newton-cg")
    expected = plain.fit(fold.z_train, labels).predict_proba(fold.z_test)
    assert_allclose(candidate.predict_proba(fold), expected, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 30), st.floats(-5, 4), st.floats(0.0, 6.0))
def test_always_converges(seed, n_classes, p, exponent, shift):
    x, labels = problem(n_classes + 6, p, n_classes, seed, shift)
    fold, (candidate,) = fit(path, x, labels, [{"C": 10.0**exponent}])
    assert candidate.gradient_norm < 1e-10
    p_hat = candidate.predict_proba(fold)
    # With free intercepts, the mean probabilities equal the class shares.
    assert_allclose(p_hat.mean(axis=0), np.bincount(labels) / len(labels), atol=1e-9)


def test_more_samples_than_a_small_problem():
    x, labels = problem(300, 500, 4)
    _, fitted = fit(path, x, labels, GRID)
    assert max(candidate.gradient_norm for candidate in fitted) < 1e-10


@pytest.mark.parametrize(
    ("setting", "words"),
    [({"C": 0}, "C is 0"), ({"C": float("inf")}, "finite"), ({"penalty": 1}, "no setting 'penalty'")],
)
def test_bad_settings_are_named(setting, words):
    x, labels = problem()
    with pytest.raises(ValueError, match=words):
        fit(path, x, labels, [setting])


@pytest.mark.slow
def test_full_width_optimum_equals_scikit_learn():
    x, labels = problem(48, 22_283, 5)
    fold = Fold(x, np.arange(36), np.arange(36, 48))
    grid = GRID[:4]
    for candidate, setting in zip(path(fold, labels[:36], grid, np.random.default_rng(0)), grid, strict=True):
        plain = LogisticRegression(**setting, tol=1e-8, max_iter=100_000).fit(fold.z_train, labels[:36])
        assert_allclose(candidate.predict_proba(fold), plain.predict_proba(fold.z_test), atol=1e-4)

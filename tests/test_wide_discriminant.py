"""Discriminant analysis against the posterior of normal classes with full covariance matrices."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from leukotype.wide.discriminant import diagonal_path, ridge_path
from wide_problems import coefficients_of, fit, problem

SHARES = (0.0, 0.2, 0.7, 1.0)
RIDGES = (0.01, 1.0, 30.0, 1e4)


def posterior(train, labels, new, covariance):
    """Bayes' rule with the density of each class."""
    logs = []
    for code in range(int(labels.max()) + 1):
        density = multivariate_normal(train[labels == code].mean(axis=0), covariance)
        logs.append(np.log((labels == code).mean()) + density.logpdf(new))
    return softmax(np.stack(logs, axis=1), axis=1)


def within(train, labels):
    means = np.array([train[labels == code].mean(axis=0) for code in range(int(labels.max()) + 1)])
    centred = train - means[labels]
    return centred.T @ centred / (len(labels) - len(means))


@pytest.mark.parametrize("p", [5, 60])
def test_diagonal_is_bayes_rule_with_shrunken_variances(p):
    x, labels = problem(30, p)
    new, _ = problem(10, p, seed=1)
    fold, fitted = fit(diagonal_path, x, labels, [{"shrinkage": share} for share in SHARES], new)
    variance = within(x, labels).diagonal()
    for candidate, share in zip(fitted, SHARES, strict=True):
        shrunken = (1 - share) * variance + share * np.median(np.sqrt(variance)) ** 2
        expected = posterior(x, labels, new, np.diag(shrunken))
        assert_allclose(candidate.predict_proba(fold), expected, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("p", [5, 60])
def test_ridge_is_bayes_rule_with_a_ridge(p):
    x, labels = problem(30, p)
    new, _ = problem(10, p, seed=1)
    fold, fitted = fit(ridge_path, x, labels, [{"ridge": ridge} for ridge in RIDGES], new)
    covariance = within(fold.z_train, labels)
    for candidate, ridge in zip(fitted, RIDGES, strict=True):
        expected = posterior(fold.z_train, labels, fold.z_test, covariance + ridge * np.eye(p))
        assert_allclose(candidate.predict_proba(fold), expected, rtol=1e-6, atol=1e-10)


def test_a_tiny_ridge_with_few_probes_equals_scikit_learn():
    x, labels = problem(60, 4)
    new, _ = problem(20, 4, seed=1)
    fold, (candidate,) = fit(ridge_path, x, labels, [{"ridge": 1e-12}], new)
    plain = LinearDiscriminantAnalysis(solver="svd").fit(x, labels)
    prior = np.log(np.bincount(labels) / 60)
    coefficients, intercept = coefficients_of(candidate, fold)
    ours = fold.z_test @ coefficients.T + intercept - prior
    theirs = plain.decision_function(new) - prior
    # scikit-learn divides the covariance by n since version 1.9, by n - n_classes before.
    factor = (theirs * ours).sum() / (ours**2).sum()
    assert min(abs(factor - 1), abs(factor - 60 / 57)) < 1e-8
    assert_allclose(theirs, factor * ours, atol=1e-7)


def test_an_infinite_ridge_gives_the_class_shares():
    x, labels = problem()
    fold, (candidate,) = fit(ridge_path, x, labels, [{"ridge": 1e12}])
    assert_allclose(candidate.predict_proba(fold), np.tile(np.bincount(labels) / 30, (30, 1)), atol=1e-8)


def test_primal_and_dual_solutions_are_equal():
    x, labels = problem(30, 6)
    grid = [{"ridge": ridge} for ridge in RIDGES]
    primal, few = fit(ridge_path, x, labels, grid)
    dual, many = fit(ridge_path, np.hstack([x, np.ones((30, 40))]), labels, grid)
    for one, two in zip(few, many, strict=True):
        assert_allclose(one.predict_proba(primal), two.predict_proba(dual), atol=1e-9)


def test_diagonal_reads_only_varying_probes():
    x, labels = problem(20, 6)
    _, (candidate,) = fit(diagonal_path, np.hstack([np.ones((20, 2)), x]), labels, [{"shrinkage": 0.3}])
    assert_array_equal(candidate.probes, np.arange(2, 8))


def test_a_probe_that_is_constant_within_the_classes_gives_finite_output():
    x, labels = problem(20, 7, 2)
    fold, fitted = fit(
        diagonal_path, np.hstack([x, 5.0 * labels[:, None]]), labels, [{"shrinkage": s} for s in SHARES]
    )
    for candidate in fitted:
        p = candidate.predict_proba(fold)
        assert np.isfinite(p).all()
        assert (p.argmax(axis=1) == labels).all()


def test_one_sample_in_every_class():
    x, _ = problem(3, 20)
    for path in (diagonal_path, ridge_path):
        fold, (candidate,) = fit(path, x, np.array([2, 0, 1]), [{}])
        assert_array_equal(candidate.predict_proba(fold).argmax(axis=1), [2, 0, 1])


@pytest.mark.parametrize(
    ("path", "setting"),
    [(diagonal_path, {"shrinkage": 2}), (ridge_path, {"ridge": 0}), (ridge_path, {"shrinkage": 0.1})],
)
def test_bad_settings_are_named(path, setting):
    x, labels = problem()
    with pytest.raises(ValueError, match=next(iter(setting))):
        fit(path, x, labels, [setting])

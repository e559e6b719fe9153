"""The elastic net against glmnet and its own optimality conditions."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression

from leukotype.wide.elasticnet import SparsePath, lasso_quadratic, path
from leukotype.wide.fold import Fold

GLMNET = json.loads((Path(__file__).parent / "references" / "glmnet.json").read_text())["cases"]
RATIOS = (0.2, 0.5, 0.9, 1.0)


def names_of(case):
    return f"{case['n_classes']}-classes-l1-{case['l1_ratio']}"


def problem(n=40, p=120, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    x = rng.normal(7.0, 1.0, size=(n, p))
    x[np.arange(n), labels] += 2.0
    return x, labels


def fit(x, labels, grid, test=None):
    test = x if test is None else test
    fold = Fold(np.concatenate([x, test]), np.arange(len(x)), len(x) + np.arange(len(test)))
    return fold, path(fold, labels, grid, np.random.default_rng(0))


@pytest.mark.parametrize("case", GLMNET, ids=names_of)
def test_agrees_with_glmnet(case):
    x, labels = np.array(case["expression"]), np.array(case["labels"])
    grid = [{"l1_ratio": case["l1_ratio"], "strength": strength} for strength in case["strength"]]
    fold, fitted = fit(x, labels, grid)
    for i, candidate in enumerate(fitted):
        assert_allclose(candidate.solution.penalty, case["penalty"][i], rtol=1e-7)
        assert_allclose(candidate.predict_proba(fold), case["probabilities"][i], atol=2e-7)
        coefficients = np.zeros((x.shape[1], candidate.coefficients.shape[1]))
        coefficients[candidate.probes] = candidate.coefficients
        assert_allclose(coefficients, np.reshape(case["coefficients"][i], coefficients.shape), atol=2e-6)


@pytest.mark.parametrize("l1_ratio", RATIOS)
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_no_optimality_condition_is_violated(n_classes, l1_ratio):
    x, labels = problem(n_classes=n_classes)
    strengths = (1.0, 0.5, 0.2, 0.05)
    fold, fitted = fit(x, labels, [{"l1_ratio": l1_ratio, "strength": s} for s in strengths])
    for candidate in fitted:
        assert candidate.solution.kkt_residual <= 1e-8
        # The certificate is recomputed from the probabilities and the coefficients alone.
        truth = np.eye(n_classes)[labels]
        excess = (candidate.predict_proba(fold) - truth)[:, -candidate.intercept.size :] / len(x)
        b = np.zeros((x.shape[1], candidate.intercept.size))
        b[candidate.probes] = candidate.coefficients * fold.scale[candidate.probes, None]
        slope = fold.z_train.T @ excess + candidate.solution.penalty * (1 - l1_ratio) * b
        bound = candidate.solution.penalty * l1_ratio
        assert_allclose(slope[b != 0], -bound * np.sign(b[b != 0]), atol=1e-8)
        assert (np.abs(slope[b == 0]) <= bound + 1e-8).all()
        assert_allclose(excess.sum(axis=0), 0.0, atol=1e-8)


def test_agrees_with_saga_of_scikit_learn():
    x, labels = problem(n=36, p=20)
    fold, (candidate,) = fit(x, labels, [{"l1_ratio": 0.5, "strength": 0.3}])
    saga = LogisticRegression(
        solver="saga",
        l1_ratio=0.5,
        penalty="elasticnet",
        C=1 / (candidate.solution.penalty * len(x)),
        tol=1e-10,
        max_iter=100_000,
    )
    with warnings.catch_warnings():
        # Newer versions of scikit-learn deprecate `penalty`, older ones need it.
        warnings.simplefilter("ignore", FutureWarning)
        saga.fit(fold.z_train, labels)
    assert_allclose(candidate.predict_proba(fold), saga.predict_proba(fold.z_test), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_strength_one_leaves_the_class_shares(n_classes):
    x, labels = problem(n=31, n_classes=n_classes)
    fold, (none, some) = fit(x, labels, [{"strength": 1.0}, {"strength": 0.98}])
    assert len(none.probes) == 0
    assert len(some.probes) > 0
    shares = np.bincount(labels) / len(labels)
    assert_allclose(none.predict_proba(fold), np.tile(shares, (len(x), 1)), atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_setting_alone_equals_the_whole_path(n_classes):
    x, labels = problem(n_classes=n_classes)
    grid = [{"l1_ratio": a, "strength": s} for s in (0.1, 1.0, 0.03, 0.5) for a in (0.9, 0.4)]
    fold, whole = fit(x, labels, grid)
    for setting, candidate in zip(grid, whole, strict=True):
        assert candidate.setting == setting
        _, (alone,) = fit(x, labels, [setting])
        assert_allclose(alone.predict_proba(fold), candidate.predict_proba(fold), atol=1e-6)
        assert_array_equal(alone.probes, candidate.probes)


DEGENERATE = {
    "constant probes": lambda x: np.concatenate([np.full((len(x), 30), 4.0), x], axis=1),
    "duplicate samples": lambda x: np.repeat(x[::2], 2, axis=0),
    "duplicate probes": lambda x: np.concatenate([x, x], axis=1),
    "fewer probes than samples": lambda x: x[:, :4],
    "integers": lambda x: np.round(x * 10).astype(np.int32),
    "float32": lambda x: x.astype(np.float32),
    "all constant": lambda x: np.ones((len(x), 6)),
}


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("kind", DEGENERATE)
def test_degenerate_input_meets_the_optimality_conditions(kind, l1_ratio):
    x, _ = problem(n=24, p=40)
    x = DEGENERATE[kind](x)
    labels = np.repeat([0, 1, 2], 8)
    fold, fitted = fit(x, labels, [{"l1_ratio": l1_ratio, "strength": s} for s in (1.0, 0.3, 0.02)])
    for candidate in fitted:
        assert candidate.solution.kkt_residual <= 1e-7
        p = candidate.predict_proba(fold)
        assert np.isfinite(p).all()
        assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_class_of_one_sample(n_classes):
    x, _ = problem(n=12, n_classes=n_classes)
    labels = np.minimum(np.arange(12), n_classes - 1)[::-1]
    fold, fitted = fit(x, labels, [{"strength": s} for s in (0.5, 0.05)])
    assert all(candidate.solution.kkt_residual <= 1e-8 for candidate in fitted)
    assert_array_equal(fitted[1].predict_proba(fold).argmax(axis=1), labels)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"l1_ratio": 0.0}, "l1_ratio is 0"),
        ({"strength": 0}, "strength is 0"),
        ({"strength": 1.5}, "strength is 1.5"),
        ({"C": 1.0}, "no setting 'C'"),
    ],
)
def test_bad_settings_are_named(setting, words):
    x, labels = problem(n=12, p=5)
    with pytest.raises(ValueError, match=words):
        fit(x, labels, [setting])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 14), st.integers(0, 10_000), st.floats(0.01, 3.0))
def test_the_small_quadratic_is_solved_from_any_start(m, seed, penalty):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(m + 3, m))
    curvature, linear = root.T @ root / m + 1e-3 * np.eye(m), rng.normal(size=m)
    start = rng.normal(size=m) * (rng.random(m) < 0.5)
    b = lasso_quadratic(curvature, linear, penalty, start)
    slope = curvature @ b - linear
    assert_allclose(slope[b != 0], -penalty * np.sign(b[b != 0]), atol=1e-9)
    assert (np.abs(slope[b == 0]) <= penalty + 1e-9).all()


def test_the_strong_rule_misses_nothing():
    # The check over all columns must restore coordinates that the rule discards wrongly.
    x, labels = problem(n=30, p=400, n_classes=2, seed=5)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    sparse = SparsePath(z, labels, 0.9)
    for solution in sparse.descend(sparse.largest * np.geomspace(1, 0.01, 30)):
        assert solution.kkt_residual <= 1e-8


def test_the_optimum_is_found_even_if_the_strong_rule_discards_everything():
    # The check over all columns makes the solution exact.
    x, labels = problem(n=30, p=200, n_classes=2, seed=5)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    right, misled = SparsePath(z, labels, 0.9), SparsePath(z, labels, 0.9)
    misled.gradient = np.zeros_like(misled.gradient)
    (one,), (two,) = right.descend([right.largest * 0.7]), misled.descend([right.largest * 0.7])
    assert one.coefficients.any()
    assert_allclose(one.coefficients, two.coefficients, atol=1e-7)

"""Laws of every solver: invariances, degenerate input, and the portable rule."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from leukotype.rules.neighbours import WEIGHTS
from leukotype.wide import (
    Fold,
    boosting,
    centroids,
    discriminant,
    elasticnet,
    forest,
    logistic,
    neighbors,
    pairs,
    rule_of,
    svm,
)
from wide_problems import DEGENERATE, fit, problem

PATHS = {
    "logistic": (logistic.path, [{"C": strength} for strength in (1e-4, 1e-2, 1.0)]),
    "neighbors": (
        neighbors.path,
        [{"n_neighbors": k, "weights": w} for k in (1, 3, 5) for w in WEIGHTS],
    ),
    "svm": (svm.path, [{"C": strength} for strength in (1e-4, 1e-2, 1.0)]),
    "centroids": (centroids.path, [{"shrinkage": share} for share in (0.0, 0.3, 0.8, 1.0)]),
    "diagonal": (discriminant.diagonal_path, [{"shrinkage": share} for share in (0.0, 0.5, 1.0)]),
    "ridge": (discriminant.ridge_path, [{"ridge": ridge} for ridge in (0.1, 10.0)]),
    "elasticnet": (elasticnet.path, [{"strength": share} for share in (0.5, 0.2, 0.05)]),
    "forest": (forest.path, [{"screen": screen, "n_estimators": 12} for screen in (10, 40, None)]),
    "boosting": (boosting.path, [{"screen": screen, "n_estimators": 8} for screen in (10, 40, None)]),
    "pairs": (pairs.path, [{"k": k, "screen": 30} for k in (1, 3, 5)]),
}
# Their results depend on the units of the probes.
RAW = {"centroids", "diagonal", "pairs"}


@pytest.fixture(params=PATHS)
def name(request) -> str:
    return request.param


@pytest.fixture(params=[2, 4])
def n_classes(request) -> int:
    return request.param


def outputs(name, x, labels, new):
    path, grid = PATHS[name]
    fold, fitted = fit(path, x, labels, grid, new)
    assert [candidate.setting for candidate in fitted] == grid
    return [candidate.predict_proba(fold) for candidate in fitted]


def data(n_classes, n=36, p=90):
    x, labels = problem(n, p, n_classes)
    new, _ = problem(11, p, n_classes, seed=1)
    return x, labels, new


def assert_same(found, expected, tolerance=1e-6):
    for one, two in zip(found, expected, strict=True):
        assert_allclose(one, two, atol=tolerance)


def test_outputs_have_a_column_for_each_class(name, n_classes):
    for p in outputs(name, *data(n_classes)):
        assert p.shape == (11, n_classes)
        assert p.dtype == np.float64
        if name != "svm":
            assert p.min() >= 0
            assert_allclose(p.sum(axis=1), 1.0)


def test_probe_order_does_not_matter(name, n_classes):
    x, labels, new = data(n_classes)
    order = np.random.default_rng(2).permutation(x.shape[1])
    path, grid = PATHS[name]
    # Trees that see all probes draw them by position.
    grid = [setting for setting in grid if setting.get("screen", 0) is not None]
    fold, straight = fit(path, x, labels, grid, new)
    turned, shuffled = fit(path, x[:, order], labels, grid, new[:, order])
    for one, two in zip(straight, shuffled, strict=True):
        assert_allclose(two.predict_proba(turned), one.predict_proba(fold), atol=1e-6)
        if one.probes is not None:
            assert_array_equal(one.probes, np.sort(order[two.probes]))


def test_training_order_does_not_matter(name, n_classes):
    if name == "forest":
        pytest.skip("bootstrap draws go by position")
    x, labels, new = data(n_classes)
    order = np.random.default_rng(2).permutation(len(x))
    assert_same(outputs(name, x[order], labels[order], new), outputs(name, x, labels, new))


def test_a_constant_added_to_a_probe_changes_nothing(name, n_classes):
    if name == "pairs":
        pytest.skip("pairs compare the probes of a sample")
    x, labels, new = data(n_classes)
    origin = np.random.default_rng(2).normal(0, 30, x.shape[1])
    assert_same(outputs(name, x + origin, labels, new + origin), outputs(name, x, labels, new))


def test_the_unit_of_a_probe_affects_only_rules_on_raw_values(name, n_classes):
    x, labels, new = data(n_classes)
    unit = np.random.default_rng(2).uniform(0.2, 5, x.shape[1])
    found, expected = outputs(name, x * unit, labels, new * unit), outputs(name, x, labels, new)
    if name in RAW:
        assert max(np.abs(one - two).max() for one, two in zip(found, expected, strict=True)) > 0.01
        # A common unit for all probes changes nothing.
        found = outputs(name, 3.7 * x, labels, 3.7 * new)
    assert_same(found, expected)


def test_class_order_does_not_matter(name, n_classes):
    x, labels, new = data(n_classes)
    names = np.random.default_rng(2).permutation(n_classes)
    turned = outputs(name, x, names[labels], new)
    assert_same([p[:, names] for p in turned], outputs(name, x, labels, new))


def test_a_sample_alone_gets_the_same_bits_as_in_a_batch(name, n_classes):
    x, labels, new = data(n_classes)
    path, grid = PATHS[name]
    fold, fitted = fit(path, x, labels, grid, new)
    order = np.random.default_rng(3).permutation(len(new))
    shuffled = Fold(fold.expression, fold.train, fold.test[order])
    for candidate in fitted:
        together = candidate.predict_proba(fold)
        assert_array_equal(candidate.predict_proba(shuffled), together[order])
        for row in range(len(new)):
            alone = Fold(new[[row]], [], [0])
            assert_array_equal(candidate.predict_proba(alone)[0], together[row])


def test_no_test_sample_is_read_while_fitting(name, n_classes):
    x, labels, new = data(n_classes)
    path, grid = PATHS[name]
    fold, clean = fit(path, x, labels, grid, new)
    _, poisoned = fit(path, x, labels, grid, np.full_like(new, 1e6))
    for one, two in zip(clean, poisoned, strict=True):
        assert_array_equal(one.predict_proba(fold), two.predict_proba(fold))


def test_single_precision_and_integers_are_summed_in_double(name):
    x, labels, new = data(3)
    whole = np.round(10 * x), np.round(10 * new)
    expected = outputs(name, whole[0], labels, whole[1])
    for kind in (np.float32, np.int16):
        assert_same(outputs(name, whole[0].astype(kind), labels, whole[1].astype(kind)), expected, 1e-12)


@pytest.mark.parametrize("kind", DEGENERATE)
def test_degenerate_input(name, kind, n_classes):
    x, labels, _ = data(n_classes)
    joined = DEGENERATE[kind](np.vstack([x, x[:11]]))
    fold, fitted = fit(PATHS[name][0], joined[:36], labels, PATHS[name][1], joined[36:])
    for candidate in fitted:
        p = candidate.predict_proba(fold)
        assert p.shape == (11, n_classes)
        assert np.isfinite(p).all()
        if name != "svm":
            assert_allclose(p.sum(axis=1), 1.0)
        if kind == "only constant probes":
            assert candidate.probes is None or len(candidate.probes) == 0
            assert_array_equal(p, np.tile(p[0], (11, 1)))
            if name in {"logistic", "centroids", "diagonal", "ridge", "elasticnet"}:
                assert_allclose(p[0], np.bincount(labels) / 36, atol=1e-7)
        if name == "pairs" and kind in ("only constant probes", "one probe"):
            assert_allclose(p, 1 / n_classes)


@pytest.mark.parametrize("p", [5, 90])
def test_the_rule_predicts_like_the_candidate(name, n_classes, p):
    x, labels, new = data(n_classes, p=p)
    fold, fitted = fit(PATHS[name][0], x, labels, PATHS[name][1], new)
    for candidate in fitted:
        rule = rule_of(candidate, fold)
        if candidate.probes is not None:
            assert_array_equal(rule.reads, candidate.probes)
        assert_allclose(
            rule.output(fold.x_test[:, rule.reads]), candidate.predict_proba(fold), rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("counts", [(20, 15, 1), (3, 2, 1), (5, 1)])
def test_one_sample_in_a_class(name, counts):
    x, _, new = data(3, n=sum(counts))
    labels = np.repeat(np.arange(len(counts)), counts)
    for p in outputs(name, x, labels, new):
        assert p.shape == (11, len(counts))
        assert np.isfinite(p).all()


def test_fewer_samples_than_settings(name):
    path, grid = PATHS[name]
    x, _ = problem(4, 30, 2)
    fold, fitted = fit(path, x, np.array([0, 1, 1, 0]), grid * 4)
    assert len(fitted) == 4 * len(grid) > fold.n_train
    for candidate, same in zip(fitted, fitted[len(grid) :], strict=False):
        assert_array_equal(candidate.predict_proba(fold), same.predict_proba(fold))


def test_a_candidate_survives_pickling(name):
    x, labels, new = data(3)
    path, grid = PATHS[name]
    fold, (candidate, *_) = fit(path, x, labels, grid, new)
    again = pickle.loads(pickle.dumps(candidate))
    assert_array_equal(again.predict_proba(fold), candidate.predict_proba(fold))


def test_finds_planted_markers(name):
    x, labels = problem(60, 100, 3)
    x[np.arange(60)[:, None], 10 * labels[:, None] + np.arange(10)] += 3.0
    path, grid = PATHS[name]
    fold = Fold(x, np.arange(40), np.arange(40, 60))
    best = max(
        (candidate.predict_proba(fold).argmax(axis=1) == labels[40:]).mean()
        for candidate in path(fold, labels[:40], grid, np.random.default_rng(0))
    )
    assert best > 0.9

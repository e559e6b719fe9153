"""A fold: every quantity against its definition; independence of the test part and of other samples."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.feature_selection import f_classif
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from leukotype.wide import Fold


def matrix(n=14, p=30, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(7.0, 1.0, size=(n, p)) * rng.uniform(0.1, 3.0, size=p)


def distances(fold):
    return fold.squared_distances_from(fold)


def split(n, seed=1):
    order = np.random.default_rng(seed).permutation(n)
    return order[: 2 * n // 3], order[2 * n // 3 :]


KINDS = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "integers": lambda x: np.round(10 * x).astype(np.int16),
    "constant probes": lambda x: np.hstack([x, np.full((len(x), 3), 7.123)]),
    "far from 0": lambda x: x + 1e6,
    "duplicate samples": lambda x: np.vstack([x[: len(x) // 2]] * 2),
    "fewer probes than samples": lambda x: x[:, :4],
    "one probe": lambda x: x[:, :1],
    "many blocks": lambda x: np.tile(x, (1, 1500)) + np.random.default_rng(3).normal(size=(len(x), 45_000)),
    "column order in memory": np.asfortranarray,
}


@pytest.fixture(params=KINDS)
def fold(request) -> Fold:
    x = KINDS[request.param](matrix())
    return Fold(x, *split(len(x)))


class TestEveryKindOfMatrix:
    def test_standardises_as_scikit_learn(self, fold):
        x = fold.expression.astype(np.float64)
        scaler = StandardScaler().fit(x[fold.train])
        assert_allclose(fold.mean, scaler.mean_, rtol=1e-12)
        assert_allclose(fold.scale, scaler.scale_, rtol=1e-9)
        assert_allclose(fold.z_train, scaler.transform(x[fold.train]), atol=1e-8)
        assert_allclose(fold.z_test, scaler.transform(x[fold.test]), atol=1e-8)
        for values in (fold.x_train, fold.x_test, fold.z_train, fold.gram):
            assert values.dtype == np.float64

    def test_inner_products(self, fold):
        assert_allclose(fold.gram, fold.z_train @ fold.z_train.T, atol=1e-9 * fold.n_probes)
        assert_allclose(fold.cross, fold.z_test @ fold.z_train.T, atol=1e-9 * fold.n_probes)

    def test_squared_distances(self, fold):
        expected = cdist(fold.z_test, fold.z_train, "sqeuclidean")
        assert_allclose(distances(fold), expected, rtol=1e-11, atol=1e-15)

    def test_span_keeps_all_inner_products(self, fold):
        span = fold.span
        assert span.coordinates.shape[1] <= min(fold.n_train - 1, fold.n_probes)
        assert_allclose(span.coordinates @ span.coordinates.T, fold.gram, atol=1e-9 * fold.n_probes)
        assert_allclose(
            span.coordinates.T @ span.coordinates, np.diag(span.lengths), atol=1e-9 * fold.n_probes
        )
        assert np.all(np.diff(span.lengths) <= 0)
        axes = fold.onto_probes(span.dual)
        assert_allclose(axes @ axes.T, np.eye(len(axes)), atol=1e-6)
        assert_allclose(fold.z_train @ axes.T, span.coordinates, atol=1e-8 * fold.n_probes)

    def test_a_test_sample_alone_gets_the_same_bits(self, fold):
        for row in range(fold.n_test):
            alone = Fold(fold.expression, fold.train, fold.test[[row]])
            assert_array_equal(alone.cross[0], fold.cross[row])
            assert_array_equal(distances(alone)[0], distances(fold)[row])

    def test_the_test_part_of_another_fold_is_standardised_by_this_one(self, fold):
        other = Fold(fold.expression, fold.test, fold.train[:3])
        own = Fold(fold.expression, fold.train, fold.train[:3])
        assert_array_equal(fold.cross_from(other), own.cross)
        assert_array_equal(fold.squared_distances_from(other), distances(own))

    @pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:Features")
    def test_f_statistics(self, fold):
        labels = np.arange(fold.n_train) % 3
        varies = fold.x_train.std(axis=0) > 1e-6
        expected = f_classif(fold.z_train[:, varies], labels)[0]
        assert_allclose(fold.f_statistic(labels)[varies], expected, rtol=1e-6)
        assert_array_equal(fold.f_statistic(labels)[~varies], 0.0)
        assert np.all(np.diff(fold.f_statistic(labels)[fold.f_order(labels)]) <= 0)
        assert_array_equal(np.sort(fold.f_order(labels)), np.arange(fold.n_probes))

    def test_class_moments(self, fold):
        labels = np.arange(fold.n_train) % 3
        moments = fold.classes(labels)
        means = np.array([fold.x_train[labels == code].mean(axis=0) for code in range(3)])
        assert_array_equal(moments.counts, np.bincount(labels))
        assert_allclose(moments.means, means, rtol=1e-12)
        within = ((fold.x_train - means[labels]) ** 2).sum(axis=0) / (fold.n_train - 3)
        assert_allclose(moments.deviation, np.sqrt(within), rtol=1e-7, atol=1e-8)
        assert_allclose(moments.total, fold.x_train.std(axis=0), rtol=1e-7, atol=1e-8)
        assert_allclose(moments.differences, means - fold.x_train.mean(axis=0), atol=1e-9, rtol=1e-6)

    def test_is_computed_once(self, fold):
        labels = np.arange(fold.n_train) % 3
        for name in ("gram", "cross", "span", "z_train", "mean", "scale"):
            assert getattr(fold, name) is getattr(fold, name)
        assert fold.classes(labels) is fold.classes(labels.copy())
        assert fold.f_statistic(labels) is fold.f_statistic(labels.copy())

    def test_nothing_of_the_training_part_depends_on_the_test_part(self, fold):
        poisoned = fold.expression.copy()
        poisoned[fold.test] = 3 * poisoned[fold.test] + 1
        other = Fold(poisoned, fold.train, fold.test)
        for name in ("mean", "scale", "z_train", "gram"):
            assert_array_equal(getattr(other, name), getattr(fold, name))


def test_equal_samples_have_distance_0_and_close_ones_full_precision():
    x = np.random.default_rng(0).normal(7, 1, size=(8, 3000))
    near = x[[0, 1]] + 1e-7 * np.random.default_rng(1).normal(size=(2, 3000))
    fold = Fold(np.vstack([x, x[[2, 3]], near]), np.arange(8), np.arange(8, 12))
    assert distances(fold)[0, 2] == 0
    assert distances(fold)[1, 3] == 0
    expected = cdist(fold.z_test, fold.z_train, "sqeuclidean")
    assert 0 < expected[2, 0] < 1e-9
    assert_allclose(distances(fold), expected, rtol=1e-12, atol=0)


def test_a_probe_that_is_constant_up_to_rounding_stays_near_0():
    x = matrix(20, 5)
    x[:, 0] = 0.1 + 0.2 * np.ones(20)
    x[:, 1] = 1e9
    fold = Fold(x, np.arange(15), np.arange(15, 20))
    assert_array_equal(fold.scale[:2], 1.0)
    assert np.abs(fold.z_train[:, :2]).max() < 1e-6
    assert_array_equal(fold.classes(np.arange(15) % 2).differences[:, :2], 0.0)


class TestMissingValues:
    def test_are_imputed_by_the_training_median(self):
        x = matrix(20, 40)
        x[np.random.default_rng(5).random(x.shape) < 0.1] = np.nan
        fold = Fold(x, *split(20))
        imputer = SimpleImputer(strategy="median").fit(x[fold.train])
        assert_array_equal(fold.x_train, imputer.transform(x[fold.train]))
        assert_array_equal(fold.x_test, imputer.transform(x[fold.test]))
        filled = Fold(np.vstack([fold.x_train, fold.x_test]), np.arange(13), np.arange(13, 20))
        assert_allclose(fold.gram, filled.gram, rtol=1e-12)
        assert_allclose(fold.cross, filled.cross, rtol=1e-12, atol=1e-12)

    def test_a_probe_missing_in_training_becomes_0(self):
        x = matrix(20, 6)
        x[:15, 2] = np.nan
        fold = Fold(x, np.arange(15), np.arange(15, 20))
        assert_array_equal(fold.z_train[:, 2], 0.0)
        assert np.isfinite(fold.cross).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 40))
def test_units_origins_and_order_of_probes_do_not_matter(seed, n_train, p):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_train + 3, p))
    order = rng.permutation(p)
    turned = (x * rng.uniform(0.5, 20, p) + rng.normal(0, 5, p))[:, order]
    parts = np.arange(n_train), np.arange(n_train, n_train + 3)
    one, two = Fold(x, *parts), Fold(turned, *parts)
    assert_allclose(one.gram, two.gram, rtol=1e-9, atol=1e-9 * p)
    size = 1 + np.abs(one.z_test).max()
    assert_allclose(one.cross, two.cross, rtol=1e-7, atol=1e-9 * p * size)
    assert_allclose(distances(one), distances(two), rtol=1e-7, atol=1e-9 * p * size)


def test_the_matrix_is_not_copied(tmp_path):
    np.save(tmp_path / "x.npy", matrix(40, 2000))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    fold = Fold(mapped, *split(40))
    assert np.shares_memory(fold.expression, mapped)
    assert_allclose(fold.gram, Fold(np.array(mapped), *split(40)).gram, rtol=1e-12)


def test_inner_products_need_no_copy_of_the_training_part():
    x = np.zeros((64, 30_000))
    x[:, ::7] = np.random.default_rng(0).normal(size=x[:, ::7].shape)
    fold = Fold(x, *split(64))
    tracemalloc.start()
    assert fold.gram.any()
    assert fold.cross.any()
    assert fold.span.lengths.any()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 3

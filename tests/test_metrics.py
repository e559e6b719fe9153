"""Laws that every metric obeys, and intervals against other implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from leukotype.errors import UnknownName
from leukotype.metrics import METRICS, Scored, by_name, intervals
from leukotype.metrics.estimate import Units, estimate


def scored(seed: int = 0, n: int = 40, k: int = 3, *, ties: bool = False, skill: float = 1.0) -> Scored:
    rng = np.random.default_rng(seed)
    labels = np.r_[np.arange(k), rng.integers(0, k, n - k)]
    p = rng.dirichlet(np.ones(k), n) + skill * np.eye(k)[labels] * rng.uniform(size=(n, 1))
    if ties:
        p = np.round(p, 1) + 0.05
    p = p / p.sum(axis=1, keepdims=True)
    return Scored(labels, p.argmax(axis=1), p)


def perfect(n_per_class: int = 6, k: int = 3) -> Scored:
    labels = np.repeat(np.arange(k), n_per_class)
    return Scored(labels, labels, np.eye(k)[labels])


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_unit_weights_give_the_value(metric, ties, k):
    s = scored(k, k=k, ties=ties)
    np.testing.assert_allclose(metric.weighted(s, s.ones)[0], metric.value(s), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_a_whole_weight_is_a_repeated_sample(metric):
    s = scored(3)
    counts = np.random.default_rng(1).integers(1, 4, s.n_samples)
    again = np.repeat(np.arange(s.n_samples), counts)
    copied = Scored(s.labels[again], s.predicted[again], s.probabilities[again])
    np.testing.assert_allclose(
        metric.weighted(s, counts[None, :].astype(float))[0], metric.value(copied), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_value_within_bounds_and_interval_around_it(metric, seed):
    s = scored(seed, skill=0.4)
    found = estimate(metric, [s], Units.of(s.labels, None))
    low, high = metric.bounds
    assert np.all((found.value >= low) & (found.value <= high))
    assert np.all(found.low <= found.value)
    assert np.all(found.value <= found.high)
    assert np.all((found.low >= low) & (found.high <= high))
    assert found.value.shape == ((s.n_classes,) if metric.per_class else ())


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_perfect_predictions_reach_the_best_value(metric):
    best = metric.bounds[1] if metric.higher_is_better else metric.bounds[0]
    np.testing.assert_allclose(metric.value(perfect()), best, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_order_of_samples_does_not_matter(metric):
    s = scored(4, ties=True)
    order = np.random.default_rng(0).permutation(s.n_samples)
    turned = Scored(s.labels[order], s.predicted[order], s.probabilities[order])
    np.testing.assert_allclose(metric.value(turned), metric.value(s), rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("kappa", lambda s: sk.cohen_kappa_score(s.labels, s.predicted)),
        ("mcc", lambda s: sk.matthews_corrcoef(s.labels, s.predicted)),
        ("roc_auc_macro", lambda s: sk.roc_auc_score(s.labels, s.probabilities, multi_class="ovr")),
        (
            "average_precision_macro",
            lambda s: sk.average_precision_score(
                np.eye(s.n_classes)[s.labels], s.probabilities, average="macro"
            ),
        ),
        ("log_loss", lambda s: sk.log_loss(s.labels, s.probabilities)),
        ("brier", lambda s: np.mean(((s.probabilities - np.eye(s.n_classes)[s.labels]) ** 2).sum(axis=1))),
    ],
)
def test_values_agree_with_scikit_learn(name, reference):
    s = scored(9)
    assert by_name(name).value(s) == pytest.approx(reference(s), rel=1e-10)


def test_calibration_error_by_hand():
    # Two samples at confidence 0.9, one right: |0.5 - 0.9|; two at 0.6, both right: |1 - 0.6|.
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    s = Scored(np.array([0, 1, 1, 1]), p.argmax(axis=1), p)
    assert by_name("ece").value(s) == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)


def test_recall_macro_is_balanced_accuracy_and_micro_averages_are_accuracy():
    s = scored(5)
    assert by_name("recall_macro").value(s) == pytest.approx(by_name("balanced_accuracy").value(s))
    for name in ("precision_micro", "recall_micro", "f1_micro", "recall_weighted"):
        assert by_name(name).value(s) == pytest.approx(by_name("accuracy").value(s))


def test_constant_calls_score_zero_agreement():
    labels = np.repeat([0, 1, 2], [5, 3, 2])
    s = Scored(labels, np.zeros(10, dtype=int), np.tile([0.5, 0.3, 0.2], (10, 1)))
    assert by_name("mcc").value(s) == by_name("kappa").value(s) == 0.0
    assert by_name("balanced_accuracy").value(s) == pytest.approx(1 / 3)
    np.testing.assert_allclose(by_name("roc_auc").value(s), 0.5)


@settings(deadline=None, max_examples=80)
@given(n=st.integers(1, 200), data=st.data())
def test_clopper_pearson_is_scipys(n, data):
    k = data.draw(st.integers(0, n))
    theirs = stats.binomtest(k, n).proportion_ci(method="exact")
    assert intervals.clopper_pearson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@settings(deadline=None, max_examples=80)
@given(n=st.integers(1, 200), data=st.data())
def test_wilson_is_scipys(n, data):
    k = data.draw(st.integers(0, n))
    theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert intervals.wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_thirteen_of_thirteen_is_no_certainty():
    assert intervals.clopper_pearson(13, 13) == pytest.approx((0.7529, 1.0), abs=1e-4)


def test_mean_of_one_proportion_is_wilson():
    assert intervals.mean_of_proportions([7], [9]) == pytest.approx(intervals.clopper_pearson(7, 9))


def test_perfect_balanced_accuracy_keeps_an_open_interval():
    low, high = intervals.mean_of_proportions([8, 8], [8, 8])
    assert high == 1.0
    assert 0.6 < low < 0.9


@pytest.mark.slow
def test_mean_of_proportions_covers():
    rng = np.random.default_rng(0)
    truth, sizes = np.array([0.95, 0.8, 0.9]), np.array([26, 10, 8])
    hits = rng.binomial(sizes, truth, size=(4000, 3))
    limits = np.array([intervals.mean_of_proportions(h, sizes) for h in hits])
    covered = np.mean((limits[:, 0] <= truth.mean()) & (truth.mean() <= limits[:, 1]))
    assert covered >= 0.93


def test_bootstrap_is_stratified_and_keeps_donors_whole():
    labels = np.repeat([0, 1], [6, 4])
    weights = intervals.bootstrap_weights(labels, n_resamples=50)
    np.testing.assert_array_equal(weights[:, :6].sum(axis=1), 6)
    np.testing.assert_array_equal(weights[:, 6:].sum(axis=1), 4)
    donors = np.array(list("aabbccddee"))
    grouped = intervals.bootstrap_weights(labels, donors, n_resamples=50)
    np.testing.assert_array_equal(grouped[:, ::2], grouped[:, 1::2])


def test_donors_widen_every_closed_form_interval():
    s = scored(2, n=60)
    order = np.argsort(s.labels, kind="stable")
    s = Scored(s.labels[order], s.predicted[order], s.probabilities[order])
    donors = np.array([f"{label}-{i // 3}" for i, label in enumerate(s.labels)])
    for name in ("accuracy", "balanced_accuracy"):
        plain, grouped = (estimate(by_name(name), [s], Units.of(s.labels, d)) for d in (None, donors))
        assert grouped.high - grouped.low > plain.high - plain.low
        assert grouped.value == plain.value


def test_degenerate_bootstrap_is_marked():
    s = perfect()
    units = Units.of(s.labels, None)
    assert estimate(by_name("f1_macro"), [s], units).degenerate
    assert not estimate(by_name("accuracy"), [s], units).degenerate
    assert not estimate(by_name("f1_macro"), [scored()], Units.of(scored().labels, None)).degenerate


def test_repeats_are_averaged_and_add_no_units():
    a, b = scored(1), scored(1)
    units = Units.of(a.labels, None)
    once, twice = (estimate(by_name("accuracy"), r, units) for r in ([a], [a, b]))
    assert (once.low, once.high) == (twice.low, twice.high)


def test_unknown_metric_names_the_known():
    with pytest.raises(UnknownName, match=r"no metric 'auroc'.*roc_auc_macro"):
        by_name("auroc")

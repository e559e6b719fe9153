"""Properties of every metric, and values and intervals against independent formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from leukotype import metrics
from leukotype.errors import UnknownName
from leukotype.metrics import HEADLINE, METRICS, Scored, by_name, intervals, weighted
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
def test_unit_weights_give_the_unweighted_value(metric, ties, k):
    s = scored(k, k=k, ties=ties)
    np.testing.assert_allclose(metric.weighted(s, s.ones)[0], metric.value(s), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_integer_weight_equals_repeated_sample(metric):
    s = scored(3)
    counts = np.random.default_rng(1).integers(1, 4, s.n_samples)
    again = np.repeat(np.arange(s.n_samples), counts)
    copied = Scored(s.labels[again], s.predicted[again], s.probabilities[again])
    np.testing.assert_allclose(
        metric.weighted(s, counts[None, :].astype(float))[0], metric.value(copied), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_interval_contains_value_and_both_are_within_bounds(metric, seed):
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
def test_sample_order_does_not_matter(metric):
    s = scored(4, ties=True)
    order = np.random.default_rng(0).permutation(s.n_samples)
    turned = Scored(s.labels[order], s.predicted[order], s.probabilities[order])
    np.testing.assert_allclose(metric.value(turned), metric.value(s), rtol=1e-10)


def correlation_of_indicators(s: Scored) -> float:
    """Gorodkin's R_K: covariance of the one-hot labels and predictions, over the root of their variances."""
    truth, calls = (np.eye(s.n_classes)[codes] - np.bincount(codes, minlength=s.n_classes) / s.n_samples
                    for codes in (s.labels, s.predicted))  # fmt: skip
    return (truth * calls).sum() / np.sqrt((truth**2).sum() * (calls**2).sum())


def share_of_ordered_pairs(s: Scored) -> float:
    """Mean over classes of the share of (positive, negative) pairs with the higher score for the positive."""
    wins = []
    for k, p in enumerate(s.probabilities.T):
        gap = p[s.labels == k][:, None] - p[s.labels != k][None, :]
        wins.append((gap > 0).mean() + (gap == 0).mean() / 2)
    return float(np.mean(wins))


def precision_at_positives(s: Scored) -> float:
    """Mean over classes of the mean precision among samples that score at least as high as each positive."""
    means = []
    for k, p in enumerate(s.probabilities.T):
        own = s.labels == k
        means.append(np.mean([own[p >= score].mean() for score in p[own]]))
    return float(np.mean(means))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("kappa", lambda s: sk.cohen_kappa_score(s.labels, s.predicted)),
        ("mcc", correlation_of_indicators),
        ("roc_auc_macro", share_of_ordered_pairs),
        ("average_precision_macro", precision_at_positives),
        (
            "log_loss",
            lambda s: -np.mean([np.log(p[k]) for k, p in zip(s.labels, s.probabilities, strict=True)]),
        ),
        ("brier", lambda s: np.mean(((s.probabilities - np.eye(s.n_classes)[s.labels]) ** 2).sum(axis=1))),
    ],
)
@pytest.mark.parametrize("ties", [False, True])
def test_value_agrees_with_independent_formula(name, reference, ties):
    s = scored(9, ties=ties)
    assert by_name(name).value(s) == pytest.approx(reference(s), rel=1e-10)


@pytest.mark.parametrize("table", metrics.MAIN_TABLES)
def test_main_tables_are_nested_and_begin_with_the_headline(table):
    names = [metric.name for metric in metrics.headline(table)]
    assert names[0] == HEADLINE
    assert not any(metric.per_class for metric in metrics.headline(table))
    assert set(names) <= {metric.name for metric in metrics.headline("figure")}


def test_chance_and_mean_of_match_the_metric():
    """A constant prediction scores the value by chance; a mean is that of its per-class metric."""
    s = Scored(np.repeat([0, 1, 2], [5, 3, 2]), np.zeros(10, dtype=int), np.tile([0.5, 0.3, 0.2], (10, 1)))
    for metric in METRICS:
        if metric.chance is not None:
            assert metric.value(s) == pytest.approx(metric.chance(3))
        if metric.mean_of:
            per_class = by_name(metric.mean_of)
            assert per_class.per_class
            assert metric.value(scored()) == pytest.approx(np.mean(per_class.value(scored())))


def test_calibration_error_by_hand():
    # Two samples at confidence 0.9, one right: |0.5 - 0.9|; two at 0.6, both right: |1 - 0.6|.
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    s = Scored(np.array([0, 1, 1, 1]), p.argmax(axis=1), p)
    assert by_name("ece").value(s) == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)


def test_calibration_error_by_chance_is_that_of_right_probabilities():
    # One sample at confidence 0.9: |1 - 0.9| with probability 0.9, |0 - 0.9| with 0.1.
    one = Scored(np.array([0]), np.array([0]), np.array([[0.9, 0.1]]))
    assert weighted.calibration_error_by_chance(one) == pytest.approx(0.18, abs=0.02)
    certain = Scored(np.array([0, 1]), np.array([0, 1]), np.eye(2))
    assert weighted.calibration_error_by_chance(certain) == 0
    # Labels drawn from the probabilities: the mean of the metric is the expected value.
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.ones(3), 40)
    errors = []
    for _ in range(400):
        labels = (rng.random(40)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
        errors.append(weighted.calibration_error(Scored(labels, p.argmax(axis=1), p), np.ones((1, 40)))[0])
    drawn = Scored(np.zeros(40, dtype=int), p.argmax(axis=1), p)
    assert weighted.calibration_error_by_chance(drawn) == pytest.approx(np.mean(errors), abs=0.008)
    assert np.mean(errors) > 0.1


def test_recall_macro_is_balanced_accuracy_and_micro_averages_are_accuracy():
    s = scored(5)
    assert by_name("recall_macro").value(s) == pytest.approx(by_name("balanced_accuracy").value(s))
    for name in ("precision_micro", "recall_micro", "f1_micro", "recall_weighted"):
        assert by_name(name).value(s) == pytest.approx(by_name("accuracy").value(s))


def test_constant_predictions_have_no_agreement():
    labels = np.repeat([0, 1, 2], [5, 3, 2])
    s = Scored(labels, np.zeros(10, dtype=int), np.tile([0.5, 0.3, 0.2], (10, 1)))
    assert by_name("kappa").value(s) == 0.0
    np.testing.assert_allclose(by_name("roc_auc").value(s), 0.5)


@settings(deadline=None, max_examples=80)
@given(n=st.integers(1, 200), data=st.data())
def test_clopper_pearson_agrees_with_scipy(n, data):
    k = data.draw(st.integers(0, n))
    theirs = stats.binomtest(k, n).proportion_ci(method="exact")
    assert intervals.clopper_pearson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@settings(deadline=None, max_examples=80)
@given(n=st.integers(1, 200), data=st.data())
def test_wilson_agrees_with_scipy(n, data):
    k = data.draw(st.integers(0, n))
    theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert intervals.wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_exact_interval_of_thirteen_of_thirteen():
    assert intervals.clopper_pearson(13, 13) == pytest.approx((0.7529, 1.0), abs=1e-4)


def test_mean_of_one_proportion_has_its_exact_interval():
    assert intervals.mean_of_proportions([7], [9]) == pytest.approx(intervals.clopper_pearson(7, 9))


def test_interval_of_perfect_balanced_accuracy_has_width():
    low, high = intervals.mean_of_proportions([8, 8], [8, 8])
    assert high == 1.0
    assert 0.6 < low < 0.9


@pytest.mark.slow
def test_interval_of_mean_of_proportions_covers_at_its_level():
    rng = np.random.default_rng(0)
    truth, sizes = np.array([0.95, 0.8, 0.9]), np.array([26, 10, 8])
    hits = rng.binomial(sizes, truth, size=(4000, 3))
    limits = np.array([intervals.mean_of_proportions(h, sizes) for h in hits])
    covered = np.mean((limits[:, 0] <= truth.mean()) & (truth.mean() <= limits[:, 1]))
    assert covered >= 0.93


def test_bootstrap_is_stratified_and_draws_whole_donors():
    labels = np.repeat([0, 1], [6, 4])
    weights = intervals.bootstrap_weights(labels, n_resamples=50)
    np.testing.assert_array_equal(weights[:, :6].sum(axis=1), 6)
    np.testing.assert_array_equal(weights[:, 6:].sum(axis=1), 4)
    donors = np.array(list("aabbccddee"))
    grouped = intervals.bootstrap_weights(labels, donors, n_resamples=50)
    np.testing.assert_array_equal(grouped[:, ::2], grouped[:, 1::2])


def test_donors_widen_closed_form_intervals():
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


def test_unknown_metric_is_refused_with_all_names():
    with pytest.raises(UnknownName, match=r"no metric 'auroc'.*roc_auc_macro"):
        by_name("auroc")

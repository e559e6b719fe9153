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


def of_calls(function, average=None):
    """Return a function of predictions that calls scikit-learn's."""
    return lambda s: function(
        s.labels, s.predicted, labels=np.arange(s.n_classes), average=average, zero_division=0.0
    )


def one_vs_rest(function):
    return lambda s: np.array([function(s.labels == k, p) for k, p in enumerate(s.probabilities.T)])


AVERAGED = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}
RANKED = {"roc_auc": sk.roc_auc_score, "average_precision": sk.average_precision_score}
ORACLES = {
    "accuracy": lambda s: sk.accuracy_score(s.labels, s.predicted),
    "balanced_accuracy": lambda s: sk.balanced_accuracy_score(s.labels, s.predicted),
    "mcc": lambda s: sk.matthews_corrcoef(s.labels, s.predicted),
    "kappa": lambda s: sk.cohen_kappa_score(s.labels, s.predicted),
    "log_loss": lambda s: sk.log_loss(s.labels, s.probabilities, labels=np.arange(s.n_classes)),
    **{name: of_calls(function) for name, function in AVERAGED.items()},
    **{
        f"{name}_{average}": of_calls(function, average)
        for name, function in AVERAGED.items()
        for average in ("macro", "micro", "weighted")
    },
    **{name: one_vs_rest(function) for name, function in RANKED.items()},
    "roc_auc_macro": lambda s: one_vs_rest(sk.roc_auc_score)(s).mean(),
    "average_precision_macro": lambda s: one_vs_rest(sk.average_precision_score)(s).mean(),
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_value_agrees_with_scikit_learn(name, ties, k):
    s = scored(k, k=k, ties=ties)
    np.testing.assert_allclose(by_name(name).value(s), ORACLES[name](s), rtol=1e-10, atol=1e-12)


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
    found = estimate(metric, [s], Units(s.labels, None))
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
        plain, grouped = (estimate(by_name(name), [s], Units(s.labels, d)) for d in (None, donors))
        assert grouped.high - grouped.low > plain.high - plain.low
        assert grouped.value == plain.value


@pytest.mark.parametrize("metric", [m for m in METRICS if m.name != "ece"], ids=str)
def test_intervals_of_perfect_predictions_have_width(metric):
    s = perfect()
    found = estimate(metric, [s], Units(s.labels, None))
    assert np.all(found.high - found.low > 0.005)


def test_the_bayesian_bootstrap_of_a_recall_is_the_clopper_pearson_interval():
    labels = np.repeat([0, 1], [12, 9])
    predicted = labels.copy()
    predicted[[0, 1, 14]] = 1 - labels[[0, 1, 14]]
    s = Scored(labels, predicted, np.eye(2)[predicted])
    weights = intervals.bayesian_weights(labels, n_resamples=40_000)
    low, high = (
        intervals.bayesian_bootstrap(weighted.recall, [s], weights, added, share)
        for added, share in ((intervals.WRONG, 0.025), (intervals.RIGHT, 0.975))
    )
    exact = np.array([intervals.clopper_pearson(hits, n) for hits, n in ((10, 12), (8, 9))])
    np.testing.assert_allclose(np.stack([low, high], axis=1), exact, atol=0.006)


def test_bayesian_weights_sum_to_the_class_sizes_and_treat_a_donor_as_one():
    labels = np.repeat([0, 1], [6, 4])
    donors = np.array(list("aabbccddee"))
    weights = intervals.bayesian_weights(labels, donors, n_resamples=50)
    assert weights.shape == (50, 12)
    np.testing.assert_allclose(weights[:, [*range(6), 10]].sum(axis=1), 6)
    np.testing.assert_allclose(weights[:, [*range(6, 10), 11]].sum(axis=1), 4)
    np.testing.assert_array_equal(weights[:, :10:2], weights[:, 1:10:2])


def test_two_added_samples_weigh_two_samples_with_any_number_of_classes():
    labels = np.repeat(np.arange(8), 50)
    weights = intervals.bayesian_weights(labels, added=intervals.WRONG_UNBOUNDED)
    assert weights[:, -8:].sum(axis=1).mean() == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize("added", [intervals.WRONG, intervals.WRONG_UNBOUNDED, intervals.RIGHT])
def test_the_added_sample_makes_every_score_worse_or_better(added):
    s = scored(3, skill=0.6)
    more = intervals.with_added(s, added)
    assert len(more.labels) == s.n_samples + s.n_classes
    for metric in METRICS:
        if metric.per_class or metric.name == "ece":
            continue
        before, after = (float(metric.weighted(x, x.ones)[0]) for x in (s, more))
        rises = added.right == metric.higher_is_better
        assert (after >= before - 1e-12) if rises else (after <= before + 1e-12), metric


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_repeats_are_averaged_and_add_no_units(metric):
    a, b = scored(1), scored(1)
    units = Units(a.labels, None)
    once, twice = (estimate(metric, r, units) for r in ([a], [a, b]))
    np.testing.assert_array_equal((once.low, once.high), (twice.low, twice.high))


def test_unknown_metric_is_refused_with_all_names():
    with pytest.raises(UnknownName, match=r"no metric 'auroc'.*roc_auc_macro"):
        by_name("auroc")

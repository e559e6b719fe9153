"""Laws of the parts of a classifier: alignment, class means, missing probes, scale check and matching."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import classifier_cases as cases
import leukotype as lt
from leukotype.classifier.calls import MISSING, OFF_SCALE, UNLIKE
from leukotype.classifier.matching import Matching
from leukotype.classifier.novelty import Novelty, p_value
from leukotype.classifier.scale_check import ScaleRange
from leukotype.errors import BadIdentifiers, BadValues
from leukotype.recipes import missing
from leukotype.recipes.alignment import HOWS, Alignment, Sorted, default, normal_scores
from leukotype.recipes.missing import MissingLimit, limit_of
from leukotype.recipes.scorer import ClassMeans

NAN = float("nan")
# Many equal values; some are missing.
VALUES = st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.5, 7.0, 7.25, 9.0, NAN]), min_size=1, max_size=30)


def training(n: int = 9, p: int = 15, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(4.0, 2.0, (n, p))


# Alignment


def test_quantile_normalisation_equals_the_published_algorithm():
    """Bolstad et al. (2003), for training samples."""
    x = training()
    reference = np.sort(x, axis=1).mean(axis=0)
    learned = Alignment.learn(x, "quantile")
    assert_allclose(learned.reference, reference, rtol=1e-14)
    literal = np.array([reference[stats.rankdata(row, method="ordinal") - 1] for row in x])
    assert_allclose(np.array([learned.complete(row) for row in x]), literal, rtol=1e-14)
    assert_allclose(learned.centre, literal.mean(axis=0), rtol=1e-14)


def test_a_sample_with_the_reference_distribution_does_not_change():
    x = np.array([np.random.default_rng(seed).permutation(training(1)[0]) for seed in range(6)])
    for row in x:
        assert_allclose(Alignment.learn(x, "quantile").complete(row), row, rtol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 5, 8, 501])
def test_normal_scores_are_normal_quantiles(n):
    assert_allclose(normal_scores(n), stats.norm.ppf((np.arange(n) + 0.5) / n), rtol=0, atol=1e-12)
    assert_array_equal(normal_scores(n), -normal_scores(n)[::-1])


def test_equal_values_get_the_mean_of_their_reference_values():
    one = Alignment("quantile", np.array([1.0, 2.0, 4.0, 8.0, 16.0]), np.zeros(5))
    assert_array_equal(one.complete(np.array([5.0, 9.0, 5.0, 3.0, 5.0])), [14 / 3, 16.0, 14 / 3, 1.0, 14 / 3])
    assert_array_equal(one.complete(np.full(5, 3.0)), np.full(5, 31 / 5))


def test_without_alignment_only_missing_values_change():
    x = training()
    one = Alignment.learn(x, "none")
    for row in x:
        assert_array_equal(one.complete(row), row)
    assert_array_equal(one.complete(np.where(np.arange(15) < 4, NAN, x[0])), [*x.mean(axis=0)[:4], *x[0, 4:]])


@pytest.mark.parametrize("how", ["quantile", "rank"])
@settings(max_examples=60, deadline=None)
@given(values=VALUES, stretch=st.sampled_from(["linear", "power", "exponential", "places"]))
def test_alignment_depends_on_the_order_alone(how, values, stretch):
    x = np.array(values)
    learned = Alignment.learn(training(p=len(x)), how)
    aligned, present = learned.complete(x), np.flatnonzero(~np.isnan(x))
    order = np.argsort(x[present], kind="stable")
    assert (np.diff(aligned[present][order]) >= 0).all()
    # Exactly the equal values stay equal, because the reference has no equal ones.
    assert len(set(aligned[present].tolist())) == len(set(x[present].tolist()))
    with np.errstate(invalid="ignore"):
        stretched = {
            "linear": 3 * x - 40,
            "power": x**3,
            "exponential": 2.0**x,
            "places": np.searchsorted(np.unique(x[present]), x).astype(float) + 0 * x,
        }[stretch]
    assert_array_equal(learned.complete(stretched), aligned)


@settings(max_examples=100, deadline=None)
@given(values=VALUES, data=st.data())
def test_removing_probes_from_an_order_equals_sorting_without_them(values, data):
    x = np.array(values)
    gone = np.array(data.draw(st.lists(st.integers(0, len(x) - 1), unique=True)), dtype=np.intp)
    thinned = x.copy()
    thinned[gone] = NAN
    expected, found = Sorted.of(thinned), Sorted.of(x).without(gone, len(x))
    assert_array_equal(found.present, expected.present)
    assert_array_equal(found.starts, expected.starts)
    # The order of equal values is arbitrary.
    known = thinned[expected.present]
    assert_array_equal(known[found.order], known[expected.order])
    reference = np.arange(len(known), dtype=float) ** 2
    if len(known):
        assert_array_equal(found.to(reference), expected.to(reference))


@pytest.mark.parametrize("how", ["quantile", "rank"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_missing_probes_remove_their_usual_ranks(how, data):
    """A sample with every probe at its usual rank gets the same values for any missing probes."""
    x = training(p=12, seed=3)
    learned = Alignment.learn(x, how)
    usual = learned.centre
    gone = data.draw(st.lists(st.integers(0, 11), unique=True))
    thinned = usual.copy()
    thinned[gone] = NAN
    aligned = learned.complete(thinned)
    rest = np.setdiff1d(np.arange(12), gone)
    assert_array_equal(aligned[rest], learned.complete(usual)[rest])
    assert_array_equal(aligned[gone], usual[gone])


def test_a_sample_of_highly_expressed_probes_is_not_stretched():
    x = training(p=200) + np.arange(200) % 23
    learned = Alignment.learn(x, "quantile")
    high = learned.usual_places >= 150
    aligned = learned.complete(np.where(high, x[0], NAN))[high]
    whole = learned.complete(x[0])[high]
    # By ranks among these probes alone, the lowest would get the lowest reference value.
    assert aligned.min() > np.median(learned.reference)
    assert abs(aligned.mean() - whole.mean()) < 0.3 * whole.std()


@pytest.mark.parametrize("how", HOWS)
def test_an_empty_sample_becomes_the_training_mean(how):
    learned = Alignment.learn(training(), how)
    assert_array_equal(learned.complete(np.full(15, NAN)), learned.centre)


def test_the_default_depends_on_the_number_of_probes():
    assert [default(n) for n in (1, 499, 500, 22283)] == ["none", "none", "quantile", "quantile"]
    small = lt.train(cases.cohort(), "majority", design=cases.DESIGN, jobs=1)
    assert small.record["recipe"]["align"] == "none"


@pytest.mark.parametrize("how", ["quantile", "rank"])
@pytest.mark.parametrize("name", ["logistic", "forest", "knn", "pairs"])
def test_an_aligned_classifier_depends_on_the_order_alone(name, how):
    """Increasing transformations to positive values do not change a byte of a sample's call.

    Negative values are off-scale, because they may be z-scores.
    """
    one, batch = cases.trained(name, how), cases.thinned(cases.fresh(), 0.15)
    expected = one.predict(batch).to_csv()
    for change in (lambda x: 5 * x + 3, lambda x: x**3, np.exp, lambda x: 9 - 1 / (1 + x)):
        assert one.predict(replace(batch, expression=change(batch.expression))).to_csv() == expected
    unaligned = cases.trained(name)
    assert unaligned.predict(replace(batch, expression=5 * batch.expression)).to_csv() != (
        unaligned.predict(batch).to_csv()
    )


# Class means: distances and imputation


def test_class_means_and_distances_match_their_definition():
    x, labels = training(), np.array([0, 1, 2] * 3)
    learned = ClassMeans.learn(x, labels)
    means = np.array([x[labels == code].mean(axis=0) for code in range(3)])
    within = np.sqrt(sum(((x[labels == c] - means[c]) ** 2).sum(axis=0) for c in range(3)) / 6)
    assert_allclose(learned.means, means, rtol=1e-13)
    assert_allclose(learned.scale, within + np.median(within), rtol=1e-13)
    sample, present = x[0] + 1, np.array([1, 4, 5])
    assert_allclose(
        learned.distance(sample), min((((sample - m) / learned.scale) ** 2).mean() for m in means)
    )
    part = min((((sample - m) / learned.scale)[present] ** 2).mean() for m in means)
    assert_allclose(learned.distance(sample, present), part)
    assert learned.distance(means[1]) == 0
    assert learned.distance(sample, np.array([], dtype=int)) == 0


def test_constant_probes_have_a_scale():
    learned = ClassMeans.learn(np.full((4, 3), 5.0), np.array([0, 0, 1, 1]))
    assert_array_equal(learned.scale, 1.0)
    assert learned.distance(np.array([5.0, 5.0, 8.0])) == 3.0


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_filling_is_least_squares_with_a_unit_prior(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    n_classes, n_probes = data.draw(st.integers(2, 5)), 14
    learned = ClassMeans(rng.normal(7, 2, (n_classes, n_probes)), rng.uniform(0.3, 2, n_probes))
    sample = rng.normal(7, 2, n_probes)
    gone = np.array(data.draw(st.lists(st.integers(0, n_probes - 1), unique=True)), dtype=np.intp)
    present = np.setdiff1d(np.arange(n_probes), gone)
    sample[gone] = 99.0
    before = sample.copy()
    filled = learned.fill(sample, present)
    assert_array_equal(sample, before)
    assert_array_equal(filled[present], sample[present])
    centre = learned.means.mean(axis=0)
    weighed = ((learned.means - centre) / learned.scale)[:, present]
    z = ((sample - centre) / learned.scale)[present]
    shares = np.linalg.lstsq(
        np.vstack([weighed.T, np.eye(n_classes)]), np.concatenate([z, np.zeros(n_classes)]), rcond=None
    )[0]
    assert_allclose(filled[gone], (centre + shares @ (learned.means - centre))[gone], rtol=0, atol=1e-9)


def test_filling_recovers_a_sample_in_the_span_of_the_class_means():
    """The prior is negligible if the classes are far apart in within-class deviations."""
    rng = np.random.default_rng(2)
    means = rng.normal(7, 2, (4, 30))
    learned = ClassMeans(means, np.full(30, 1e-6))
    sample = np.array([0.5, 0.3, 0.4, -0.2]) @ means
    present = np.arange(0, 30, 2)
    torn = sample.copy()
    torn[1::2] = 0
    assert_allclose(learned.fill(torn, present), sample, rtol=0, atol=1e-7)


def test_filling_an_empty_sample_gives_the_mean_of_the_class_means():
    learned = ClassMeans(np.array([[1.0, 5.0], [3.0, 9.0]]), np.ones(2))
    assert_allclose(learned.fill(np.zeros(2), np.array([], dtype=int)), [2.0, 7.0])


def test_filling_survives_means_of_any_size():
    learned = ClassMeans(np.array([[1e30, -1e30, 0.0], [-1e30, 1e30, 1.0]]), np.full(3, 1e-12))
    assert np.isfinite(learned.fill(np.array([1e30, 0.0, 0.0]), np.array([0]))).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=40, unique=True))
def test_p_values_of_exchangeable_samples_are_uniform(distances):
    """Leaving out each of n samples in turn gives the p-values 1/n, 2/n, ..., 1."""
    n, found = len(distances), []
    for left_out in distances:
        rest = np.sort(np.array([d for d in distances if d != left_out], dtype=float))
        found.append(Novelty(ClassMeans(np.zeros((2, 1)), np.ones(1)), rest).p_value(float(left_out)))
    assert_allclose(sorted(found), (np.arange(n) + 1) / n)


def test_an_equal_distance_counts_as_at_least_as_distant():
    assert p_value(np.array([1.0, 2.0, 2.0, 3.0]), 2.0) == 4 / 5


def test_novelty_rejects_another_population_and_rarely_the_same():
    simulated = lt.simulate({"A": 40, "B": 30, "C": 30}, 60, markers_per_class=8, effect=2.0, seed=1)
    one = lt.train(simulated.cohort, "centroids", align="none", design=lt.Design(outer=5, inner=2), jobs=1)
    fresh = one.predict(simulated.fresh({"A": 200, "B": 200, "C": 200}, 5))
    share = np.mean([UNLIKE in reasons for reasons in fresh.reasons])
    assert 0.002 < share < 0.1
    assert abs(np.mean(fresh.p_like) - 0.5) < 0.08
    others = lt.simulate({"A": 60}, 60, markers_per_class=8, effect=2.0, seed=2).cohort
    assert np.mean([UNLIKE in reasons for reasons in one.predict(others).reasons]) > 0.9


# Missing probes


@pytest.mark.parametrize(
    ("accuracies", "limit"),
    [
        ([0.9] * 12, 0.95),
        ([0.9] + [0.5] * 11, 0.0),
        ([0.9, 0.89, 0.885, 0.88, 0.87, *[0.99] * 7], 0.2),
        ([0.9, 0.95, 0.95, 0.88, 0.88, 0.87999, *[0.99] * 7], 0.3),
        ([0.0] * 12, 0.95),
    ],
)
def test_the_limit_is_the_share_before_accuracy_falls(accuracies, limit):
    found = limit_of(accuracies[:12])
    assert found.limit == limit
    assert [share for share, _ in found.curve] == list(missing.SHARES)
    assert [accuracy for _, accuracy in found.curve] == accuracies[:12]


def test_more_missing_probes_than_the_limit_exceed_it():
    limit = MissingLimit((), 0.3)
    assert [limit.exceeded(k, 10) for k in (0, 3, 4, 10)] == [False, False, True, True]
    assert not limit.exceeded(0, 0)


def test_simulated_missing_probes_equal_predictions_without_them():
    """The first entry is the accuracy of complete samples, each other that of samples with missing probes."""
    one, fresh = (
        cases.trained("logistic", "quantile"),
        cases.simulation().fresh(dict.fromkeys(cases.SIZES, 6), 3),
    )
    classes, n_draws = one.novelty.classes, 2
    hits = missing.simulate(
        one.scorer, classes, fresh.expression, fresh.codes, n_draws, np.random.default_rng(1)
    )
    raw = one.estimator().predict(fresh.expression)
    assert hits[0] == n_draws * (raw == fresh.labels).sum()
    rng, expected = np.random.default_rng(1), np.zeros(len(missing.SHARES))
    for row, code in zip(fresh.expression, fresh.codes, strict=True):
        for _ in range(n_draws):
            order = rng.permutation(cases.N_PROBES)
            for k, share in enumerate(missing.SHARES):
                torn = row.copy()
                torn[order[: round(share * cases.N_PROBES)]] = NAN
                aligned = classes.fill(one.scorer.alignment.complete(torn), np.flatnonzero(~np.isnan(torn)))
                expected[k] += one.scorer.probabilities(aligned[None])[0].argmax() == code
    assert_array_equal(hits, expected)
    # Accuracy falls with nearly all probes missing.
    assert hits[-1] < hits[0]


def test_a_sample_with_too_many_missing_probes_is_not_called():
    one = replace(cases.trained("logistic"), missing=MissingLimit((), 0.2))
    x = cases.fresh().expression[:2].copy()
    x[0, :8], x[1, :9] = NAN, NAN
    calls = one.predict(cases.batch_of(x, one.probes))
    assert calls.missing.tolist() == [8, 9]
    assert [MISSING in reasons for reasons in calls.reasons] == [False, True]
    assert calls.table()["probes_used"].tolist() == [32, 31]


def test_only_probes_that_the_rule_reads_can_be_missing():
    one = cases.trained("elastic-net")
    assert 0 < one.n_read < cases.N_PROBES
    x = np.full((1, cases.N_PROBES), NAN)
    x[0, one.scorer.rule.reads] = cases.fresh().expression[0, one.scorer.rule.reads]
    assert one.predict(cases.batch_of(x, one.probes)).missing.tolist() == [0]


def test_a_cohort_with_missing_values_trains():
    rng = np.random.default_rng(0)
    holes = np.where(rng.random(cases.cohort().expression.shape) < 0.05, NAN, cases.cohort().expression)
    cohort = replace(cases.cohort(), expression=holes)
    one = lt.train(cohort, "logistic", align="none", design=cases.DESIGN, jobs=1)
    study = lt.evaluate(cohort, ["logistic"], design=cases.DESIGN, jobs=1)
    own = study.probabilities("logistic")[0][np.arange(30), cohort.codes]
    assert_array_equal(one.sets.scores, own)
    for how in ("quantile", "rank"):
        other = lt.train(cohort, "logistic", align=how, design=cases.DESIGN, jobs=1)
        assert np.isfinite(other.predict(cohort).probabilities).all()
    empty = replace(cohort, expression=np.full_like(holes, NAN))
    with pytest.raises(BadValues, match="are missing"):
        lt.train(empty, "logistic", jobs=1)


# Scale


def looks(x, *, is_bound=True) -> list[bool]:
    learned = ScaleRange.learn(np.random.default_rng(0).normal(7, 2, (20, 400)), is_bound=is_bound)
    return [learned.is_off(row, Sorted.of(row)) for row in np.atleast_2d(x)]


def test_a_sample_of_the_same_scale_is_not_off():
    rng = np.random.default_rng(1)
    assert not any(looks(rng.normal(7, 2, (50, 400))))
    assert not any(looks(np.where(rng.random((50, 400)) < 0.5, NAN, rng.normal(7, 2, (50, 400)))))


@pytest.mark.parametrize(
    ("change", "is_off", "where_aligned"),
    [
        (lambda x: x + 0.7, False, False),
        (lambda x: x + 2.5, True, False),
        (lambda x: x - 2.5, True, False),
        (lambda x: 7 + (x - 7) * 1.5, False, False),
        (lambda x: 7 + (x - 7) * 2.6, True, False),
        (lambda x: 7 + (x - 7) / 2.6, True, False),
        (lambda x: 2.0**x, True, False),
        (lambda x: np.where(x < 7.5, 7.5, x), True, False),
        (lambda x: np.where(x < 11, 11, x), True, True),
        # Integer intensities are accepted.
        (lambda x: np.log2(np.round(2.0**x)), False, False),
        (lambda x: np.round(x), True, True),
        (lambda x: np.full_like(x, 7.0), True, True),
        (lambda x: np.where(np.arange(400) < 399, NAN, x), False, False),
    ],
)
def test_each_check_of_the_scale(change, is_off, where_aligned):
    x = change(np.random.default_rng(2).normal(7, 2, 400))
    assert looks(x) == [is_off]
    assert looks(x, is_bound=False) == [where_aligned]


def test_off_scale_is_a_reason():
    one = cases.trained("logistic")
    calls = one.predict(cases.batch_of(cases.fresh().expression + 6.0, one.probes))
    assert all(OFF_SCALE in reasons for reasons in calls.reasons)
    assert set(calls.calls) == {"abstained"}
    assert not any(OFF_SCALE in reasons for reasons in one.predict(cases.fresh()).reasons)


# Matching

PROBES, SYMBOLS = ("1_at", "2_at", "3_at", "4_at"), ("TP53", "MYC", "MYC", "")


def test_ids_are_matched_in_any_order():
    found = Matching.find(PROBES, SYMBOLS, ["x", "4_at", "1_at", "y", "2_at"])
    assert found.by == "id"
    assert found.columns.tolist() == [2, 4, -1, 1]
    assert_array_equal(found.values(np.arange(5.0)), [2.0, 4.0, NAN, 1.0])
    assert found.n_found == 3
    assert found.describe() == "3 of 4 probes matched by probe id."


def test_symbols_are_used_if_they_match_more():
    found = Matching.find(PROBES, SYMBOLS, ["MYC", "TP53", "1_at"])
    assert found.by == "symbol"
    assert_array_equal(found.values(np.array([5.0, 6.0, 7.0])), [6.0, 5.0, 5.0, NAN])
    assert found.shared == 1
    assert "1 share the column of another probe of the same gene" in found.describe()
    # With as many matches by id, ids are used.
    assert Matching.find(PROBES, SYMBOLS, ["1_at", "TP53"]).by == "id"
    # Matching is case-sensitive, and several genes are one text.
    with pytest.raises(BadIdentifiers):
        Matching.find(PROBES, SYMBOLS, ["tp53", "MYC /// TP53"])


def test_several_columns_are_replaced_by_their_median():
    found = Matching.find(PROBES, SYMBOLS, ["1_at", "2_at", "1_at", "1_at", "1_at"])
    assert found.columns.tolist() == [-1, 1, -1, -1]
    assert found.n_found == 2
    assert_array_equal(found.values(np.array([1.0, 8.0, NAN, 100.0, 4.0])), [4.0, 8.0, NAN, NAN])
    assert_array_equal(found.values(np.array([1.0, NAN, 2.0, 100.0, 4.0])), [3.0, NAN, NAN, NAN])
    assert_array_equal(found.values(np.full(5, NAN)), np.full(4, NAN))
    assert "1 of them have several columns, whose median is used" in found.describe()


def test_probes_of_another_array_are_matched_by_gene():
    annotation = {"a": "MYC", "b": "TP53", "c": "MYC", "d": "KIT"}
    found = Matching.find(PROBES, SYMBOLS, ["a", "b", "c", "d"], annotation)
    assert found.by == "symbol"
    assert_array_equal(found.values(np.array([1.0, 2.0, 4.0, 9.0])), [2.0, 2.5, 2.5, NAN])


@pytest.mark.parametrize("symbols", [SYMBOLS, ("",) * 4])
def test_no_match_is_refused_in_one_line(symbols):
    with pytest.raises(
        BadIdentifiers, match=r"none of the 3 columns \(x, y, z \.\.\.\) is a probe"
    ) as refused:
        Matching.find(PROBES, symbols, ["x", "y", "z"])
    assert "\n" not in str(refused.value)
    assert "--annotation" in str(refused.value)


@settings(max_examples=50, deadline=None)
@given(
    names=st.lists(st.sampled_from([*PROBES, "TP53", "MYC", "z", ""]), max_size=12), seed=st.integers(0, 99)
)
def test_values_are_the_median_of_equal_names(names, seed):
    assume(set(names) - {"z", ""})
    row = np.random.default_rng(seed).normal(size=len(names))
    row[row > 1] = NAN
    found = Matching.find(PROBES, SYMBOLS, names)
    wanted = PROBES if found.by == "id" else SYMBOLS
    for value, name in zip(found.values(row), wanted, strict=True):
        own = [v for v, other in zip(row, names, strict=True) if other == name and name and not np.isnan(v)]
        assert_array_equal(value, np.median(own) if own else NAN)


# A classifier whose probe ids are gene symbols

GENES = ("TP53", "MYC", "LCK")


def test_ids_that_are_genes_match_annotated_probes():
    annotation = {"1_at": "MYC", "2_at": "TP53", "3_at": "MYC"}
    found = Matching.find(GENES, ("", "", ""), ("1_at", "2_at", "3_at", "4_at"), annotation)
    assert found.by == "symbol"
    assert found.n_found == 2
    assert_array_equal(found.values(np.array([1.0, 5.0, 3.0, 9.0])), [5.0, 2.0, NAN])


def test_ids_are_preferred_to_symbols_with_as_many_matches():
    found = Matching.find(GENES, ("", "", ""), GENES, {"TP53": "MYC"})
    assert found.by == "id"


def test_without_annotation_the_error_names_the_option():
    with pytest.raises(BadIdentifiers, match="--annotation"):
        Matching.find(GENES, ("", "", ""), ("1_at", "2_at"))

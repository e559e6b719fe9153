"""Calibration, thresholds and prediction sets: hand examples, known distributions, and coverage of fresh samples."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import classifier_cases as cases
import leukotype as lt
from leukotype.classifier import abstention, calibration, conformal, novelty
from leukotype.classifier.abstention import NEVER, OutOfFold, Target, by_class, risk_coverage, thresholds
from leukotype.classifier.calibration import Calibration
from leukotype.classifier.calls import MARGIN, UNLIKE
from leukotype.classifier.conformal import CrossConformal
from leukotype.errors import UnknownName
from leukotype.recipes import missing


@pytest.fixture
def few_draws(monkeypatch):
    """One simulation of missing probes per sample: it takes most of the time and is not tested here."""
    monkeypatch.setattr(missing, "draws", lambda n_samples: 1)


# Calibration


def softmax(z: np.ndarray) -> np.ndarray:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def drawn(n: int, n_classes: int, seed: int = 0, spread: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    p = softmax(spread * rng.normal(size=(n, n_classes)))
    return p, (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("times", [0.4, 1.0, 3.0])
def test_temperature_undoes_a_known_distortion(times, n_classes):
    p, labels = drawn(20_000, n_classes)
    learned = Calibration.fit("temperature", softmax(np.log(p) * times), labels)
    assert_allclose(learned.slope, [1 / times], rtol=0.04)
    # Probabilities below one in a million are equal, because votes can be 0.
    assert_allclose(learned.apply(softmax(np.log(p) * times)), p, atol=0.03)


@pytest.mark.parametrize(("slope", "offset"), [(0.5, 0.0), (2.0, 1.0), (1.0, -0.7)])
def test_sigmoid_undoes_a_known_distortion_of_two_classes(slope, offset):
    p, labels = drawn(20_000, 2)
    odds = np.log(p[:, 1] / p[:, 0]) * slope + offset
    shown = np.column_stack([1 / (1 + np.exp(odds)), 1 / (1 + np.exp(-odds))])
    learned = Calibration.fit("sigmoid", shown, labels)
    assert_allclose(learned.slope, [1 / slope] * 2, rtol=0.06)
    assert_allclose(learned.offset, [offset / slope, -offset / slope], atol=0.08)
    assert_allclose(learned.apply(shown), p, atol=0.02)


@pytest.mark.parametrize("method", calibration.METHODS)
def test_calibrated_probabilities_sum_to_one_and_rows_are_independent(method):
    p, labels = drawn(60, 3)
    learned = Calibration.fit(method, p, labels)
    # Votes can be unanimous.
    p[:3] = np.eye(3)
    shown = learned.apply(p)
    assert_allclose(shown.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert ((shown >= 0) & (shown <= 1)).all()
    for row in range(60):
        assert learned.apply(p[row : row + 1]).tobytes() == shown[row : row + 1].tobytes()


@pytest.mark.parametrize("method", calibration.METHODS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_calibration_of_two_classes_keeps_the_order(method, seed):
    """A ranking worse than chance may be flattened but not reversed."""
    rng = np.random.default_rng(seed)
    p = rng.random(40)
    learned = Calibration.fit(method, np.column_stack([1 - p, p]), (rng.random(40) < 0.5).astype(int))
    assert (learned.slope >= 0).all()
    shown = learned.apply(np.column_stack([1 - np.sort(p), np.sort(p)]))[:, 1]
    assert (np.diff(shown) >= -1e-12).all()


def test_calibration_is_chosen_only_if_it_helps():
    p, labels = drawn(400, 3)
    fold_of = np.arange(400)[None] % 5
    good = calibration.choose(p[None], labels, fold_of)
    assert good.calibration.method == "raw"
    assert good.reason.startswith("Probabilities are not calibrated: no method had a clearly lower")
    sure = softmax(np.log(p) * 6)[None]
    bad = calibration.choose(sure, labels, fold_of)
    assert bad.calibration.method != "raw"
    assert bad.calibration.method in bad.reason
    assert min(bad.losses, key=bad.losses.get) == bad.calibration.method
    assert_allclose(bad.losses["raw"], calibration.log_losses(sure[0], labels).mean())
    # The final calibration is fitted on all samples.
    again = Calibration.fit(bad.calibration.method, sure[0], labels)
    assert_array_equal(again.slope, bad.calibration.slope)


def test_losses_come_from_samples_that_were_not_fitted_on():
    p, labels = drawn(60, 2, spread=3.0)
    fold_of = np.arange(60)[None] % 3
    losses = calibration.choose(p[None], labels, fold_of).losses
    for method in calibration.METHODS:
        own = np.empty(60)
        for fold in range(3):
            out = fold_of[0] == fold
            learned = Calibration.fit(method, p[~out], labels[~out])
            own[out] = -np.log(learned.apply(p[out])[np.arange(20), labels[out]])
        assert_allclose(losses[method], own.mean(), rtol=1e-12)


@pytest.mark.parametrize(("smallest", "tried"), [(4, 1), (5, 2), (9, 2), (10, 3)])
def test_methods_need_a_minimum_class_size(smallest, tried):
    labels = np.repeat([0, 1], [30, smallest])
    p = softmax(np.random.default_rng(0).normal(size=(len(labels), 2)) * 8)[None]
    choice = calibration.choose(p, labels, np.arange(len(labels))[None] % 3)
    assert list(choice.losses) == list(calibration.METHODS[:tried])
    assert (f"the smallest class has {smallest} samples" in choice.reason) == (tried < 3)


def calibration_gain(seeds, model: str) -> np.ndarray:
    """Raw minus calibrated log loss on 900 fresh samples of each simulated cohort."""
    gains = []
    for seed in seeds:
        simulated = lt.simulate(
            {"A": 24, "B": 18, "C": 14}, 50, markers_per_class=5, effect=1.0, composition=0.3, seed=seed
        )
        one = lt.train(simulated.cohort, cases.model(model), align="none", design=cases.DESIGN, jobs=1)
        fresh = simulated.fresh({"A": 386, "B": 289, "C": 225}, seed)
        p = one.scorer.probabilities(fresh.expression)
        assert_allclose(one.predict(fresh).probabilities, one.calibration.apply(p), rtol=0, atol=1e-12)
        raw, shown = (calibration.log_losses(q, fresh.codes).mean() for q in (p, one.calibration.apply(p)))
        gains.append(raw - shown)
    return np.array(gains)


def test_calibrated_is_no_worse_than_raw_on_many_fresh_samples(few_draws):
    gains = np.concatenate(
        [calibration_gain(range(2), model) for model in ("diagonal-lda", "centroids", "knn")]
    )
    assert gains.min() > -0.03
    # Votes of few neighbours are overconfident.
    assert gains.max() > 0.1


@pytest.mark.slow
def test_calibrated_is_no_worse_than_raw_in_many_cohorts(few_draws):
    for model in ("diagonal-lda", "naive-bayes", "knn", "logistic", "ridge-lda"):
        gains = calibration_gain(range(8), model)
        assert gains.mean() > -0.005, model
        assert gains.min() > -0.05, model


# Thresholds


def votes(confidence, right) -> tuple[np.ndarray, np.ndarray]:
    """Two classes; every sample is predicted as the first with these confidences."""
    p = np.column_stack([confidence, 1 - np.array(confidence)])[None]
    return p, np.where(right, 0, 1)


@pytest.mark.parametrize(
    ("confidence", "right", "target", "least"),
    [
        # The lowest confidence at or above which three of four are correct.
        ([0.9, 0.8, 0.7, 0.6], [1, 1, 0, 1], Target("accuracy", 0.75), 0.5),
        ([0.9, 0.8, 0.7, 0.6], [1, 1, 1, 0], Target("accuracy", 0.99), 0.7),
        ([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 1], Target("accuracy", 0.8), 0.9),
        ([0.9, 0.8, 0.7, 0.6], [0, 1, 1, 1], Target("accuracy", 0.8), NEVER),
        ([0.9, 0.8, 0.7, 0.6], [0, 0, 0, 0], Target("accuracy", 0.1), NEVER),
        # Equal confidences are called together, in any order.
        ([0.9, 0.7, 0.7, 0.7], [1, 1, 1, 0], Target("accuracy", 0.99), 0.9),
        ([0.7, 0.7, 0.7, 0.9], [0, 1, 1, 1], Target("accuracy", 0.99), 0.9),
        ([0.8, 0.8], [1, 0], Target("accuracy", 0.9), NEVER),
        # All may be called: 0.5, unless a lower confidence was seen.
        ([0.9, 0.8], [1, 1], Target("accuracy", 0.95), 0.5),
        ([0.9, 0.8, 0.7, 0.6], [0, 0, 0, 1], Target("coverage", 0.5), 0.8),
        ([0.9, 0.8, 0.7, 0.6], [0, 0, 0, 1], Target("coverage", 0.51), 0.7),
        ([0.9, 0.8, 0.8, 0.6], [0, 0, 0, 1], Target("coverage", 0.5), 0.8),
        ([0.9, 0.8, 0.7, 0.6], [0, 0, 0, 1], Target("coverage", 1.0), 0.5),
    ],
)
def test_thresholds_of_hand_examples(confidence, right, target, least):
    p, labels = votes(confidence, np.array(right, dtype=bool))
    for order in itertools.permutations(range(len(confidence))):
        found = by_class(p[:, order], labels[list(order)], target)
        # No sample was predicted as the second class: 0.5.
        assert_array_equal(found, [least, 0.5])


@pytest.mark.parametrize("n", [20, 100, 300])
@pytest.mark.parametrize("share", [0.55, 0.57, 0.7, 0.9, 0.95])
def test_a_coverage_target_is_met_exactly(n, share):
    p, labels = votes(np.linspace(0.99, 0.51, n), np.zeros(n, dtype=bool))
    least = by_class(p, labels, Target("coverage", share))[0]
    assert (p[0, :, 0] >= least).sum() == math.ceil(round(share * n, 6))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from([0.4, 0.5, 0.55, 0.7, 0.9, 1.0]), st.booleans()), min_size=1, max_size=25
    ),
    share=st.sampled_from([0.5, 0.8, 0.95, 0.99]),
    kind=st.sampled_from(["accuracy", "coverage"]),
)
def test_thresholds_of_a_class_are_the_lowest_that_reach_the_target(rows, share, kind):
    confidence = np.array([c for c, _ in rows])
    right = np.array([r for _, r in rows])
    # Three classes, so that the largest probability can be below 0.5.
    p = np.column_stack([confidence, (1 - confidence) / 2, (1 - confidence) / 2])[None]
    least = by_class(p, np.where(right, 0, 1), Target(kind, share))[0]
    kept = confidence >= least

    def reaches(among: np.ndarray) -> bool:
        if kind == "accuracy":
            return bool(among.any() and right[among].mean() >= share - 1e-12)
        return bool(among.mean() >= share - 1e-12)

    lower = [c for c in confidence if c < least]
    if least == NEVER:
        assert kind == "accuracy"
        assert not any(reaches(confidence >= c) for c in confidence)
    elif kind == "accuracy":
        assert reaches(kept)
        assert not any(reaches(confidence >= c) for c in lower)
    else:
        assert reaches(kept)
        assert not any(reaches(confidence >= c) for c in confidence if c > least and (confidence < c).any())


def test_repeats_are_pooled():
    p, labels = votes([0.9, 0.8, 0.7, 0.6], np.array([True, True, True, False]))
    other = p[:, :, ::-1]
    found = by_class(np.concatenate([p, other]), labels, Target("accuracy", 0.99))
    # In the second repeat, all are predicted as the second class, and only the last is correct.
    assert_array_equal(found, [0.7, NEVER])


@pytest.mark.parametrize(
    "given_",
    [
        ("luck", 0.5),
        ("accuracy", 0.0),
        ("accuracy", 1.0),
        ("accuracy", 1.01),
        ("coverage", -1.0),
        ("coverage", float("nan")),
    ],
)
def test_an_invalid_target_is_refused(given_):
    with pytest.raises(UnknownName) as refused:
        Target(*given_)
    assert "\n" not in str(refused.value)


def literal_bound(hits: float, wrong: float) -> float:
    return float(stats.beta.ppf(1 - abstention.ASSURANCE, hits + 0.5, wrong + 0.5))


@pytest.mark.parametrize("donors", [None, 12])
def test_the_floor_is_the_lowest_confidence_that_holds_with_its_assurance(donors):
    p, labels = drawn(60, 3, 5, spread=4.0)
    repeats = np.array([p, p[:, [0, 1, 2]] * 0.9 + 0.1 / 3])
    confidence, right = repeats.max(axis=2).ravel(), (repeats.argmax(axis=2) == labels).ravel()
    weight = (donors or 60) / 120
    holds = [
        literal_bound(right[confidence >= c].sum() * weight, (~right[confidence >= c]).sum() * weight)
        for c in confidence
    ]
    best = max(holds)
    assert abstention.supported(repeats, labels, donors) == math.floor(100 * best) / 100
    for accuracy in (best - 0.1, best - 0.02, best - 1e-9):
        reached = [c for c, bound in zip(confidence, holds, strict=True) if bound >= accuracy]
        expected = min(reached) if min(reached) > confidence.min() else 0.0
        assert abstention.floor(repeats, labels, accuracy, donors) == expected
    assert abstention.floor(repeats, labels, best + 0.01, donors) == NEVER


@pytest.mark.parametrize(("n", "calls"), [(8, False), (60, True)])
def test_few_samples_without_error_do_not_assure_95_percent(n, calls):
    p, labels = votes(np.linspace(0.99, 0.6, n), np.ones(n, dtype=bool))
    found = thresholds(p, labels, Target())
    assert (found < 1).all() == calls
    assert (abstention.supported(p, labels) >= 0.95) == calls
    # A target of coverage needs no assurance.
    assert (thresholds(p, labels, Target("coverage", 0.9)) < 1).all()


def test_risk_coverage_of_a_hand_example():
    found = risk_coverage(np.array([0.6, 0.9, 0.7, 0.7]), np.array([False, True, False, True]))
    assert found == [
        {"coverage": 0.25, "error": 0.0, "confidence": 0.9},
        {"coverage": 0.75, "error": 1 / 3, "confidence": 0.7},
        {"coverage": 1.0, "error": 0.5, "confidence": 0.6},
    ]


@pytest.mark.parametrize("points", [2, 7, 50])
def test_risk_coverage_ends_with_all_samples(points):
    rng = np.random.default_rng(1)
    confidence, right = rng.random(200).round(2), rng.random(200) < 0.8
    found = risk_coverage(confidence, right, points)
    assert len(found) <= points
    assert (found[-1]["coverage"], found[-1]["confidence"]) == (1.0, confidence.min())
    for entry in found:
        kept = confidence >= entry["confidence"]
        assert entry["coverage"] == kept.mean()
        assert_allclose(entry["error"], 1 - right[kept].mean())


def test_low_margin_follows_the_thresholds_of_the_classifier():
    one = replace(cases.trained("logistic"), thresholds=np.array([NEVER, 0.0, 0.7]))
    calls = one.predict(cases.simulation().fresh(dict.fromkeys(cases.SIZES, 30), 2))
    for p, code, reasons in zip(calls.probabilities, calls.predicted, calls.reasons, strict=True):
        assert (MARGIN in reasons) == (code == 0 or (code == 2 and p[2] < 0.7))


# Prediction sets


def literal_p(sets: CrossConformal, by_fold, code) -> float:
    """Cross-conformal p-values (Vovk 2015) with donors as units (Lee et al. 2023), implemented literally."""
    donors = range(len(sets.labels)) if sets.donors is None else sets.donors
    shares = {}
    for score, label, fold, donor in zip(sets.scores, sets.labels, sets.folds, donors, strict=True):
        if label == code:
            shares.setdefault(donor, []).append(score <= by_fold[fold][code])
    return (1 + sum(np.mean(own) for own in shares.values())) / (len(shares) + 1)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_p_values_equal_the_published_definition(data):
    n, n_classes, n_folds = data.draw(st.integers(1, 40)), data.draw(st.integers(2, 4)), 3
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    donors = data.draw(st.sampled_from([None, rng.integers(0, n, n)]))
    # Few different values, like the votes of a forest.
    sets = CrossConformal(
        rng.integers(0, 8, n) / 7, rng.integers(0, n_classes, n), rng.integers(0, n_folds, n), donors
    )
    by_fold = [rng.integers(0, 8, n_classes) / 7 for _ in range(n_folds)]
    level = data.draw(st.sampled_from([0.5, 0.8, 0.9, 0.95]))
    found = sets.p_values(by_fold)
    for code in range(n_classes):
        assert_allclose(found[code], literal_p(sets, by_fold, code), rtol=1e-14)
    assert_array_equal(sets.inside(by_fold, level), found > 1 - level + 1e-12)


@pytest.mark.parametrize("how", ["none", "quantile"])
@pytest.mark.parametrize("name", ["logistic", "knn", "forest", "pairs"])
def test_a_training_sample_gets_its_own_score_again(name, how):
    """The rule of its fold reproduces the score, and ties do not depend on the last bit."""
    one, cohort = cases.trained(name, how), cases.cohort()
    for place, (x, code) in enumerate(zip(cohort.expression, cohort.codes, strict=True)):
        own = one.folds[one.sets.folds[place]]
        p = own.probabilities(own.alignment.complete(x)[None])[0]
        assert_allclose(p[code], one.sets.scores[place], rtol=0, atol=1e-12)
        alone = CrossConformal(one.sets.scores[[place]], one.sets.labels[[place]], np.array([0]))
        assert alone.p_values([p])[code] == 1.0


@pytest.mark.parametrize(("level", "n"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_the_smallest_class_size_for_a_level(level, n):
    assert conformal.least(level) == n
    assert conformal.attainable(n) == level
    assert conformal.attainable(n - 1) < level
    assert conformal.attains(n, level)
    assert not conformal.attains(n - 1, level)
    sets = CrossConformal(np.full(n, 0.5), np.zeros(n, dtype=int), np.zeros(n, dtype=int))
    assert not sets.inside([np.array([0.1, 0.9])], level)[0]
    fewer = CrossConformal(np.full(n - 1, 0.5), np.zeros(n - 1, dtype=int), np.zeros(n - 1, dtype=int))
    assert fewer.inside([np.array([0.1, 0.9])], level)[0]


def test_a_higher_level_gives_no_smaller_set():
    one, fresh = cases.trained("logistic"), cases.simulation().fresh(dict.fromkeys(cases.SIZES, 20), 4)
    sizes = [one.predict(fresh, level=level).sets.sum(axis=1) for level in (0.5, 0.7, 0.8)]
    assert (np.diff(sizes, axis=0) >= 0).all()
    assert sizes[0].sum() < sizes[2].sum()
    table = one.predict(fresh, level=0.8).table()
    assert (
        table["set_80"].str.count(r"\|").add(1).where(table["set_80"] != "", 0).tolist() == sizes[2].tolist()
    )


def coverage(seeds, *levels: float) -> tuple[np.ndarray, np.ndarray]:
    """Share of fresh samples whose set contains their class (n_splits, n_levels, n_classes), and mean set size."""
    held, sizes = [], []
    for seed in seeds:
        simulated = lt.simulate({"A": 20, "B": 15, "C": 12}, 40, markers_per_class=4, effect=1.0, seed=seed)
        one = lt.train(
            simulated.cohort, "diagonal-lda", align="none", design=lt.Design(outer=5, inner=2), jobs=1
        )
        fresh = simulated.fresh(dict.fromkeys("ABC", 80), seed)
        sets = [one.predict(fresh, level=level).sets for level in levels]
        held.append([[found[fresh.codes == code, code].mean() for code in range(3)] for found in sets])
        sizes.append([found.sum(axis=1).mean() for found in sets])
    return np.array(held), np.array(sizes)


def test_sets_cover_the_true_class_at_their_level(few_draws):
    held, sizes = coverage(range(8), 0.9)
    assert held.mean() > 0.88
    assert (held.mean(axis=(0, 1)) > 0.86).all()
    # Sets of all classes would pass the checks above too.
    assert sizes.mean() < 2.5


@pytest.mark.slow
def test_sets_cover_the_true_class_in_a_hundred_cohorts(few_draws):
    levels = (0.8, 0.9)
    held, sizes = coverage(range(100, 200), *levels)
    for k, level in enumerate(levels):
        assert held[:, k].mean() > level - 0.03
        assert (held[:, k].mean(axis=0) > level - 0.03).all()
    assert (sizes.mean(axis=0) < 1.5).all()


def test_too_many_folds_for_a_file_give_no_sets(tmp_path):
    many = lt.simulate({"A": 24, "B": 24}, 40, markers_per_class=6, seed=1).cohort
    one = lt.train(many, cases.model("forest"), align="none", design=lt.Design(outer=24, inner=2), jobs=1)
    one.save(tmp_path / "a.leuko")
    assert "the limit is 200" in lt.load_classifier(tmp_path / "a.leuko").predict(many).sets_note


def test_a_small_class_is_in_every_set_and_the_note_says_what_it_attains():
    simulated = lt.simulate({"A": 20, "B": 5, "C": 6}, 40, markers_per_class=4, effect=1.5, seed=1)
    one = lt.train(simulated.cohort, "diagonal-lda", align="none", design=lt.Design(outer=5, inner=2), jobs=1)
    calls = one.predict(simulated.fresh(dict.fromkeys("ABC", 20), 1))
    assert calls.sets[:, 1:].all()
    assert not calls.sets[:, 0].all()
    for part in ("90 % needs 9 training samples", "B (5) and C (6)", "at most 0.83"):
        assert part in calls.sets_note
    assert calls.sets_note in one.card
    # At the level that the note names, sets can leave the class out.
    assert not one.predict(simulated.cohort, level=0.83).sets[:, 1].all()


def donors_of(n_donors: int, n_each: int, seed: int) -> tuple[lt.Cohort, lt.Cohort]:
    """Three classes whose donors have several similar samples, and one sample of each of many new donors."""
    population = lt.simulate(
        {"A": 10, "B": 10, "C": 10}, 40, markers_per_class=6, effect=0.9, composition=0.3, seed=seed
    ).population

    def draw(donors: int, each: int, seed: int) -> lt.Cohort:
        own = population.draw(dict.fromkeys("ABC", donors), (seed, 2))
        ids = np.repeat(np.arange(own.n_samples), each)
        noise = np.random.default_rng(seed).normal(0, 0.1, (len(ids), own.n_probes))
        names = np.arange(len(ids)).astype(str)
        return replace(
            own, expression=own.expression[ids] + noise, labels=own.labels[ids], samples=names,
            donors=np.char.add("d", ids.astype(str)),
        )  # fmt: skip

    return draw(n_donors, n_each, seed), draw(60, 1, 1000 + seed)


def test_four_donors_of_ten_samples_attain_80_percent_and_cover_it(few_draws):
    covered = []
    for seed in range(6):
        cohort, fresh = donors_of(4, 10, seed)
        one = lt.train(
            cohort, "diagonal-lda", align="none", design=lt.Design(outer=4, inner=2, repeats=1), jobs=1
        )
        assert [one.sets.n_units(code) for code in range(3)] == [4, 4, 4]
        strict = one.predict(fresh, level=0.95)
        assert strict.sets.all()
        assert "95 % needs 19 training donors" in strict.sets_note
        assert "at most 0.80" in strict.sets_note
        sets = one.predict(fresh, level=0.8).sets
        covered.append(sets[np.arange(180), fresh.codes].mean())
        # Counting samples instead of donors would leave the class out more often.
        by_samples = replace(one, sets=replace(one.sets, donors=None)).predict(fresh, level=0.8).sets
        assert by_samples.sum() < sets.sum()
    assert np.mean(covered) > 0.78


def test_a_file_keeps_the_donors(tmp_path):
    cohort, fresh = donors_of(5, 3, 1)
    one = lt.train(cohort, "centroids", align="none", design=lt.Design(outer=4, inner=2, repeats=1), jobs=1)
    one.save(tmp_path / "a.leuko")
    read = lt.load_classifier(tmp_path / "a.leuko")
    assert_array_equal(read.sets.donors, one.sets.donors)
    assert read.predict(fresh).to_csv() == one.predict(fresh).to_csv()
    # A file of format 1 has no donors, and says so.
    old = replace(one, sets=replace(one.sets, donors=None))
    assert "counts samples instead of donors" in old.predict(fresh).sets_note


# The estimate of the decisions


def seen(n: int = 90, n_repeats: int = 2, seed: int = 3) -> OutOfFold:
    rng = np.random.default_rng(seed)
    p, labels = zip(*(drawn(n, 3, seed) for _ in range(n_repeats)), strict=True)
    fold_of = np.array([rng.permutation(n) % 5 for _ in range(n_repeats)])
    return OutOfFold(np.array(p), labels[0], fold_of, rng.gamma(3.0, 1.0, (n_repeats, n)), n)


def test_no_sample_influences_the_rules_that_judge_it():
    """Other labels or distances of the samples of a fold do not change its rules."""
    one, target = seen(), Target()
    calibrated, margin, unlike = abstention._crossed(one, "temperature", target, 0.05)
    rng = np.random.default_rng(0)
    for repeat, fold in itertools.product(range(2), range(5)):
        out = one.fold_of[repeat] == fold
        labels, distances = one.labels.copy(), one.distances.copy()
        labels[out] = rng.permutation(labels[out])
        # One sample stays, and the others of its fold become distant.
        kept = np.flatnonzero(out)[0]
        others = out.copy()
        others[kept] = False
        distances[repeat, others] += 100
        changed = abstention._crossed(
            replace(one, labels=labels, distances=distances), "temperature", target, 0.05
        )
        assert_array_equal(changed[0][repeat, out], calibrated[repeat, out])
        assert_array_equal(changed[1][repeat, out], margin[repeat, out])
        assert changed[2][repeat, kept] == unlike[repeat, kept]
        assert changed[2][repeat, others].all()
        # The check is sensitive: the rules of the other folds change.
        assert not np.array_equal(changed[0][repeat, ~out], calibrated[repeat, ~out])


def test_decisions_summarise_the_rules():
    one = seen()
    found = abstention.decisions(one, ("A", "B", "C"), "raw", Target("coverage", 0.7), 0.05)
    shown, margin, unlike = abstention._crossed(one, "raw", Target("coverage", 0.7), 0.05)
    called, right = ~margin & ~unlike, shown.argmax(axis=2) == one.labels
    assert_array_equal(shown, one.p)
    assert found["called"]["value"] == called.mean()
    assert found["called"]["low"] < called.mean() < found["called"]["high"]
    assert_allclose(found["right_among_called"]["value"], right[called].mean())
    assert_allclose(found["right_among_called"]["n"], called.sum() / 2)
    assert found["right_among_all"]["value"] == right.mean()
    assert found["reasons"] == {MARGIN: margin.mean(), UNLIKE: unlike.mean()}
    assert_allclose(found["classes"]["B"]["called"]["value"], called[:, one.labels == 1].mean())
    assert found["risk_coverage"][-1]["coverage"] == 1.0
    assert found["risk_coverage"][-1]["error"] == pytest.approx(1 - right.mean())
    assert 0.55 < called.mean() < 0.8


def test_shares_among_no_calls_are_null():
    one = replace(seen(), distances=np.full((2, 90), 1.0))
    found = abstention.decisions(one, ("A", "B", "C"), "raw", Target(), 1.0)
    assert found["called"]["value"] == 0
    assert found["right_among_called"]["value"] is None


def test_thresholds_of_the_file_come_from_all_out_of_fold_samples():
    cohort = cases.cohort()
    one = cases.trained("logistic")
    study = lt.evaluate(cohort, ["logistic"], design=cases.DESIGN, jobs=1)
    shown = np.array([one.calibration.apply(p) for p in study.probabilities("logistic")])
    assert_array_equal(one.thresholds, abstention.thresholds(shown, cohort.codes, Target()))
    strict = lt.train(
        cohort, "logistic", align="none", design=cases.DESIGN, jobs=1, target=Target("coverage", 0.5)
    )
    assert_array_equal(strict.thresholds, abstention.thresholds(shown, cohort.codes, Target("coverage", 0.5)))
    assert strict.record["decisions"]["target"] == {"kind": "coverage", "value": 0.5}
    assert strict.record["decisions"]["called"]["value"] < one.record["decisions"]["called"]["value"]


def test_thresholds_of_a_fold_are_learned_from_the_other_samples():
    rng = np.random.default_rng(3)
    n, repeats = 60, 3
    labels = np.arange(n) % 3
    p = rng.dirichlet(np.ones(3), (repeats, n)) * 0.6 + 0.4 * np.eye(3)[labels]
    folds = np.array([rng.permutation(n) % 5 for _ in range(repeats)])
    seen = OutOfFold(p, labels, folds, rng.gamma(9, size=(repeats, n)), n)
    target = Target("accuracy", 0.9)
    shown, margin, unlike = abstention._crossed(seen, "temperature", target, 0.2)
    assert 0.1 < margin.mean() < 0.9
    for repeat in range(repeats):
        for fold in range(5):
            out = folds[repeat] == fold
            others = seen.p[:, ~out]
            learned = calibration.fitted("temperature", others, labels[~out])
            # With the assurance that all samples give.
            least = thresholds(np.array([learned.apply(q) for q in others]), labels[~out], target, n)
            expected = learned.apply(seen.p[repeat, out])
            assert_allclose(shown[repeat, out], expected)
            assert_array_equal(margin[repeat, out], expected.max(axis=1) < least[expected.argmax(axis=1)])
            held_out = seen.distances[:, ~out].mean(axis=0)
            far = [novelty.p_value(held_out, d) <= 0.2 for d in seen.distances[repeat, out]]
            assert_array_equal(unlike[repeat, out], far)


def test_accuracy_of_a_class_counts_only_the_calls_of_that_class():
    # 8 samples of A and 2 of B are called A with certainty. No sample is called B.
    labels = np.array([0] * 8 + [1] * 2)
    p = np.tile([0.99, 0.01], (1, 10, 1))
    folds = np.array([[0, 1] * 5])
    seen = OutOfFold(p, labels, folds, np.ones((1, 10)), 10)
    found = abstention.decisions(seen, ("A", "B"), "raw", Target("coverage", 1.0), 0.0)["classes"]
    assert found["A"]["right_among_called"]["value"] == 1
    assert found["A"]["right_among_calls_of_it"]["value"] == 0.8
    assert found["B"]["called"]["value"] == 1
    assert found["B"]["right_among_calls_of_it"]["value"] is None

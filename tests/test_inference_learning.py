"""Learning curves, the power law fitted to them, and predictions that depend on the split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import nnls

from leukotype import wording
from leukotype.cohort import Cohort
from leukotype.datasets.simulate import simulate
from leukotype.errors import InfeasibleDesign, UnknownName
from leukotype.evaluation import evaluate
from leukotype.evaluation.auto import auto
from leukotype.inference import stability
from leukotype.inference.learning import LearningCurve, PowerLaw, learning_curve, subset, thinner
from leukotype.metrics import by_name
from leukotype.resampling import Design

SIZES = np.array([20.0, 28.0, 36.0, 44.0, 51.0])


@pytest.mark.parametrize("law", [(0.0, 2.0, 0.5), (0.05, 3.0, 1.0), (0.1, 0.0, 1.0), (0.02, 40.0, 2.0)])
def test_a_power_law_is_recovered(law):
    floor, scale, exponent = law
    found = PowerLaw.fit(SIZES, floor + scale * SIZES**-exponent)
    np.testing.assert_allclose(found.at(SIZES)[0], floor + scale * SIZES**-exponent, rtol=1e-6)
    np.testing.assert_allclose(found.at([200.0])[0, 0], floor + scale * 200**-exponent, rtol=1e-6)
    if scale:
        np.testing.assert_allclose([found.floor[0], found.exponent[0]], [floor, exponent], atol=1e-6)


def test_the_fit_solves_constrained_least_squares():
    rng = np.random.default_rng(0)
    curves = np.abs(0.3 - 0.004 * SIZES + 0.05 * rng.normal(size=(30, 5)))
    found = PowerLaw.fit(SIZES, curves)
    mine = ((found.at(SIZES) - curves) ** 2).sum(axis=1)
    for curve, residual in zip(curves, mine, strict=True):
        best = min(
            nnls(np.column_stack([np.ones(5), (SIZES / 51) ** -c]), curve)[1] ** 2
            for c in np.linspace(0.05, 3, 119)
        )
        assert residual == pytest.approx(best, rel=1e-8, abs=1e-14)
    assert (found.floor >= 0).all()
    assert (found.scale >= 0).all()


def curve(error, resampled=None):
    values = 1 - np.asarray(error)
    many = values[None] if resampled is None else 1 - resampled
    ends = np.stack([values - 0.1, values + 0.1])
    return LearningCurve(by_name("accuracy"), SIZES, {"knn": values}, {"knn": ends}, {"knn": many})


RESAMPLED = np.stack([4.0 * SIZES**-1.0, 3.0 * SIZES**-0.5, 0.3 + 0 * SIZES])


@pytest.mark.parametrize(
    ("error", "resampled", "expected"),
    [
        (4.0 * SIZES**-1.0, None, (4 / 51, 102, 102, 102, 1)),
        # The floor is above half of the error.
        (0.1 + 2.0 * SIZES**-1.5, None, (0.1 + 2 * 51**-1.5, np.inf, np.inf, np.inf, 0)),
        (4.0 * SIZES**-1.0, RESAMPLED, (4 / 51, 102, 102, np.inf, 2 / 3)),
        (0 * SIZES, None, (0, np.nan, np.nan, np.nan, np.nan)),
    ],
)
def test_halving_the_error_follows_the_law(error, resampled, expected):
    row = curve(error, resampled).halving().iloc[0]
    found = (row.error, row.n_needed, row.n_low, row.n_high, row.share_reached)
    assert found == pytest.approx(expected, nan_ok=True)


def test_halving_is_not_read_beyond_ten_times_the_samples():
    def said(error, resampled=None):
        found = curve(error, resampled)
        return wording.halving(found.halving().iloc[0], found.reach)

    flat = np.stack([0.3 + 0 * SIZES] * 3)
    assert said(4.0 * SIZES**-1.0) == "about 100 (range 100)"
    assert said(4.0 * SIZES**-1.0, RESAMPLED) == "about 100 (range 100 to more than 510)"
    assert said(0.3 + 0 * SIZES, flat) == "more than 510 (no resample within 510)"
    assert said(0.3 + 0 * SIZES, RESAMPLED) == "more than 510 (67 % of the resamples within 510)"
    # Thousands of times as many samples are no prediction.
    assert said(0.6 * SIZES**-0.1).startswith("more than 510")
    assert said(0 * SIZES) == "no error to halve"


def test_subsets_are_stratified_nested_and_of_whole_donors():
    labels = np.repeat(["a", "b"], [40, 20])
    donors = np.repeat(np.arange(30), 2).astype(str)
    for known in (None, donors):
        cohort = Cohort(np.zeros((60, 1)), labels, np.arange(60).astype(str), np.array(["x"]), donors=known)
        train = np.arange(4, 60)
        half = subset(cohort, train, 0.5, (0, 1))
        np.testing.assert_array_equal(np.bincount(cohort.codes[half]), [18, 10])
        assert set(half) < set(subset(cohort, train, 0.75, (0, 1))) < set(train)
        assert set(half) != set(subset(cohort, train, 0.5, (0, 2)))
        np.testing.assert_array_equal(subset(cohort, train, 1.0, (0, 1)), train)
        if known is not None:
            assert all(len(set(half) & {2 * d, 2 * d + 1}) in (0, 2) for d in range(30))


@pytest.fixture(scope="module")
def learned():
    cohort = simulate(
        {"a": 24, "b": 24, "c": 16}, 60, markers_per_class=20, effect=0.8, composition=0.0, seed=2
    ).cohort
    evaluation = auto(evaluate(cohort, ["knn", "single-probe"], design=Design(4, 2, 2), jobs=1))
    return evaluation, learning_curve(evaluation, fractions=(0.3, 0.5, 1.0), jobs=1)


def test_a_learning_curve_rises_to_the_evaluation(learned):
    evaluation, found = learned
    np.testing.assert_allclose(found.sizes, [14, 24, 48], atol=1.0)
    plain = evaluation.summary(["balanced_accuracy"]).set_index("model")
    for model in ("knn", "single-probe", "auto"):
        assert found.values[model][-1] == pytest.approx(plain.loc[model, "value"])
    assert found.values["knn"][0] < found.values["knn"][-1] - 0.05
    table = found.table()
    assert len(table) == 9
    # At the full size, the interval is that of the evaluation.
    full = table[table.n_train == found.sizes[-1]].set_index("model")
    for end in ("low", "high"):
        np.testing.assert_array_equal(full[end], plain.loc[full.index, end])
    assert (table.low <= table.value).all()
    assert (table.value <= table.high).all()
    assert (table.fitted_low <= table.fitted_high).all()
    assert found.halving().n_needed.gt(48).all()


def test_extrapolation_continues_the_law(learned):
    _, found = learned
    table = found.extrapolated([48.0, 96.0, 400.0]).set_index(["model", "n_train"])
    law = found.table().set_index("model").loc["knn"].iloc[-1]
    assert table.loc[("knn", 96.0), "fitted"] >= table.loc[("knn", 48.0), "fitted"]
    assert table.loc[("knn", 400.0), "fitted"] <= 1
    assert law.fitted == pytest.approx(
        found._as_metric(found._fit(found.values["knn"][None]).at(found.sizes))[0, -1]
    )


def test_smaller_training_sets_never_contain_test_samples(learned):
    evaluation, _ = learned
    folds = thinner(evaluation.cohort, evaluation.folds, (0.5, 0.8))[0]
    for thin, full in zip(folds.splits, evaluation.folds.splits, strict=True):
        assert set(thin.train) < set(full.train)
        np.testing.assert_array_equal(thin.test, full.test)
        for inside, outside in thin.inner:
            assert sorted([*inside, *outside]) == sorted(thin.train)
    assert folds.fingerprint != evaluation.folds.fingerprint


def test_impossible_curves_are_refused(tiny_evaluation):
    with pytest.raises(InfeasibleDesign, match="needs 3"):
        learning_curve(tiny_evaluation, models=["majority"], fractions=(0.1, 0.9, 1.0), jobs=1)
    with pytest.raises(InfeasibleDesign, match=r"fraction 1\.5"):
        learning_curve(tiny_evaluation, fractions=(1.5,), jobs=1)
    with pytest.raises(UnknownName, match="one number per class"):
        learning_curve(tiny_evaluation, "recall")


def test_difficulty_counts_the_predictions_of_all_repeats(tiny_evaluation):
    table = stability.difficulty(tiny_evaluation, ["knn"]).set_index("sample")
    calls = tiny_evaluation.predicted("knn")
    codes = tiny_evaluation.cohort.codes
    np.testing.assert_allclose(table.share_right, (calls == codes).mean(axis=0))
    np.testing.assert_array_equal(table.flips, calls[0] != calls[1])
    own = tiny_evaluation.probabilities("knn")[:, np.arange(30), codes]
    np.testing.assert_allclose(table.p_own, own.mean(axis=0))
    assert (table.p_low <= table.p_own).all()
    assert table.flips.any()


def test_split_dependence_counts_differences_between_repeats(tiny_evaluation):
    table = stability.split_dependence(tiny_evaluation).set_index("model")
    assert table.loc["majority", ["n_flips", "agreement"]].tolist() == [0, 1]
    calls = tiny_evaluation.predicted("knn")
    assert table.loc["knn", "n_flips"] == (calls[0] != calls[1]).sum()
    assert table.loc["knn", "agreement"] == pytest.approx((calls[0] == calls[1]).mean())


def test_a_single_repeat_shows_no_dependence(tiny_evaluation):
    folds = tiny_evaluation.folds
    single = replace(folds, splits=folds.splits[:3], design=replace(folds.design, repeats=1))
    once = replace(
        tiny_evaluation, folds=single, results=tuple(r for r in tiny_evaluation.results if r.repeat == 0)
    )
    table = stability.split_dependence(once)
    assert table.n_flips.eq(0).all()
    assert table.agreement.isna().all()

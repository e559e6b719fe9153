"""Common mistakes raise scores on noise; without a leak, scores stay at chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import f_classif
from sklearn.neighbors import KNeighborsClassifier

from leukotype.cohort import Cohort
from leukotype.datasets.simulate import null_cohort
from leukotype.errors import UnknownName
from leukotype.evaluation import evaluate
from leukotype.evaluation.auto import auto
from leukotype.inference.leaks import MISTAKES, _standardised, price_leaks
from leukotype.models import Model, by_name
from leukotype.models.baselines import majority
from leukotype.resampling import Design
from leukotype.wide import Fold
from leukotype.wide.adapter import SklearnPath
from leukotype.wide.moments import as_given

COLUMNS = [
    "mistake", "title", "model", "metric", "honest", "honest_low", "honest_high", "claimed", "optimism", "low",
    "high", "interval",
]  # fmt: skip


RAW = Model("raw-knn", "Neighbours of unscaled values", SklearnPath(KNeighborsClassifier, view="raw"))


@pytest.fixture(scope="module")
def noise():
    return evaluate(
        null_cohort({"a": 20, "b": 20}, 1500, seed=3), ["knn", "majority"], design=Design(4, 2, 2), jobs=1
    )


@pytest.fixture(scope="module")
def priced(noise):
    return price_leaks(auto(noise), n_splits=12, jobs=1).set_index(["mistake", "model"])


def test_every_mistake_has_a_row_for_every_model(priced, noise):
    assert [*priced.index.names, *priced.columns] == [
        "mistake",
        "model",
        *(c for c in COLUMNS if c not in ("mistake", "model")),
    ]
    assert set(priced.index) == {
        (mistake.name, model) for mistake in MISTAKES for model in noise.names if model != "auto"
    }
    assert (priced.low <= priced.optimism).all()
    assert (priced.optimism <= priced.high).all()
    np.testing.assert_allclose(priced.claimed - priced.honest, priced.optimism)
    plain = noise.summary(["balanced_accuracy"]).set_index("model")
    assert priced.loc[("selection", "knn"), "honest"] == plain.loc["knn", "value"]
    assert priced.loc[("selection", "knn"), "honest_high"] == plain.loc["knn", "high"]


def test_selection_before_the_split_finds_signal_in_noise(priced):
    row = priced.loc[("selection", "knn")]
    assert row.honest_low <= 0.5 <= row.honest_high
    assert row.claimed > 0.75
    assert row.low > 0


def test_tuning_on_the_test_set_and_lucky_splits_are_optimistic(priced):
    assert priced.loc[("test-tuning", "knn"), "optimism"] > 0.04
    assert priced.loc[("lucky-split", "knn"), "claimed"] > priced.loc[("one-split", "knn"), "claimed"]
    wide = priced.loc[("one-split", "knn")]
    assert wide.low < 0 < wide.high


def test_mistakes_do_not_help_the_majority_model(priced):
    row = priced.xs("majority", level="model")
    np.testing.assert_allclose(row.optimism, 0, atol=1e-12)


def test_optimism_of_a_loss_is_positive_if_the_loss_falls():
    noise = evaluate(null_cohort({"a": 20, "b": 20}, 300, seed=3), ["logistic"], design=Design(4, 2), jobs=1)
    table = price_leaks(noise, "log_loss", n_splits=2, n_selected=20, jobs=1).set_index("mistake")
    assert table.loc["selection", "claimed"] < table.loc["selection", "honest"]
    row = table.loc["selection"]
    assert row.optimism > 0
    # The interval contains the optimism, not its opposite.
    assert abs((row.low + row.high) / 2 - row.optimism) < (row.high - row.low) / 4


def test_scaling_before_the_split_uses_all_samples():
    x = np.random.default_rng(0).normal(5, 3, size=(12, 4))
    x[:, 2] = 7.0
    x[3, 3] = np.nan
    z = _standardised(x, np.arange(len(x)))
    np.testing.assert_allclose(np.nanmean(z, axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.nanstd(z, axis=0), [1, 1, 0, 1], atol=1e-12)
    fold = Fold(z, np.arange(8), np.arange(8, 12), scaling=as_given)
    np.testing.assert_array_equal(fold.z_test, z[8:])
    np.testing.assert_array_equal(fold.z_train[:, :3], z[:8, :3])
    # Everything derived by the fold uses the same values.
    np.testing.assert_allclose(fold.gram, fold.z_train @ fold.z_train.T)
    np.testing.assert_allclose(fold.cross, fold.z_test @ fold.z_train.T)
    apart = fold.z_test[:, None, :] - fold.z_train
    np.testing.assert_allclose(fold.squared_distances_from(fold), (apart**2).sum(axis=2))
    np.testing.assert_allclose(fold.span.coordinates @ fold.span.coordinates.T, fold.gram, atol=1e-9)


def test_the_scaling_mistake_shows_models_values_scaled_over_all_samples():
    seen = []

    def spy(fold, labels, grid, rng):
        seen.append((fold.train, fold.z_train, fold.x_test, fold.test))
        return majority(fold, labels, grid, rng)

    model = Model("spy", "Spy", spy)
    cohort = null_cohort({"a": 12, "b": 12}, 30, seed=1)
    evaluation = evaluate(cohort, [model], design=Design(3, 2), jobs=1)
    n_honest = len(seen)
    price_leaks(evaluation, models=[model], n_splits=1, n_selected=7, jobs=1)
    z = (cohort.expression - cohort.expression.mean(axis=0)) / cohort.expression.std(axis=0)
    selected, scaled = seen[n_honest : 2 * n_honest], seen[2 * n_honest : 3 * n_honest]
    for train, values, outside, test in scaled:
        np.testing.assert_allclose(values, z[train], atol=1e-9)
        np.testing.assert_allclose(outside, z[test], atol=1e-9)
    assert {values.shape[1] for _, values, _, _ in selected} == {7}
    # The reference is scaled too, by the training part alone.
    for train, values, _, _ in seen[-3:]:
        own = cohort.expression[train]
        np.testing.assert_allclose(values, (own - own.mean(axis=0)) / own.std(axis=0), atol=1e-9)
    best = np.sort(np.argsort(-f_classif(cohort.expression, cohort.codes)[0])[:7])
    np.testing.assert_array_equal(selected[0][2], cohort.expression[np.ix_(selected[0][3], best)])


def test_the_price_of_scaling_is_not_the_effect_of_scaling_itself():
    # Ten noisy probes with large values hide the others from neighbours of unscaled values.
    rng = np.random.default_rng(5)
    codes = np.repeat([0, 1], 20)
    x = rng.normal(7, 1, size=(40, 30))
    x[:, :8] += 1.5 * codes[:, None]
    x[:, 20:] *= 40
    cohort = Cohort(x, codes.astype(str), np.arange(40).astype(str), np.arange(30).astype(str))
    evaluation = evaluate(cohort, [RAW, "logistic"], design=Design(4, 2), jobs=1)
    table = price_leaks(evaluation, "accuracy", n_splits=2, jobs=1).set_index(["mistake", "model"])
    plain = evaluation.summary(["accuracy"]).set_index("model")["value"]
    raw = table.loc[("scaling", "raw-knn")]
    assert raw.claimed > plain["raw-knn"] + 0.2
    assert raw.honest > plain["raw-knn"] + 0.2
    assert abs(raw.optimism) < 0.1
    # A model that standardises in each fold anyway is compared with its own result.
    assert table.loc[("scaling", "logistic"), "honest"] == plain["logistic"]
    assert table.loc[("selection", "raw-knn"), "honest"] == plain["raw-knn"]


@pytest.mark.parametrize("model", ["logistic", "knn", "svm", "single-probe"])
def test_every_kind_of_model_sees_the_scaled_fold(model):
    # The last sample is an outlier that changes only a scaling that includes it.
    x = np.random.default_rng(0).normal(size=(21, 6))
    x[:10, 0] += 2
    codes = np.r_[np.zeros(10), np.ones(11)].astype(np.intp)
    x[20] = 60.0
    z = _standardised(x, np.arange(len(x)))
    train = np.arange(20)
    recipe = by_name(model)
    setting = recipe.settings()[-1]
    near = Fold(z, train, np.array([20]), scaling=as_given)
    candidate = recipe.path(near, codes[train], [setting], np.random.default_rng(0))[0]
    assert np.isfinite(candidate.predict_proba(near)).all()
    np.testing.assert_array_equal(near.z_train, z[train])


def test_workers_change_nothing():
    noise = evaluate(
        null_cohort({"a": 12, "b": 12}, 40, seed=3), ["svm", "tree"], design=Design(3, 2), jobs=1
    )
    serial = price_leaks(noise, n_splits=3, jobs=1)
    assert serial.equals(price_leaks(noise, n_splits=3, jobs=2))


def test_an_unknown_model_is_refused(noise):
    with pytest.raises(UnknownName, match="no model 'svm'"):
        price_leaks(noise, models=["svm"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "sizes", [{"a": 30, "b": 30}, dict.fromkeys("abcde", 12)], ids=["2 classes", "5 classes"]
)
def test_on_a_wide_null_cohort_selection_claims_a_quarter_above_chance(sizes):
    tables = []
    for seed in range(8):
        evaluation = evaluate(null_cohort(sizes, 5000, seed=seed), ["logistic", "knn"], jobs=1)
        tables.append(price_leaks(evaluation, n_splits=1, jobs=1))
    table = pd.concat(tables)
    selection = table[table["mistake"] == "selection"]
    chance = 1 / len(sizes)
    assert (selection.groupby("model")["claimed"].mean() >= chance + 0.25).all()
    assert (selection["claimed"] >= chance + 0.2).all()
    # 1 in 20 intervals may miss, and the models of one cohort miss together.
    held = (selection["honest_low"] <= chance) & (chance <= selection["honest_high"])
    assert held.mean() >= 0.85
    assert selection["honest"].mean() == pytest.approx(chance, abs=0.05)

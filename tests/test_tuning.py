"""Tuning against scikit-learn's grid search, and the temperature against its definition."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from leukotype.evaluation.nested import evaluate
from leukotype.models import Model, by_name
from leukotype.models.tuning import _Trial, fit_temperature, smoothed_losses, tune
from leukotype.resampling import Design, draw
from leukotype.wide import Fold
from leukotype.wide.adapter import SklearnPath

PLAIN = {
    "logistic": (LogisticRegression(max_iter=20_000, tol=1e-8), "logisticregression__"),
    "knn": (KNeighborsClassifier(), "kneighborsclassifier__"),
}
SCORING = {"log_loss": "neg_log_loss", "accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy"}


@pytest.mark.parametrize("criterion", SCORING)
@pytest.mark.parametrize("name", PLAIN)
def test_nested_result_equals_plain_scikit_learn(name, criterion, tiny_cohort):
    model = by_name(name)
    estimator, prefix = PLAIN[name]
    evaluation = evaluate(tiny_cohort, [name], design=Design(4, 3), tune_by=criterion, jobs=1)
    settings = evaluation.results
    x, y = tiny_cohort.expression, tiny_cohort.codes
    outer = StratifiedKFold(4, shuffle=True, random_state=0)
    for (train, test), result in zip(outer.split(x, y), settings, strict=True):
        search = GridSearchCV(
            make_pipeline(StandardScaler(), estimator),
            {prefix + key: list(values) for key, values in model.grid.items()},
            cv=StratifiedKFold(3, shuffle=True, random_state=1),
            scoring=SCORING[criterion],
        ).fit(x[train], y[train])
        assert result.setting == {key.removeprefix(prefix): v for key, v in search.best_params_.items()}
        np.testing.assert_allclose(result.probabilities, search.predict_proba(x[test]), atol=1e-5)
        assert result.inner_score == pytest.approx(search.best_score_, abs=1e-6)


def test_ties_go_to_the_first_setting(tiny_cohort):
    constant = Model(
        "flat", "", SklearnPath(KNeighborsClassifier), {"n_neighbors": (3, 3), "leaf_size": (30, 20)}
    )
    evaluation = evaluate(tiny_cohort, [constant], design=Design(3, 2), jobs=1)
    assert all(result.setting == {"leaf_size": 30, "n_neighbors": 3} for result in evaluation.results)


def test_temperature_minimises_log_loss_of_smoothed_labels():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    logits = 0.7 * np.eye(3)[truth] + 0.5 * rng.normal(size=(400, 3))
    scores = 25.0 * logits

    targets = np.where(np.eye(3)[truth] == 1, 401 / 402, 1 / 402 / 2)

    def loss(temperature):
        return -(targets * log_softmax(scores / temperature, axis=1)).sum(axis=1).mean()

    best = fit_temperature(scores, truth)
    assert loss(best) <= min(loss(best * 1.02), loss(best / 1.02))
    assert best == pytest.approx(25 * fit_temperature(logits, truth), rel=1e-3)


def test_temperature_of_useless_scores_is_finite_and_flat():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(300, 2))
    temperature = fit_temperature(scores, rng.integers(0, 2, 300))
    assert np.isfinite(temperature)
    assert np.abs(scores / temperature).max() < 1.5


def test_temperature_of_constant_scores_is_defined():
    assert np.isfinite(fit_temperature(np.zeros((5, 2)), np.array([0, 1, 0, 1, 0])))


@pytest.mark.parametrize("n", [20, 200])
def test_the_confidence_of_a_perfect_ranking_is_bounded_by_its_samples(n):
    # All correct by the same margin: the best probability is the smoothed label itself.
    truth = np.arange(n) % 2
    scores = 3.0 * (2 * np.eye(2)[truth] - 1)
    p = np.exp(log_softmax(scores / fit_temperature(scores, truth), axis=1))
    np.testing.assert_allclose(p[np.arange(n), truth], (n + 1) / (n + 2), rtol=1e-4)


def test_inner_log_loss_of_scores_uses_a_temperature_of_the_other_folds():
    # Scores of the inner folds differ a hundredfold, which a common temperature would hide.
    outputs = [np.eye(2)[[0, 1] * 6] * size for size in (0.1, 10.0, 10.0)]
    truths = [np.array([0, 1] * 5 + [1, 0])] * 3
    trial = _Trial.of(outputs, truths, by_name("svm"))
    apart = fit_temperature(np.concatenate(outputs[1:]), np.concatenate(truths[1:]))
    np.testing.assert_allclose(trial.probabilities[0], np.exp(log_softmax(outputs[0] / apart, axis=1)))
    assert trial.temperature == fit_temperature(np.concatenate(outputs), np.concatenate(truths))


def test_unjustified_certainty_does_not_win():
    # Both predict every inner sample correctly; one claims more certainty than 20 samples justify.
    truth = [np.arange(20) % 2]
    sure, careful = (
        _Trial((np.where(np.eye(2)[truth[0]] == 1, p, 1 - p),), truth, None) for p in (1 - 1e-12, 0.97)
    )
    assert sure.mean("log_loss") > careful.mean("log_loss")
    assert sure.losses().mean() > careful.losses().mean()
    best = min(
        np.linspace(0.5, 1 - 1e-9, 5001),
        key=lambda p: smoothed_losses(np.where(np.eye(2)[truth[0]] == 1, p, 1 - p), truth[0]).mean(),
    )
    assert best == pytest.approx(20.5 / 21, abs=1e-3)


def test_inner_log_loss_is_stored_for_every_criterion(tiny_cohort):
    by_loss = evaluate(tiny_cohort, ["majority"], design=Design(3, 2), jobs=1)
    by_calls = evaluate(tiny_cohort, ["majority"], design=Design(3, 2), tune_by="accuracy", jobs=1)
    for one, other in zip(by_loss.results, by_calls.results, strict=True):
        np.testing.assert_array_equal(one.inner_losses, other.inner_losses)
        assert one.inner_losses.mean() == pytest.approx(-one.inner_score, abs=0.05)
        assert other.inner_score != one.inner_score


def test_inner_losses_follow_the_order_of_the_training_part(tiny_cohort):
    # Inner folds hold samples out in another order, and the training part is shuffled.
    split = draw(tiny_cohort, Design(3, 2, 1, 0)).splits[0]
    train = np.random.default_rng(0).permutation(split.train)
    x, codes = tiny_cohort.expression, tiny_cohort.codes
    inner = [(Fold(x, *pair), codes[pair[0]], codes[pair[1]]) for pair in split.inner]
    tuned = tune(
        by_name("centroids"), Fold(x, train, split.test), inner, codes[train],
        criterion="log_loss", rng=np.random.default_rng(0),
    )  # fmt: skip
    assert not np.isnan(tuned.inner_losses).any()
    for fold, own, _ in inner:
        candidate = by_name("centroids").path(fold, own, [tuned.candidate.setting], np.random.default_rng(0))[
            0
        ]
        p = candidate.predict_proba(fold)
        for row, sample in enumerate(fold.test):
            doubt = 0.5 / (len(train) + 1)
            target = np.where(np.arange(3) == codes[sample], 1 - doubt, doubt / 2)
            place = int(np.flatnonzero(train == sample)[0])
            assert tuned.inner_losses[place] == pytest.approx(-(target * np.log(p[row])).sum(), rel=1e-9)


def test_a_forest_is_compared_by_its_out_of_bag_votes(tiny_cohort):
    split = draw(tiny_cohort, Design(3, 2, 1, 0)).splits[0]
    fold, labels = Fold(tiny_cohort.expression, split.train, split.test), tiny_cohort.codes[split.train]
    tuned = tune(by_name("forest"), fold, [], labels, criterion="log_loss", rng=np.random.default_rng(0))
    votes = np.maximum(tuned.candidate.out_of_bag, 0.005)
    expected = smoothed_losses(votes / votes.sum(axis=1, keepdims=True), labels)
    np.testing.assert_allclose(tuned.inner_losses, expected)


def test_a_model_with_only_its_own_score_has_that_loss_for_every_sample(tiny_cohort):
    class Told:
        own_score = -0.4
        probes = None
        setting: ClassVar = {}

    model = Model("told", "Told", lambda fold, labels, grid, rng: [Told()], own_score=True)
    fold = Fold(tiny_cohort.expression, np.arange(20), np.arange(20, 30))
    tuned = tune(model, fold, [], tiny_cohort.codes[:20], criterion="log_loss", rng=np.random.default_rng(0))
    np.testing.assert_array_equal(tuned.inner_losses, np.full(20, 0.4))

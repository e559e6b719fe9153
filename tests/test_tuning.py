"""Tuning against scikit-learn's grid search, and the temperature against its definition."""

from __future__ import annotations

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
from leukotype.models.tuning import _Trial, fit_temperature
from leukotype.resampling import Design
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
def test_a_perfect_ranking_claims_no_more_than_its_samples_bear(n):
    # Every sample right, all by the same margin: the best claim is the smoothed label itself.
    truth = np.arange(n) % 2
    scores = 3.0 * (2 * np.eye(2)[truth] - 1)
    p = np.exp(log_softmax(scores / fit_temperature(scores, truth), axis=1))
    np.testing.assert_allclose(p[np.arange(n), truth], (n + 1) / (n + 2), rtol=1e-4)


def test_inner_log_loss_of_a_score_model_is_measured_apart_from_its_temperature():
    # Inner folds whose scores differ a hundredfold: one temperature for all would hide it in the log loss.
    outputs = [np.eye(2)[[0, 1] * 6] * size for size in (0.1, 10.0, 10.0)]
    truths = [np.array([0, 1] * 5 + [1, 0])] * 3
    trial = _Trial.of(outputs, truths, by_name("svm"))
    apart = fit_temperature(np.concatenate(outputs[1:]), np.concatenate(truths[1:]))
    np.testing.assert_allclose(trial.probabilities[0], np.exp(log_softmax(outputs[0] / apart, axis=1)))
    assert trial.temperature == fit_temperature(np.concatenate(outputs), np.concatenate(truths))


def test_certainty_that_was_never_contradicted_does_not_win():
    # Both call every inner sample right; one of them claims more than 20 samples can show.
    truth = [np.arange(20) % 2]
    sure, careful = (
        _Trial((np.where(np.eye(2)[truth[0]] == 1, p, 1 - p),), truth, None) for p in (1 - 1e-12, 0.97)
    )
    assert sure.mean("log_loss") > careful.mean("log_loss")
    assert sure.smoothed_log_loss() > careful.smoothed_log_loss()
    best = min(
        np.linspace(0.5, 1 - 1e-9, 5001),
        key=lambda p: _Trial(
            (np.where(np.eye(2)[truth[0]] == 1, p, 1 - p),), truth, None
        ).smoothed_log_loss(),
    )
    assert best == pytest.approx(20.5 / 21, abs=1e-3)


def test_inner_log_loss_is_told_whatever_the_criterion(tiny_cohort):
    by_loss = evaluate(tiny_cohort, ["majority"], design=Design(3, 2), jobs=1)
    by_calls = evaluate(tiny_cohort, ["majority"], design=Design(3, 2), tune_by="accuracy", jobs=1)
    for one, other in zip(by_loss.results, by_calls.results, strict=True):
        assert one.inner_log_loss == other.inner_log_loss == pytest.approx(-one.inner_score, abs=0.05)
        assert other.inner_score != one.inner_score

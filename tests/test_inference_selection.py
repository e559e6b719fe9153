"""The corrected score of the best model, and the choice of `auto`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from leukotype import execution
from leukotype.cohort import Cohort
from leukotype.datasets.simulate import simulate
from leukotype.errors import InfeasibleDesign, UnknownName
from leukotype.evaluation import Evaluation, FoldResult, evaluate
from leukotype.evaluation.auto import auto, choose
from leukotype.inference import selection
from leukotype.inference.selection import corrected_best
from leukotype.metrics import by_name
from leukotype.metrics.estimate import estimate
from leukotype.models import Model
from leukotype.models.baselines import majority
from leukotype.resampling import Design, draw
from leukotype.studies import of_evaluation


def cohort_of(labels, donors=None):
    n = len(labels)
    return Cohort(np.zeros((n, 1)), labels, np.arange(n).astype(str), np.array(["a"]), donors=donors)


def guesses(cohort, n_models, *, repeats=1, seed=0, sharpness=1.0):
    """An evaluation of models that guess."""
    folds = draw(cohort, Design(2, 2, repeats, 0))
    rng = np.random.default_rng(seed)
    results = []
    for number in range(n_models):
        for split in folds.splits:
            p = rng.dirichlet(np.full(len(cohort.classes), 1 / sharpness), size=len(split.test))
            loss = float(rng.random())
            results.append(
                FoldResult(
                    f"m{number}",
                    split.repeat,
                    split.fold,
                    p,
                    {"c": number},
                    -loss,
                    np.full(len(split.train), loss),
                    None,
                    1.0,
                )
            )
    models = tuple(Model(f"m{number}", "Guess", majority) for number in range(n_models))
    return Evaluation(cohort, folds, models, tuple(results))


@pytest.mark.parametrize("metric", ["balanced_accuracy", "accuracy", "log_loss", "roc_auc_macro"])
@pytest.mark.parametrize("repeats", [1, 3])
def test_corrected_best_equals_the_published_algorithm(metric, repeats):
    evaluation = guesses(cohort_of(np.repeat(["a", "b", "c"], [12, 9, 7])), 4, repeats=repeats)
    judged = by_name(metric)
    sign = 1 if judged.higher_is_better else -1
    drawn, left_out = selection._draws(evaluation, 40, 0)
    expected = []
    for weights, rest in zip(drawn, left_out, strict=True):
        inside = [
            np.mean([judged.weighted(s, weights[None])[0] for s in evaluation.scored(model)])
            for model in evaluation.names
        ]
        winner = evaluation.names[int(np.argmax(sign * np.array(inside)))]
        expected.append(np.mean([judged.weighted(s, rest[None])[0] for s in evaluation.scored(winner)]))
    found = corrected_best(evaluation, metric, n_resamples=40)
    assert found.value == pytest.approx(np.mean(expected))
    low, high = np.quantile(expected, [0.025, 0.975])
    assert found.low - 1e-12 <= low <= found.value <= high <= found.high + 1e-12
    if metric in ("log_loss", "roc_auc_macro"):
        assert found.high - found.low >= found.uncorrected_high - found.uncorrected_low - 1e-12
    assert sum(found.chosen.values()) == pytest.approx(1)


def test_scored_samples_were_not_drawn():
    donors = np.array(["d0", "d1", "d2", "d3", "d4", "d5"] * 4)
    labels = np.array(["a"] * 12 + ["b"] * 12)
    for given in (None, donors):
        evaluation = guesses(cohort_of(labels, given), 2)
        drawn, left_out = selection._draws(evaluation, 300, 1)
        assert drawn.shape == left_out.shape == (300, 24)
        assert not (drawn * left_out).any()
        np.testing.assert_array_equal(drawn.sum(axis=1), 24)
        assert (left_out[:, :12].sum(axis=1) > 0).all()
        assert (left_out[:, 12:].sum(axis=1) > 0).all()
        if given is not None:
            inside = drawn @ np.eye(6)[np.arange(24) % 6] > 0
            outside = left_out @ np.eye(6)[np.arange(24) % 6] > 0
            assert not (inside & outside).any()


def test_guessing_models_score_at_chance_after_correction():
    labels = np.repeat(["a", "b"], 30)
    found = [corrected_best(guesses(cohort_of(labels), 8, seed=s), n_resamples=200) for s in range(30)]
    assert np.mean([best.uncorrected for best in found]) > 0.55
    assert np.mean([best.value for best in found]) == pytest.approx(0.5, abs=0.02)
    assert all(best.optimism == best.uncorrected - best.value for best in found)


def test_a_single_model_is_not_corrected(tiny_evaluation):
    found = corrected_best(tiny_evaluation, models=["knn"])
    plain = estimate(by_name("balanced_accuracy"), tiny_evaluation.scored("knn"), tiny_evaluation.units)
    assert (found.value, found.low, found.high) == (float(plain.value), float(plain.low), float(plain.high))
    assert found.optimism == 0


def test_a_perfect_model_keeps_its_score_and_an_interval(tiny_evaluation):
    truth = np.eye(3)[tiny_evaluation.cohort.codes]
    splits = {(s.repeat, s.fold): s.test for s in tiny_evaluation.folds.splits}
    results = tuple(
        replace(r, probabilities=truth[splits[r.repeat, r.fold]]) if r.model == "knn" else r
        for r in tiny_evaluation.results
    )
    for metric in ("balanced_accuracy", "accuracy"):
        found = corrected_best(replace(tiny_evaluation, results=results), metric, models=["knn", "majority"])
        assert (found.model, found.value, found.high) == ("knn", 1.0, 1.0)
        assert 0.5 < found.low < 0.95


def test_direction_of_the_metric_is_respected(tiny_evaluation):
    assert corrected_best(tiny_evaluation, "log_loss").model == "logistic"
    assert corrected_best(tiny_evaluation, "log_loss").chosen["majority"] < 0.05


def test_seed_fixes_the_draws(tiny_evaluation):
    assert corrected_best(tiny_evaluation, seed=3) == corrected_best(tiny_evaluation, seed=3)
    assert corrected_best(tiny_evaluation, seed=3) != corrected_best(tiny_evaluation, seed=4)


def test_auto_is_not_a_candidate_of_itself(tiny_evaluation):
    both = auto(tiny_evaluation)
    assert corrected_best(both) == corrected_best(tiny_evaluation)
    assert auto(both).predictions.equals(both.predictions)


def test_auto_takes_the_model_with_the_smallest_inner_loss_in_each_fold(monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("refitted")

    monkeypatch.setattr(execution, "run", never)
    evaluation = guesses(cohort_of(np.repeat(["a", "b"], 20)), 3, repeats=2)
    both = auto(evaluation)
    assert both.names == ("m0", "m1", "m2", "auto")
    assert both.results[:-4] == evaluation.results
    picked = [result for result in both.results if result.model == "auto"]
    for result, split in zip(picked, evaluation.folds.splits, strict=True):
        rivals = [r for r in evaluation.results if (r.repeat, r.fold) == (split.repeat, split.fold)]
        best = min(rivals, key=lambda r: r.inner_losses.mean())
        assert result.setting == {"model": best.model, "c": best.setting["c"]}
        assert result.probabilities is best.probabilities
        assert result.seconds == 3.0
    assert len({result.setting["model"] for result in picked}) > 1
    np.testing.assert_allclose(both.probabilities("auto").sum(axis=2), 1)
    assert "auto" in both.summary(["accuracy"])["model"].tolist()


def test_auto_chooses_among_the_named_models(tiny_evaluation):
    picked = [r for r in auto(tiny_evaluation, ["majority"]).results if r.model == "auto"]
    assert {r.setting["model"] for r in picked} == {"majority"}
    with pytest.raises(UnknownName, match="no model 'svm'"):
        auto(tiny_evaluation, ["svm"])
    with pytest.raises(InfeasibleDesign, match="no model to choose from"):
        auto(tiny_evaluation, [])


def test_undefined_losses_never_win(tiny_evaluation):
    results = tuple(
        replace(r, inner_losses=np.full_like(r.inner_losses, np.nan)) if r.model == "logistic" else r
        for r in tiny_evaluation.results
    )
    picked = [r for r in auto(replace(tiny_evaluation, results=results)).results if r.model == "auto"]
    assert {r.setting["model"] for r in picked} == {"knn"}


def test_an_earlier_model_wins_unless_a_later_one_has_the_odds():
    rng = np.random.default_rng(0)
    base = rng.gamma(1.0, 0.3, 80)
    spread = rng.normal(0, 1, 80)
    spread = (spread - spread.mean()) / spread.std(ddof=1)
    error = 1 / np.sqrt(80)
    for gain, taken in ((0.66, 0), (0.69, 1)):
        better = base - 0.1 * (spread + gain * error)
        assert choose([base, better]) == taken
        assert choose([better, base]) == 0
        assert choose([base, better], odds=1.0) == 1
        # A much worse model never wins, in any position.
        assert choose([base + 1, base, better]) == 1 + taken


def test_samples_that_were_never_held_out_are_ignored():
    nan = np.nan
    assert choose([np.array([1.0, 1.0, nan, 0.0]), np.array([nan, 0.2, 9.0, 0.0])]) == 1
    assert choose([np.full(3, nan), np.array([1.0, 2.0, 3.0])]) == 1
    assert choose([np.array([0.5, nan, nan]), np.array([0.4, nan, nan])]) == 1
    assert choose([np.full(3, nan), np.full(3, nan)]) == 0
    assert choose([np.array([nan, 1.0]), np.array([1.0, nan])]) == 0


def test_the_first_of_equal_models_wins():
    losses = np.random.default_rng(0).random(30)
    assert choose([losses + 0.1, losses, losses.copy()]) == 1


@pytest.mark.parametrize("metric", ["balanced_accuracy", "accuracy", "log_loss", "roc_auc_macro"])
def test_correction_never_improves_the_score(metric):
    sign = -1 if metric == "log_loss" else 1
    for seed in range(6):
        cohort = simulate({"a": 14, "b": 9, "c": 7}, 40, effect=0.4, seed=seed).cohort
        evaluation = evaluate(cohort, ["knn", "centroids", "majority"], design=Design(4, 2), jobs=1)
        found = corrected_best(evaluation, metric, n_resamples=300)
        assert sign * found.value <= sign * found.uncorrected
        assert min(found.low, found.high) <= found.value <= max(found.low, found.high)


def test_equal_leaders_are_ordered_by_log_loss():
    cohort = simulate({"a": 12, "b": 12}, 60, effect=6.0, markers_per_class=30, seed=2).cohort
    study = of_evaluation(
        evaluate(cohort, ["knn", "centroids", "logistic", "majority"], design=Design(3, 2), jobs=1)
    )
    leaders = [score.name for score in study.leaders]
    assert len(leaders) > 1
    losses = study.summary(["log_loss"]).set_index("model")["value"]
    assert leaders == sorted(leaders, key=losses.get)
    assert study.best.model == study.leader.name == leaders[0]

"""Laws that every model obeys."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from leukotype.cohort import Cohort
from leukotype.errors import UnknownName
from leukotype.evaluation.nested import evaluate
from leukotype.models import DEFAULT, MODELS, Model, by_name, select, tuning
from leukotype.resampling import Design, draw
from leukotype.wide import Fold
from leukotype.wide.adapter import SklearnPath

# A random tree draws columns by position.
ORDER_MATTERS = {"forest", "tree"}


def tuned_on(model: Model, expression: np.ndarray, cohort: Cohort, seed: int = 0) -> tuning.Tuned:
    split = draw(cohort, Design(3, 2)).splits[0]
    parts = [Fold(expression, *pair) for pair in split.inner]
    return tuning.tune(
        model,
        Fold(expression, split.train, split.test),
        [(part, cohort.codes[part.train], cohort.codes[part.test]) for part in parts],
        cohort.codes[split.train],
        criterion="log_loss",
        rng=np.random.default_rng(seed),
    )


def first_fold(expression: np.ndarray, cohort: Cohort) -> Fold:
    split = draw(cohort, Design(3, 2)).splits[0]
    return Fold(expression, split.train, split.test)


@pytest.fixture(params=MODELS, ids=str)
def model(request) -> Model:
    return request.param


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestEveryModel:
    def test_gives_probabilities(self, model, tiny_cohort):
        fold = first_fold(tiny_cohort.expression, tiny_cohort)
        p = tuned_on(model, tiny_cohort.expression, tiny_cohort).predict_proba(fold)
        assert p.shape == (fold.n_test, 3)
        assert np.all(p >= 0)
        np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-6)

    def test_finds_planted_markers(self, model, tiny_cohort):
        evaluation = evaluate(tiny_cohort, [model], design=Design(3, 2), jobs=1)
        score = evaluation.summary(["balanced_accuracy"]).loc[0, "value"]
        if model.name == "majority":
            assert score == pytest.approx(1 / 3)
        else:
            assert score > 0.5

    def test_sees_no_test_sample_while_fitting(self, model, tiny_cohort):
        fold = first_fold(tiny_cohort.expression, tiny_cohort)
        poisoned = np.array(tiny_cohort.expression)
        poisoned[fold.test] = 1e6 * np.random.default_rng(1).normal(size=(fold.n_test, tiny_cohort.n_probes))
        clean = tuned_on(model, tiny_cohort.expression, tiny_cohort)
        other = tuned_on(model, poisoned, tiny_cohort)
        assert other.candidate.setting == clean.candidate.setting
        assert other.inner_score == pytest.approx(clean.inner_score, nan_ok=True)
        np.testing.assert_array_equal(other.predict_proba(fold), clean.predict_proba(fold))

    def test_same_seed_same_bytes(self, model, tiny_cohort):
        fold = first_fold(tiny_cohort.expression, tiny_cohort)
        first, second = (
            tuned_on(model, tiny_cohort.expression, tiny_cohort).predict_proba(fold) for _ in range(2)
        )
        assert first.tobytes() == second.tobytes()

    def test_probe_order_does_not_matter(self, model, tiny_cohort):
        if model.name in ORDER_MATTERS:
            pytest.skip("a random tree draws columns by position")
        order = np.random.default_rng(2).permutation(tiny_cohort.n_probes)
        turned = np.ascontiguousarray(tiny_cohort.expression[:, order])
        straight = tuned_on(model, tiny_cohort.expression, tiny_cohort)
        shuffled = tuned_on(model, turned, tiny_cohort)
        np.testing.assert_allclose(
            shuffled.predict_proba(first_fold(turned, tiny_cohort)),
            straight.predict_proba(first_fold(tiny_cohort.expression, tiny_cohort)),
            atol=2e-3 if model.name == "mlp" else 1e-5,
        )

    def test_a_prediction_does_not_depend_on_other_samples(self, model, tiny_cohort):
        fold = first_fold(tiny_cohort.expression, tiny_cohort)
        tuned = tuned_on(model, tiny_cohort.expression, tiny_cohort)
        together = tuned.predict_proba(fold)
        alone = [
            tuned.predict_proba(Fold(tiny_cohort.expression, fold.train, fold.test[[row]]))[0]
            for row in reversed(range(fold.n_test))
        ]
        np.testing.assert_allclose(alone[::-1], together, rtol=1e-9, atol=1e-12)

    def test_constant_probes_and_single_precision_give_finite_output(self, model, tiny_cohort):
        values = np.hstack([tiny_cohort.expression, np.full((30, 3), 7.123)]).astype(np.float32)
        p = tuned_on(model, values, tiny_cohort).predict_proba(first_fold(values, tiny_cohort))
        assert np.isfinite(p).all()

    def test_only_constant_probes_give_probabilities(self, model, tiny_cohort):
        values = np.full((30, 5), 3.3)
        p = tuned_on(model, values, tiny_cohort).predict_proba(first_fold(values, tiny_cohort))
        np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-6)

    def test_missing_values_are_imputed_in_the_fold(self, model, tiny_cohort):
        values = np.array(tiny_cohort.expression)
        values[np.random.default_rng(3).random(values.shape) < 0.05] = np.nan
        p = tuned_on(model, values, tiny_cohort).predict_proba(first_fold(values, tiny_cohort))
        assert np.isfinite(p).all()

    def test_two_classes(self, model, tiny_cohort):
        two = tiny_cohort.drop_classes(["PB"])
        p = tuned_on(model, two.expression, two).predict_proba(first_fold(two.expression, two))
        assert p.shape[1] == 2
        np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-6)

    def test_probes_used_are_columns(self, model, tiny_cohort):
        probes = tuned_on(model, tiny_cohort.expression, tiny_cohort).candidate.probes
        if probes is not None:
            assert len(np.unique(probes)) == len(probes)
            assert np.all((probes >= 0) & (probes < tiny_cohort.n_probes))
        elif "genes" in model.gives:
            raise AssertionError(f"{model} gives genes, but its candidates have no probes")


def test_required_models_and_baselines_exist():
    names = [model.name for model in MODELS]
    assert len(set(names)) == len(names)
    for name in (
        "logistic", "knn", "forest", "xgboost", "svm", "centroids", "naive-bayes", "tree", "mlp",
        "elastic-net", "majority", "single-probe",
    ):  # fmt: skip
        assert name in names
    assert set(DEFAULT) == {
        "logistic", "knn", "forest", "xgboost", "svm", "centroids", "majority", "single-probe",
    }  # fmt: skip
    assert {model.name for model in MODELS if model.baseline} == {"majority", "single-probe"}


def test_select():
    assert select(["all"]) == MODELS
    assert [model.name for model in select()] == list(DEFAULT)
    own = dataclasses.replace(by_name("knn"), name="my-knn")
    assert select(["logistic", own])[1] is own


@pytest.mark.parametrize(
    ("names", "words"),
    [(["lasso"], "no model 'lasso'"), (["knn", "knn"], "twice"), ([], "no model was named")],
)
def test_bad_selections_are_refused(names, words):
    with pytest.raises(UnknownName, match=words):
        select(names)


def test_a_scikit_learn_classifier_needs_one_entry(tiny_cohort):
    from sklearn.ensemble import ExtraTreesClassifier

    entry = Model(
        "extra", "Extra trees", SklearnPath(ExtraTreesClassifier, seeded=True), {"n_estimators": (10, 20)}
    )
    evaluation = evaluate(tiny_cohort, [entry, "majority"], design=Design(3, 2), jobs=1)
    assert evaluation.names == ("extra", "majority", "auto")
    assert evaluation.summary(["accuracy"]).loc[0, "value"] > 0.5


def test_single_probe_chooses_the_best_probe_of_the_training_part(tiny_cohort):
    from sklearn.feature_selection import f_classif

    tuned = tuned_on(by_name("single-probe"), tiny_cohort.expression, tiny_cohort)
    fold = first_fold(tiny_cohort.expression, tiny_cohort)
    best = np.argmax(f_classif(fold.x_train, tiny_cohort.codes[fold.train])[0])
    assert tuned.candidate.probes.tolist() == [best]


def test_single_probe_with_a_perfect_probe(tiny_cohort):
    values = np.array(tiny_cohort.expression)
    values[:, 4] = tiny_cohort.codes
    fold = first_fold(values, tiny_cohort)
    calls = tuned_on(by_name("single-probe"), values, tiny_cohort).predict_proba(fold).argmax(axis=1)
    np.testing.assert_array_equal(calls, tiny_cohort.codes[fold.test])

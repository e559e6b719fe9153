"""Study, train and predict run one procedure: the same numbers, the same choice of models, the same imputation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import classifier_cases as cases
import leukotype as lt
from leukotype import resampling
from leukotype.classifier.card import performance
from leukotype.evaluation import nested
from leukotype.figures import by_name as figure
from leukotype.models import Model, by_name, plugins
from leukotype.models.baselines import majority
from leukotype.recipes import HOWS, How, Recipe
from leukotype.recipes.fitting import Keep, fit_split
from leukotype.resampling import Design
from leukotype.runs import Store

OPTIONS = {"align": "quantile", "max_probes": 20}
CANDIDATES = ["majority", "knn", "logistic"]
BASELINE = """
from leukotype.models import Model
from leukotype.wide import logistic

MODELS = (Model("strong", "Strong baseline", logistic.path, {"C": (0.1,)}, baseline=True),)
"""


class _Interrupted:
    """Counts finished tasks and interrupts the run after some of them."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, step: str) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("model", ["logistic", "auto"])
def test_training_interrupted_five_times_gives_the_same_file(tmp_path, monkeypatch, model):
    options = {"design": cases.DESIGN, "jobs": 1, **OPTIONS}
    options |= {"models": CANDIDATES} if model == "auto" else {}
    lt.train(cases.cohort(), model, **options).save(tmp_path / "whole.leuko")
    fits = []
    monkeypatch.setattr(
        nested, "fit_split", lambda *args, **options: fits.append(1) or fit_split(*args, **options)
    )
    for n_tasks in (1, 3, 4, 6, 9):
        with pytest.raises(KeyboardInterrupt):
            lt.train(
                cases.cohort(), model, store=tmp_path / "tasks", on_step=_Interrupted(n_tasks), **options
            )
        with Store(tmp_path / "tasks") as store:
            assert len(store) == n_tasks
    steps = []
    resumed = lt.train(cases.cohort(), model, store=tmp_path / "tasks", on_step=steps.append, **options)
    resumed.save(tmp_path / "resumed.leuko")
    assert (tmp_path / "resumed.leuko").read_bytes() == (tmp_path / "whole.leuko").read_bytes()
    assert len(fits) == len(steps)


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_an_evaluation_gives_the_numbers_that_a_trained_file_states(gaps):
    cohort = cases.gappy(cases.cohort(), gaps)
    record = lt.train(cohort, "logistic", design=cases.DESIGN, jobs=1, **OPTIONS).record
    study = lt.study(cohort, ["logistic"], design=cases.DESIGN, jobs=1, **OPTIONS)
    assert record["performance"] == performance(study.evaluation)
    assert record["recipe"] == {**OPTIONS, "tune_by": "log_loss"}
    assert len(study.without) == 2
    for stated, other in zip(record["without"], study.without, strict=True):
        assert (stated["align"], stated["max_probes"]) == (other.align, other.max_probes)
        assert stated["performance"] == performance(other)


def test_auto_is_trained_as_it_is_evaluated(tmp_path):
    evaluation = lt.evaluate(cases.cohort(), CANDIDATES, design=cases.DESIGN, jobs=1, **OPTIONS)
    found = lt.train(cases.cohort(), "auto", models=CANDIDATES, design=cases.DESIGN, jobs=1, **OPTIONS)
    assert found.record["performance"] == performance(evaluation.only("auto"))
    assert found.record["candidates"] == CANDIDATES
    assert found.record["model"]["name"] in CANDIDATES
    assert found.name == "small-auto"
    found.save(tmp_path / "auto.leuko")
    again = lt.load_classifier(tmp_path / "auto.leuko")
    assert_array_equal(again.predict(cases.fresh()).probabilities, found.predict(cases.fresh()).probabilities)
    assert "chosen on the inner folds among 3 models (majority, knn, logistic)" in again.card


def test_the_folds_of_auto_may_come_from_several_models():
    """Prediction sets take each fold's rule from the model chosen in it."""
    found = lt.train(cases.cohort(), "auto", models=CANDIDATES, design=cases.DESIGN, jobs=1, align="none")
    evaluation = lt.evaluate(cases.cohort(), CANDIDATES, design=cases.DESIGN, jobs=1)
    for fold, split in zip(found.folds, evaluation.folds.splits, strict=True):
        p = fold.probabilities(cases.cohort().expression[split.test])
        expected = evaluation.probabilities("auto")[0, split.test]
        assert abs(p - expected).max() < 1e-9


def test_a_plugin_baseline_never_leads(tmp_path):
    (tmp_path / "mine.py").write_text(BASELINE)
    (strong,) = plugins.load(tmp_path / "mine.py")
    weak = Model("weak", "Class shares", majority)
    study = lt.study(cases.cohort(), [strong, weak, "majority"], design=cases.DESIGN, jobs=1)
    assert study.scores[0].name in ("strong", "auto")
    assert [score.name for score in study.baselines] == ["strong", "majority"]
    assert [score.name for score in study.contenders] == ["weak"]
    assert [score.name for score in study.leaders] == ["weak"]
    assert study.leader.name == "weak"
    finding = next(finding for finding in study.audits if finding.code == "LT021")
    assert set(finding.numbers["baselines"]) == {"strong", "majority"}
    table = figure("comparison").draw(study.evaluation).table()
    assert set(table.loc[table["baseline"], "model"]) == {"strong", "majority"}


@pytest.mark.parametrize("align", HOWS)
def test_held_out_samples_are_treated_as_new_ones(align: How) -> None:
    cohort = cases.gappy(lt.simulate({"A": 12, "B": 9, "C": 8}, 80, seed=3).cohort, 0.2, 1)
    split = resampling.draw(cohort, Design(outer=3, inner=2)).splits[0]
    recipe = Recipe(by_name("logistic"), align)
    found = fit_split(cohort.expression, recipe, split, cohort.codes, (1, 2), keep=Keep(True, 1))
    kept = found.kept
    assert kept is not None
    assert kept.scorer is not None
    for row, p, distance in zip(split.test.tolist(), found.probabilities, kept.distances, strict=True):
        new = cohort.expression[row]
        present = np.flatnonzero(~np.isnan(new))
        aligned = kept.means.fill(kept.scorer.alignment.complete(new), present)
        np.testing.assert_allclose(kept.scorer.probabilities(aligned[None])[0], p, atol=1e-9)
        assert kept.means.distance(aligned, present) == pytest.approx(distance)
    # A study predicts the same for them.
    alone = fit_split(cohort.expression, recipe, split, cohort.codes, (1, 2))
    assert alone.probabilities.tobytes() == found.probabilities.tobytes()


def test_missing_values_keep_the_level_of_novelty() -> None:
    # With held-out gaps imputed by medians, 40 % and 22 % of these fell below 0.05.
    found = []
    for seed in (1, 2):
        drawn = lt.simulate({"A": 20, "B": 20}, 1000, effect=0.7, composition=0.3, seed=seed)
        classifier = lt.train(cases.gappy(drawn.cohort, 0.2, 1), "logistic", design=Design(repeats=1), jobs=1)
        fresh = cases.gappy(drawn.fresh({"A": 100, "B": 100}, 7), 0.2, 2)
        found.append(float((classifier.predict(fresh).p_like <= 0.05).mean()))
    assert max(found) < 0.15

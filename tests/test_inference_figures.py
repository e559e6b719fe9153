"""Figures of inference: they show the numbers of the study, and apply only to requested analyses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from leukotype.evaluation import evaluate
from leukotype.figures import by_name, svg
from leukotype.inference import learning_curve, permutation_test, price_leaks
from leukotype.resampling import Design
from leukotype.studies import Study, of_evaluation


@pytest.fixture(scope="module")
def plain() -> Study:
    from conftest import make_tiny_cohort

    return of_evaluation(evaluate(make_tiny_cohort(), ["knn", "majority"], design=Design(3, 2, 2), jobs=1))


@pytest.fixture(scope="module")
def study(plain) -> Study:
    return replace(
        plain,
        permutation=permutation_test(plain.evaluation, n_permutations=19, jobs=1),
        learning=learning_curve(plain.evaluation, fractions=(0.7, 0.85, 1.0), jobs=1),
        leaks=price_leaks(plain.evaluation, n_splits=4, n_selected=5, jobs=1),
    )


@pytest.mark.parametrize("name", ["permutation", "learning-curve", "leaks"])
def test_figures_of_requested_analyses_are_drawn(name, study, plain):
    figure = by_name(name)
    assert figure.applies(study) is None
    assert figure.applies(plain) is not None
    drawing = figure.draw(study)
    text = svg(drawing)
    assert text == svg(figure.draw(study))
    assert "NaN" not in text
    for model in ("knn", "majority"):
        assert model in text
    assert drawing.caption.endswith(".")
    assert drawing.alt


def test_permutation_bars_hold_every_permutation(study):
    drawing = by_name("permutation").draw(study)
    np.testing.assert_allclose(drawing.table().groupby("model")["share"].sum(), 1)
    assert "0.05" in drawing.caption


def test_the_learning_curve_shows_the_table_of_the_study(study):
    table = by_name("learning-curve").draw(study).table()
    measured = table[table["kind"] == "measured"]
    assert measured["value"].tolist() == study.learning.table()["value"].tolist()
    assert table["n_train"].max() == pytest.approx(2 * study.learning.sizes[-1])


def test_the_optimism_of_each_mistake_is_drawn_for_each_model(study):
    drawing = by_name("leaks").draw(study)
    assert len(drawing.table()) == 5 * 2
    worst = study.leaks.loc[study.leaks["optimism"].idxmax()]
    assert f"{worst.claimed:.2f}" in drawing.alt
    assert f"{worst.honest:.2f}" in drawing.alt


def test_stability_shows_the_samples_that_a_model_misclassifies(tiny_evaluation):
    study = of_evaluation(tiny_evaluation)
    drawing = by_name("stability").draw(study)
    table = drawing.table()
    assert set(table["model"]) == {"logistic", "knn"}
    assert table.groupby("sample")["share_right"].min().max() < 1
    assert svg(drawing) == svg(by_name("stability").draw(study))


def test_stability_needs_more_than_one_repeat(plain):
    once = evaluate(plain.cohort, ["knn"], design=Design(3, 2, 1), jobs=1)
    assert "--repeats" in by_name("stability").applies(of_evaluation(once))
    reason = by_name("stability").applies(plain)
    assert reason is None or "--repeats" not in reason

"""Figures of a study: their numbers equal those of the inference, and all can be drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from leukotype.evaluation import evaluate
from leukotype.figures import by_name, of_part, svg
from leukotype.inference import learning_curve, permutation_test, price_leaks
from leukotype.resampling import Design
from leukotype.studies import of_evaluation

PERMUTATION, LEARNING, LEAKS, STABILITY = map(
    by_name, ("permutation", "learning-curve", "leaks", "stability")
)


@pytest.fixture(scope="module")
def study():
    from conftest import make_tiny_cohort

    plain = of_evaluation(evaluate(make_tiny_cohort(), ["knn", "majority"], design=Design(3, 2, 2), jobs=1))
    return replace(
        plain,
        permutation=permutation_test(plain.evaluation, n_permutations=19, jobs=1),
        learning=learning_curve(plain.evaluation, fractions=(0.7, 0.85, 1.0), jobs=1),
        leaks=price_leaks(plain.evaluation, n_splits=4, n_selected=5, jobs=1),
    )


@pytest.mark.parametrize("figure", [PERMUTATION, LEARNING, LEAKS], ids=str)
def test_figure_of_a_requested_analysis_is_drawn(figure, study):
    assert figure in of_part("study")
    assert figure.applies(study) is None
    assert figure.applies(replace(study, permutation=None, learning=None, leaks=None)) is not None
    drawing = figure.draw(study)
    text = svg(drawing)
    assert text == svg(figure.draw(study))
    assert "NaN" not in text
    for model in ("knn", "majority"):
        assert model in text
    assert drawing.caption.endswith(".")
    assert drawing.alt


def test_bars_contain_all_permutations(study):
    drawing = PERMUTATION.draw(study)
    np.testing.assert_allclose(drawing.table().groupby("model")["share"].sum(), 1)
    assert "cannot be smaller than 0.05" in drawing.caption


def test_learning_curve_shows_the_measured_values(study):
    table = LEARNING.draw(study).table()
    measured = table[table["kind"] == "measured"]
    assert measured["value"].tolist() == study.learning.table()["value"].tolist()
    assert table["n_train"].max() == pytest.approx(2 * study.learning.sizes[-1])


def test_each_mistake_is_drawn_for_each_model(study):
    drawing = LEAKS.draw(study)
    assert len(drawing.table()) == 5 * 2
    worst = study.leaks.loc[study.leaks["optimism"].idxmax()]
    assert f"claims {worst.claimed:.2f}; the unbiased score is {worst.honest:.2f}" in drawing.alt


def test_stability_shows_misclassified_samples_without_baselines(tiny_evaluation):
    study = of_evaluation(tiny_evaluation)
    drawing = STABILITY.draw(study)
    table = drawing.table()
    assert set(table["model"]) == {"logistic", "knn"}
    assert table.groupby("sample")["share_right"].min().max() < 1
    assert svg(drawing) == svg(STABILITY.draw(study))


def test_stability_needs_two_repeats(study):
    once = evaluate(study.cohort, ["knn"], design=Design(3, 2, 1), jobs=1)
    assert "--repeats" in STABILITY.applies(replace(study, evaluation=once))
    assert STABILITY.applies(study) is None or "predicted all samples correctly" in STABILITY.applies(study)

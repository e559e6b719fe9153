"""Figures of what was inferred: numbers that are the findings', pictures that can be made, words that fit."""

from __future__ import annotations

import numpy as np
import pytest

from leukotype.evaluation import evaluate
from leukotype.figures import leaks, learning, permutation, stability, svg
from leukotype.inference import learning_curve, permutation_test, price_leaks
from leukotype.resampling import Design


@pytest.fixture(scope="module")
def findings():
    from conftest import make_tiny_cohort

    evaluation = auto(evaluate(make_tiny_cohort(), ["knn", "majority"], design=Design(3, 2, 2), jobs=1))
    return Findings(
        evaluation,
        permutation_test(evaluation, n_permutations=19, jobs=1),
        learning_curve(evaluation, fractions=(0.7, 0.85, 1.0), jobs=1),
        price_leaks(evaluation, n_splits=4, n_selected=5, jobs=1),
    )


@pytest.mark.parametrize("figure", [permutation, learning, leaks], ids=lambda module: module.TITLE)
def test_figures_of_findings_are_drawn_where_they_were_asked_for(figure, findings):
    assert figure.applies(findings) is None
    assert figure.applies(Findings(findings.evaluation)) is not None
    drawing = figure.draw(findings)
    text = svg(drawing)
    assert text == svg(figure.draw(findings))
    assert "NaN" not in text
    for model in ("knn", "majority"):
        assert model in text
    assert drawing.caption.endswith(".")
    assert drawing.alt


def test_permutation_bars_hold_every_permutation(findings):
    table = permutation.draw(findings).table()
    np.testing.assert_allclose(table.groupby("model")["share"].sum(), 1)
    assert "cannot be smaller than 0.05" in permutation.draw(findings).caption


def test_the_learning_curve_is_that_of_the_findings(findings):
    table = learning.draw(findings).table()
    measured = table[table["kind"] == "measured"]
    assert measured["value"].tolist() == findings.learning.table()["value"].tolist()
    assert table["n_train"].max() == pytest.approx(2 * findings.learning.sizes[-1])


def test_the_price_of_each_mistake_is_drawn_for_each_model(findings):
    drawing = leaks.draw(findings)
    assert len(drawing.table()) == 5 * 2
    worst = findings.leaks.loc[findings.leaks["optimism"].idxmax()]
    assert f"claims {worst.claimed:.2f} where {worst.honest:.2f} is honest" in drawing.alt


def test_stability_shows_the_samples_that_some_model_gets_wrong(tiny_evaluation):
    drawing = stability.draw(tiny_evaluation)
    table = drawing.table()
    assert set(table["model"]) == {"logistic", "knn"}
    assert table.groupby("sample")["share_right"].min().max() < 1
    assert svg(drawing) == svg(stability.draw(tiny_evaluation))


def test_a_single_repeat_has_no_picture_of_stability(findings):
    once = evaluate(findings.evaluation.cohort, ["knn"], design=Design(3, 2, 1), jobs=1)
    assert "--repeats" in stability.applies(once)
    assert stability.applies(findings.evaluation) is None or "right on every sample" in stability.applies(
        findings.evaluation
    )

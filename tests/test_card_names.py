"""The model card: names with Markdown signs, missing intervals, and the study that chose the procedure."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import leukotype as lt
from leukotype.classifier.card import estimate


def test_names_with_markdown_signs_break_no_table() -> None:
    drawn = lt.simulate({"A": 9, "B": 9}, 30, effect=2.0, seed=1).cohort
    names = {"A": "AML | M3", "B": "<b>* `x`"}
    cohort = replace(drawn, labels=np.array([names[label] for label in drawn.labels.tolist()]))
    classifier = lt.train(cohort, "centroids", design=lt.Design(outer=3, inner=2, repeats=1), jobs=1)
    rows = [line for line in classifier.card.splitlines() if line.startswith("| AML")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [5]
    assert r"\<b>\* \`x\`" in classifier.card
    assert "2 inner folds, 1 repeat, seed 0" in classifier.card


@pytest.mark.parametrize("none", [None, math.nan])
def test_missing_numbers_are_not_printed_as_nan(none: float | None) -> None:
    assert estimate({"value": 0.5, "low": none, "high": none}) == "0.500"
    assert estimate({"value": none, "low": 0.1, "high": 0.2}) == "not defined"


def test_the_card_states_the_corrected_estimate_of_a_study() -> None:
    drawn = lt.simulate({"A": 9, "B": 9}, 30, effect=2.0, seed=1).cohort
    chosen = {"metric": "balanced_accuracy", "n_models": 3, "value": 0.9, "low": 0.8, "high": 0.95}
    design = lt.Design(outer=3, inner=2, repeats=1)
    panel = lt.train(drawn, "centroids", design=design, jobs=1, max_probes=5, chosen_by=chosen)
    assert "best of 3 in a study of the same cohort" in panel.card
    assert "balanced accuracy of 0.900 [0.800, 0.950]" in panel.card
    assert "not corrected for the choice" in panel.card

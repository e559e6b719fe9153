"""The tables of docs/classifier.md show the results, and the claims of the page hold in them."""

from __future__ import annotations

import pytest

import scripts
from leukotype.classifier import abstention


@pytest.fixture(scope="module")
def page():
    return scripts.load("benchmarks/calibration/classifier_page.py")


def test_the_page_shows_the_results(page):
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.filled(text, page.BLOCKS), "run python benchmarks/calibration/classifier_page.py"


def test_sets_of_donors_cover_each_class(page):
    table = page.prediction_sets().set_index("units").loc["donors"]
    assert set(table["design"]) == {"4 x 10", "5 x 5", "25 x 1"}
    assert (table["lowest class"] >= table["level"] - 0.02).all(), table
    # Counting samples instead fails, so the simulation can detect the fault.
    counted = page.prediction_sets().set_index("units").loc["samples"]
    assert (counted["lowest class"] < counted["level"] - 0.02).any()


def test_calls_reach_the_target_in_nine_of_ten_classifiers(page):
    table = page.abstention()
    assured = table[table["rule"] == "assured"]
    assert sorted(set(assured["n"])) == [40, 64, 100]
    assert (assured["short"] <= 0.1).all(), assured
    assert (assured["held out"] <= 0.1).all(), assured
    # The rate that terminal and model card print leaves out classifiers that call nothing.
    assert round(assured["of those that call"].max(), 2) == abstention.SHORTFALL
    assert (table.loc[table["rule"] == "by class", "short"] > 0.2).any()


def test_calls_outside_their_set_are_wrong_more_often(page):
    table = page.outside()
    assert (table["error outside"] > 2 * table["error of the other calls"]).all()


def test_training_samples_are_recognised_and_others_are_not(page):
    table = page.training_rows().set_index("samples")
    for change in ("as they were", "one decimal", "quantile alignment", "linear values, whole numbers"):
        for found in table.loc[change]:
            n_found, n_compared = map(int, found.split(" of "))
            assert n_found == n_compared
    found = [list(map(int, cell.split(" of "))) for cell in table.loc[page.NEW]]
    assert sum(n_found for n_found, _ in found) <= 0.001 * sum(n for _, n in found)

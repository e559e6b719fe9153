"""docs/calibration.md says what the results say, and its claims hold in them."""

from __future__ import annotations

import pytest
from scipy import stats

import scripts
from leukotype.results import methods


@pytest.fixture(scope="module")
def page():
    return scripts.load("benchmarks/calibration/page.py")


def test_the_page_is_what_the_results_say(page):
    text = (page.DOCS / "calibration.md").read_text(encoding="utf-8")
    assert text == page.filled(text, page.BLOCKS), "run python benchmarks/calibration/page.py"


def test_the_comparison_of_simulators_is_what_the_results_say(page):
    text = (page.DOCS / "decisions" / "0014-simulator.md").read_text(encoding="utf-8")
    assert text == page.filled(text, page.SIMULATOR), "run python benchmarks/calibration/page.py"
    found = (
        page.pd.read_csv(page.RESULTS / "simulator.csv").groupby(["fact", "cohort", "kind"])["value"].mean()
    )
    for fact in ("omega mean", "panel of 20", "panel of 100", "single-probe, balanced accuracy"):
        old, new = (abs(found[fact, "slice", kind] - found[fact, "slice", "real"]) for kind in ("old", "new"))
        assert new < max(old, 0.1), fact
    best, own = found["corrected best", "default"], found["auto, balanced accuracy", "default"]
    assert own["new"] > best["new"] - 0.03


def test_p_values_of_null_cohorts_are_uniform(page):
    table = page.null_p().set_index(["metric", "model"])
    for model in ("knn", "centroids", "logistic"):
        row = table.loc[("log_loss", model)]
        assert row["KS p"] > 0.01
        assert 0.02 <= row["share ≤ 0.05"] <= 0.09
        tied = table.loc[("balanced_accuracy", model)]
        assert tied["KS p, ties spread"] > 0.01
        assert 0.02 <= tied["share ≤ 0.05"] <= 0.09
    assert (table.loc[("log_loss", ["knn", "centroids"]), "cohorts"] == 200).all()


def test_the_corrected_best_of_eight_is_at_chance_and_the_uncorrected_is_not(page):
    table = page.above_chance()
    assert len(table) == 200
    assert abs(table["corrected"].mean()) < 0.02
    assert abs(table["auto"].mean()) < 0.02
    assert table["uncorrected"].mean() > 0.05
    assert stats.ttest_1samp(table["uncorrected"], 0).pvalue < 1e-6
    assert table["holds chance"].mean() >= 0.95


def test_intervals_cover_what_cross_validation_estimates(page):
    table = page.shares("coverage.csv", ["metric", "repeats", "n"]).query("metric != 'ece'")
    assert {40, 64, 100} == set(table["n"])
    # One number, of the average precision, is 0.927.
    assert (table["folds"] >= 0.925).all(), table
    assert (table["folds"] >= 0.93).mean() > 0.98
    assert (table["procedure"] >= 0.9).all(), table


def test_the_coverage_that_the_reports_state_is_the_measured_one(page):
    table = page.shares("coverage.csv", ["metric"]).set_index("metric")
    error, others = table.loc["ece"], table.drop(index="ece")
    for kind, stated in (("folds", "95 to 98 %"), ("procedure", "93 to 98 %")):
        assert f"{others[kind].min():.0%}"[:-1] + f" to {others[kind].max():.0%}"[:-1] + " %" == stated
        assert stated in methods.COVERAGE
        assert 0.6 < error[kind] < 0.7


def test_intervals_of_auto_and_the_corrected_best_cover(page):
    table = page.shares("coverage_models.csv", ["metric", "model"]).query("metric != 'ece'")
    assert {"logistic", "knn", "svm", "centroids", "auto", "corrected best"} == set(table["model"])
    assert (table["folds"] >= 0.9).all(), table

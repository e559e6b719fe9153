"""Small versions of benchmarks/calibration: levels of tests and intervals on simulated cohorts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import scripts


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_best_of_eight_is_at_chance_once_corrected():
    null = scripts.load("benchmarks/calibration/null.py")
    table = pd.concat([null.best_of_eight(number) for number in range(24)])
    table = table[table["metric"] == "balanced_accuracy"]
    above = table[["uncorrected", "corrected", "auto"]].sub(1 / table["n_classes"], axis=0).mean()
    assert above["uncorrected"] > 0.04
    assert abs(above["corrected"]) < 0.03
    assert abs(above["auto"]) < 0.03
    assert ((table["low"] <= 1 / table["n_classes"]) & (1 / table["n_classes"] <= table["high"])).mean() > 0.9


@pytest.mark.slow
def test_p_values_of_null_cohorts_are_uniform():
    null = scripts.load("benchmarks/calibration/null.py")
    table = pd.concat([null.p_values(number, ("knn",), n_permutations=39) for number in range(50)])
    for _, part in table.groupby("metric"):
        even = part["p"] - np.random.default_rng(0).uniform(0, 1 / 40, len(part))
        assert stats.kstest(even, "uniform").pvalue > 0.01
        assert (part["p"] <= 0.1).mean() < 0.25


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_intervals_cover_the_scores_of_fresh_samples():
    coverage = scripts.load("benchmarks/calibration/coverage.py")
    rows = [
        row for case in list(coverage.cases(2))[::6] for row in coverage.estimates(case, coverage.run(case))
    ]
    table = pd.DataFrame(rows)
    table["inside"] = (table["low"] <= table["folds"]) & (table["folds"] <= table["high"])
    # Twelve cohorts, whose models and metrics are not independent: 0.75 instead of 0.93.
    shares = table[table["metric"] != "ece"].groupby("metric")["inside"].mean()
    assert (shares > 0.75).all(), shares
    assert shares.mean() > 0.88

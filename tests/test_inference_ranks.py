"""Ranks over many cohorts, against R and scikit-posthocs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leukotype.inference.leaderboard import (
    Leaderboard,
    critical_difference,
    friedman,
    groups,
    nemenyi,
    wilcoxon,
)

REFERENCES = Path(__file__).parent / "references"
CLASSICAL = json.loads((REFERENCES / "inference_classical.json").read_text())
BAYES = json.loads((REFERENCES / "inference_bayes.json").read_text())


def frame(scores):
    return pd.DataFrame(scores, columns=[f"model {j}" for j in range(len(scores[0]))])


@pytest.mark.parametrize("case", CLASSICAL["many"])
def test_friedman_wilcoxon_and_critical_difference_equal_those_of_r(case):
    scores = frame(case["scores"])
    found = friedman(scores)
    assert (found.statistic, found.p) == pytest.approx((case["friedman"], case["friedman_p"]), rel=1e-9)
    table = wilcoxon(scores)
    np.testing.assert_allclose(table.p, case["wilcoxon"], atol=1e-10)
    np.testing.assert_allclose(table.p_holm, case["wilcoxon_holm"], atol=1e-10)
    assert critical_difference(scores.shape[1], len(scores)) == pytest.approx(case["cd"], rel=1e-8)


@pytest.mark.parametrize("case", BAYES["nemenyi"])
def test_nemenyi_equals_that_of_scikit_posthocs(case):
    np.testing.assert_allclose(nemenyi(frame(case["scores"])), case["nemenyi"], atol=1e-8)


def test_differences_beyond_the_critical_difference_are_significant():
    scores = frame(np.random.default_rng(0).random((15, 5)) + 0.1 * np.arange(5))
    means = Leaderboard.of(scores).mean_ranks[scores.columns].to_numpy()
    far = np.abs(means[:, None] - means) > critical_difference(5, 15, level=0.3)
    assert far.any()
    np.testing.assert_array_equal(far, nemenyi(scores).to_numpy() < 0.3)


def test_friedman_of_equal_and_of_separated_models():
    assert friedman(frame(np.ones((6, 3)))).p == 1
    found = friedman(frame(np.tile([0.9, 0.8, 0.7], (6, 1))))
    assert found.statistic == pytest.approx(12)
    assert (found.f, found.p_f) == (np.inf, 0)


def test_ranks_follow_the_direction_of_the_metric_and_share_ties():
    scores = frame([[0.9, 0.9, 0.5], [0.8, 0.7, 0.6]])
    assert Leaderboard.of(scores).mean_ranks[scores.columns].tolist() == [1.25, 1.75, 3.0]
    assert Leaderboard.of(scores, "log_loss").mean_ranks[scores.columns].tolist() == [2.75, 2.25, 1.0]


def test_groups_are_the_largest_runs():
    means = pd.Series({"d": 4.0, "a": 1.0, "b": 1.5, "c": 2.4, "e": 4.1})
    assert groups(means, 1.0) == [("a", "b"), ("b", "c"), ("d", "e")]
    assert groups(means, 0.01) == []
    assert groups(means, 5.0) == [("a", "b", "c", "d", "e")]

"""Ranks over many cohorts, against R and scikit-posthocs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leukotype.errors import BadValues, InfeasibleDesign
from leukotype.inference import ranks

REFERENCES = Path(__file__).parent / "references"
CLASSICAL = json.loads((REFERENCES / "inference_classical.json").read_text())
BAYES = json.loads((REFERENCES / "inference_bayes.json").read_text())


def frame(scores):
    return pd.DataFrame(scores, columns=[f"model {j}" for j in range(len(scores[0]))])


@pytest.mark.parametrize("case", CLASSICAL["many"])
def test_friedman_wilcoxon_and_critical_difference_are_those_of_r(case):
    scores = frame(case["scores"])
    found = ranks.friedman(scores)
    assert (found.statistic, found.p) == pytest.approx((case["friedman"], case["friedman_p"]), rel=1e-9)
    table = ranks.wilcoxon(scores)
    np.testing.assert_allclose(table.p, case["wilcoxon"], atol=1e-10)
    np.testing.assert_allclose(table.p_holm, case["wilcoxon_holm"], atol=1e-10)
    assert ranks.critical_difference(scores.shape[1], len(scores)) == pytest.approx(case["cd"], rel=1e-8)


@pytest.mark.parametrize("case", BAYES["nemenyi"])
def test_nemenyi_is_that_of_scikit_posthocs(case):
    np.testing.assert_allclose(ranks.nemenyi(frame(case["scores"])), case["nemenyi"], atol=1e-8)


def test_the_critical_difference_is_where_nemenyi_turns():
    scores = frame(np.random.default_rng(0).random((15, 5)) + 0.1 * np.arange(5))
    means, cd = ranks.mean_ranks(scores), ranks.critical_difference(5, 15, level=0.3)
    far = np.abs(means.to_numpy()[:, None] - means.to_numpy()) > cd
    assert far.any()
    np.testing.assert_array_equal(far, ranks.nemenyi(scores).to_numpy() < 0.3)


def test_friedman_in_its_extremes():
    assert ranks.friedman(frame(np.ones((6, 3)))).p == 1
    always = frame(np.tile([0.9, 0.8, 0.7], (6, 1)))
    found = ranks.friedman(always)
    assert found.statistic == pytest.approx(12)
    assert (found.f, found.p_f) == (np.inf, 0)


def test_ranks_follow_the_direction_and_share_ties():
    scores = frame([[0.9, 0.9, 0.5], [0.8, 0.7, 0.6]])
    assert ranks.mean_ranks(scores).tolist() == [1.25, 1.75, 3.0]
    assert ranks.mean_ranks(scores, higher_is_better=False).tolist() == [2.75, 2.25, 1.0]


def test_groups_are_the_largest_runs():
    means = pd.Series({"d": 4.0, "a": 1.0, "b": 1.5, "c": 2.4, "e": 4.1})
    assert ranks.groups(means, 1.0) == [("a", "b"), ("b", "c"), ("d", "e")]
    assert ranks.groups(means, 0.01) == []
    assert ranks.groups(means, 5.0) == [("a", "b", "c", "d", "e")]


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(InfeasibleDesign, match="1 cohorts × 3 models"):
        ranks.friedman(frame([[0.1, 0.2, 0.3]]))
    with pytest.raises(BadValues, match="'model 1' has no score on cohort 0"):
        ranks.wilcoxon(frame([[0.1, np.nan], [0.2, 0.3]]))

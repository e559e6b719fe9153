"""Leaderboard: ranks of models over cohorts, the tests that follow, and their pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from leukotype.figures import of_part, svg
from leukotype.inference.leaderboard import Leaderboard
from leukotype.inference.ranks import nemenyi

LEADERBOARD = of_part("benchmark")
MODELS = ["logistic", "knn", "forest", "majority"]


def table(n: int = 12, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = 0.8 + np.array([0.1, 0.07, 0.05, -0.4]) + rng.normal(0, 0.05, (n, 4))
    return pd.DataFrame(values.clip(0, 1), index=[f"set{k}" for k in range(n)], columns=MODELS)


def test_ranks_wins_and_means_by_hand():
    scores = pd.DataFrame(
        {"a": [0.9, 0.8, 0.7], "b": [0.9, 0.7, 0.6], "c": [0.1, 0.2, 0.9]}, index=["x", "y", "z"]
    )
    board = Leaderboard.of(scores)
    rows = board.table.set_index("model")
    assert list(rows.index) == ["a", "b", "c"]
    assert rows["mean_rank"].tolist() == pytest.approx(
        [(1.5 + 1 + 2) / 3, (1.5 + 2 + 3) / 3, (3 + 3 + 1) / 3]
    )
    assert rows["wins"].tolist() == [1, 0, 1]
    assert rows["shared"].tolist() == [1, 1, 0]
    assert rows.loc["c", "median"] == pytest.approx(0.2)


def test_a_metric_that_is_better_when_lower_turns_the_ranks():
    scores = table()
    up, down = Leaderboard.of(scores), Leaderboard.of(scores, "log_loss")
    pd.testing.assert_series_equal(
        down.mean_ranks.sort_index(), 5 - up.mean_ranks.sort_index(), check_names=False
    )
    assert down.table.iloc[0]["model"] == "majority"
    assert down.table.iloc[0]["wins"] == 12


def test_friedman_is_that_of_scipy():
    scores = table()
    found = Leaderboard.of(scores).friedman
    expected = stats.friedmanchisquare(*(scores[model] for model in MODELS))
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)


def test_the_permutation_p_is_exact_for_few_cohorts_and_that_of_chi_squared_for_many():
    # Three cohorts that agree on two models: of the 8 ways to order them, 2 agree.
    agreeing = pd.DataFrame({"a": [0.9, 0.8, 0.7], "b": [0.5, 0.4, 0.3]}, index=["x", "y", "z"])
    assert Leaderboard.of(agreeing).p == pytest.approx(0.25, abs=0.015)
    noise = pd.DataFrame(np.random.default_rng(3).normal(size=(40, 4)), columns=MODELS)
    board = Leaderboard.of(noise)
    assert board.p == pytest.approx(board.friedman.p, abs=0.03)
    assert Leaderboard.of(table(40)).p == pytest.approx(1 / 10_001)


def test_under_the_null_the_permutation_p_keeps_its_level():
    rng = np.random.default_rng(8)
    found = [Leaderboard.of(pd.DataFrame(rng.normal(size=(4, 3)), columns=list("abc"))).p for _ in range(60)]
    assert np.mean(np.array(found) <= 0.05) < 0.15
    assert np.mean(np.array(found) <= 0.5) > 0.3


def test_pairs_hold_every_two_models_once_with_both_tests():
    scores = table()
    board = Leaderboard.of(scores)
    assert len(board.pairs) == 6
    by_rank = board.ranked[list(board.mean_ranks.index)]
    matrix = nemenyi(by_rank)
    for row in board.pairs.itertuples():
        assert row.p_nemenyi == pytest.approx(matrix.loc[row.model_a, row.model_b])
        difference = board.ranked[row.model_a] - board.ranked[row.model_b]
        assert row.p == pytest.approx(stats.wilcoxon(difference, method="exact").pvalue)
    assert (board.pairs["p_holm"] >= board.pairs["p"]).all()


def test_groups_are_those_within_the_critical_difference():
    board = Leaderboard.of(table(40))
    for group in board.groups:
        gap = board.mean_ranks[group[-1]] - board.mean_ranks[group[0]]
        assert gap <= board.critical_difference
    joined = {frozenset(group) for group in board.groups}
    assert not any({"logistic", "majority"} <= group for group in joined)


def test_equal_to_rounding_is_a_tie():
    scores = pd.DataFrame({"a": [0.9, 0.8], "b": [0.9 - 1e-13, 0.7]}, index=["x", "y"])
    assert Leaderboard.of(scores).table.set_index("model").loc["a", "shared"] == 1


def test_a_model_that_fails_once_costs_one_cohort_and_one_that_often_fails_its_place():
    scores = table()
    scores.loc["set3", "knn"] = np.nan
    scores.loc[scores.index[:8], "forest"] = np.nan
    board = Leaderboard.of(scores)
    assert board.unranked_models == ["forest"]
    assert board.unranked_cohorts == ["set3"]
    assert board.n_cohorts == 11
    rows = board.table.set_index("model")
    assert np.isnan(rows.loc["forest", "mean_rank"])
    assert rows.loc["forest", "cohorts"] == 4
    assert rows.loc["knn", "cohorts"] == 11
    without = Leaderboard.of(table().drop(index="set3", columns="forest"))
    pd.testing.assert_series_equal(board.mean_ranks, without.mean_ranks)


@pytest.mark.parametrize("shape", [(1, 4), (12, 1), (1, 1)])
def test_too_little_to_rank_is_no_error(shape):
    board = Leaderboard.of(table().iloc[: shape[0], : shape[1]])
    assert not board.testable
    assert board.friedman is None
    assert board.critical_difference is None
    assert board.groups == []
    assert board.pairs.empty
    assert len(board.table) == shape[1]
    assert board.table["mean_rank"].notna().all()
    assert LEADERBOARD[0].applies(board)
    assert svg(LEADERBOARD[1].draw(board))


def test_nothing_at_all_is_no_error():
    scores = table() * np.nan
    board = Leaderboard.of(scores)
    assert board.table["cohorts"].tolist() == [0] * 4
    assert all(figure.applies(board) for figure in LEADERBOARD)


@pytest.mark.parametrize("figure", LEADERBOARD, ids=str)
@pytest.mark.parametrize("n", [2, 12, 78])
def test_pictures_show_every_model_and_stay_the_same(figure, n):
    scores = table(n)
    scores.iloc[0, 1] = np.nan if n > 2 else scores.iloc[0, 1]
    board = Leaderboard.of(scores)
    drawing = figure.draw(board)
    text = svg(drawing)
    assert text == svg(figure.draw(board))
    assert "NaN" not in text
    assert "undefined" not in text
    assert all(model in text for model in MODELS)
    assert drawing.caption.endswith(".")
    assert drawing.alt.endswith(".")


def test_what_is_not_perfect_is_not_printed_as_if_it_were():
    scores = pd.DataFrame({"a": [0.998, 0.5], "b": [1.0, 0.4]}, index=["x", "y"])
    text = svg(LEADERBOARD[1].draw(Leaderboard.of(scores)))
    assert text.count(">&gt;0.99<") == 1
    assert text.count(">1.00<") == 1


def test_the_diagram_shows_the_ranks_and_the_groups():
    board = Leaderboard.of(table(40))
    numbers = LEADERBOARD[0].draw(board).table()
    models = numbers[numbers["kind"] == "model"].set_index("name")["from"]
    assert models.to_dict() == pytest.approx(board.mean_ranks.to_dict())
    bars = numbers[numbers["kind"] == "not told apart"]
    assert bars["name"].tolist() == [", ".join(group) for group in board.groups]
    ruler = numbers[numbers["kind"] == "critical difference"].iloc[0]
    assert ruler["to"] - ruler["from"] == pytest.approx(board.critical_difference)
    assert "are few" in LEADERBOARD[0].draw(Leaderboard.of(table(4))).caption
    assert "are few" not in LEADERBOARD[0].draw(board).caption

"""Permutation tests: the frame that is kept, the donors that are respected, and the p-values that result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from leukotype.cohort import Cohort
from leukotype.datasets.simulate import null_cohort
from leukotype.errors import InfeasibleDesign, UnknownName
from leukotype.evaluation import evaluate
from leukotype.evaluation.auto import auto
from leukotype.inference.permutation import exchange, permutation_test, permutation_tests
from leukotype.models import Model
from leukotype.models.baselines import majority
from leukotype.resampling import Design

QUICK = ["knn", "single-probe"]


@pytest.fixture(scope="module")
def signal():
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], [14, 10, 9])
    x = rng.normal(size=(33, 30))
    x[labels == "b", :5] += 2.0
    x[labels == "c", 5:10] += 2.0
    return Cohort(x, labels, np.arange(33).astype(str), np.arange(30).astype(str))


def test_exchange_is_a_permutation_and_differs_by_number():
    orders = [exchange(None, 20, 0, number) for number in range(5)]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert len({order.tobytes() for order in orders}) == 5
    assert exchange(None, 20, 0, 3).tobytes() == orders[3].tobytes()
    assert exchange(None, 20, 1, 3).tobytes() != orders[3].tobytes()


def test_donors_move_as_wholes_among_their_like_and_samples_within_them():
    donors = np.array(list("aabbccdddeeefgha"))
    sizes = {donor: (donors == donor).sum() for donor in donors}
    partners, within = set(), set()
    for number in range(200):
        order = exchange(donors, len(donors), 0, number)
        assert sorted(order) == list(range(len(donors)))
        for donor in sizes:
            came = donors[order[donors == donor]]
            assert len(set(came)) == 1
            assert sizes[came[0]] == sizes[donor]
            partners.add((donor, came[0]))
        within.add(tuple(np.argsort(order[donors == "d"])))
    # {b, c} of two, {a, d, e} of three, {f, g, h} of one: everyone meets everyone of their size.
    assert len(partners) == 4 + 9 + 9
    assert len(within) == 6


def test_every_permutation_has_the_design_of_the_real_run(signal):
    seen = []

    def spy(fold, labels, grid, rng):
        seen.append((tuple(np.bincount(labels, minlength=3)), fold.n_test, fold.train.tobytes()))
        return majority(fold, labels, grid, rng)

    model = Model("spy", "Spy", spy)
    evaluation = evaluate(signal, [model], design=Design(3, 2), jobs=1)
    real = [entry[:2] for entry in seen]
    rows = {entry[2] for entry in seen}
    seen.clear()
    permutation_test(evaluation, models=[model], n_permutations=4, jobs=1)
    for start in range(0, len(seen), len(real)):
        assert [entry[:2] for entry in seen[start : start + len(real)]] == real
    assert len(seen) == 4 * len(real)
    assert not rows & {entry[2] for entry in seen}


def cheat(cohort):
    """A model that looks up the label of each expression row, and is certain of it."""
    truth = {cohort.expression[row].tobytes(): code for row, code in enumerate(cohort.codes)}

    class Cheat:
        def __init__(self):
            self.setting, self.probes = {}, None

        def predict_proba(self, fold):
            return np.eye(3)[[truth[row.tobytes()] for row in fold.x_test]]

    return Model("cheat", "Cheat", lambda fold, labels, grid, rng: [Cheat() for _ in grid])


def test_labels_travel_with_the_folds(signal):
    model = cheat(signal)
    evaluation = evaluate(signal, [model], design=Design(3, 2), jobs=1)
    test = permutation_test(evaluation, "accuracy", models=[model], n_permutations=60, jobs=1)
    assert test.observed["cheat"] == 1
    assert test.null["cheat"].mean() == pytest.approx((14**2 + 10**2 + 9**2) / 33**2, abs=0.05)


def test_auto_is_chosen_anew_on_each_permutation(signal):
    # On the real labels the cheat is the best; on permuted ones its certainty costs it every choice.
    models = ["majority", cheat(signal)]
    evaluation = auto(evaluate(signal, models, design=Design(3, 2), jobs=1))
    test = permutation_test(evaluation, "log_loss", models=[*models, "auto"], n_permutations=5, jobs=1)
    assert test.observed["auto"] == test.observed["cheat"] < 0.01
    np.testing.assert_array_equal(test.null["auto"], test.null["majority"])


def test_p_counts_ties_and_the_real_labels(signal):
    evaluation = evaluate(signal, ["majority", *QUICK], design=Design(3, 2), jobs=1)
    test = permutation_test(evaluation, n_permutations=39, jobs=1)
    table = test.table().set_index("model")
    assert table.loc["majority", "p"] == 1
    assert table.loc["knn", "p"] == 1 / 40 == table.loc["knn", "resolution"]
    for model in evaluation.names:
        at_least = (test.null[model] >= test.observed[model] - 1e-12).sum()
        assert test.p(model) == (1 + at_least) / 40
        assert test.p_best(model) >= test.p(model)
    assert (table.p_low <= table.p).all()
    assert test.distinct == 40


def test_a_small_loss_is_a_good_one(signal):
    evaluation = evaluate(signal, ["logistic"], design=Design(3, 2), jobs=1)
    test = permutation_test(evaluation, "log_loss", n_permutations=19, jobs=1)
    assert test.observed["logistic"] < test.null["logistic"].min()
    assert test.p("logistic") == test.p_best("logistic") == 0.05
    assert test.table().null_best[0] < test.null["logistic"].mean()


def test_several_metrics_come_from_the_same_permutations(signal):
    evaluation = evaluate(signal, ["knn"], design=Design(3, 2), jobs=1)
    both = permutation_tests(evaluation, ("accuracy", "log_loss"), n_permutations=5, jobs=1)
    assert list(both) == ["accuracy", "log_loss"]
    for metric, test in both.items():
        alone = permutation_test(evaluation, metric, n_permutations=5, jobs=1)
        np.testing.assert_array_equal(test.null["knn"], alone.null["knn"])


def test_workers_and_neighbours_change_nothing(signal):
    evaluation = evaluate(signal, QUICK, design=Design(3, 2), jobs=1)
    serial = permutation_test(evaluation, n_permutations=6, jobs=1)
    parallel = permutation_test(evaluation, n_permutations=6, jobs=2)
    alone = permutation_test(evaluation, models=["knn"], n_permutations=4, jobs=1)
    for model in QUICK:
        assert serial.null[model].tobytes() == parallel.null[model].tobytes()
    assert alone.null["knn"].tobytes() == serial.null["knn"][:4].tobytes()


def test_counts_can_differ_and_the_first_repeat_is_used(signal):
    evaluation = auto(evaluate(signal, ["majority", "knn"], design=Design(3, 2, 2), jobs=1))
    test = permutation_test(evaluation, n_permutations={"majority": 9, "knn": 5}, jobs=1)
    assert {name: len(null) for name, null in test.null.items()} == {"majority": 9, "knn": 5, "auto": 5}
    once = evaluate(signal, ["majority", "knn"], design=Design(3, 2, 1), jobs=1)
    alone = permutation_test(once, n_permutations=5, jobs=1)
    assert test.observed["knn"] == alone.observed["knn"]
    np.testing.assert_array_equal(test.null["knn"], alone.null["knn"])


def test_donors_that_leave_nothing_to_permute_are_refused():
    sizes = np.arange(1, 9)
    donors = np.repeat(sizes, sizes).astype(str)
    labels = np.repeat(["a", "b"] * 4, sizes)
    cohort = Cohort(np.zeros((36, 1)), labels, np.arange(36).astype(str), np.array(["x"]), donors=donors)
    evaluation = evaluate(cohort, ["majority"], design=Design(2, 2), jobs=1)
    with pytest.raises(InfeasibleDesign, match="leave nothing to permute"):
        permutation_test(evaluation, n_permutations=5, jobs=1)


def test_what_is_not_there_is_refused(tiny_evaluation):
    with pytest.raises(UnknownName, match="no model 'svm'"):
        permutation_test(tiny_evaluation, models=["svm"])
    with pytest.raises(InfeasibleDesign, match="of knn is 0"):
        permutation_test(tiny_evaluation, models=["knn"], n_permutations=0)
    with pytest.raises(InfeasibleDesign, match="jobs is 0"):
        permutation_test(tiny_evaluation, models=["knn"], n_permutations=1, jobs=0)


@pytest.mark.slow
@pytest.mark.parametrize("donors", [None, "pairs"])
def test_p_is_uniform_where_labels_say_nothing(donors):
    found = []
    for seed in range(60):
        cohort = null_cohort({"a": 20, "b": 20}, 100, seed=seed)
        if donors:
            # Two samples of a donor resemble each other; every donor has one label.
            x = cohort.expression.copy()
            x[1::2] = x[::2] + np.random.default_rng(seed).normal(0, 0.1, x[::2].shape)
            cohort = replace(cohort, expression=x, donors=np.repeat(np.arange(20), 2).astype(str))
        evaluation = evaluate(cohort, ["knn"], design=Design(4, 2), jobs=1)
        found.append(permutation_test(evaluation, "log_loss", n_permutations=39, seed=seed, jobs=1).p("knn"))
    # Discrete p-values: spread evenly over their steps before the comparison.
    even = np.array(found) - np.random.default_rng(0).uniform(0, 1 / 40, len(found))
    assert stats.kstest(even, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.1) < 0.25

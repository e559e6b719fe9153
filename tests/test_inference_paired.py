"""Paired tests, against R, baycomp and cases with known results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, log_loss

from leukotype.datasets.simulate import simulate
from leukotype.errors import InfeasibleDesign, UnknownName
from leukotype.evaluation import evaluate
from leukotype.inference.fold_scores import fold_scores, scalar_metric
from leukotype.inference.paired import compare, corrected_t, correlated_t, holm, mcnemar
from leukotype.resampling import Design

REFERENCES = Path(__file__).parent / "references"
CLASSICAL = json.loads((REFERENCES / "inference_classical.json").read_text())
BAYES = json.loads((REFERENCES / "inference_bayes.json").read_text())


@pytest.mark.parametrize("case", CLASSICAL["corrected"])
def test_corrected_t_equals_that_of_r(case):
    found = corrected_t(case["differences"], n_test=case["n_test"], n_train=case["n_train"])
    assert found.statistic == pytest.approx(case["t"], rel=1e-10)
    assert (found.p, found.low, found.high) == pytest.approx(
        (case["p"], case["low"], case["high"]), abs=1e-10
    )


@pytest.mark.parametrize("case", BAYES["correlated"])
def test_correlated_t_equals_that_of_baycomp(case):
    differences = np.array(case["a"]) - np.array(case["b"])
    found = correlated_t(differences, n_test=1, n_train=case["n_folds"] - 1, rope=case["rope"])
    mine = [found.b_better, found.equivalent, found.a_better]
    if case["rope"] == 0:
        mine = [found.b_better, found.a_better]
    np.testing.assert_allclose(mine, case["probabilities"], atol=1e-8)


def test_with_rope_0_the_posterior_is_the_one_sided_p():
    d = [0.1, 0.05, -0.02, 0.08, 0.03]
    t = corrected_t(d, n_test=10, n_train=40)
    assert correlated_t(d, n_test=10, n_train=40).b_better == pytest.approx(t.p / 2)


def test_many_repeats_do_not_reduce_the_error_to_zero():
    rng = np.random.default_rng(0)
    d = rng.normal(0.02, 0.05, size=500)
    naive = d.std(ddof=1) / np.sqrt(500)
    found = corrected_t(d, n_test=1, n_train=4)
    assert d.mean() / found.statistic > 0.5 * d.std() > 10 * naive


@pytest.mark.parametrize(
    ("differences", "p"), [([0.0] * 5, 1.0), ([0.1] * 5, np.nan), ([-0.005] * 5, np.nan)]
)
def test_equal_differences_show_nothing_certain(differences, p):
    found = corrected_t(differences, n_test=1, n_train=4)
    assert found.p == pytest.approx(p, nan_ok=True)
    assert np.isnan([found.low, found.high]).all()
    belief = correlated_t(differences, n_test=1, n_train=4, rope=0.01)
    assert np.isnan([belief.a_better, belief.equivalent, belief.b_better]).all()


def test_models_with_the_same_calls_have_an_interval_that_shrinks_with_the_samples():
    widths = []
    for size in (10, 40):
        cohort = simulate({"a": size, "b": size}, 60, effect=6.0, markers_per_class=30, seed=1).cohort
        evaluation = evaluate(cohort, ["centroids", "logistic"], design=Design(5, 3), jobs=1)
        [row] = compare(evaluation, models=["centroids", "logistic"]).to_dict("records")
        assert (row["difference"], row["only_a"], row["only_b"]) == (0, 0, 0)
        # Two classes without a disagreement, combined.
        each = 1 - 0.025 ** (1 / size)
        assert row["high"] == -row["low"] == pytest.approx(each / np.sqrt(2))
        assert np.isnan(row["equivalent"])
        widths.append(row["high"])
    assert widths[1] < widths[0] / 3


@pytest.mark.parametrize("case", CLASSICAL["mcnemar"])
def test_mcnemar_equals_the_exact_binomial(case):
    b, c = case["b"], case["c"]
    right_a = np.repeat([True, False, True, False], [b, c, 4, 3])
    right_b = np.repeat([False, True, True, False], [b, c, 4, 3])
    found = mcnemar(right_a, right_b)
    assert (found.only_a, found.only_b) == (b, c)
    assert found.p == pytest.approx(case["p"], abs=1e-12)
    assert mcnemar(right_b, right_a).p == found.p


def test_repeats_and_samples_of_a_donor_add_no_units():
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 1, 20)) < 0.6
    once = mcnemar(a, b)
    assert mcnemar(np.repeat(a, 7, axis=0), np.repeat(b, 7, axis=0)) == once
    twins = np.repeat(np.arange(20), 3)
    assert mcnemar(np.repeat(a, 3, axis=1), np.repeat(b, 3, axis=1), twins) == once


def test_holm_equals_that_of_r_and_keeps_nan():
    case = CLASSICAL["holm"]
    np.testing.assert_allclose(holm(case["p"]), case["adjusted"])
    np.testing.assert_allclose(holm([0.01, np.nan, 0.02]), [0.03, np.nan, 0.04])


def test_fold_scores_equal_the_metric_of_each_test_set(tiny_evaluation):
    codes = tiny_evaluation.cohort.codes
    for name, function in (
        ("balanced_accuracy", balanced_accuracy_score),
        ("accuracy", lambda t, c: np.mean(t == c)),
    ):
        found = fold_scores(tiny_evaluation, "knn", scalar_metric(name))
        expected = [
            function(codes[s.test], tiny_evaluation.predicted("knn")[s.repeat, s.test])
            for s in tiny_evaluation.folds.splits
        ]
        np.testing.assert_allclose(found, expected)
    expected = [
        log_loss(codes[s.test], tiny_evaluation.probabilities("knn")[s.repeat, s.test], labels=range(3))
        for s in tiny_evaluation.folds.splits
    ]
    np.testing.assert_allclose(fold_scores(tiny_evaluation, "knn", scalar_metric("log_loss")), expected)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true:UserWarning")
@pytest.mark.parametrize(
    "metric", ["balanced_accuracy", "f1_macro", "roc_auc_macro", "average_precision_macro"]
)
def test_a_class_without_test_samples_is_left_out_of_the_mean(tiny_evaluation, metric):
    split = tiny_evaluation.folds.splits[0]
    kept = split.test[tiny_evaluation.cohort.codes[split.test] != 2]
    folds = replace(
        tiny_evaluation.folds, splits=(replace(split, test=kept), *tiny_evaluation.folds.splits[1:])
    )
    short = replace(tiny_evaluation, folds=folds)
    # The same predictions, but one test set without the third class.
    object.__setattr__(short, "_probabilities", tiny_evaluation._probabilities)
    found = fold_scores(short, "knn", scalar_metric(metric))
    assert np.isfinite(found).all()
    if metric == "balanced_accuracy":
        call = tiny_evaluation.predicted("knn")[0, kept]
        assert found[0] == pytest.approx(balanced_accuracy_score(tiny_evaluation.cohort.codes[kept], call))


def test_compare_favours_the_better_model_for_scores_and_losses(tiny_evaluation):
    for metric in ("balanced_accuracy", "log_loss"):
        table = compare(tiny_evaluation, metric).set_index(["model_a", "model_b"])
        assert list(table.index) == [("logistic", "knn"), ("logistic", "majority"), ("knn", "majority")]
        row = table.loc[("logistic", "majority")]
        assert row.difference > 0.1
        assert row.low <= row.difference <= row.high
        assert row.a_better > 0.9
        assert row.only_a > row.only_b
        assert (table.p_t_holm >= table.p_t).all()
        assert (table.p_mcnemar_holm >= table.p_mcnemar).all()
        np.testing.assert_allclose(table.a_better + table.equivalent + table.b_better, 1.0)


def test_compare_is_antisymmetric(tiny_evaluation):
    ab = compare(tiny_evaluation, models=["logistic", "knn"]).iloc[0]
    ba = compare(tiny_evaluation, models=["knn", "logistic"]).iloc[0]
    assert ab.difference == pytest.approx(-ba.difference)
    assert (ab.a_better, ab.p_t, ab.only_a) == pytest.approx((ba.b_better, ba.p_t, ba.only_b))


def test_compare_counts_donors_if_they_are_known(tiny_evaluation):
    samples = compare(tiny_evaluation, models=["logistic", "majority"]).iloc[0]
    donors = np.arange(30).astype(str)
    donors[tiny_evaluation.cohort.codes == 1] = "one"
    grouped = replace(tiny_evaluation, cohort=replace(tiny_evaluation.cohort, donors=donors))
    found = compare(grouped, models=["logistic", "majority"]).iloc[0]
    assert found.only_a == samples.only_a - (9 - 1)
    assert found.p_t == samples.p_t


def test_impossible_comparisons_are_refused(tiny_evaluation):
    with pytest.raises(UnknownName, match="no model 'svm'"):
        compare(tiny_evaluation, models=["svm", "knn"])
    with pytest.raises(UnknownName, match="one number per class"):
        compare(tiny_evaluation, "recall")
    with pytest.raises(InfeasibleDesign, match="1 model cannot"):
        compare(tiny_evaluation, models=["knn"])
    with pytest.raises(InfeasibleDesign, match="rope is"):
        compare(tiny_evaluation, rope=-0.1)

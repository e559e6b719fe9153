"""The evaluation: what it holds, and that neither workers nor order change a byte."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk
from sklearn.ensemble import RandomForestClassifier

from leukotype import execution
from leukotype.errors import InfeasibleDesign, LeukotypeError, UnknownName
from leukotype.evaluation import evaluate
from leukotype.models import Model
from leukotype.resampling import Design, draw, read_folds
from leukotype.wide.adapter import SklearnPath

CHEAP = ["logistic", "knn", "svm", "majority", "single-probe"]


def test_predictions_have_one_row_per_sample_model_and_repeat(tiny_evaluation):
    table = tiny_evaluation.predictions
    assert list(table.columns) == [
        "sample", "label", "model", "repeat", "fold", "predicted", "p[AML]", "p[Bone_Marrow]", "p[PB]",
    ]  # fmt: skip
    assert len(table) == 30 * 3 * 2
    assert not table.duplicated(["sample", "model", "repeat"]).any()
    probabilities = table.filter(regex=r"^p\[")
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    best = probabilities.to_numpy().argmax(axis=1)
    assert table["predicted"].tolist() == [tiny_evaluation.classes[i] for i in best]


def test_every_prediction_is_out_of_fold(tiny_cohort):
    evaluation = evaluate(tiny_cohort, ["knn"], design=Design(3, 2, 2), jobs=1)
    for split in evaluation.folds.splits:
        np.testing.assert_array_equal(evaluation.fold_of[split.repeat, split.test], split.fold)
    result = evaluation.results[4]
    split = evaluation.folds.splits[4]
    np.testing.assert_array_equal(
        evaluation.probabilities("knn")[split.repeat, split.test], result.probabilities
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_number_of_workers_changes_no_byte(tiny_cohort):
    serial = evaluate(tiny_cohort, CHEAP, design=Design(3, 2), jobs=1)
    parallel = evaluate(tiny_cohort, CHEAP, design=Design(3, 2), jobs=2)
    assert serial.predictions.to_csv() == parallel.predictions.to_csv()
    assert serial.settings().drop(columns="seconds").equals(parallel.settings().drop(columns="seconds"))


def test_a_model_does_not_depend_on_its_neighbours(tiny_cohort):
    alone = evaluate(tiny_cohort, ["knn"], design=Design(3, 2), jobs=1)
    among = evaluate(tiny_cohort, ["majority", "svm", "knn"], design=Design(3, 2), jobs=1)
    assert alone.probabilities("knn").tobytes() == among.probabilities("knn").tobytes()


def test_folds_given_are_the_folds_used(tiny_cohort, tmp_path):
    rows = [(s, 0, i % 3) for i, s in enumerate(tiny_cohort.samples)]
    pd.DataFrame(rows, columns=["sample", "repeat", "fold"]).to_csv(tmp_path / "f.csv", index=False)
    folds = read_folds(tmp_path / "f.csv", tiny_cohort, Design(inner=2))
    evaluation = evaluate(tiny_cohort, ["majority"], folds=folds, jobs=1)
    np.testing.assert_array_equal(evaluation.fold_of[0], np.arange(30) % 3)


def test_folds_of_another_cohort_are_refused(tiny_cohort):
    other = tiny_cohort.take(np.arange(30)[::-1], "turned")
    with pytest.raises(InfeasibleDesign, match="another cohort"):
        evaluate(tiny_cohort, ["majority"], folds=draw(other, Design()))


def test_summary_is_the_mean_over_repeats(tiny_evaluation):
    table = tiny_evaluation.summary().set_index(["model", "metric"])
    codes = tiny_evaluation.cohort.codes
    expected = np.mean(
        [sk.f1_score(codes, call, average="macro") for call in tiny_evaluation.predicted("knn")]
    )
    assert table.loc[("knn", "f1_macro"), "value"] == pytest.approx(expected)
    assert table.loc[("majority", "balanced_accuracy"), "value"] == pytest.approx(1 / 3)
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()


def test_per_class_table_and_confusion(tiny_evaluation):
    table = tiny_evaluation.per_class(["recall"]).set_index(["model", "class"])
    counts = tiny_evaluation.confusion("logistic")
    np.testing.assert_allclose(counts.sum(axis=1), [14, 9, 7])
    for k, name in enumerate(tiny_evaluation.classes):
        assert table.loc[("logistic", name), "value"] == pytest.approx(counts[k, k] / counts[k].sum())


def test_a_metric_of_the_other_table_is_refused(tiny_evaluation):
    with pytest.raises(UnknownName, match="per_class"):
        tiny_evaluation.summary(["recall"])
    with pytest.raises(UnknownName, match="summary"):
        tiny_evaluation.per_class(["accuracy"])


def test_nothing_refits(tiny_evaluation, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("refitted")

    monkeypatch.setattr(execution, "run", never)
    monkeypatch.setattr("leukotype.models.tuning.tune", never)
    tiny_evaluation.summary()
    tiny_evaluation.per_class()
    tiny_evaluation.settings()


def test_unknown_criterion_and_jobs_are_refused(tiny_cohort):
    with pytest.raises(UnknownName, match="unknown criterion 'auc'"):
        evaluate(tiny_cohort, ["majority"], tune_by="auc")
    with pytest.raises(InfeasibleDesign, match="jobs is 0"):
        evaluate(tiny_cohort, ["majority"], jobs=0)


def test_a_model_that_fails_is_named(tiny_cohort):
    broken = Model("broken", "Broken", SklearnPath(RandomForestClassifier), {"n_estimators": (-1,)})
    with pytest.raises(LeukotypeError, match="model 'broken' failed on outer fold 1 of repeat 1"):
        evaluate(tiny_cohort, [broken], design=Design(3, 2), jobs=1)


def test_warnings_of_a_fit_become_notes(tiny_cohort):
    from sklearn.linear_model import LogisticRegression

    hasty = Model("hasty", "Hasty", SklearnPath(LogisticRegression), {"max_iter": (1,)})
    notes = evaluate(tiny_cohort, [hasty, "majority"], design=Design(3, 2), jobs=1).notes()
    assert list(notes) == ["hasty"]
    assert "ConvergenceWarning" in notes["hasty"][0]


def test_a_rule_that_reads_every_probe_names_none(tiny_cohort):
    evaluation = evaluate(tiny_cohort, models=["diagonal-lda", "single-probe"], jobs=1)
    read = {result.model: result.probes for result in evaluation.results}
    assert read["diagonal-lda"] is None
    assert len(read["single-probe"]) == 1
    n_probes = evaluation.settings().groupby("model")["n_probes"].agg(["min", "max"])
    assert n_probes.loc["diagonal-lda"].tolist() == [tiny_cohort.n_probes] * 2
    assert n_probes.loc["single-probe"].tolist() == [1, 1]


def test_progress_is_told_of_every_task(tiny_cohort):
    seen = []
    evaluate(tiny_cohort, ["majority", "knn"], design=Design(3, 2), jobs=1, on_done=seen.append)
    assert len(seen) == 6


def test_execution_keeps_the_order_of_tasks():
    matrix = np.arange(6.0).reshape(2, 3)
    for jobs in (1, 2):
        assert execution.run(_total, matrix, [3, 1, 2], jobs=jobs) == [18.0, 16.0, 17.0]


def _total(matrix, task):
    return float(matrix.sum() + task)

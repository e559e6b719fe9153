"""Sentences, notices, methods and tables of the report follow from what was computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukotype import figures, metrics, wording
from leukotype.audits import AUDITS
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.metrics import HEADLINE, METRICS
from leukotype.models import MODELS, Model
from leukotype.resampling import Design
from leukotype.results import methods, notices, page, study_tables, summary
from leukotype.studies import Score, Study
from report_cases import cohort, evaluation, model, with_inference

SIZES = {"AML": 14, "Bone_Marrow": 10, "PB": 12}


def words(paragraphs: Iterable[page.Paragraph]) -> dict[str, str]:
    return {paragraph.title: paragraph.text for paragraph in paragraphs}


def of(skills: dict[str, float], **options: object) -> Study:
    return with_inference(evaluation(cohort(SIZES), skills, **options))  # type: ignore[arg-type]


def with_scores(study: Study, **intervals: tuple[float, float, float]) -> Study:
    """The same study with other balanced accuracies: (value, low, high) by model, `_` for `-`."""
    table = study.metrics.copy()
    for name, (value, low, high) in intervals.items():
        row = (table["model"] == name.replace("_", "-")) & (table["metric"] == HEADLINE)
        table.loc[row, ["value", "low", "high"]] = value, low, high
    changed = replace(study)
    changed.__dict__["metrics"] = table  # a cached property
    return changed


# Numbers


@given(st.floats(0.0, 1.0))
def test_only_a_value_at_a_bound_is_printed_as_the_bound(value: float) -> None:
    text = wording.number(value)
    assert (text == "1.00") == (value >= 1 - 1e-9)
    assert (text == "0.00") == (value <= 1e-9)


@given(st.floats(-1.0, 1.0))
def test_a_number_has_two_decimals_and_no_negative_zero(value: float) -> None:
    text = wording.number(value, (-1.0, 1.0))
    assert text != "-0.00"
    assert float(text.strip("<>")) == pytest.approx(value, abs=0.0151)


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.95, 0.88, 0.99, "0.95 [0.88, 0.99]"),
        (1.0, 0.884, 1.0, "1.00 [0.88, 1.00]"),
        (0.998, 0.9, 0.9999, ">0.99 [0.90, >0.99]"),
        (0.5, float("nan"), float("nan"), "0.50"),
    ],
)
def test_format_of_an_estimate(value: float, low: float, high: float, text: str) -> None:
    assert wording.estimate(value, low, high) == text


def test_a_metric_without_an_upper_bound_may_be_one() -> None:
    assert wording.number(0.998, metrics.by_name("log_loss").bounds) == "1.00"


# Ranking


def test_models_are_ranked_by_balanced_accuracy_and_baselines_are_known() -> None:
    study = of({"knn": 0.5, "majority": 0.0, "logistic": 8.0, "svm": 2.0})
    values = [score.value for score in study.scores]
    assert values == sorted(values, reverse=True)
    assert study.leader.name == "logistic"
    assert [score.name for score in study.baselines] == ["majority"]
    assert study.scores[-1].name in {"majority", "knn"}
    assert study.chance == pytest.approx(1 / 3)


def test_models_with_equal_values_share_the_lead_in_the_order_of_the_evaluation() -> None:
    study = with_scores(
        of({"knn": 1.0, "svm": 1.0, "forest": 1.0}),
        knn=(0.8, 0.7, 0.9), svm=(0.9, 0.8, 1.0), forest=(0.9, 0.8, 1.0),
    )  # fmt: skip
    assert [score.name for score in study.leaders] == ["svm", "forest"]
    text = words(summary.of_study(study))["Result"]
    assert "support vector machine and Random forest both reached the highest balanced accuracy, 0.90" in text


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [((0.5, 0.7), (0.7, 0.9), True), ((0.5, 0.7), (0.71, 0.9), False), ((0.1, 0.9), (0.4, 0.5), True)],
)
def test_overlap_of_intervals(first: tuple[float, float], second: tuple[float, float], overlap: bool) -> None:
    a, b = (Score(model("knn"), sum(ends) / 2, *ends) for ends in (first, second))
    assert a.overlaps(b) is b.overlaps(a) is overlap


# Summary


def test_the_summary_describes_design_and_results() -> None:
    study = of({"logistic": 6.0, "knn": 3.0, "majority": 0.0})
    said = words(summary.of_study(study))
    correct = int((study.evaluation.predicted("logistic") == study.cohort.codes).sum())
    best, auto = study.best, study.auto
    assert auto is not None
    for part in (
        "36 samples of 3 classes (AML 14, Bone_Marrow 10 and PB 12), with 30 probes",
        "2 models and 1 baseline were evaluated",
        "split into 3 parts",
    ):
        assert part in said["Design"]
    for part in (
        f"{correct} of 36 samples were classified correctly",
        f"balanced accuracy, {wording.number(study.leader.value)} (95 % CI",
        "Chance level is 0.33",
        "best of 3 scores on these samples, so it may be optimistic",
        f"accuracy is {wording.number(best.value)} (95 % CI {wording.number(best.low)} to",
        f"no correction is needed: {auto.text}.",
    ):
        assert part in said["Result"]
    assert "not for the diagnosis" in said["Limitations"]


def test_a_single_model_has_no_choice_and_no_comparison() -> None:
    study = of({"logistic": 4.0})
    said = words(summary.of_study(study))
    assert "optimistic" not in said["Result"]
    assert "highest" not in said["Result"]
    assert "Model comparison" not in said
    assert study.auto is study.comparisons is None
    assert "Model comparison" not in words(summary.of_study(of({"logistic": 4.0, "majority": 0.0})))


def test_auto_is_among_the_results_and_never_leads() -> None:
    study = of({"knn": 0.5, "majority": 0.0, "logistic": 8.0})
    assert {found.name for found in study.models} == {"knn", "majority", "logistic", "auto"}
    assert "auto" not in {score.name for score in (*study.contenders, *study.leaders, *study.tried)}
    assert "auto" not in study.best.chosen
    table = study_tables.performance(study, metrics.headline("report"))
    assert study.evaluation.title("auto") in {row[0].text for row in table.cells}


def test_a_plugin_baseline_never_leads() -> None:
    study = of({"knn": 0.5, "mine": 8.0})
    mine = replace(study.evaluation.model("mine"), baseline=True)
    models = tuple(mine if one.name == "mine" else one for one in study.evaluation.models)
    study = replace(study, evaluation=replace(study.evaluation, models=models))
    assert study.scores[0].name in {"mine", "auto"}
    assert study.leader.name == "knn"
    assert "No model performed better than the baseline mine" in words(summary.of_study(study))["Baselines"]
    tags = {row[0].text: row[0].tag for row in study_tables.settings(study).cells}
    assert tags["mine"] == "baseline"


def test_repeats_are_stated_and_averaged() -> None:
    study = of({"logistic": 1.5, "knn": 1.0}, design=Design(3, 2, 4, 0))
    said = words(summary.of_study(study))
    mean = (study.evaluation.predicted(study.leader.name) == study.cohort.codes).sum(axis=1).mean()
    assert "repeated 4 times" in said["Design"]
    correct = wording.count(round(mean, 1))
    assert f"{correct} of 36 samples were classified correctly on average over repeats" in said["Result"]


@pytest.mark.parametrize(
    ("leader", "baseline", "verdict"),
    [
        ((0.9, 0.8, 0.95), (0.4, 0.3, 0.5), "is entirely above"),
        ((0.9, 0.5, 0.95), (0.4, 0.3, 0.6), "probably outperforms the best baseline"),
        ((0.6, 0.4, 0.8), (0.5, 0.3, 0.6), "There is no evidence that"),
        ((0.5, 0.4, 0.6), (0.6, 0.5, 0.7), "No model performed better than the baseline"),
    ],
)
def test_the_verdict_on_baselines_follows_the_intervals(
    leader: tuple[float, float, float], baseline: tuple[float, float, float], verdict: str
) -> None:
    study = with_scores(of({"logistic": 3.0, "single-probe": 1.0}), logistic=leader, single_probe=baseline)
    assert verdict in words(summary.of_study(study))["Baselines"]


@pytest.mark.parametrize(("low", "verdict"), [(0.5, "is above"), (0.3, "includes")])
def test_without_baselines_the_chance_level_is_used(low: float, verdict: str) -> None:
    study = with_scores(of({"logistic": 3.0}), logistic=(0.6, low, 0.8))
    said = words(summary.of_study(study))["Baselines"]
    assert "No baseline was evaluated" in said
    assert f"{verdict} the chance level of 0.33" in said
    assert ("No better than chance" in titles(notices.of_study(study))) is (low <= 1 / 3)


def test_baselines_alone() -> None:
    said = words(summary.of_study(of({"majority": 0.0, "single-probe": 2.0})))
    assert "Only baselines were evaluated" in said["Baselines"]


def between(**pairs: tuple[float, float, float]) -> str:
    """The comparison of logistic with others: (difference, p by Holm, probability of equivalence) by model."""
    study = with_scores(of({"logistic": 1.0, "knn": 1.0, "svm": 1.0}), logistic=(0.9, 0.85, 0.95))
    names = ["model_a", "model_b", "difference", "p_t_holm", "equivalent"]
    rows = [("logistic", other, *numbers) for other, numbers in pairs.items()]
    return summary.between(replace_keeping(study, comparisons=pd.DataFrame(rows, columns=names)))


def replace_keeping(study: Study, **changes: object) -> Study:
    """Replace fields, with the metrics that `with_scores` set."""
    changed = replace(study, **changes)  # type: ignore[arg-type]
    changed.__dict__["metrics"] = study.metrics
    return changed


def test_models_are_compared_by_their_differences_on_the_same_folds() -> None:
    both = between(knn=(0.2, 0.01, 0.0), svm=(0.3, 0.04, 0.0))
    leader, svm, knn = "Logistic regression (ridge)", "Linear support vector machine", "k nearest neighbours"
    assert both.startswith(f"{leader} performs significantly better than {svm} and {knn}. Models")
    mixed = between(knn=(0.2, 0.01, 0.0), svm=(0.0, 1.0, 0.97))
    assert f"better than {knn}. {leader} and {svm} are practically equivalent." in mixed
    neither = between(knn=(0.2, 0.06, 0.0), svm=(0.0, 1.0, 0.5))
    assert neither.startswith(f"There is no evidence that {leader} outperforms the other models.")
    one = between(knn=(0.2, 0.01, 0.0), svm=(0.1, 0.06, 0.0))
    assert f"There is no evidence that {leader} outperforms {svm}." in one


def test_a_difference_in_the_other_direction_or_without_p_is_no_advantage() -> None:
    said = between(knn=(-0.2, 0.001, 0.0), svm=(0.1, float("nan"), 0.0))
    assert said.startswith(
        "There is no evidence that Logistic regression (ridge) outperforms the other models."
    )


def test_errors_name_the_weakest_class_the_main_confusion_and_samples_that_all_models_misclassify() -> None:
    good = evaluation(cohort(SIZES), {"logistic": 40.0, "knn": 40.0})
    rows = np.flatnonzero(good.cohort.labels == "PB")[:3]
    swapped = []
    for result in good.results:
        test = next(s.test for s in good.folds.splits if s.fold == result.fold)
        p = result.probabilities.copy()
        p[np.isin(test, rows)] = [0.9, 0.05, 0.05]
        swapped.append(replace(result, probabilities=p))
    said = words(summary.of_study(with_inference(replace(good, results=tuple(swapped)))))["Errors"]
    assert "lowest recall for PB: 9 of 12 samples" in said
    assert "classify PB as AML: 3 of 12 samples" in said
    names = wording.listed(good.cohort.samples[rows].tolist())
    assert f"All models misclassified samples {names}" in said
    assert "classified every sample correctly" in words(summary.of_study(with_inference(good)))["Errors"]


def test_limitations_of_simulated_data() -> None:
    study = with_inference(evaluation(cohort(SIZES, simulated=True), {"knn": 3.0}))
    assert "simulated" in words(summary.of_study(study))["Limitations"]


def test_many_classes_are_counted_and_not_listed() -> None:
    said = words(summary.of_cohort(cohort({f"c{number}": 5 + number for number in range(9)})))["Data"]
    assert "81 samples of 9 classes (5 to 13 samples each), with 30 probes." in said
    assert "c3" not in said


# Notices


def titles(found: Iterable[page.Notice]) -> list[str]:
    return [notice.title for notice in found]


def changed(base: Cohort, **columns: object) -> Cohort:
    return replace(base, **columns)  # type: ignore[arg-type]


def with_values(rows: object, columns: object, value: float) -> Cohort:
    """The cohort with a value at some places."""
    base = cohort(SIZES)
    values = base.expression.copy()
    values[rows, columns] = value
    return changed(base, expression=values)


def test_a_cohort_without_problems_has_no_notice() -> None:
    plain = changed(cohort(SIZES), donors=np.array([f"d{i}" for i in range(36)]))
    assert titles(notices.of_cohort(plain)) == []


@pytest.mark.parametrize(
    ("title", "make"),
    [
        ("Simulated data", lambda: cohort(SIZES, simulated=True)),
        ("Small classes", lambda: cohort({**SIZES, "rare": 9})),
        ("Unequal classes", lambda: cohort({"AML": 30, "PB": 12})),
        ("Donors unknown", lambda: cohort(SIZES)),
        ("Missing values", lambda: with_values(0, 0, np.nan)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_problem_of_the_data_has_a_notice(title: str, make: object) -> None:
    found = titles(notices.of_cohort(make()))  # type: ignore[operator]
    assert title in found
    assert ({"Small classes", "Unequal classes", "Missing values"} - {title}).isdisjoint(found)


def test_preprocessing_is_listed_once() -> None:
    base = cohort(SIZES)
    steps = ("Linear scale found: log2 taken.", "2 samples left out.")
    found = notices.of_cohort(changed(base, provenance=replace(base.provenance, steps=steps)))
    assert words(found)["Preprocessing"] == " ".join(steps)


def test_findings_of_the_audits_are_notices_with_their_code() -> None:
    study = with_inference(evaluation(with_values(slice(None), 4, 7.0), {"knn": 3.0}))
    found = list(notices.of_study(study))
    [constant] = [notice for notice in found if notice.title.endswith("(LT014)")]
    assert constant.level == "note"
    assert constant.text.startswith("1 of 30 probes")
    assert len([title for title in titles(found) if "(LT" in title]) == len(study.audits)
    assert {entry.figure for entry in AUDITS} <= {"", *(figure.name for figure in figures.FIGURES)}
    severe = page.Notice("error", "x", "y")
    assert page.by_severity([*found, severe])[0] is severe


def test_warnings_of_fits_and_classes_never_predicted_have_notices() -> None:
    study = of({"logistic": 60.0, "majority": 0.0, "knn": 0.01}, notes=["ConvergenceWarning: stopped early"])
    said = words(notices.of_study(study))
    assert "stopped early" in said["Fitting of Logistic regression (ridge)"]
    assert "Majority" not in said.get("Classes never predicted", "")
    lazy = with_inference(evaluation(cohort(SIZES), {"knn": 0.0}))
    never = words(notices.of_study(lazy))["Classes never predicted"]
    assert never == "k nearest neighbours never predicts Bone_Marrow or PB."


# Methods


@pytest.mark.parametrize(
    "names",
    [["logistic"], ["knn", "majority"], ["svm", "forest", "single-probe"], [model.name for model in MODELS]],
    ids=len,
)
def test_the_methods_name_the_evaluated_models_only(names: list[str]) -> None:
    found = evaluation(cohort(SIZES), {name: 0.0 if name == "majority" else 2.0 for name in names})
    described = [methods.describe(model) for model in found.models]
    text = " ".join(
        [*words(methods.of_evaluation(found).values()).values(), *(f"{d.title} {d.text}" for d in described)]
    )
    for known in MODELS:
        assert (known.title in text) is (known.name in names), known.name


PLUGIN = Model("my own", "Mine", MODELS[0].path, {"C": (0.5, 7.25)}, cite="Me 2026")


@pytest.mark.parametrize("model", [*MODELS, PLUGIN], ids=str)
def test_the_description_of_a_model_has_its_title_citation_and_grid(model: Model) -> None:
    described = methods.describe(model)
    assert (described.name, described.title, described.cite) == (model.name, model.title, model.cite)
    assert described.text.startswith("Baseline. ") is model.baseline
    for setting, values in model.grid.items():
        assert f"{setting} = " in described.text
        assert wording.value(values[0]) in described.text
        assert wording.value(values[-1]) in described.text


def test_design_and_tuning_are_those_of_the_study() -> None:
    grouped = changed(cohort(SIZES), donors=np.array([f"d{i // 2}" for i in range(36)]))
    found = replace(evaluation(grouped, {"svm": 2.0}, design=Design(3, 2, 2, 7)), tune_by="balanced_accuracy")
    said = words(methods.of_evaluation(found).values())
    for part in (
        "3 outer folds were drawn 2 times, stratified by class (seed 7); samples of a donor were kept together",
        "2 inner folds (seed 8)",
        found.folds.fingerprint[:12],
    ):
        assert part in said["Design"]
    assert "mean balanced accuracy over the inner folds" in said["Tuning"]
    assert "temperature" in said["Tuning"]
    assert "donor as the independent unit" in said["Metrics and intervals"]
    assert "Alignment and panel" not in said
    read = replace(
        found, folds=replace(found.folds, source="read from mine.csv"), align="rank", max_probes=20
    )
    said = words(methods.of_evaluation(read).values())
    assert "were read from mine.csv" in said["Design"]
    assert "(rank)" in said["Alignment and panel"]
    assert "panel of 20 probes" in said["Alignment and panel"]
    plain = words(methods.of_evaluation(evaluation(cohort(SIZES), {"knn": 2.0})).values())
    assert "temperature" not in plain["Tuning"]
    assert "donor" not in plain["Design"]


def test_preprocessing_is_in_the_methods() -> None:
    base = cohort(SIZES)
    step = "Linear scale found: log2 taken."
    found = evaluation(replace(base, provenance=base.provenance.then(step)), {"knn": 2.0})
    assert step in methods.of_evaluation(found)["Data"].text


def test_the_methods_name_the_interval_of_every_metric() -> None:
    text = " ".join(paragraph.text for paragraph in methods.intervals())
    for metric in METRICS:
        assert metric.title in text


# Tables


def test_tables_hold_the_numbers_of_the_evaluation(tiny_evaluation: Evaluation) -> None:
    study = with_inference(tiny_evaluation)
    shown = metrics.headline("report")
    table = study_tables.performance(study, shown)
    names = [model.name for model in study.models]
    assert [row[0].under for row in table.cells] == names
    assert [row[0].tag for row in table.cells] == ["", "", "", "baseline"]
    facts = study.metrics.set_index(["model", "metric"])
    for row, name in zip(table.cells, names, strict=True):
        for cell, metric in zip(row[2:], shown, strict=True):
            assert cell.text == wording.number(facts.loc[(name, metric.name), "value"], metric.bounds)
    whole = study_tables.all_metrics(study)
    assert len(whole.rows) == sum(not metric.per_class for metric in METRICS)
    others = (study_tables.settings(study), study_tables.per_class(study, study.models))
    for found in (table, whole, *others, *study_tables.paper_tables(study)):
        assert all(len(row) == len(found.columns) for row in found.rows)


def test_settings_are_counted_over_the_outer_folds(tiny_evaluation: Evaluation) -> None:
    study = with_inference(tiny_evaluation)
    rows = {row[0].under: row for row in study_tables.settings(study).cells}
    assert rows["logistic"][1].text == "strength=1.0 (2 of 6); strength=0.1 (2 of 6); strength=0.01 (2 of 6)"
    assert rows["logistic"][2].text == "9"
    assert rows["knn"][2].text == "40"
    assert rows["majority"][1].text == "no settings"
    assert len(study_tables.settings_by_fold(study).rows) == 24


def test_the_cost_of_each_option_is_a_column() -> None:
    base = evaluation(cohort(SIZES), {"logistic": 6.0, "knn": 2.0})
    study = with_inference(replace(base, align="rank", max_probes=20))
    without = (replace(base, max_probes=20), replace(base, align="rank"))
    table = study_tables.options(replace(study, without=without))
    assert table.columns == ("Model", "This study", "Without alignment", "With all probes")
    expected = wording.number(base.summary([HEADLINE]).set_index("model").loc["knn", "value"])
    assert [cell.text for row in table.cells for cell in row[1:] if row[0].under == "knn"] == [expected] * 3

"""What the report says: sentences, warnings, methods and numbers follow from what was run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from leukotype.results.ranking import Ranking, Score

from leukotype import wording
from leukotype.audits import AUDITS
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.figures import FIGURES
from leukotype.metrics import METRICS
from leukotype.models import MODELS, Model
from leukotype.resampling import Design
from leukotype.results import (
    comparisons,
    inference_section,
    methods,
    notices,
    ranking,
    summary,
    tables,
)
from report_cases import cohort, evaluation

SIZES = {"AML": 14, "Bone_Marrow": 10, "PB": 12}


def words(points: tuple[summary.Point, ...]) -> dict[str, str]:
    return {point.title: point.text for point in points}


def of(skills: dict[str, float], **options: object) -> Ranking:
    return Ranking.of(evaluation(cohort(SIZES), skills, **options))  # type: ignore[arg-type]


def with_scores(found: Ranking, **intervals: tuple[float, float, float]) -> Ranking:
    """The same study with other balanced accuracies: (value, low, high) by model, `_` for `-`."""
    table = found.summary.copy()
    for model, (value, low, high) in intervals.items():
        row = (table["model"] == model.replace("_", "-")) & (table["metric"] == ranking.MAIN)
        table.loc[row, ["value", "low", "high"]] = value, low, high
    return replace(found, summary=table)


# Numbers


@given(st.floats(0.0, 1.0))
def test_a_share_is_printed_as_a_bound_only_where_it_is_one(value: float) -> None:
    text = wording.number(value)
    assert (text == "1.00") == (value >= 1 - 1e-9)
    assert (text == "0.00") == (value <= 1e-9)


@given(st.floats(-1.0, 1.0))
def test_a_number_is_rounded_to_two_decimals_and_has_no_negative_zero(value: float) -> None:
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
def test_an_estimate_is_printed_alike_everywhere(value: float, low: float, high: float, text: str) -> None:
    assert wording.estimate(value, low, high) == text


def test_a_metric_without_an_upper_bound_may_be_one() -> None:
    assert wording.number(0.998, metrics.by_name("log_loss").bounds) == "1.00"


# Who leads


def test_the_ranking_follows_balanced_accuracy_and_knows_baselines() -> None:
    found = of({"knn": 0.5, "majority": 0.0, "logistic": 8.0, "svm": 2.0})
    values = [score.value for score in found.scores]
    assert values == sorted(values, reverse=True)
    assert found.leader.model == "logistic"
    assert [score.model for score in found.baselines] == ["majority"]
    assert found.scores[-1].model in {"majority", "knn"}
    assert found.chance == pytest.approx(1 / 3)


def test_models_of_equal_value_share_the_lead_in_the_order_they_were_asked_for() -> None:
    found = with_scores(
        of({"knn": 1.0, "svm": 1.0, "forest": 1.0}),
        knn=(0.8, 0.7, 0.9),
        svm=(0.9, 0.8, 1.0),
        forest=(0.9, 0.8, 1.0),
    )
    assert [score.model for score in found.leaders] == ["svm", "forest"]
    text = words(summary.of_evaluation(found))["Result"]
    assert (
        "Linear support vector machine and Random forest both reached the highest balanced accuracy, 0.90"
        in text
    )


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [((0.5, 0.7), (0.7, 0.9), True), ((0.5, 0.7), (0.71, 0.9), False), ((0.1, 0.9), (0.4, 0.5), True)],
)
def test_intervals_overlap_where_they_share_a_point(
    first: tuple[float, float], second: tuple[float, float], overlap: bool
) -> None:
    a, b = (Score("m", sum(ends) / 2, *ends) for ends in (first, second))
    assert a.overlaps(b) is overlap
    assert b.overlaps(a) is overlap


# The summary


def test_the_summary_says_what_was_done_and_what_came_out() -> None:
    found = of({"logistic": 6.0, "knn": 3.0, "majority": 0.0})
    said = words(summary.of_evaluation(found))
    right = int((found.evaluation.predicted("logistic") == found.evaluation.cohort.codes).sum())
    assert (
        "36 samples of 3 classes (AML 14, Bone_Marrow 10 and PB 12), 30 probes each" in said["What was done"]
    )
    assert "2 models and 1 baseline were tried" in said["What was done"]
    assert "cut into 3 parts" in said["What was done"]
    assert f"{right} of 36 samples were classified correctly" in said["Result"]
    assert f"balanced accuracy, {wording.number(found.leader.value)} (95 % interval" in said["Result"]
    assert "guessing gives 0.33" in said["Result"]
    best, auto = found.dossier.best, found.auto
    assert auto is not None
    assert "It is the best of 3 tried on these same samples, which may flatter it" in said["Result"]
    assert (
        f"expect {wording.number(best.value)} (95 % interval {wording.number(best.low)} to" in said["Result"]
    )
    assert f"nothing to correct: that gave {auto.text}." in said["Result"]
    assert "not for the diagnosis" in said["What it does not say"]


def test_one_model_alone_is_the_best_of_nothing() -> None:
    found = of({"logistic": 4.0})
    said = words(summary.of_evaluation(found))
    assert "flatter" not in said["Result"]
    assert "highest" not in said["Result"]
    assert "Between the models" not in said
    assert found.auto is None
    assert inference_section.choice(found) is comparisons.comparisons(found) is None
    assert "Between the models" not in words(summary.of_evaluation(of({"logistic": 4.0, "majority": 0.0})))


def test_the_automatic_choice_stands_among_the_results_and_leads_nothing() -> None:
    found = of({"knn": 0.5, "majority": 0.0, "logistic": 8.0})
    assert set(found.models) == {"knn", "majority", "logistic", "auto"}
    assert "auto" not in {score.model for score in (*found.contenders, *found.leaders, *found.tried)}
    assert "auto" not in found.dossier.best.chosen
    assert ranking.title("auto") in {row[0].text for row in tables.results(found).rows}


def test_repeats_are_told_and_averaged() -> None:
    found = of({"logistic": 1.5, "knn": 1.0}, design=Design(3, 2, 4, 0))
    said = words(summary.of_evaluation(found))
    mean = (
        (found.evaluation.predicted(found.leader.model) == found.evaluation.cohort.codes).sum(axis=1).mean()
    )
    assert "This was done 4 times" in said["What was done"]
    assert f"{wording.count(round(mean, 1))} of 36 samples, on average over repeats," in said["Result"]


@pytest.mark.parametrize(
    ("leader", "baseline", "verdict"),
    [
        ((0.9, 0.8, 0.95), (0.4, 0.3, 0.5), "lies wholly above"),
        ((0.9, 0.5, 0.95), (0.4, 0.3, 0.6), "intervals overlap: an advantage is likely"),
        ((0.6, 0.4, 0.8), (0.5, 0.3, 0.6), "that it does better is not shown"),
        ((0.5, 0.4, 0.6), (0.6, 0.5, 0.7), "No model did better than a baseline"),
    ],
)
def test_the_verdict_against_baselines_follows_the_intervals(
    leader: tuple[float, float, float], baseline: tuple[float, float, float], verdict: str
) -> None:
    found = with_scores(of({"logistic": 3.0, "single-probe": 1.0}), logistic=leader, single_probe=baseline)
    assert verdict in words(summary.of_evaluation(found))["Against baselines"]


@pytest.mark.parametrize(
    ("low", "verdict"), [(0.5, "lies above the 0.33"), (0.3, "includes the 0.33")], ids=["above", "includes"]
)
def test_without_baselines_guessing_is_what_is_left(low: float, verdict: str) -> None:
    found = with_scores(of({"logistic": 3.0}), logistic=(0.6, low, 0.8))
    said = words(summary.of_evaluation(found))["Against baselines"]
    assert "No baseline was run" in said
    assert verdict in said
    titles = [caution.title for caution in notices.of_evaluation(found)]
    assert ("No better than guessing" in titles) is (low <= 1 / 3)


def test_baselines_alone_show_nothing() -> None:
    said = words(summary.of_evaluation(of({"majority": 0.0, "single-probe": 2.0})))
    assert "Only baselines were run" in said["Against baselines"]


def compared(found: Ranking, **pairs: tuple[float, float, float]) -> Ranking:
    """The same study with other comparisons of the best model: (difference, Holm's p, equivalent) by the other."""
    rows = [
        {
            "model_a": found.leader.model,
            "model_b": other,
            "difference": gap,
            "p_t_holm": p,
            "equivalent": same,
        }
        for other, (gap, p, same) in pairs.items()
    ]
    return replace(found, dossier=replace(found.dossier, comparisons=pd.DataFrame(rows)))


def between(**pairs: tuple[float, float, float]) -> str:
    found = with_scores(of({"logistic": 1.0, "knn": 1.0, "svm": 1.0}), logistic=(0.9, 0.85, 0.95))
    return words(summary.of_evaluation(compared(found, **pairs)))["Between the models"]


def test_models_are_told_apart_by_their_differences_on_the_same_folds() -> None:
    both = between(knn=(0.2, 0.01, 0.0), svm=(0.3, 0.04, 0.0))
    assert both.startswith(
        "Logistic regression (ridge) is better than Linear support vector machine and k nearest neighbours, beyond "
        "chance. Compared"
    )
    mixed = between(knn=(0.2, 0.01, 0.0), svm=(0.0, 1.0, 0.97))
    assert (
        "is better than k nearest neighbours, beyond chance; it is practically equivalent to Linear" in mixed
    )
    assert between(knn=(0.2, 0.06, 0.0), svm=(0.0, 1.0, 0.5)).startswith(
        "That Logistic regression (ridge) is better than any other model is not shown."
    )
    assert "That it is better than Linear" not in between(knn=(0.2, 0.01, 0.0), svm=(0.1, 0.06, 0.0))
    assert "that it is better than Linear" in between(knn=(0.2, 0.01, 0.0), svm=(0.1, 0.06, 0.0))


def test_a_difference_in_the_other_direction_or_without_a_p_is_no_advantage() -> None:
    said = between(knn=(-0.2, 0.001, 0.0), svm=(0.1, float("nan"), 0.0))
    assert said.startswith("That Logistic regression (ridge) is better than any other model is not shown.")


def test_errors_name_the_weakest_class_the_worst_confusion_and_the_samples_nobody_gets_right() -> None:
    good = evaluation(cohort(SIZES), {"logistic": 40.0, "knn": 40.0})
    rows = np.flatnonzero(good.cohort.labels == "PB")[:3]
    swapped = []
    for result in good.results:
        test = next(s.test for s in good.folds.splits if s.fold == result.fold)
        p = result.probabilities.copy()
        p[np.isin(test, rows)] = [0.9, 0.05, 0.05]
        swapped.append(replace(result, probabilities=p))
    said = words(summary.of_evaluation(Ranking.of(replace(good, results=tuple(swapped)))))["Errors"]
    assert "does worst on PB: it found 9 of 12" in said
    assert "PB called AML: 3 of 12" in said
    names = wording.listed(good.cohort.samples[rows].tolist())
    assert f"Every model was wrong on samples {names}" in said
    perfect = words(summary.of_evaluation(Ranking.of(good)))["Errors"]
    assert "classified every sample correctly" in perfect


def test_a_simulated_cohort_says_nothing_of_patients() -> None:
    said = words(summary.of_evaluation(Ranking.of(evaluation(cohort(SIZES, simulated=True), {"knn": 3.0}))))
    assert "simulated" in said["What it does not say"]


# Warnings


def titles(found: list[notices.Caution]) -> list[str]:
    return [caution.title for caution in found]


def changed(base: Cohort, **columns: object) -> Cohort:
    return replace(base, **columns)  # type: ignore[arg-type]


def test_a_harmless_cohort_gets_no_warning() -> None:
    plain = changed(cohort(SIZES), donors=np.array([f"d{i}" for i in range(36)]))
    assert notices.of_cohort(plain) == []


@pytest.mark.parametrize(
    ("title", "make"),
    [
        ("Simulated data", lambda: cohort(SIZES, simulated=True)),
        ("Small classes", lambda: cohort({**SIZES, "rare": 9})),
        ("Unequal classes", lambda: cohort({"AML": 30, "PB": 12})),
        ("Donors unknown", lambda: cohort(SIZES)),
        ("Missing values", lambda: changed(cohort(SIZES), expression=_holes())),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_of_the_data_is_named(title: str, make: object) -> None:
    faulty = make()  # type: ignore[operator]
    assert title in titles(notices.of_cohort(faulty))
    others = {"Small classes", "Unequal classes", "Missing values", "Constant probes"} - {title}
    assert others.isdisjoint(titles(notices.of_cohort(faulty)))


def _holes() -> np.ndarray:
    values = cohort(SIZES).expression.copy()
    values[0, 0] = np.nan
    return values


def _constant() -> np.ndarray:
    values = cohort(SIZES).expression.copy()
    values[:, 4] = 7.0
    return values


def test_what_was_done_to_the_values_is_told_once() -> None:
    base = cohort(SIZES)
    steps = ("Linear scale found: log2 taken.", "2 samples left out.")
    told = notices.of_cohort(changed(base, provenance=replace(base.provenance, steps=steps)))
    assert {caution.title: caution.text for caution in told}["Before the analysis"] == " ".join(steps)


def test_what_the_audits_find_stands_among_the_cautions_with_its_code() -> None:
    found = Ranking.of(evaluation(changed(cohort(SIZES), expression=_constant()), {"knn": 3.0}))
    said = {caution.title: caution for caution in notices.of_evaluation(found)}
    assert said["Probes with one value (LT014)"].level == "note"
    assert said["Probes with one value (LT014)"].text.startswith("1 of 30 probes has one value")
    assert len([title for title in said if "(LT" in title]) == len(found.dossier.findings)
    assert {entry.figure for entry in AUDITS} <= {"", *(figure.name for figure in FIGURES)}
    grave = notices.Caution("error", "x", "y")
    assert notices.ordered([*said.values(), grave])[0] is grave


def test_many_classes_are_counted_and_not_listed() -> None:
    said = words(summary.of_cohort(cohort({f"c{number}": 5 + number for number in range(9)})))["The data"]
    assert "81 samples of 9 classes (5 to 13 samples each), 30 probes each." in said
    assert "c3" not in said


def test_notes_of_fitting_intervals_without_width_and_classes_never_called_are_told() -> None:
    found = of({"logistic": 60.0, "majority": 0.0, "knn": 0.01}, notes=["ConvergenceWarning: stopped early"])
    said = {caution.title: caution.text for caution in notices.of_evaluation(found)}
    assert "stopped early" in said["While fitting Logistic regression (ridge)"]
    assert "Logistic regression (ridge)" in said["Intervals left out"]
    assert "Classes never called" not in said or "Majority" not in said["Classes never called"]
    lazy = Ranking.of(evaluation(cohort(SIZES), {"knn": 0.0}))
    never = {caution.title: caution.text for caution in notices.of_evaluation(lazy)}["Classes never called"]
    assert never == "k nearest neighbours never calls Bone_Marrow or PB."


# Methods


@pytest.mark.parametrize(
    "names",
    [["logistic"], ["knn", "majority"], ["svm", "forest", "single-probe"], [model.name for model in MODELS]],
    ids=len,
)
def test_the_methods_name_the_models_that_were_run_and_no_others(names: list[str]) -> None:
    study = evaluation(cohort(SIZES), {name: 0.0 if name == "majority" else 2.0 for name in names})
    recipes = methods.recipes(study)
    assert [recipe.name for recipe in recipes] == names
    text = " ".join([*(p.text for p in methods.paragraphs(study)), *(f"{r.title} {r.text}" for r in recipes)])
    for model in MODELS:
        assert (model.title in text) is (model.name in names), model.name


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_recipe_gives_title_citation_and_the_whole_grid(model: Model) -> None:
    (recipe,) = methods.recipes(evaluation(cohort(SIZES), {model.name: 2.0}))
    assert recipe.title == model.title
    assert recipe.cite == model.cite
    assert recipe.text.startswith("Baseline. ") is model.baseline
    for setting, values in model.grid.items():
        assert f"{setting} = " in recipe.text
        assert wording.value(values[0]) in recipe.text
        assert wording.value(values[-1]) in recipe.text


def test_a_model_of_the_users_own_is_said_to_be_one() -> None:
    study = evaluation(cohort(SIZES), {"my own": 2.0})
    (recipe,) = methods.recipes(study)
    assert recipe.title == "my own"
    assert "user’s own" in recipe.text
    mine = Model("my own", "Mine", MODELS[0].path, {"C": (0.5, 7.25)}, cite="Me 2026")
    (known,) = methods.recipes(study, (mine,))
    assert (known.title, known.cite) == ("Mine", "Me 2026")
    assert "7.25" in known.text
    assert tables.results(Ranking.of(study)).rows[0][0].text == "my own"


def test_design_and_tuning_are_those_of_the_study() -> None:
    grouped = changed(cohort(SIZES), donors=np.array([f"d{i // 2}" for i in range(36)]))
    study = replace(evaluation(grouped, {"svm": 2.0}, design=Design(3, 2, 2, 7)), tune_by="balanced_accuracy")
    said = words(methods.paragraphs(study))
    assert "3 outer folds, stratified by class, and all samples of a donor kept together" in said["Design"]
    assert "drawn 2 times (seed 7)" in said["Design"]
    assert "2 inner folds (seed 8)" in said["Design"]
    assert study.folds.fingerprint[:12] in said["Design"]
    assert "mean balanced accuracy over the inner folds" in said["Tuning"]
    assert "temperature" in said["Tuning"]
    assert "count the donor as the independent unit" in said["Numbers and intervals"]
    read = replace(study, folds=replace(study.folds, source="read from mine.csv"))
    assert "were read from mine.csv" in words(methods.paragraphs(read))["Design"]
    plain = words(methods.paragraphs(evaluation(cohort(SIZES), {"knn": 2.0})))
    assert "temperature" not in plain["Tuning"]
    assert "donor" not in plain["Design"]


def test_steps_on_the_values_stand_in_the_methods() -> None:
    base = cohort(SIZES)
    study = evaluation(
        replace(base, provenance=base.provenance.then("Linear scale found: log2 taken.")), {"knn": 2.0}
    )
    assert "Linear scale found: log2 taken." in words(methods.paragraphs(study))["Data"]


def test_every_metric_has_its_interval_in_the_methods() -> None:
    text = " ".join(point.text for point in methods.intervals())
    for metric in METRICS:
        assert metric.title in text


# Tables


def test_the_tables_hold_the_numbers_of_the_evaluation(tiny_evaluation: Evaluation) -> None:
    found = Ranking.of(tiny_evaluation)
    shown = tables.results(found)
    assert [row[0].under for row in shown.rows] == list(found.models)
    assert [row[0].tag for row in shown.rows] == ["", "", "", "baseline"]
    facts = found.summary.set_index(["model", "metric"])
    for row, model in zip(tables.results(found).rows, found.models, strict=True):
        for cell, name in zip(row[2:], tables.SHOWN, strict=True):
            value = facts.loc[(model, name), "value"]
            assert cell.text == wording.number(value, metrics.by_name(name).bounds)
    whole = tables.all_metrics(found)
    assert len(whole.rows) == sum(not metric.per_class for metric in METRICS)
    for table in (shown, whole, tables.settings(found), tables.per_class(found, "knn")):
        assert all(len(row) == len(table.columns) == len(table.numeric) for row in table.rows)


def test_settings_are_counted_over_the_outer_folds(tiny_evaluation: Evaluation) -> None:
    found = Ranking.of(tiny_evaluation)
    rows = {row[0].under: row for row in tables.settings(found).rows}
    assert rows["logistic"][1].text == "strength=1.0 (2 of 6); strength=0.1 (2 of 6); strength=0.01 (2 of 6)"
    assert rows["logistic"][2].text == "9"
    assert rows["knn"][2].text == "40"
    assert rows["majority"][1].text == "nothing to tune"
    assert len(tables.settings_by_fold(found).rows) == 24

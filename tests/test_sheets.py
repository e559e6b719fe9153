"""Reporting sheets state what the record contains and leave the rest to the authors; tables for a paper."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leukotype import metrics, results
from leukotype.audits import Finding
from leukotype.cohort import Provenance
from leukotype.evaluation import Evaluation
from leukotype.inference import PermutationTest
from leukotype.results import study_tables
from leukotype.results.guidelines import SHEETS
from leukotype.results.sheets import AUTHORS, Facts, Sheet
from leukotype.results.tables import Table, escape
from leukotype.studies import Study
from report_cases import with_inference

NUMBERS = {
    "DOME": "1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 3.1 3.2 3.3 3.4 4.1 4.2 4.3 4.4 4.5",
    "REFORMS": "1a 1b 1c 2a 2b 2c 2d 2e 3a 3b 3c 3d 3e 3f 3g 4a 4b 4c 5a 5b 5c 5d 5e 5f 6a 6b 6c 7a 7b 7c 8a 8b",
    "TRIPOD": "1 2 3a 3b 3c 4 5a 5b 6a 6b 6c 7 8a 8b 8c 9a 9b 9c 10 11 12a 12b 12c 12d 12e 12f 12g 13 14 15 16 17 "
    "18a 18b 18c 18d 18e 18f 19 20a 20b 20c 21 22 23a 23b 24 25 26 27a 27b 27c",
}


@pytest.fixture(scope="module")
def study(tiny_evaluation: Evaluation) -> Study:
    return with_inference(tiny_evaluation)


def altered(study: Study, **changes: object) -> Study:
    """The same results with another cohort: sheets do not refit."""
    cohort = replace(study.cohort, **changes)  # type: ignore[arg-type]
    return replace(study, evaluation=replace(study.evaluation, cohort=cohort))


def single(study: Study) -> Study:
    """The first model alone."""
    evaluation = study.evaluation
    first = evaluation.models[:1]
    own = tuple(result for result in evaluation.results if result.model == first[0].name)
    return with_inference(replace(evaluation, models=first, results=own))


@pytest.mark.parametrize("sheet", SHEETS, ids=str)
def test_every_item_of_the_guideline_is_present_once(sheet: Sheet) -> None:
    assert " ".join(item.number for item in sheet.items) == NUMBERS[sheet.name]


@pytest.mark.parametrize("sheet", SHEETS, ids=str)
def test_every_item_is_answered_or_left_to_the_authors(sheet: Sheet, study: Study) -> None:
    text = sheet.markdown(Facts(study))
    entries = text.split("\n### ")[1:]
    assert len(entries) == len(sheet.items)
    for item, entry in zip(sheet.items, entries, strict=True):
        assert item.record or item.human
        assert (f"**{AUTHORS}**" in entry) is bool(item.human)
        answer = entry.split("*\n\n", 1)[1].replace(f"**{AUTHORS}**", "")
        assert len(answer.strip()) > 10
    assert not re.search(r"\b(nan|None|Timestamp|np\.)\b", text)
    assert "  " not in text


@pytest.mark.parametrize("sheet", SHEETS, ids=str)
def test_only_recorded_analyses_are_claimed(sheet: Sheet, study: Study) -> None:
    bare = sheet.markdown(Facts(replace(single(study), audits=())))
    assert "No significance test was made." in bare
    assert "No donors were specified" in bare
    assert "Command:" not in bare
    assert "LT0" not in bare
    assert "found nothing, which is no proof" in bare
    assert "simulated; they are not patient data" in bare
    full = sheet.markdown(Facts(study, "leukotype study x.csv"))
    assert "No significance test" not in full
    assert "pairs of models were compared" in full
    assert "LT020 (note)" in full or sheet.name == "DOME"
    assert "`leukotype study x.csv`" in full


def test_a_finding_is_in_the_item_of_its_topic(study: Study) -> None:
    finding = Finding("LT004", "order-tells-class", "note", "the row number gives the class.", {})
    facts = Facts(replace(study, audits=(finding,)))
    assert "LT004 (note)" in facts.audits("confounding")
    assert "LT004 (note)" in facts.audits()
    assert "LT004" not in facts.audits("quality")


def test_donors_and_missing_values_are_stated(study: Study) -> None:
    values = study.cohort.expression.copy()
    values[study.cohort.labels == "AML", 0] = np.nan
    changed = altered(study, expression=values, donors=np.array([f"D{i // 2}" for i in range(30)]))
    folds = replace(changed.evaluation.folds, grouped=True)
    facts = Facts(replace(changed, evaluation=replace(changed.evaluation, folds=folds)))
    assert "from 15 donors" in facts.classes()
    assert "All samples of a donor" in facts.dependence()
    assert facts.missing().startswith("14 expression values (1.17 %)")
    assert "AML 2.50 %; Bone\\_Marrow 0.00 %" in facts.missing()
    assert Facts(study).missing() == "No expression value was missing."


def test_exclusions_come_from_the_record(study: Study) -> None:
    step = "5 samples of class MPAL left out, as asked."
    changed = altered(study, provenance=Provenance("f.csv", "0" * 64, steps=("Logged.", step)))
    assert Facts(changed).exclusions() == step
    assert "No exclusion" in Facts(study).exclusions()


def test_baselines_and_selection(study: Study) -> None:
    facts = Facts(study)
    assert facts.baselines().endswith("same folds: `majority`.")
    assert facts.selection().startswith("2 models were evaluated")
    alone = Facts(single(study))
    assert alone.baselines() == "No baseline was evaluated."
    assert alone.selection().startswith("One model was")


def test_names_are_never_markup(study: Study) -> None:
    labels = np.where(study.cohort.labels == "AML", "*A*|<b>_x_", study.cohort.labels)
    changed = altered(study, labels=labels, name="# `mine`")
    for sheet in SHEETS:
        text = sheet.markdown(Facts(changed))
        assert "*A*" not in text
        assert "<b>" not in text.replace("\\<b", "")
        assert text.startswith(f"# {sheet.title}: \\# \\`mine\\`\n")


def test_performance_is_that_of_the_evaluation(study: Study) -> None:
    value = study.summary(["balanced_accuracy"]).set_index("model").loc["logistic"]
    line = next(row for row in Facts(study).performance().splitlines() if "`logistic`" in row)
    assert f"Balanced accuracy {value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]" in line


def test_latex_escapes_every_special_character() -> None:
    assert escape('\\ & % $ # _ { } ~ ^ < > | " ± × ≥ – ’ [') == (
        r"\textbackslash{} \& \% \$ \# \_ \{ \} \textasciitilde{} \textasciicircum{} \textless{} \textgreater{} "
        r"\textbar{} \textquotedbl{} $\pm$ $\times$ $\geq$ -- ' {[}"
    )
    assert escape("plain text 0.95") == "plain text 0.95"


def test_latex_tables_are_well_formed(study: Study) -> None:
    labels = np.where(study.cohort.labels == "AML", "[50%] A_B & C\\\\", study.cohort.labels)
    changed = with_inference(altered(study, labels=labels, name="a_b & 100%").evaluation)
    for table in study_tables.paper_tables(changed):
        text = table.latex()
        bare = re.sub(r"\\[\\&%$#_{}]", "", text.replace(r"\\" + "\n", "\n"))
        assert bare.count("{") == bare.count("}")
        assert not re.search(r"[%#_]", bare.split(r"\begin{tabular}")[1])
        columns = re.search(r"\\begin{tabular}{(.*)}", text)[1].replace(r"p{0.6\linewidth}", "p")
        body = text.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()
        assert len(body) == len(table.rows)
        for line in body:
            assert line.endswith(r" \\")
            assert not line.startswith("[")
            assert len(re.findall(r"(?<!\\) & ", line)) == len(columns) - 1
        assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\centering"))
        assert rf"\label{{tab:{table.name}}}" in text


def paper_table(study: Study, name: str) -> Table:
    return next(table for table in study_tables.paper_tables(study) if table.name == name)


def test_csv_holds_the_numbers_of_the_evaluation(study: Study, tmp_path: Path) -> None:
    results.save_study(study, tmp_path / "out")
    read = pd.read_csv(io.BytesIO((tmp_path / "out" / "tables" / "performance.csv").read_bytes()))
    expected = study.summary([metric.name for metric in metrics.headline("paper")])
    pd.testing.assert_frame_equal(read, expected.reset_index(drop=True), check_dtype=False)
    names = [row[0].under for row in paper_table(study, "performance").cells]
    assert names == [model.name for model in study.models]


@pytest.mark.parametrize("sheet", SHEETS, ids=str)
def test_p_values_of_several_models_are_adjusted(sheet: Sheet, study: Study) -> None:
    rng = np.random.default_rng(3)
    null = {name: rng.uniform(0.2, 0.6, 99) for name in ("logistic", "knn")} | {
        "auto": rng.uniform(0, 0.5, 49)
    }
    test = PermutationTest(
        metrics.by_name("balanced_accuracy"), {"logistic": 0.57, "knn": 0.55, "auto": 0.7}, null, 100
    )
    text = sheet.markdown(Facts(replace(study, permutation=test)))
    for model in null:
        assert test.p_best(model) > test.p(model) or model == "auto"
        assert f"{model} {test.p_best(model):.2g} (unadjusted {test.p(model):.2g})" in text
    assert "adjusted for 3 models (smallest possible 0.02)" in text
    alone = replace(test, observed={"knn": 0.55}, null={"knn": null["knn"]})
    assert f"knn {test.p('knn'):.2g} (smallest possible 0.01)" in sheet.markdown(
        Facts(replace(study, permutation=alone))
    )

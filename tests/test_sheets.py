"""Reporting sheets say what the record holds and leave the rest to the authors; tables are set as they stand."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leukotype import sheets
from leukotype.audits import audit
from leukotype.cohort import Provenance
from leukotype.errors import OutputRefused
from leukotype.evaluation import Evaluation
from leukotype.results.sheets import AUTHORS, SHEETS, Facts, escape, tables

NUMBERS = {
    "DOME": "1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 3.1 3.2 3.3 3.4 4.1 4.2 4.3 4.4 4.5",
    "REFORMS": "1a 1b 1c 2a 2b 2c 2d 2e 3a 3b 3c 3d 3e 3f 3g 4a 4b 4c 5a 5b 5c 5d 5e 5f 6a 6b 6c 7a 7b 7c 8a 8b",
    "TRIPOD": "1 2 3a 3b 3c 4 5a 5b 6a 6b 6c 7 8a 8b 8c 9a 9b 9c 10 11 12a 12b 12c 12d 12e 12f 12g 13 14 15 16 17 "
    "18a 18b 18c 18d 18e 18f 19 20a 20b 20c 21 22 23a 23b 24 25 26 27a 27b 27c",
}


def altered(evaluation: Evaluation, **changes: object) -> Evaluation:
    """The same results under other names: enough for sheets, which refit nothing."""
    return replace(evaluation, cohort=replace(evaluation.cohort, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("sheet", SHEETS, ids=str)
def test_every_item_of_the_guideline_is_there_once(sheet: sheets.Sheet) -> None:
    assert " ".join(item.number for item in sheet.items) == NUMBERS[sheet.name]


@pytest.mark.parametrize("sheet", SHEETS, ids=str)
def test_every_item_is_answered_or_left_to_the_authors(
    sheet: sheets.Sheet, tiny_evaluation: Evaluation
) -> None:
    text = sheet.markdown(Facts(tiny_evaluation))
    entries = text.split("\n### ")[1:]
    assert len(entries) == len(sheet.items)
    for item, entry in zip(sheet.items, entries, strict=True):
        assert item.record is not None or item.human
        assert (f"**{AUTHORS}**" in entry) is bool(item.human)
        answer = entry.split("*\n\n", 1)[1].replace(f"**{AUTHORS}**", "")
        assert len(answer.strip()) > 10
    assert not re.search(r"\b(nan|None|Timestamp|np\.)\b", text)
    assert "  " not in text


@pytest.mark.parametrize("sheet", SHEETS, ids=str)
def test_what_was_not_run_is_not_claimed(sheet: sheets.Sheet, tiny_evaluation: Evaluation) -> None:
    bare = sheet.markdown(Facts(tiny_evaluation))
    assert "No audits were run." in bare
    assert "The record holds no significance test." in bare
    assert "No donors were named" in bare
    assert "The command was" not in bare
    assert "LT0" not in bare
    assert "simulated: no patient" in bare
    quiet = sheet.markdown(Facts(tiny_evaluation, findings=[]))
    assert "No audits were run." not in quiet
    assert "which does not prove that there is nothing" in quiet
    findings = audit(tiny_evaluation.cohort, tiny_evaluation)
    tests = ("Permutation test of logistic: p = 0.01 with 99 permutations.",)
    full = sheet.markdown(Facts(tiny_evaluation, findings, tests, "leukotype study x.csv"))
    assert "The record holds no significance test." not in full
    assert "p = 0.01 with 99 permutations" in full
    assert "LT020 (note)" in full or sheet.name == "DOME"
    assert "`leukotype study x.csv`" in full


def test_donors_and_missing_values_are_said(tiny_evaluation: Evaluation) -> None:
    cohort = tiny_evaluation.cohort
    values = cohort.expression.copy()
    values[cohort.labels == "AML", 0] = np.nan
    changed = altered(tiny_evaluation, expression=values, donors=np.array([f"D{i // 2}" for i in range(30)]))
    grouped = replace(changed, folds=replace(changed.folds, grouped=True))
    facts = Facts(grouped)
    assert "from 15 donors" in facts.classes()
    assert "kept on the same side" in facts.dependence()
    assert facts.missing().startswith("14 expression values (1.17 %)")
    assert "AML 2.50 %; Bone\\_Marrow 0.00 %" in facts.missing()
    assert Facts(tiny_evaluation).missing() == "No expression value was missing."


def test_exclusions_come_from_the_record(tiny_evaluation: Evaluation) -> None:
    step = "5 samples of class MPAL left out, as asked."
    changed = altered(tiny_evaluation, provenance=Provenance("f.csv", "0" * 64, steps=("Logged.", step)))
    assert Facts(changed).exclusions() == step
    assert "no sample that was left out" in Facts(tiny_evaluation).exclusions()


def test_baselines_and_selection(tiny_evaluation: Evaluation) -> None:
    facts = Facts(tiny_evaluation)
    assert facts.baselines().endswith("baselines: `majority`.")
    assert facts.selection().startswith("2 models beside the baselines")
    alone = replace(tiny_evaluation, models=("logistic",))
    assert Facts(alone).baselines() == "No baseline was evaluated."
    assert Facts(alone).selection().startswith("One model")


def test_names_can_not_become_markup(tiny_evaluation: Evaluation) -> None:
    labels = np.where(tiny_evaluation.cohort.labels == "AML", "*A*|<b>_x_", tiny_evaluation.cohort.labels)
    changed = altered(tiny_evaluation, labels=labels, name="# `mine`")
    for sheet in SHEETS:
        text = sheet.markdown(Facts(changed))
        assert "*A*" not in text
        assert "<b>" not in text.replace("\\<b", "")
        assert text.startswith(f"# {sheet.title}: \\# \\`mine\\`\n")


def test_performance_is_never_rounded_up_to_perfection(tiny_evaluation: Evaluation) -> None:
    value = tiny_evaluation.summary(["balanced_accuracy"]).set_index("model").loc["logistic"]
    line = next(row for row in Facts(tiny_evaluation).performance().splitlines() if "`logistic`" in row)
    assert f"Balanced accuracy {value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]" in line


SPECIAL = '\\ & % $ # _ { } ~ ^ < > | " ± × ≥ – ’'


def test_latex_escapes_every_special_character() -> None:
    escaped = escape(SPECIAL)
    assert escaped == (
        r"\textbackslash{} \& \% \$ \# \_ \{ \} \textasciitilde{} \textasciicircum{} \textless{} \textgreater{} "
        r"\textbar{} \textquotedbl{} $\pm$ $\times$ $\geq$ -- '"
    )
    assert escape("plain text 0.95") == "plain text 0.95"


def test_latex_tables_are_well_formed(tiny_evaluation: Evaluation) -> None:
    labels = np.where(
        tiny_evaluation.cohort.labels == "AML", "[50%] A_B & C\\\\", tiny_evaluation.cohort.labels
    )
    changed = altered(tiny_evaluation, labels=labels, name="a_b & 100%")
    for table in tables(changed, audit(changed.cohort, changed)):
        text = table.latex()
        bare = re.sub(r"\\[\\&%$#_{}]", "", text.replace(r"\\" + "\n", "\n"))
        assert bare.count("{") == bare.count("}")
        assert not re.search(r"[%#_]", bare.split(r"\begin{tabular}")[1])
        body = text.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()
        assert len(body) == len(table.printed)
        wide = table.printed.shape[1]
        for line in body:
            assert line.endswith(r" \\")
            assert not line.startswith("[")
            assert len(re.findall(r"(?<!\\) & ", line)) == wide - 1
        assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))


def test_csv_holds_the_numbers_of_the_evaluation(tiny_evaluation: Evaluation) -> None:
    table = next(table for table in tables(tiny_evaluation) if table.name == "performance")
    read = pd.read_csv(io.StringIO(table.csv()))
    expected = tiny_evaluation.summary(list(sheets.tables.__globals__["COLUMNS"]))
    pd.testing.assert_frame_equal(read, expected.reset_index(drop=True), check_dtype=False)
    assert list(table.printed["Model"]) == list(tiny_evaluation.models)


def test_an_interval_that_says_nothing_is_not_printed(tiny_evaluation: Evaluation) -> None:
    table = next(table for table in tables(tiny_evaluation) if table.name == "performance")
    majority = table.printed.set_index("Model").loc["majority"]
    degenerate = table.numbers[table.numbers["interval"].str.contains("degenerate")]
    assert len(degenerate)
    for row in degenerate.to_dict("records"):
        if row["model"] == "majority":
            assert majority[row["title"]].endswith("[n/a]")
    assert "n/a" in table.caption


def test_write(tmp_path: Path, tiny_evaluation: Evaluation) -> None:
    findings = audit(tiny_evaluation.cohort, tiny_evaluation)
    first = sheets.write(tiny_evaluation, tmp_path / "one", findings=findings)
    second = sheets.write(tiny_evaluation, tmp_path / "two", findings=findings)
    assert sorted(path.name for path in first) == sorted(path.name for path in (tmp_path / "one").iterdir())
    assert {"DOME.md", "REFORMS.md", "TRIPOD.md", "performance.csv", "performance.tex", "audits.tex"} <= {
        path.name for path in first
    }
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert "audits.csv" not in {path.name for path in sheets.write(tiny_evaluation, tmp_path / "three")}
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputRefused, match="cannot write"):
        sheets.write(tiny_evaluation, tmp_path / "file" / "below")

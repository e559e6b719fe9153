"""False alarms and power in docs/audits.md: the audits hold their levels, and find what is large enough."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scripts
from leukotype.audits import AUDITS, AuditInput, by_code
from leukotype.readers import read

FOLDER = Path(__file__).parents[1] / "benchmarks" / "calibration"
LEVELS = {"error": 0.02, "warning": 0.05}
# Nothing is better than the majority class in null cohorts: this finding is true.
TRUE = {("LT021", "null")}


@pytest.fixture(scope="module")
def script():
    return scripts.load("benchmarks/calibration/audits.py")


def results(name):
    return pd.read_csv(FOLDER / "results" / f"audit_{name}.csv", keep_default_na=False)


def test_every_audit_was_measured_on_every_kind(script):
    found = results("alarms")
    assert set(found["code"]) == {entry.code for entry in AUDITS}
    for entry in AUDITS:
        part = found[(found["code"] == entry.code) & (found["severity"] == entry.severity)]
        kinds = script.KINDS if entry.needs == "cohort" else script.KINDS[:3]
        cells = set(zip(part["kind"], part["truth"], strict=True))
        assert cells == {(kind, truth) for kind in kinds for truth in script.TRUTHS}, entry.code
        assert (part["cohorts"] >= (script.N_SLOW if entry.code == script.SLOW else 200)).all(), entry.code


def test_errors_and_warnings_hold_their_levels():
    found = results("alarms")
    for row in found[found["severity"].isin(LEVELS)].to_dict("records"):
        if (row["code"], row["truth"]) not in TRUE:
            assert row["findings"] <= LEVELS[row["severity"]] * row["cohorts"], row


def test_order_is_a_note_and_found_in_every_sorted_file():
    found = results("alarms").query("code == 'LT004'")
    assert set(found["severity"]) == {"note"}
    is_sorted = found["kind"] == "sorted"
    assert (found["findings"] == found["cohorts"])[is_sorted].all()
    assert (found["findings"] <= 0.02 * found["cohorts"])[~is_sorted].all()


def test_every_planted_fault_is_found_in_arrays_at_one_size(script):
    found = results("power")
    assert set(found["code"]) == {fault.code for fault in script.FAULTS}
    for fault in script.FAULTS:
        part = found[(found["code"] == fault.code) & (found["kind"] == "array")]
        assert part["size"].tolist() == list(fault.sizes)
        assert (part["found"] >= 0.9 * part["cohorts"]).any(), fault.code


def test_suspects_of_public_cohorts_and_no_others():
    found = results("labels").query("size == 0").set_index("cohort")
    assert found.loc["chowdary", "found"] == 2
    assert found.loc["Golub, 3 classes", "found"] == 2
    assert found.loc[["chowdary", "Golub, 3 classes", "GSE9476, 1,219 probes"], "others"].sum() == 0


def test_the_script_repeats_its_results(script):
    """A few cohorts of each kind; the audits that need a cohort."""
    for kind in script.KINDS:
        data = AuditInput(script.cohort(kind, "null", 0))
        codes = {
            entry.code for entry in AUDITS if entry.needs == "cohort" and entry.finding(data) is not None
        }
        assert codes <= {"LT004", "LT014", "LT018", "LT019", "LT020"}, kind
    faulty = script.flipped(script.cohort("array", "clean", 0), 0.1, np.random.default_rng(0))
    assert by_code("LT024").finding(AuditInput(faulty)) is None


@pytest.mark.slow
def test_swapped_samples_of_chowdary_are_suspects(data_folder, script):
    """Samples 2 and 96 are exchanged."""
    cohort = read(data_folder / "wide" / "chowdary_breast_colon.csv.gz")
    finding = by_code("LT024").finding(AuditInput(cohort, script.evaluated(cohort, script.PUBLIC_MODELS)))
    assert finding is not None
    assert set(finding.numbers["samples"]) == {"2", "96"}

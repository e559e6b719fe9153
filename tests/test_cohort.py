"""Cohort: validation, fingerprint, selection of samples and probes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from leukotype.cohort import Cohort, is_control, without_controls
from leukotype.errors import BadIdentifiers, BadLabels, BadValues


def test_classes_are_sorted_and_codes_point_into_them(tiny_cohort):
    assert tiny_cohort.classes == ("AML", "Bone_Marrow", "PB")
    assert [tiny_cohort.classes[code] for code in tiny_cohort.codes] == tiny_cohort.labels.tolist()
    assert tiny_cohort.class_counts == {"AML": 14, "Bone_Marrow": 9, "PB": 7}


def test_arrays_are_read_only_and_the_callers_stay_writable():
    values = np.zeros((2, 3))
    cohort = Cohort(values, np.array(["a", "b"]), np.array(["1", "2"]), np.array(["x", "y", "z"]))
    with pytest.raises(ValueError, match="read-only"):
        cohort.expression[0, 0] = 1.0
    values[0, 0] = 1.0


@pytest.mark.parametrize(
    "change",
    [
        lambda c: {"expression": c.expression + np.eye(*c.expression.shape) * 1e-12},
        lambda c: {"labels": c.labels[::-1]},
        lambda c: {"samples": c.samples[::-1]},
        lambda c: {"probes": c.probes[::-1]},
        lambda c: {"donors": c.samples},
    ],
    ids=["values", "labels", "samples", "probes", "donors"],
)
def test_fingerprint_depends_on_everything_a_result_depends_on(tiny_cohort, change):
    assert dataclasses.replace(tiny_cohort, **change(tiny_cohort)).fingerprint != tiny_cohort.fingerprint


def test_fingerprint_ignores_the_name(tiny_cohort):
    assert dataclasses.replace(tiny_cohort, name="other").fingerprint == tiny_cohort.fingerprint


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"samples": np.array(["s"] * 30)}, BadIdentifiers, "sample id 's' appears more than once"),
        ({"probes": np.array(["p"] * 40)}, BadIdentifiers, "probe id 'p' appears more than once"),
        ({"labels": np.array(["a"] * 29)}, BadIdentifiers, "29 labels"),
        ({"labels": np.array(["", *["a"] * 29])}, BadLabels, "1 sample without a label"),
        ({"expression": np.full((30, 40), np.inf)}, BadValues, "infinite"),
        ({"expression": np.zeros(30)}, BadValues, "dimensions"),
        ({"expression": np.zeros((30, 0)), "probes": np.array([], dtype=str)}, BadValues, "no probes"),
        ({"donors": np.array(["d"])}, BadIdentifiers, "1 donors"),
        ({"covariates": pd.DataFrame({"age": [1]})}, BadIdentifiers, "covariates"),
    ],
)
def test_parts_that_do_not_match_are_refused(tiny_cohort, change, error, words):
    with pytest.raises(error, match=words):
        dataclasses.replace(tiny_cohort, **change)


def test_dropping_a_class_keeps_the_rows_aligned(tiny_cohort):
    with_covariates = dataclasses.replace(
        tiny_cohort, covariates=pd.DataFrame({"id": tiny_cohort.samples}), donors=tiny_cohort.samples
    )
    kept = with_covariates.drop_classes(["PB"])
    assert kept.classes == ("AML", "Bone_Marrow")
    assert kept.covariates["id"].tolist() == kept.samples.tolist() == kept.donors.tolist()
    row = int(np.flatnonzero(tiny_cohort.samples == kept.samples[5])[0])
    np.testing.assert_array_equal(kept.expression[5], tiny_cohort.expression[row])
    assert "7 samples of class PB left out" in kept.provenance.steps[-1]


def test_dropping_an_unknown_class_names_the_classes(tiny_cohort):
    with pytest.raises(BadLabels, match=r"has no class 'XYZ'.*AML, Bone_Marrow, PB"):
        tiny_cohort.drop_classes(["XYZ"])


@pytest.mark.parametrize(
    ("probe", "control"),
    [
        ("AFFX-BioB-5_at", True),
        ("AFFX-HUMISGF3A/M97935_MA_at", True),
        ("AFFX.BioB.5_at", True),
        ("ERCC-00002", True),
        ("(+)E1A_r60_3", True),
        ("(-)3xSLv1", True),
        ("DarkCorner", True),
        ("GE_BrightCorner", True),
        ("AFF1", False),
        ("ERCC1", False),
        ("ERCC6L2", False),
        ("ERCC-1", False),
        ("200000_at", False),
        ("BAFFX-1", False),
        ("A_23_P100001", False),
    ],
)
def test_controls_are_recognised_by_the_whole_name(probe, control):
    for spelled in (probe, probe.lower(), probe.upper()):
        assert is_control(spelled) is control
        left = without_controls(np.zeros((1, 2)), [spelled, "200000_at"], "cohort")[1]
        assert left == (["200000_at"] if control else [spelled, "200000_at"])


def test_dropping_controls_keeps_all_other_probes_and_reports_the_number(tiny_cohort):
    names = tiny_cohort.probes.astype("<U20")
    names[[0, 17]] = "AFFX-BioB-5_at", "AFFX-BioB-3_at"
    mixed = dataclasses.replace(tiny_cohort, probes=names)
    kept = mixed.drop_controls()
    rest = np.delete(np.arange(40), [0, 17])
    np.testing.assert_array_equal(kept.expression, mixed.expression[:, rest])
    np.testing.assert_array_equal(kept.probes, mixed.probes[rest])
    np.testing.assert_array_equal(kept.labels, mixed.labels)
    assert kept.provenance.steps[-1] == "2 control probes (AFFX-BioB-5_at ...) left out of the features."
    assert tiny_cohort.drop_controls() is tiny_cohort
    with pytest.raises(BadValues, match="no probes except"):
        dataclasses.replace(mixed, expression=mixed.expression[:, :1], probes=names[:1]).drop_controls()

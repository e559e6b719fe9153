"""Laws of the cohort: what it accepts, what it refuses, what its fingerprint depends on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from leukotype.cohort import Cohort
from leukotype.errors import BadIdentifiers, BadLabels, BadValues


def test_classes_are_sorted_and_codes_point_into_them(tiny_cohort):
    assert tiny_cohort.classes == ("AML", "Bone_Marrow", "PB")
    assert [tiny_cohort.classes[code] for code in tiny_cohort.codes] == tiny_cohort.labels.tolist()
    assert tiny_cohort.class_counts == {"AML": 14, "Bone_Marrow": 9, "PB": 7}


def test_arrays_cannot_be_written_and_the_callers_stay_writable():
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
def test_fingerprint_changes_with_all_that_a_result_depends_on(tiny_cohort, change):
    assert dataclasses.replace(tiny_cohort, **change(tiny_cohort)).fingerprint != tiny_cohort.fingerprint


def test_fingerprint_ignores_the_name(tiny_cohort):
    assert dataclasses.replace(tiny_cohort, name="other").fingerprint == tiny_cohort.fingerprint


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"samples": np.array(["s"] * 30)}, BadIdentifiers, "sample id 's' appears more than once"),
        ({"probes": np.array(["p"] * 40)}, BadIdentifiers, "probe id 'p' appears more than once"),
        ({"labels": np.array(["a"] * 29)}, BadIdentifiers, "29 labels"),
        ({"labels": np.array(["", *["a"] * 29])}, BadLabels, "1 samples have no label"),
        ({"expression": np.full((30, 40), np.inf)}, BadValues, "infinite"),
        ({"expression": np.zeros(30)}, BadValues, "dimensions"),
        ({"expression": np.zeros((30, 0)), "probes": np.array([], dtype=str)}, BadValues, "no probes"),
        ({"donors": np.array(["d"])}, BadIdentifiers, "1 donors"),
        ({"covariates": pd.DataFrame({"age": [1]})}, BadIdentifiers, "covariates"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tiny_cohort, change, error, words):
    with pytest.raises(error, match=words):
        dataclasses.replace(tiny_cohort, **change)


def test_dropping_a_class_keeps_everything_aligned(tiny_cohort):
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
    with pytest.raises(BadLabels, match=r"no class 'XYZ'.*AML, Bone_Marrow, PB"):
        tiny_cohort.drop_classes(["XYZ"])

"""Cohort: validation, fingerprint, selection of samples and probes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import leukotype as lt
from leukotype.class_names import similar_names
from leukotype.cohort import Cohort, is_control, without_controls
from leukotype.errors import BadIdentifiers, BadLabels, BadValues, InputError


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


def table_of(cohort: Cohort) -> pd.DataFrame:
    return pd.DataFrame(cohort.expression, index=cohort.samples, columns=cohort.probes)


def test_a_table_and_a_series_in_another_order_make_the_same_cohort(tiny_cohort):
    labels = pd.Series(tiny_cohort.labels, index=tiny_cohort.samples).sample(frac=1, random_state=1)
    for same in (
        Cohort.of(table_of(tiny_cohort), labels, name=tiny_cohort.name),
        Cohort.of(table_of(tiny_cohort), tiny_cohort.labels, name=tiny_cohort.name),
        Cohort(tiny_cohort.expression, labels, tiny_cohort.samples, tiny_cohort.probes),
        Cohort.of(table_of(tiny_cohort), pd.Series(tiny_cohort.labels)),  # an index that only counts
    ):
        assert same.labels.tolist() == tiny_cohort.labels.tolist()
        assert same.samples.tolist() == tiny_cohort.samples.tolist()
        np.testing.assert_array_equal(same.expression, tiny_cohort.expression)


def test_a_series_of_other_samples_is_refused(tiny_cohort):
    labels = pd.Series(tiny_cohort.labels, index=[f"other{k}" for k in range(tiny_cohort.n_samples)])
    with pytest.raises(BadIdentifiers, match="index of a Series"):
        Cohort.of(table_of(tiny_cohort), labels)


def test_python_mistakes_are_refused_in_one_line(tiny_cohort):
    table = table_of(tiny_cohort)
    for call in (
        lambda: lt.evaluate(table),
        lambda: lt.study(table),
        lambda: lt.train(table),
        lambda: lt.evaluate("file.csv"),
        lambda: lt.train(tiny_cohort, ["knn", "svm"]),
        lambda: Cohort.of(table.assign(word="x"), tiny_cohort.labels),
        lambda: lt.read(table),
        lambda: lt.read_batch(table),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert "\n" not in str(refused.value)
        assert "--" not in str(refused.value)


def test_models_may_be_one_name_and_samples_a_table(tiny_cohort):
    design = lt.Design(3, 2)
    assert lt.evaluate(tiny_cohort, "knn", design=design, jobs=1).names == ("knn",)
    assert lt.evaluate(tiny_cohort, "knn,majority", design=design, jobs=1).names[:2] == ("knn", "majority")
    classifier = lt.train(tiny_cohort, "knn", design=design, jobs=1)
    calls = classifier.predict(table_of(tiny_cohort))
    np.testing.assert_array_equal(calls.probabilities, classifier.predict(tiny_cohort).probabilities)
    with pytest.raises(InputError, match="read_batch"):
        classifier.predict("new.csv")


@pytest.mark.parametrize(
    "names",
    [
        ("tumor", "tumour"), ("Leukemia", "leukaemia"), ("adenocarcinoma", "adenocarcnoma"), ("seminoma", "seminomas"),
        ("B lymphoma", "B lympohma"), ("normal tissue", "nornal tissue"),
    ],
)  # fmt: skip
def test_one_letter_of_a_long_word(names):
    assert similar_names(names) == [(names, False)]


@pytest.mark.parametrize(
    "names",
    [
        ("AML", "ALL"), ("CD4", "CD8"), ("T-ALL", "B-ALL"), ("Tcells", "Bcells"), ("subtypeA", "subtypeB"),
        ("stageI", "stageII"), ("Luminal A", "Luminal B"), ("typical", "atypical"), ("cluster1", "cluster2"),
        ("lipoma", "lymphoma"), ("myDC", "myDC123"), ("grade II", "grade III"), ("CD34pos", "CD34neg"),
        ("liposarcoma", "leiomyosarcoma"), ("dedifferentiated liposarcoma", "well-differentiated liposarcoma"),
    ],
)  # fmt: skip
def test_different_names_are_not_similar(names):
    assert similar_names(names) == []

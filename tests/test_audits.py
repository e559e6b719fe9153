"""Each audit reports its problem and nothing on a similar sound cohort; clean cohorts raise few alarms."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit_cases import CASES, clean, evaluated
from leukotype import audits
from leukotype.audits import AUDITS, SEVERITIES, TOPICS, AuditInput, audit, by_code
from leukotype.errors import UnknownName
from leukotype.evaluation import auto, evaluate
from leukotype.genes import Annotation
from leukotype.models import by_name
from leukotype.resampling import Design

CODES = [entry.code for entry in AUDITS]
DOCS = Path(__file__).parents[1] / "docs"


def test_codes_and_names_are_unique_and_in_order() -> None:
    assert [f"LT{number:03d}" for number in range(1, len(AUDITS) + 1)] == CODES
    assert len({entry.name for entry in AUDITS}) == len(AUDITS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", entry.name) for entry in AUDITS)


def test_every_audit_has_a_faulty_and_a_sound_cohort() -> None:
    assert list(CASES) == CODES


@pytest.mark.parametrize("entry", AUDITS, ids=str)
def test_reports_the_faulty_cohort(entry: audits.Audit) -> None:
    found = [finding for finding in CASES[entry.code][0]() if finding.code == entry.code]
    assert len(found) == 1
    finding = found[0]
    assert finding.name == entry.name
    assert SEVERITIES.index(finding.severity) >= SEVERITIES.index(entry.severity)
    assert finding.sentence[0] != " "
    assert finding.sentence.endswith((".", "?"))
    assert "  " not in finding.sentence
    assert "nan" not in finding.sentence.split()
    assert finding.numbers
    assert finding.table is None or len(finding.table)
    json.dumps(finding.as_dict(), allow_nan=False)


@pytest.mark.parametrize("entry", AUDITS, ids=str)
def test_reports_nothing_on_the_sound_cohort(entry: audits.Audit) -> None:
    assert entry.code not in {finding.code for finding in CASES[entry.code][1]()}


def test_every_audit_has_a_docstring_a_title_and_a_topic() -> None:
    assert all(entry.examine.__doc__ and entry.title for entry in AUDITS)
    assert {entry.topic for entry in AUDITS} == set(TOPICS)


def test_findings_are_ordered_by_severity_then_code() -> None:
    found = CASES["LT001"][0]() + CASES["LT015"][0]() + CASES["LT018"][0]()
    for findings in (CASES["LT001"][0](), CASES["LT016"][0]()):
        keys = [(SEVERITIES.index(finding.severity), finding.code) for finding in findings]
        assert keys == sorted(keys)
    assert {finding.severity for finding in found} == set(SEVERITIES)


def test_audits_of_results_need_an_evaluation() -> None:
    cohort = clean()
    needy = {entry.code for entry in AUDITS if entry.needs == "evaluation"}
    assert needy == {"LT007", "LT021", "LT022", "LT023", "LT024"}
    assert all(by_code(code).finding(AuditInput(cohort)) is None for code in needy)


def test_an_audit_changes_nothing() -> None:
    cohort = clean()
    evaluation = evaluated(cohort)
    before = cohort.fingerprint, evaluation.summary(["accuracy"]).to_json()
    first, second = audit(cohort, evaluation), audit(cohort, evaluation)
    assert (cohort.fingerprint, evaluation.summary(["accuracy"]).to_json()) == before
    assert [str(finding) for finding in first] == [str(finding) for finding in second]


def test_a_plug_in_baseline_counts_as_a_baseline_and_auto_as_no_model() -> None:
    cohort = clean()
    found = evaluated(cohort, skill=0.2, baseline=2.0)
    plug_in = replace(by_name("logistic"), name="rule", title="Rule", baseline=True)
    named = [plug_in if name == "single-probe" else by_name(name) for name in found.names]
    results = [replace(r, model="rule") if r.model == "single-probe" else r for r in found.results]
    whole = auto(replace(found, models=tuple(named), results=tuple(results)))
    assert "auto" in whole.names
    data = AuditInput(cohort, whole)
    assert list(data.scores) == ["logistic", "rule", "majority"]
    assert data.best is not None
    assert data.best.name == "logistic"
    finding = by_code("LT021").finding(data)
    assert finding is not None
    assert "rule" in finding.numbers["baselines"]


def test_missing_values_are_accepted() -> None:
    cohort = clean()
    values = cohort.expression.copy()
    values[np.random.default_rng(0).random(values.shape) < 0.02] = np.nan
    holed = replace(cohort, expression=values)
    warnings = [f for f in audit(holed, evaluated(holed)) if f.severity != "note"]
    assert warnings == []


@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_few_samples_are_accepted(n: int) -> None:
    cohort = clean()
    few = cohort.take(np.concatenate([np.flatnonzero(cohort.codes == code)[:n] for code in (0, 1)]), "few")
    assert {"LT018", "LT019", "LT020"} <= {finding.code for finding in audit(few)}


def test_sex_comes_from_annotated_or_known_probes() -> None:
    cohort = clean()
    for names, annotation in (
        (("x_at", "y_at"), Annotation({"x_at": "XIST /// TSIX", "y_at": "RPS4Y1"}, "test")),
        (("214218_s_at", "201909_at"), None),
    ):
        probes = cohort.probes.astype("<U12").copy()
        probes[:2] = names
        table = cohort.covariates.copy()
        table["sex"] = table["sex"].map({"F": "M", "M": "F"})
        swapped = replace(cohort, probes=probes, covariates=table)
        found = {finding.code: finding for finding in audit(swapped, annotation=annotation)}
        assert found["LT008"].numbers["wrong"] == 60


def test_two_sexes_of_one_donor() -> None:
    cohort = clean()
    sex = cohort.covariates["sex"].to_numpy()
    donors = np.array([f"D{row}" for row in range(60)])
    woman, man = int(np.flatnonzero(sex == "F")[0]), int(np.flatnonzero(sex == "M")[0])
    donors[man] = donors[woman]
    finding = by_code("LT008").finding(AuditInput(replace(cohort, donors=donors, covariates=None)))
    assert finding is not None
    assert finding.numbers == {"wrong": 0, "comparable": 0, "mixed_donors": 1}


def test_an_unused_donor_column_is_reported() -> None:
    cohort = clean()
    table = cohort.covariates.copy()
    table["Patient ID"] = [f"P{row // 2}" for row in range(60)]
    finding = by_code("LT001").finding(AuditInput(replace(cohort, covariates=table)))
    assert finding is not None
    assert finding.severity == "warning"
    assert "--donor Patient ID" in finding.sentence or "--donor 'Patient ID'" in finding.sentence
    table["Patient ID"] = "human"
    assert by_code("LT001").finding(AuditInput(replace(cohort, covariates=table))) is None


def test_copies_across_classes_are_found() -> None:
    cohort = clean()
    values = cohort.expression.copy()
    first, second = int(np.flatnonzero(cohort.codes == 0)[0]), int(np.flatnonzero(cohort.codes == 1)[0])
    values[second] = values[first]
    finding = by_code("LT002").finding(AuditInput(replace(cohort, expression=values)))
    assert finding is not None
    assert len(finding.table) == 1


def test_a_homogeneous_subtype_is_not_reported() -> None:
    """Four samples of one class with a large common deviation are alike, but no pair is closest by a margin."""
    cohort = clean()
    values = cohort.expression.copy()
    rows = np.flatnonzero(cohort.labels == "AML")[:4]
    values[rows] += np.random.default_rng(2).normal(0, 2.0, cohort.n_probes)
    data = AuditInput(replace(cohort, expression=values))
    assert 0.8 < data.residual_correlation[rows[0], rows[1]] < 0.95
    assert by_code("LT002").finding(data) is None


@pytest.mark.parametrize(("shared", "found"), [(0.7, False), (1.6, True)])
def test_a_moderate_correlation_is_not_a_copy(shared: float, found: bool) -> None:
    """Two samples with a correlation of 0.3 share less variance than they differ in."""
    rng = np.random.default_rng(6)
    cohort = clean()
    values = 7 + rng.normal(size=cohort.expression.shape)
    values[:2] += shared * rng.normal(size=cohort.n_probes)
    labels = cohort.labels.copy()
    labels[1] = labels[0]
    data = AuditInput(replace(cohort, expression=values, labels=labels))
    assert bool(data.residual_correlation[0, 1] > 0.5) is found
    assert (by_code("LT002").finding(data) is not None) is found


def test_swapped_samples_are_named() -> None:
    """As in chowdary, where the second breast sample and the ninth colon sample from the end are exchanged."""
    rng = np.random.default_rng(0)
    cohort = clean()
    cohort = cohort.take(np.argsort(cohort.codes, kind="stable"), "sorted")
    values = cohort.expression + np.repeat(rng.normal(0, 0.8, (30, cohort.n_probes)), 2, axis=0)
    values[[1, 31]] = values[[31, 1]]
    finding = by_code("LT003").finding(AuditInput(replace(cohort, expression=values)))
    assert finding is not None
    swapped = " ".join(finding.numbers["across_classes"])
    assert all(str(cohort.samples[row]) in swapped for row in (0, 1, 30, 31))


def test_complete_confounding_is_reported() -> None:
    cohort = clean()
    table = cohort.covariates.copy()
    table["series"] = np.where(cohort.labels == "AML", "GSE1", "GSE2")
    finding = by_code("LT006").finding(AuditInput(replace(cohort, covariates=table)))
    assert finding is not None
    assert finding.numbers["complete"] == ["series"]
    assert "completely" in finding.sentence


def test_a_copy_of_the_diagnosis_is_a_note() -> None:
    cohort = clean()
    table = pd.DataFrame({"FAB": np.where(cohort.labels == "AML", "M2", "none")})
    finding = by_code("LT006").finding(AuditInput(replace(cohort, covariates=table)))
    assert finding is not None
    assert finding.severity == "note"


def test_unknown_code() -> None:
    with pytest.raises(UnknownName, match="LT001"):
        by_code("LT999")


def _alarms(seeds: range, *, with_results: bool) -> list[str]:
    found = []
    for seed in seeds:
        cohort = clean(seed, sizes={"AML": 26, "Normal": 20, "PB": 14} if seed % 2 else None)
        evaluation = evaluated(cohort, seed=seed) if with_results else None
        found += [str(finding) for finding in audit(cohort, evaluation) if finding.severity != "note"]
    return found


def test_few_false_alarms_on_clean_cohorts() -> None:
    """50 clean cohorts of 60 samples: all audits of data together give at most one warning per ten cohorts."""
    found = _alarms(range(50), with_results=False)
    assert len(found) <= 5, found


@pytest.mark.slow
def test_few_false_alarms_on_clean_results() -> None:
    found = _alarms(range(50, 100), with_results=True)
    assert len(found) <= 5, found


@pytest.mark.slow
def test_few_false_alarms_with_real_models() -> None:
    """Weak markers, so that a single probe is a poor model and the finding on baselines would be false."""
    found = []
    for seed in range(20):
        cohort = clean(seed, effect=1.3)
        evaluation = evaluate(cohort, ["logistic", "majority", "single-probe"], design=Design(5, 3), jobs=1)
        found += [str(f) for f in audit(cohort, evaluation) if f.severity != "note"]
    assert len(found) <= 3, found


def test_arrays_scaled_one_by_one_are_on_one_scale() -> None:
    rng = np.random.default_rng(3)
    cohort = clean(1)
    skew = rng.gamma(rng.uniform(0.3, 3, (cohort.n_samples, 1)), 1, (cohort.n_samples, 400))
    values = (skew - skew.mean(axis=1, keepdims=True)) / skew.std(axis=1, keepdims=True)
    scaled = replace(cohort, expression=values, probes=np.array([f"g{k}" for k in range(400)]))
    assert not [finding for finding in audit(scaled) if finding.code == "LT016"]


def test_a_copy_with_another_label_is_named_with_both_classes() -> None:
    """As good a copy as in the table of cases, although the class means differ by more than the copies do."""
    cohort = clean(effect=4.0)
    values = cohort.expression.copy()
    first, second = int(np.flatnonzero(cohort.codes == 0)[0]), int(np.flatnonzero(cohort.codes == 1)[0])
    values[second] = values[first] + np.random.default_rng(1).normal(0, 0.2, cohort.n_probes)
    finding = by_code("LT002").finding(AuditInput(replace(cohort, expression=values)))
    assert finding is not None
    assert finding.numbers["across_classes"] == 1
    assert f"{cohort.samples[first]} (AML)" in finding.sentence
    assert f"{cohort.samples[second]} (Normal)" in finding.sentence


def test_rows_sorted_by_class_are_one_note() -> None:
    cohort = clean()
    rows = np.argsort(cohort.codes, kind="stable")
    named = replace(
        cohort.take(rows, "sorted"), samples=np.array([f"GSM{number}" for number in range(100, 160)])
    )
    found = [finding for finding in audit(named) if finding.code == "LT004"]
    assert [(finding.severity, "sorted by class" in finding.sentence) for finding in found] == [
        ("note", True)
    ]


def test_skewed_correlations_are_no_outliers() -> None:
    """A share of other tissue with a long tail: 40 cohorts, of which two may raise an alarm."""
    found = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, 5])
        cohort = clean(seed)
        values = cohort.expression + rng.gamma(1.0, 1.0, (60, 1)) * rng.normal(0, 0.4, cohort.n_probes)
        found += by_code("LT010").finding(AuditInput(replace(cohort, expression=values))) is not None
    assert found <= 2


def test_covariates_of_null_classes_are_not_as_good_as_genes() -> None:
    """Labels, and models, without any relation to genes or covariates."""
    found = []
    for seed in range(40):
        cohort = clean(seed, effect=0.0)
        evaluation = evaluated(cohort, skill=0.0, baseline=0.0, seed=seed)
        found.append(by_code("LT007").finding(AuditInput(cohort, evaluation)) is not None)
    assert sum(found) <= 1


def test_near_constant_probes_are_counted() -> None:
    cohort = clean()
    values = cohort.expression.copy()
    values[:, 5] = 3.0
    values[:, 6:8] = 3.0
    values[:3, 6] = [4.0, 5.0, 6.0]
    values[:4, 7] = [4.0, 5.0, 6.0, 7.0]
    finding = by_code("LT014").finding(AuditInput(replace(cohort, expression=values)))
    assert finding is not None
    assert finding.numbers == {"probes": 1, "near_constant": 1}


@pytest.mark.parametrize(
    "names",
    [
        ("ENSG00000229807.14", "ENSG00000129824.16"),
        ("ENSG00000229807", "ENSG00000129824"),
        ("ENSG00000229807|XIST", "ENSG00000129824|RPS4Y1"),
        ("xist", "Rps4y1"),
        ("XIST_7503", "RPS4Y1_6192"),
        ("X56199_at", "M58459_at"),
    ],
)
def test_sex_genes_by_ensembl_id_and_symbol(names: tuple[str, str]) -> None:
    cohort = clean()
    probes = cohort.probes.astype("<U20").copy()
    probes[:2] = names
    table = cohort.covariates.copy()
    table["sex"] = table["sex"].map({"F": "M", "M": "F"})
    found = by_code("LT008").finding(AuditInput(replace(cohort, probes=probes, covariates=table)))
    assert found is not None
    assert found.numbers["wrong"] == 60


def test_the_3_to_5_ratio_of_control_probes_is_compared() -> None:
    cohort = clean()
    probes = cohort.probes.astype("<U30").copy()
    probes[10:12] = ["AFFX-HSAC07/X00351_3_at", "AFFX-HSAC07/X00351_5_at"]
    values = cohort.expression.copy()
    values[:, 10] = 12.0 + np.random.default_rng(0).normal(0, 0.2, 60)
    values[:, 11] = 11.0 - 2.0 * (cohort.labels == "AML")
    finding = by_code("LT025").finding(AuditInput(replace(cohort, expression=values, probes=probes)))
    assert finding is not None
    assert finding.numbers["statistics"] == ["3'/5' ratio"]


def test_donor_pairs_across_classes_by_the_number_in_the_sample_ids() -> None:
    cohort = clean(sizes={"normal": 20, "tumour": 20})
    rng = np.random.default_rng(9)
    number = np.zeros(40, dtype=int)
    for label in cohort.classes:
        number[cohort.labels == label] = rng.permutation(20) + 1
    values = cohort.expression + rng.normal(0, 0.7, (21, cohort.n_probes))[number]
    names = [f"{label[0]}{place}" for label, place in zip(cohort.labels, number, strict=True)]
    paired = replace(cohort, expression=values, samples=np.array(names))
    finding = by_code("LT026").finding(AuditInput(paired))
    assert finding is not None
    assert finding.numbers["pairs"] == 20
    assert by_code("LT026").finding(AuditInput(replace(paired, donors=number.astype(str)))) is None


def test_one_finding_for_each_pair_of_rows() -> None:
    """Pairs of rows (LT003) that are also near-duplicates are not reported twice, exact copies are."""
    rng = np.random.default_rng(1)
    cohort = clean()
    cohort = cohort.take(np.argsort(cohort.codes, kind="stable"), "sorted")
    values = cohort.expression + np.repeat(rng.normal(0, 2.0, (30, cohort.n_probes)), 2, axis=0)
    paired = replace(cohort, expression=values)
    assert (AuditInput(paired).residual_correlation[::2, 1::2].diagonal() > 0.5).all()
    assert [f.code for f in audit(paired) if f.code in {"LT002", "LT003"}] == ["LT003"]
    values[1] = values[0]
    codes = [f.code for f in audit(replace(cohort, expression=values)) if f.code in {"LT002", "LT003"}]
    assert codes == ["LT002", "LT003"]


def test_a_mislabelled_sample_is_named_once() -> None:
    found = {finding.code: finding for finding in CASES["LT024"][0]()}
    cohort = clean(effect=4.0)
    assert found["LT024"].numbers["samples"] == [cohort.samples[7]]
    assert found["LT024"].numbers["looks_like"] == [cohort.labels[7]]
    assert "LT010" not in found


def test_suspects_need_three_models_and_few_other_errors() -> None:
    cohort = clean(effect=4.0)
    labels = cohort.labels.copy()
    labels[7] = "AML" if labels[7] == "Normal" else "Normal"
    wrong = replace(cohort, labels=labels)
    whole = evaluate(wrong, ["logistic", "knn", "centroids", "majority"], design=Design(5, 2), jobs=1)
    some = [result for result in whole.results if result.model != "knn"]
    fewer = replace(whole, models=tuple(m for m in whole.models if m.name != "knn"), results=tuple(some))
    entry = by_code("LT024")
    assert entry.finding(AuditInput(wrong, whole)) is not None
    assert entry.finding(AuditInput(wrong, fewer)) is None
    overlapping = clean(effect=0.8)
    hard = evaluate(overlapping, ["logistic", "knn", "centroids"], design=Design(5, 2), jobs=1)
    assert entry.finding(AuditInput(overlapping, hard)) is None

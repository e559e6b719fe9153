"""Simulated cohorts: layout, known truth, and null cohorts without signal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.feature_selection import f_classif

import leukotype as lt
from leukotype.datasets import simulate
from leukotype.errors import BadValues


def test_the_default_has_the_layout_of_gse9476():
    cohort = simulate.default()
    assert (cohort.n_samples, cohort.n_probes) == (64, 22283)
    assert cohort.class_counts == {
        "AML": 26,
        "Bone_Marrow": 10,
        "Bone_Marrow_CD34": 8,
        "PB": 10,
        "PBSC_CD34": 10,
    }
    assert sum(probe.startswith("AFFX") for probe in cohort.probes) == 68
    # Rows are grouped by class, as in CuMiDa.
    assert (cohort.labels[1:] != cohort.labels[:-1]).sum() == 4
    assert cohort.provenance.simulated
    assert "not values of patients" in cohort.provenance.steps[0]
    assert cohort.expression.min() >= 2.0
    assert cohort.expression.max() < 20


@settings(deadline=None, max_examples=25)
@given(
    sizes=st.dictionaries(
        st.sampled_from(["AML", "PB", "Bone_Marrow_CD34", "PBSC_CD34"]), st.integers(1, 9), min_size=1
    ),
    n_probes=st.integers(1, 150),
    seed=st.integers(0, 20),
)
def test_sizes_and_seed_are_respected(sizes, n_probes, seed):
    first, again = (simulate.simulate(sizes, n_probes, seed=seed) for _ in range(2))
    assert first.cohort.class_counts == {name: sizes[name] for name in sorted(sizes)}
    assert first.cohort.n_probes == n_probes
    assert first.cohort.fingerprint == again.cohort.fingerprint
    if n_probes > 5:
        assert (
            simulate.simulate(sizes, n_probes, seed=seed + 1).cohort.fingerprint != first.cohort.fingerprint
        )


def test_markers_differ_by_the_planted_effect():
    simulation = simulate.simulate(
        {"AML": 400, "PB": 400}, 300, markers_per_class=10, effect=2.0, composition=0.0, seed=1
    )
    truth = simulation.population
    x, y = simulation.cohort.expression, simulation.cohort.labels
    gap = np.abs(x[y == "AML"].mean(axis=0) - x[y == "PB"].mean(axis=0)) / truth.deviations
    planted = np.unique(np.concatenate(list(simulation.markers.values())))
    assert len(simulation.markers["AML"]) == 10
    # A marker of both classes shifts in both.
    both = np.intersect1d(simulation.markers["AML"], simulation.markers["PB"])
    assert np.mean(gap[np.setdiff1d(planted, both)]) == pytest.approx(2.0, abs=0.5)
    assert gap[np.setdiff1d(np.arange(300), planted)].max() < 0.4


def test_the_two_cd34_compartments_share_nine_tenths_of_their_markers():
    markers = simulate.simulate(n_probes=5000, seed=2).markers
    first, second = markers["Bone_Marrow_CD34"], markers["PBSC_CD34"]
    assert len(np.intersect1d(first, second)) >= 0.85 * len(first)
    assert len(np.intersect1d(first, markers["AML"])) < 0.2 * len(first)


def test_fresh_samples_come_from_the_same_population():
    simulation = simulate.simulate({"AML": 300, "PB": 300}, 80, seed=5)
    fresh = simulation.fresh({"AML": 300, "PB": 300}, seed=6)
    assert fresh.fingerprint != simulation.cohort.fingerprint
    for label in ("AML", "PB"):
        old = simulation.cohort.expression[simulation.cohort.labels == label].mean(axis=0)
        new = fresh.expression[fresh.labels == label].mean(axis=0)
        assert np.abs((old - new) / simulation.population.deviations).max() < 0.6


def test_fresh_samples_with_the_same_seed_differ_from_the_cohort():
    sizes = {"AML": 20, "PB": 20}
    simulation = simulate.simulate(sizes, 200, seed=7)
    fresh = simulation.fresh(sizes, seed=7)
    centre = simulation.population.means[simulation.cohort.codes]
    noise, new = simulation.cohort.expression - centre, fresh.expression - centre
    assert abs(np.corrcoef(noise.ravel(), new.ravel())[0, 1]) < 0.1
    assert fresh.fingerprint == simulation.fresh(sizes, seed=7).fingerprint


def test_realistic_cohorts_have_sizes_seeds_and_fresh_samples():
    sizes = {"AML": 40, "PB": 30, "T": 30}
    drawn, again = (simulate.realistic(sizes, 400, seed=3) for _ in range(2))
    assert drawn.cohort.class_counts == sizes
    assert drawn.cohort.fingerprint == again.cohort.fingerprint
    assert simulate.realistic(sizes, 400, seed=4).cohort.fingerprint != drawn.cohort.fingerprint
    fresh = drawn.fresh(sizes, seed=3)
    assert fresh.fingerprint not in (drawn.cohort.fingerprint, drawn.fresh(sizes, seed=4).fingerprint)
    for label in sizes:
        old = drawn.cohort.expression[drawn.cohort.labels == label].mean(axis=0)
        new = fresh.expression[fresh.labels == label].mean(axis=0)
        assert np.median(np.abs(old - new) / drawn.population.deviations) < 0.3
        # Markers differ in new samples.
        others = fresh.expression[fresh.labels != label].mean(axis=0)
        gap = np.abs(new - others) / drawn.population.deviations
        marker = np.isin(np.arange(400), drawn.markers[label])
        assert np.median(gap[marker]) > 1 > np.median(gap[~marker])
    assert simulate.realistic({"a": 3}, 1).cohort.n_probes == 1


@pytest.mark.parametrize("arguments", [({"a": 0}, 10), ({}, 10), ({"a": 3}, 0)])
def test_impossible_sizes_of_realistic_cohorts_are_refused(arguments):
    with pytest.raises(BadValues):
        simulate.realistic(*arguments)


def test_many_probes_of_the_default_separate_the_classes_and_single_ones_do_not():
    cohort = simulate.default()
    models = ["logistic", "centroids", "single-probe"]
    table = lt.evaluate(cohort, models, jobs=1).summary(["balanced_accuracy"]).set_index("model")
    found = table["value"]
    assert found["single-probe"] < 0.65
    assert found.drop("single-probe").min() > 0.85
    assert found["auto"] > found.max() - 0.03


@pytest.mark.parametrize("sizes", [{"ALL": 3}, {"AML": 0}, {}])
def test_fresh_samples_of_unknown_classes_are_refused(sizes):
    with pytest.raises(BadValues, match="AML, PB"):
        simulate.simulate({"AML": 3, "PB": 3}, 5).fresh(sizes, seed=1)


def test_the_two_cd34_compartments_are_the_nearest_pair():
    for seed in range(5):
        truth = simulate.simulate(n_probes=3000, seed=seed).population
        z = truth.means / truth.deviations
        apart = {
            (a, b): np.linalg.norm(z[i] - z[j])
            for i, a in enumerate(truth.classes)
            for j, b in enumerate(truth.classes[:i])
        }
        assert set(min(apart, key=apart.get)) == {"Bone_Marrow_CD34", "PBSC_CD34"}


def test_larger_effects_are_easier_to_classify():
    def accuracy(effect):
        sizes = {"AML": 15, "PB": 15}
        simulation = simulate.simulate(
            sizes, 300, markers_per_class=5, effect=effect, composition=0.0, seed=3
        )
        cohort, fresh = simulation.cohort, simulation.fresh({"AML": 200, "PB": 200}, seed=4)
        centres = np.stack([cohort.expression[cohort.codes == k].mean(axis=0) for k in (0, 1)])
        spread = simulation.population.deviations
        apart = [np.linalg.norm((fresh.expression - centre) / spread, axis=1) for centre in centres]
        return np.mean(np.argmin(apart, axis=0) == fresh.codes)

    assert accuracy(0.0) == pytest.approx(0.5, abs=0.08)
    assert accuracy(0.0) + 0.1 < accuracy(1.5) < accuracy(4.0)


def test_correlation_parameter_correlates_the_probes():
    def typical(correlation):
        x = simulate.null_cohort({"a": 200}, 200, seed=1, correlation=correlation).expression
        return np.abs(np.corrcoef(x.T)[np.triu_indices(200, 1)]).mean()

    assert typical(0.0) < 0.09 < typical(0.5)


@pytest.mark.parametrize("correlation", [0.0, 0.35, 0.9])
def test_null_labels_are_independent_of_expression(correlation):
    # One probe per cohort: probes of one cohort are correlated, and the test needs independent values.
    cohorts = [simulate.null_cohort(n_probes=2, seed=seed, correlation=correlation) for seed in range(400)]
    p_values = [f_classif(cohort.expression[:, :1], cohort.codes)[1][0] for cohort in cohorts]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_deviations_within_a_class_match_the_population(correlation):
    simulation = simulate.simulate(
        {"AML": 1500, "PB": 2}, 60, correlation=correlation, array_shift=0.0, seed=2
    )
    x = simulation.cohort.expression[simulation.cohort.labels == "AML"]
    # Away from the floor of the intensities.
    high = simulation.population.means[0] > 4.5
    np.testing.assert_allclose(x.std(axis=0)[high], simulation.population.deviations[high], rtol=0.08)


def test_null_cohorts_have_the_proportions_of_gse9476():
    assert sorted(simulate.null_cohort(n_probes=5).class_counts.values()) == [8, 9, 9, 9, 25]


@pytest.mark.parametrize("arguments", [({"a": 0}, 10), ({}, 10), ({"a": 3}, 0)])
def test_impossible_sizes_are_refused(arguments):
    with pytest.raises(BadValues):
        simulate.simulate(*arguments)


@pytest.mark.parametrize(
    "parameters", [{"n_factors": 0}, {"correlation": 1.0}, {"correlation": -0.1}, {"array_shift": -1.0}]
)
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(BadValues, match="needed"):
        simulate.simulate({"a": 3}, 5, **parameters)


def test_more_markers_than_probes_are_refused():
    with pytest.raises(BadValues, match="more markers than probes"):
        simulate.simulate({"a": 3}, 5, markers_per_class=6)


def test_probes_have_the_distribution_of_real_probes(data_folder):
    real = pd.read_csv(data_folder / "cumida" / "Leukemia_GSE9476_probe_stats.csv.gz")
    x = simulate.default().expression
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    np.testing.assert_allclose(
        np.quantile(x.mean(axis=0), levels), np.quantile(real["mean_A_n51"], levels), atol=0.35
    )
    ratio = np.quantile(x.std(axis=0), levels) / np.quantile(np.sqrt(real["var_A_n51"]), levels)
    assert np.all((ratio > 0.75) & (ratio < 1.25)), ratio
    # Probes of medium intensity vary more than weak and very strong ones.
    bins = [3, 4, 5, 6, 7, 8, 9, 10, 12, 14.1]
    typical = [
        pd.Series(deviation).groupby(pd.cut(mean, bins), observed=False).median().to_numpy()
        for mean, deviation in (
            (x.mean(axis=0), x.std(axis=0)),
            (real["mean_A_n51"].to_numpy(), np.sqrt(real["var_A_n51"].to_numpy())),
        )
    ]
    np.testing.assert_allclose(typical[0], typical[1], rtol=0.4)

"""Nearest shrunken centroids against an independent script of the paper's formulas and against scikit-learn."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.neighbors import NearestCentroid

from leukotype.wide.centroids import path
from wide_problems import fit, problem

REFERENCE = json.loads((Path(__file__).parent / "references" / "shrunken_centroids.json").read_text())
GRID = tuple({"shrinkage": share} for share in np.linspace(0, 1, 11))


@pytest.mark.parametrize("result", REFERENCE["results"], ids=lambda result: str(result["shrinkage"]))
def test_worked_example(result):
    x, labels = np.array(REFERENCE["expression"]), np.array(REFERENCE["labels"])
    fold, (candidate,) = fit(
        path, x, labels, [{"shrinkage": result["shrinkage"]}], np.array(REFERENCE["new"])
    )
    differences = np.array(result["differences"])
    assert candidate.threshold == pytest.approx(result["threshold"], rel=1e-12)
    assert_array_equal(candidate.probes, np.flatnonzero(differences.any(axis=0)))
    assert_allclose(candidate.differences, differences[:, candidate.probes], rtol=1e-12, atol=1e-13)
    assert_allclose(candidate.predict_proba(fold), result["probabilities"], rtol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_differences_equal_those_of_scikit_learn(n_classes):
    x, labels = problem(40, 60, n_classes)
    _, fitted = fit(path, x, labels, GRID[1:-1])
    for candidate in fitted:
        plain = NearestCentroid(shrink_threshold=candidate.threshold, priors="empirical").fit(x, labels)
        ours = np.zeros((n_classes, 60))
        ours[:, candidate.probes] = candidate.differences
        assert_allclose(ours, plain.deviations_, atol=1e-12)


def test_predictions_equal_scikit_learn_if_all_deviations_are_equal():
    # scikit-learn measures the distance to the centroid in s_i, not s_i + s_0: with equal s_i and equal class
    # sizes both rank the classes equally.
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 10)
    noise = rng.normal(size=(30, 50))
    for code in range(3):
        noise[labels == code] -= noise[labels == code].mean(axis=0)
    noise /= np.sqrt((noise**2).sum(axis=0) / 27)
    x = noise + rng.normal(size=(3, 50))[labels]
    new = rng.normal(size=(20, 50))
    fold, fitted = fit(path, x, labels, GRID[:-1], new)
    for candidate in fitted:
        plain = NearestCentroid(shrink_threshold=candidate.threshold or None).fit(x, labels)
        assert_array_equal(candidate.predict_proba(fold).argmax(axis=1), plain.predict(new))


def test_threshold_0_is_the_plain_diagonal_classifier():
    x, labels = problem(30, 40)
    new, _ = problem(10, 40, seed=1)
    fold, (candidate,) = fit(path, x, labels, [{"shrinkage": 0.0}], new)
    means = np.array([x[labels == code].mean(axis=0) for code in range(3)])
    deviation = np.sqrt(((x - means[labels]) ** 2).sum(axis=0) / 27)
    variance = (deviation + np.median(deviation)) ** 2
    scores = -((new[:, None, :] - means) ** 2 / variance).sum(axis=2) / 2
    expected = softmax(scores + np.log(np.bincount(labels) / 30), axis=1)
    assert_allclose(candidate.predict_proba(fold), expected, rtol=1e-8, atol=1e-12)
    assert_array_equal(candidate.probes, np.arange(40))


def test_the_largest_threshold_leaves_the_class_shares_and_none_smaller_does():
    x, labels = problem()
    fold, (last, almost) = fit(path, x, labels, [{"shrinkage": 1.0}, {"shrinkage": 1 - 1e-9}])
    assert len(last.probes) == 0
    assert len(almost.probes) == 1
    assert_allclose(last.predict_proba(fold), np.tile(np.bincount(labels) / 30, (30, 1)))


def test_a_larger_threshold_reads_a_subset_of_the_probes():
    x, labels = problem(p=500)
    fold, fitted = fit(path, x, labels, GRID)
    for wide, narrow in pairwise(fitted):
        assert set(narrow.probes) <= set(wide.probes)
    # Columns outside `probes` are not read.
    poisoned = x.copy()
    poisoned[:, np.setdiff1d(np.arange(500), fitted[5].probes)] = -1e9
    other, _ = fit(path, x, labels, GRID, poisoned)
    assert_array_equal(fitted[5].predict_proba(other), fitted[5].predict_proba(fold))


def test_markers_are_found():
    x, labels = problem(60, 300, 3, shift=4.0)
    _, (candidate,) = fit(path, x, labels, [{"shrinkage": 0.6}])
    assert set(candidate.probes) <= {0, 1, 2}


def test_probes_that_are_constant_within_the_classes():
    # More than half of the probes are constant within the classes: the median deviation would be 0.
    x, labels = problem(20, 4, 2)
    fold, fitted = fit(path, np.hstack([x, np.tile(labels[:, None] * 3.0, (1, 6))]), labels, GRID)
    for candidate in fitted[:-1]:
        p = candidate.predict_proba(fold)
        assert np.isfinite(p).all()
        assert (p.argmax(axis=1) == labels).all()


def test_one_sample_in_every_class():
    x = np.array([[0.0, 1.0, 5.0], [4.0, 1.0, 2.0], [9.0, 1.0, 7.0]])
    fold, (candidate,) = fit(path, x, np.array([0, 1, 2]), [{"shrinkage": 0.0}])
    assert_array_equal(candidate.predict_proba(fold).argmax(axis=1), [0, 1, 2])


@pytest.mark.parametrize("setting", [{"shrinkage": 1.1}, {"shrinkage": -0.1}, {"threshold": 2}])
def test_bad_settings_are_named(setting):
    x, labels = problem()
    with pytest.raises(ValueError, match=next(iter(setting))):
        fit(path, x, labels, [setting])

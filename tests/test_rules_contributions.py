"""Contributions of probes: they sum to the evidence, and for trees they are Shapley values by definition."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from leukotype.models import by_name
from leukotype.rules import assemble, margins
from leukotype.wide import Fold, rule_of
from rule_cases import NAMES, fitted, rule
from wide_problems import problem


def log_evidence(p, code):
    others = np.delete(np.log(p), code, axis=1)
    return np.log(p[:, code]) - others.mean(axis=1)


def evidence(name, frozen, x, code):
    """What the contributions sum to, from the output alone."""
    p = frozen.output(x)
    if frozen.kind in ("constant", "pairs") or getattr(frozen, "link", "") == "vote":
        return p[:, code]
    if name == "svm":
        # The score of one of two classes is its margin; of more, its fraction encodes the sum of the margins.
        if p.shape[1] == 2:
            return p[:, code]
        fraction = p[:, code] - np.round(p[:, code])
        confidence = np.sign(fraction) * 3 * np.abs(fraction) / (1 - 3 * np.abs(fraction))
        return confidence / (p.shape[1] - 1)
    return log_evidence(p, code)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "knn"])
def test_contributions_add_up(name, n_classes):
    fold, _ = fitted(name, n_classes)
    frozen = rule(name, n_classes)
    x = fold.x_test[:, frozen.reads]
    for code in range(n_classes):
        shared = frozen.contributions(x, code)
        assert shared.values.shape == x.shape
        assert shared.how == ("approximate" if frozen.kind in ("perceptron", "pairs") else "exact")
        # The mean gradient along a line is approximated at 64 points.
        atol = 0.1 if frozen.kind == "perceptron" else 1e-6
        found = shared.base + shared.values.sum(axis=1)
        assert_allclose(found, evidence(name, frozen, x, code), rtol=1e-6, atol=atol)


def test_the_evidence_of_two_classes_is_opposite():
    for name in ("logistic", "centroids", "xgboost", "naive-bayes", "mlp", "svm", "knn"):
        fold, _ = fitted(name, 2)
        frozen = rule(name, 2)
        one, two = (frozen.contributions(fold.x_test[:, frozen.reads], code) for code in (0, 1))
        assert_allclose(one.values, -two.values, atol=1e-12)
        assert_allclose(one.base, -two.base, atol=1e-12)


def test_the_mean_sample_has_no_contributions_to_linear_rules():
    for name in ("logistic", "elastic-net", "svm", "ridge-lda", "mlp"):
        frozen = rule(name)
        assert_array_equal(frozen.contributions(frozen.centre[None, :], 1).values, 0.0)


def test_markers_contribute_most():
    x, labels = problem(60, 30, 3, shift=0.0)
    x[np.arange(60), labels] += 6.0
    fold = Fold(x, np.arange(45), np.arange(45, 60))
    for name in NAMES:
        # With one neighbour, the noise of thirty probes is as large as a marker.
        chosen = {"xgboost": {"n_estimators": 30}, "knn": {"n_neighbors": 9}}
        grid = [chosen.get(name, by_name(name).settings()[0])]
        candidate = by_name(name).path(fold, labels[:45], grid, np.random.default_rng(0))[0]
        frozen = rule_of(candidate, fold)
        if frozen.n_read < 4:
            continue
        for row, code in enumerate(labels[45:].tolist()):
            values = frozen.contributions(fold.x_test[[row]][:, frozen.reads], code).values[0]
            strongest = frozen.reads[np.argsort(-values)[:3]]
            assert code in strongest, name


def expectation(frozen, leaf_values, sample, known):
    """The sum over trees of the expectation for `sample` if only the columns `known` are known."""
    trees, cover = frozen.trees, frozen.cover

    def below(node):
        left, right = trees.left[node], trees.right[node]
        if left == node:
            return leaf_values[node]
        column = trees.column[node]
        if column in known:
            goes_left = np.float32(sample[column]) <= trees.threshold[node]
            return below(left if goes_left else right)
        return (cover[left] * below(left) + cover[right] * below(right)) / cover[node]

    return sum(below(root) for root in trees.roots.tolist())


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(["forest", "xgboost", "tree"]))
def test_contributions_of_trees_are_shapley_values(seed, name):
    x, labels = problem(40, 4, 3, seed=seed, shift=0.8)
    fold = Fold(x, np.arange(38), [38, 39])
    setting = {"forest": {"n_estimators": 5}, "xgboost": {"n_estimators": 3, "max_depth": 4}, "tree": {}}[
        name
    ]
    candidate = by_name(name).path(fold, labels[:38], [setting], np.random.default_rng(seed))[0]
    frozen = rule_of(candidate, fold)
    n, trees = frozen.n_read, frozen.trees
    if frozen.link == "vote":
        leaf_values = trees.value[:, 1] / trees.n_trees
    else:
        sizes = np.diff(np.append(trees.roots, len(trees.left)))
        leaf_values = trees.value[:, 0] * np.repeat(margins.evidence("softmax", 1, 3)[frozen.group], sizes)
    shared = frozen.contributions(fold.x_test[:, frozen.reads], 1)
    for sample, values in zip(fold.x_test[:, frozen.reads], shared.values, strict=True):
        for column in range(n):
            others = [other for other in range(n) if other != column]
            expected = 0.0
            for size in range(n):
                weight = factorial(size) * factorial(n - 1 - size) / factorial(n)
                for known in combinations(others, size):
                    with_it = expectation(frozen, leaf_values, sample, {*known, column})
                    expected += weight * (with_it - expectation(frozen, leaf_values, sample, set(known)))
            assert_allclose(values[column], expected, atol=1e-10)


def test_trees_of_one_leaf_have_no_contributions():
    arrays = {
        "reads": np.empty(0, dtype=np.intp), "roots": np.array([0]), "left": np.array([0]), "right": np.array([0]),
        "column": np.array([0]), "threshold": np.zeros(1), "value": np.array([[0.25, 0.75]]), "cover": np.array([8]),
    }  # fmt: skip
    frozen = assemble({"kind": "trees", "n_classes": 2, "n_probes": 5, "link": "vote"}, arrays)
    shared = frozen.contributions(np.empty((2, 0)), 1)
    assert shared.base == 0.75
    assert_array_equal(frozen.output(np.empty((2, 0))), [[0.25, 0.75]] * 2)

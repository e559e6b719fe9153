"""Rules for ties, constants and large numbers, models without a rule, and invalid rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from leukotype.errors import BadBundle, NotPortable
from leukotype.models import by_name
from leukotype.models.plugins import Checked
from leukotype.rules import assemble
from leukotype.rules.neighbours import WEIGHTS
from leukotype.wide import Fold, neighbors, rule_of
from leukotype.wide.adapter import SklearnPath
from rule_cases import NAMES, rule
from wide_problems import DEGENERATE, fit, problem


@pytest.mark.parametrize("kind", DEGENERATE)
@pytest.mark.parametrize("name", NAMES)
def test_degenerate_input(name, kind):
    x, labels = problem(47, 30, 3)
    joined = DEGENERATE[kind](x)
    setting = {"forest": {"n_estimators": 5}, "xgboost": {"n_estimators": 3}}.get(name)
    grid = [setting or by_name(name).settings()[0]]
    fold = Fold(joined, np.arange(36), np.arange(36, 47))
    candidate = by_name(name).path(fold, labels[:36], grid, np.random.default_rng(0))[0]
    frozen = rule_of(candidate, fold)
    # At 1e6, differences keep ten of sixteen digits; in scikit-learn's discriminant, which takes differences of
    # squares, four.
    atol = {"single-probe": 1e-3}.get(name, 1e-8) if kind == "far from 0" else 1e-12
    assert_allclose(
        frozen.output(fold.x_test[:, frozen.reads]), candidate.predict_proba(fold), rtol=0, atol=atol
    )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.sampled_from([12, 40, 300]), p=st.integers(1, 4))
def test_ties_between_neighbours_are_decided_as_in_the_model(seed, n, p):
    rng = np.random.default_rng(seed)
    x, new = rng.integers(0, 3, (n, p)), rng.integers(0, 3, (9, p))
    labels = np.concatenate([np.arange(3), rng.integers(0, 3, n - 3)])
    grid = [{"n_neighbors": k, "weights": weights} for k in (1, 2, 3, 5, 8) for weights in WEIGHTS]
    fold, fitted = fit(neighbors.path, x.astype(float), labels, grid, new.astype(float))
    for candidate in fitted:
        frozen = rule_of(candidate, fold)
        assert_allclose(frozen.output(fold.x_test), candidate.predict_proba(fold), rtol=0, atol=1e-12)


@dataclass(frozen=True)
class Stranger:
    setting: Any
    probes: Any = None

    def predict_proba(self, fold):
        return np.full((fold.n_test, 2), 0.5)


def test_a_model_without_a_rule_is_refused():
    x, labels = problem(20, 10, 2)
    fold = Fold(x, np.arange(15), np.arange(15, 20))
    with pytest.raises(NotPortable, match="model 'mine' cannot be saved: its fitted candidates") as refused:
        rule_of(Stranger({}), fold, "mine")
    assert "\n" not in str(refused.value)
    path = Checked(by_name("logistic").path, frozenset({"probabilities"}))
    candidate = path(fold, labels[:15], [{"C": 1.0}], np.random.default_rng(0))[0]
    assert rule_of(candidate, fold).kind == "linear"
    from sklearn.linear_model import LogisticRegression

    candidate = SklearnPath(LogisticRegression)(fold, labels[:15], [{}], np.random.default_rng(0))[0]
    with pytest.raises(NotPortable, match="the model cannot be saved"):
        rule_of(candidate, fold)


def changed(name, where, value):
    spec, arrays = rule(name).parts()
    if where in spec:
        spec[where] = value
    else:
        arrays[where] = value(arrays[where].copy()) if callable(value) else value
    return spec, arrays


def put(place, value):
    def change(array):
        array[place] = value
        return array

    return change


def self_circle(left):
    inner = np.flatnonzero(left)
    left[inner[1]] = -inner[1]
    return left


REFUSED = [
    ("logistic", "kind", "pickle", "kind is 'pickle', and must be one of linear"),
    ("logistic", "kind", None, "kind is None"),
    ("logistic", "n_classes", 3.0, "n_classes is 3.0, and must be an integer from 2"),
    ("logistic", "n_classes", True, "n_classes is True"),
    ("logistic", "n_classes", 10**400, "n_classes is 1000"),
    ("logistic", "n_classes", 4, "array weights has shape 3 x 60, and must have shape 4 x 60"),
    ("logistic", "n_probes", 59, "array reads has values outside 0 to 58"),
    ("logistic", "link", "logistic", "its logistic link needs 2 classes, and it has 3"),
    ("logistic", "more", 1, "it has an unknown entry 'more'"),
    ("logistic", "reads", put(1, 0), "its probe numbers are not ascending"),
    ("logistic", "reads", put(0, -1), "array reads has values outside"),
    ("logistic", "weights", put((0, 0), np.nan), "array weights has values outside"),
    ("logistic", "weights", put((0, 0), np.inf), "array weights has values outside"),
    ("logistic", "weights", lambda array: array.astype("<i4"), "array weights has type int32"),
    ("logistic", "centre", lambda array: array[:-1], "array centre has shape 59, and must have shape 60"),
    ("forest", "left", put(0, 10**6), "array left has values outside"),
    ("forest", "left", put(0, 0), "one child, or"),
    ("forest", "left", put(0, 200), "a child outside its tree"),
    ("forest", "left", put(0, 2), "has no parent, or several"),
    ("forest", "left", self_circle, "array left has values outside|one child, or"),
    ("forest", "roots", put(0, 1), "its trees do not follow one another"),
    ("forest", "roots", put(1, 0), "its trees do not follow one another"),
    ("forest", "roots", lambda array: array[:0], "it has 0 trees"),
    ("forest", "column", put(0, 10**6), "array column has values outside"),
    ("forest", "cover", put(0, 0), "array cover has values outside"),
    ("forest", "cover", put(0, 10), "not those of its children"),
    ("forest", "value", lambda array: array * 0.5, "class shares of a leaf are not"),
    (
        "forest",
        "value",
        lambda array: 2 * array - array.max(axis=1)[:, None],
        "class shares of a leaf are not",
    ),
    ("xgboost", "group", put(0, 3), "array group has values outside 0 to 2"),
    ("xgboost", "base", lambda array: array[:1], "array base has shape 1, and must have shape 3"),
    ("knn", "n_neighbors", 41, "n_neighbors is 41, and must be an integer from 1 to 40"),
    ("knn", "weights", "other", "weights is 'other'"),
    ("knn", "labels", put(0, 3), "array labels has values outside"),
    ("knn", "scale", put(0, 0.0), "array scale has values outside"),
    ("pairs", "counts", put(0, 10**6), "must have at most 1,000,000"),
    ("pairs", "lower", put(0, 10**6), "array lower has values outside"),
    ("pairs", "lower", lambda array: rule("pairs").parts()[1]["upper"], "a pair has the same probe twice"),
    ("naive-bayes", "variance", put((0, 0), -1.0), "array variance has values outside"),
    ("naive-bayes", "shares", lambda array: array / 2, "do not sum to 1"),
    ("majority", "shares", lambda array: array / 2, "do not sum to 1"),
    ("majority", "reads", np.array([1]), "must not read probes"),
    ("mlp", "n_layers", 3, "it has no array weights_2"),
    ("mlp", "n_layers", 1, "its last layer has 32 sums"),
    ("mlp", "bias_0", lambda array: array[1:], "array bias_0 has shape 31, and must have shape 32"),
]


@pytest.mark.parametrize(("name", "where", "value", "found"), REFUSED)
def test_an_invalid_rule_is_refused_in_one_line(name, where, value, found):
    with pytest.raises(BadBundle, match=found) as refused:
        assemble(*changed(name, where, value))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_a_missing_entry_is_named():
    for name in NAMES:
        spec, arrays = rule(name).parts()
        for entry in spec:
            with pytest.raises(BadBundle, match=f"it has no {entry}"):
                assemble({key: value for key, value in spec.items() if key != entry}, arrays)
        for entry in arrays:
            with pytest.raises(BadBundle, match=f"it has no array {entry}"):
                assemble(spec, {key: value for key, value in arrays.items() if key != entry})

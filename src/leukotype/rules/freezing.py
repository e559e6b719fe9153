"""From fitted candidates to rules: one function for each kind of candidate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from leukotype.arrays import IntArray
from leukotype.errors import NotPortable
from leukotype.models.baselines import SingleProbe
from leukotype.models.checked import unchecked
from leukotype.rules.constant import Constant
from leukotype.rules.gaussian import Gaussian
from leukotype.rules.linear import Linear
from leukotype.rules.neighbours import Neighbours
from leukotype.rules.pairs import Pairs
from leukotype.rules.perceptron import Perceptron
from leukotype.rules.rule import Rule
from leukotype.rules.trees import TreeSums
from leukotype.wide import Candidate, Fold
from leukotype.wide._trees import TreeArrays, Trees, join
from leukotype.wide.adapter import ClassShares, FittedEstimator, span_axes
from leukotype.wide.boosting import FittedBoosting
from leukotype.wide.centroids import FittedCentroids
from leukotype.wide.discriminant import FittedDiscriminant
from leukotype.wide.elasticnet import FittedElasticNet
from leukotype.wide.forest import FittedForest
from leukotype.wide.linear import ProbeRule, SampleRule
from leukotype.wide.logistic import FittedLogistic
from leukotype.wide.neighbors import FittedNeighbors
from leukotype.wide.pairs import FittedPairs
from leukotype.wide.svm import FittedSVM

Freezer = Callable[[Any, Fold], Rule]


def frozen(candidate: Candidate, fold: Fold) -> Rule:
    """Return the rule of a candidate that was fitted on `fold`; see `leukotype.rules.freeze`."""
    candidate = unchecked(candidate)
    for kind, freezer in FREEZERS:
        if isinstance(candidate, kind):
            return freezer(candidate, fold)
    inner = getattr(candidate, "estimator", candidate)
    raise NotPortable(
        f"a {type(inner).__name__} has no form as plain numbers, and a classifier's file holds nothing else. "
        "Train one of the models that `leukotype study --help` lists."
    )


def _margins(
    candidate: FittedLogistic | FittedCentroids | FittedDiscriminant | FittedSVM, fold: Fold
) -> Linear:
    if isinstance(candidate, FittedSVM):
        return _linear(candidate.rule, "duels", candidate.n_classes)
    return _linear(candidate.rule, "softmax", len(candidate.rule.intercept))


def _linear(rule: SampleRule | ProbeRule, link: str, n_classes: int) -> Linear:
    fold = rule.fold
    if isinstance(rule, ProbeRule):
        return Linear(
            n_classes,
            fold.n_probes,
            rule.probes,
            link,
            fold.mean[rule.probes],
            rule.weights,
            rule.intercept,
        )
    coefficients, intercept = rule.coefficients()
    reads = np.flatnonzero(coefficients.any(axis=0))
    weights = coefficients[:, reads] / fold.scale[reads]
    return Linear(n_classes, fold.n_probes, reads, link, fold.mean[reads], weights, intercept)


def _elastic_net(candidate: FittedElasticNet, fold: Fold) -> Linear:
    n_margins, reads = len(candidate.intercept), candidate.probes
    return Linear(
        n_classes=max(n_margins, 2),
        n_probes=fold.n_probes,
        reads=reads,
        link="softmax" if n_margins > 1 else "logistic",
        centre=fold.mean[reads],
        weights=candidate.coefficients.T,
        intercept=candidate.intercept + fold.mean[reads] @ candidate.coefficients,
    )


def _single_probe(candidate: SingleProbe, fold: Fold) -> Linear:
    rule, reads = candidate.rule, candidate.probes
    weights, centre = np.asarray(rule.coef_), fold.mean[reads]
    return Linear(
        n_classes=len(rule.classes_),
        n_probes=fold.n_probes,
        reads=reads,
        link="softmax" if len(weights) > 1 else "logistic",
        centre=centre,
        weights=weights,
        intercept=rule.intercept_ + weights @ centre,
    )


def _boosting(candidate: FittedBoosting, fold: Fold) -> TreeSums:
    n_margins = len(candidate.base)
    return TreeSums(
        n_classes=max(n_margins, 2),
        n_probes=fold.n_probes,
        reads=candidate.trees.columns,
        link="softmax" if n_margins > 1 else "logistic",
        trees=_by_position(candidate.trees),
        group=candidate.group,
        base=candidate.base,
        cover=_cover(candidate.trees, fold),
    )


def _forest(candidate: FittedForest, fold: Fold) -> TreeSums:
    return _votes(candidate.trees, fold)


def _votes(trees: Trees, fold: Fold) -> TreeSums:
    return TreeSums(
        n_classes=trees.value.shape[1],
        n_probes=fold.n_probes,
        reads=trees.columns,
        link="vote",
        trees=_by_position(trees),
        group=np.zeros(trees.n_trees, dtype=np.intp),
        base=np.empty(0),
        cover=_cover(trees, fold),
    )


def _by_position(trees: Trees) -> Trees:
    columns = np.arange(len(trees.columns), dtype=np.intp)
    return Trees(
        columns,
        trees.column,
        trees.threshold,
        trees.left,
        trees.right,
        trees.value,
        trees.roots,
        trees.depth,
    )


def _cover(trees: Trees, fold: Fold) -> IntArray:
    """(n_nodes,) training samples of the fold that come by a node."""
    cover = np.bincount(trees.leaves(fold.x_train).ravel(), minlength=len(trees.left))
    # A node stands before its children.
    for node in np.flatnonzero(trees.left != np.arange(len(trees.left)))[::-1].tolist():
        cover[node] = cover[trees.left[node]] + cover[trees.right[node]]
    return cover


def _neighbours(candidate: FittedNeighbors, fold: Fold) -> Neighbours:
    return Neighbours(
        n_classes=int(candidate.labels.max()) + 1,
        n_probes=fold.n_probes,
        reads=np.arange(fold.n_probes),
        n_neighbors=candidate.n_neighbors,
        weights=candidate.weights,
        samples=fold.x_train,
        labels=candidate.labels,
        mean=fold.mean,
        scale=fold.scale,
    )


def _pairs(candidate: FittedPairs, fold: Fold) -> Pairs:
    reads = candidate.probes
    lower = np.concatenate([duel.lower for duel in candidate.duels])
    upper = np.concatenate([duel.upper for duel in candidate.duels])
    return Pairs(
        n_classes=candidate.n_classes,
        n_probes=fold.n_probes,
        reads=reads,
        counts=np.array([len(duel.lower) for duel in candidate.duels], dtype=np.intp),
        lower=np.searchsorted(reads, lower),
        upper=np.searchsorted(reads, upper),
    )


def _shares(candidate: ClassShares, fold: Fold) -> Constant:
    return Constant(len(candidate.shares), fold.n_probes, np.empty(0, dtype=np.intp), candidate.shares)


def _estimator(candidate: FittedEstimator, fold: Fold) -> Rule:
    estimator, view = candidate.estimator, candidate.view
    # A class derived from one of these may predict in another way.
    if type(estimator) is GaussianNB and view == "raw":
        return Gaussian(
            n_classes=len(estimator.classes_),
            n_probes=fold.n_probes,
            reads=np.arange(fold.n_probes),
            shares=estimator.class_prior_,
            mean=estimator.theta_,
            variance=estimator.var_,
        )
    if type(estimator) is DecisionTreeClassifier and view == "raw":
        grown = estimator.tree_
        single = TreeArrays(
            grown.feature, grown.threshold, grown.children_left, grown.children_right, grown.value[:, 0, :]
        )
        return _votes(join([single]), fold)
    if type(estimator) is MLPClassifier and estimator.activation == "relu" and view == "span":
        return _perceptron(estimator, fold)
    raise NotPortable(
        f"a {type(estimator).__name__} has no form as plain numbers, and a classifier's file holds nothing "
        "else. Train one of the models that `leukotype study --help` lists."
    )


def _perceptron(estimator: Any, fold: Fold) -> Perceptron:
    # The axes of the span need not be kept: the first layer takes the probes themselves.
    first = fold.onto_probes(span_axes(fold) @ estimator.coefs_[0]).T
    reads = np.flatnonzero(first.any(axis=1))
    return Perceptron(
        n_classes=len(estimator.classes_),
        n_probes=fold.n_probes,
        reads=reads,
        link="logistic" if estimator.out_activation_ == "logistic" else "softmax",
        centre=fold.mean[reads],
        weights=(first[reads] / fold.scale[reads, None], *estimator.coefs_[1:]),
        biases=tuple(estimator.intercepts_),
    )


FREEZERS: tuple[tuple[Any, Freezer], ...] = (
    ((FittedLogistic, FittedCentroids, FittedDiscriminant, FittedSVM), _margins),
    (FittedElasticNet, _elastic_net),
    (SingleProbe, _single_probe),
    (FittedBoosting, _boosting),
    (FittedForest, _forest),
    (FittedNeighbors, _neighbours),
    (FittedPairs, _pairs),
    (ClassShares, _shares),
    (FittedEstimator, _estimator),
)

"""Random forests that tune themselves on the samples each tree did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.tree import DecisionTreeClassifier

from leukotype.wide._trees import Trees, join
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting
from leukotype.wide.screen import f_screens_of_draws

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_DEFAULTS: dict[str, Any] = {
    "max_features": "sqrt",
    "screen": None,
    "n_estimators": 500,
    "min_samples_leaf": 1,
}


@dataclass(frozen=True, eq=False)
class FittedForest:
    """A forest grown on the training part of one fold.

    out_of_bag : (n_train, n_classes) mean vote of the trees that did not see the sample; NaN where all saw it
    oob_loss   : log loss of `out_of_bag`, natural logarithm; a sample that every tree saw is left out
    oob_error  : share of samples that `out_of_bag` calls wrongly
    """

    setting: Setting
    trees: Trees
    out_of_bag: FloatArray
    labels: IntArray = field(repr=False)

    @property
    def probes(self) -> IntArray:
        """Columns that some tree splits on."""
        return self.trees.columns

    @cached_property
    def oob_loss(self) -> float:
        known = ~np.isnan(self.out_of_bag[:, 0])
        if not known.any():
            return float("inf")
        # A vote of 0 out of the few trees that left the sample out is not certainty.
        floor = 0.5 / self.trees.n_trees
        voted = np.maximum(self.out_of_bag[known, self.labels[known]], floor)
        return float(-np.log(voted).mean())

    @cached_property
    def oob_error(self) -> float:
        known = ~np.isnan(self.out_of_bag[:, 0])
        if not known.any():
            return 1.0
        return float((self.out_of_bag[known].argmax(axis=1) != self.labels[known]).mean())

    @property
    def own_score(self) -> float:
        """Minus the out-of-bag log loss: higher is better, and no inner folds are needed."""
        return -self.oob_loss

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) mean over the trees of the class shares in the leaf a sample falls into."""
        return _mean_vote(self.trees, self.trees.leaves(fold.x_test))


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedForest]:
    """Grow one forest per setting, all on the same bootstrap draws.

    Settings: `n_estimators` (500), `max_features` ("sqrt"), `min_samples_leaf` (1), as in scikit-learn's
    RandomForestClassifier, and `screen` (None): each tree considers only the `screen` probes with the highest
    F statistic among the samples that it was given.  The screen is drawn anew for every tree because one
    screen for all trees would have seen the samples they left out, and the out-of-bag error would flatter it.
    With `screen` None the forest is RandomForestClassifier's, tree by tree, for the same seed.

    Breiman (2001), Machine Learning 45, 5-32.
    """
    full = [_complete(setting) for setting in grid]
    n_draws = max(setting["n_estimators"] for setting in full)
    draws = _Draws.of(fold, labels, n_draws, int(rng.integers(np.iinfo(np.int32).max)))
    sizes = [setting["screen"] for setting in full if setting["screen"] is not None]
    if sizes:
        draws.screen(fold, labels, max(sizes))
    return [_grow(draws, labels, setting, wanted) for setting, wanted in zip(full, grid, strict=True)]


@dataclass(eq=False)
class _Draws:
    """What the trees of all settings share: one seed and one bootstrap sample per tree number.

    columns : (n_probes, n_train) float32, so that the probes of a screen are gathered as whole rows
    weights : (n_draws, n_train) how often each sample was drawn
    screens : (n_draws, size) probes by F statistic within the draw, best first
    """

    columns: NDArray[np.float32]
    seeds: NDArray[np.int64]
    weights: FloatArray
    screens: IntArray | None = None

    @classmethod
    def of(cls, fold: Fold, labels: IntArray, n_draws: int, seed: int) -> _Draws:
        # The order of these calls is RandomForestClassifier's, so that its forest can be had again.
        source = np.random.RandomState(seed)
        seeds = np.array([source.randint(np.iinfo(np.int32).max) for _ in range(n_draws)], dtype=np.int64)
        n = fold.n_train
        weights = np.empty((n_draws, n))
        for row, tree_seed in enumerate(seeds):
            weights[row] = np.bincount(np.random.RandomState(tree_seed).randint(0, n, n), minlength=n)
        return cls(np.ascontiguousarray(fold.x_train.T, dtype=np.float32), seeds, weights)

    def screen(self, fold: Fold, labels: IntArray, size: int) -> None:
        self.screens = f_screens_of_draws(fold.z_train, labels, self.weights, size)

    def part(self, draw: int, size: int | None) -> tuple[NDArray[np.float32], IntArray | None]:
        if size is None or self.screens is None:
            return self.columns.T, None
        chosen = self.screens[draw, :size]
        return self.columns[chosen].T, chosen


def _grow(draws: _Draws, labels: IntArray, full: Setting, wanted: Setting) -> FittedForest:
    options = {name: full[name] for name in ("max_features", "min_samples_leaf")}
    features, thresholds, lefts, rights, values = [], [], [], [], []
    # Checking the same parameters and the same finite numbers for each tree takes as long as growing it.
    with config_context(skip_parameter_validation=True, assume_finite=True):
        for draw in range(full["n_estimators"]):
            x, chosen = draws.part(draw, full["screen"])
            tree = DecisionTreeClassifier(random_state=int(draws.seeds[draw]), **options)
            grown = tree.fit(x, labels, sample_weight=draws.weights[draw], check_input=False).tree_
            features.append(grown.feature if chosen is None else chosen[grown.feature])
            thresholds.append(grown.threshold)
            lefts.append(grown.children_left)
            rights.append(grown.children_right)
            values.append(grown.value[:, 0, :])
    trees = join(features, thresholds, lefts, rights, values)
    unseen = draws.weights[: trees.n_trees].T == 0
    vote = _mean_vote(trees, trees.leaves(draws.columns.T), unseen)
    return FittedForest(wanted, trees, vote, labels)


def _mean_vote(trees: Trees, leaves: IntArray, counted: NDArray[np.bool_] | None = None) -> FloatArray:
    n_classes = trees.value.shape[1]
    votes = np.empty((len(leaves), n_classes))
    for code in range(n_classes):
        each = trees.value[leaves, code]
        votes[:, code] = each.sum(axis=1) if counted is None else np.where(counted, each, 0.0).sum(axis=1)
    if counted is None:
        return votes / trees.n_trees
    number = counted.sum(axis=1)[:, None]
    return np.divide(votes, number, out=np.full_like(votes, np.nan), where=number > 0)


def _complete(setting: Setting) -> dict[str, Any]:
    unknown = sorted(set(setting) - set(_DEFAULTS))
    if unknown:
        raise ValueError(f"the forest has no setting {unknown[0]!r}; it has {', '.join(_DEFAULTS)}.")
    full = {**_DEFAULTS, **setting}
    if full["screen"] is not None and full["screen"] < 1:
        raise ValueError(f"screen is {full['screen']}, and must be at least 1, or None for every probe.")
    if full["n_estimators"] < 1:
        raise ValueError(f"n_estimators is {full['n_estimators']}, and must be at least 1.")
    return full

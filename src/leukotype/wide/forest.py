"""Random forests that tune themselves on the samples each tree did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.tree import DecisionTreeClassifier

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.wide._trees import TreeArrays, Trees, join
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting
from leukotype.wide.screen import FScreens
from leukotype.wide.settings import complete

_DEFAULTS: dict[str, Any] = {
    "max_features": "sqrt",
    "screen": None,
    "n_estimators": 500,
    "min_samples_leaf": 1,
}
# Enough for a sample to be left out by some thirty-five trees; all settings are judged on the same draws.
_TUNING_TREES = 100
_BLOCK = 16


@dataclass(frozen=True, eq=False)
class FittedForest:
    """A forest on the training part of one fold, grown when it is asked for.

    The out-of-bag votes come from its first 100 trees, so that a setting that loses costs no more than those.
    When a tree is grown changes nothing: every seed is drawn beforehand.
    """

    setting: Setting
    _grower: _Grower
    _labels: IntArray

    @cached_property
    def trees(self) -> Trees:
        """Every tree of the forest."""
        return join(self._grower.parts(self._grower.n_trees))

    @property
    def probes(self) -> IntArray:
        """Columns that some tree splits on."""
        return self.trees.columns

    @cached_property
    def out_of_bag(self) -> FloatArray:
        """(n_train, n_classes) mean vote of the trees that did not see a sample; NaN where all saw it."""
        trees = join(self._grower.parts(min(_TUNING_TREES, self._grower.n_trees)))
        draws = self._grower.draws
        return _mean_vote(trees, trees.leaves(draws.columns.T), draws.weights[: trees.n_trees].T == 0)

    @cached_property
    def held_out(self) -> FloatArray:
        """(n_train, n_classes) `out_of_bag` as probabilities: none below half a tree's vote, rows summing to 1."""
        # That none of a few dozen trees voted for a class is not certainty that it is another.
        voted = np.maximum(self.out_of_bag, 0.5 / _TUNING_TREES)
        return voted / voted.sum(axis=1, keepdims=True)

    @cached_property
    def oob_loss(self) -> float:
        """Log loss of `out_of_bag`, natural logarithm; samples that every tree saw are left out."""
        known = ~np.isnan(self.out_of_bag[:, 0])
        if not known.any():
            return float("inf")
        # That none of a few dozen trees voted for the class is not certainty that it is another.
        voted = np.maximum(self.out_of_bag[known, self._labels[known]], 0.5 / _TUNING_TREES)
        return float(-np.log(voted).mean())

    @cached_property
    def oob_error(self) -> float:
        """Share of the samples that `out_of_bag` calls wrongly."""
        known = ~np.isnan(self.out_of_bag[:, 0])
        if not known.any():
            return 1.0
        return float((self.out_of_bag[known].argmax(axis=1) != self._labels[known]).mean())

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
    """One forest per setting, all on the same bootstrap draws.

    Settings: `n_estimators` (500), `max_features` ("sqrt"), `min_samples_leaf` (1), as in scikit-learn's
    RandomForestClassifier, and `screen` (None): each tree considers only the `screen` probes with the highest
    F statistic among the samples that it was given.  The screen is drawn anew for every tree because one
    screen for all trees would have seen the samples they left out, and the out-of-bag error would flatter it.
    With `screen` None the forest is RandomForestClassifier's, tree by tree, for the same seed.

    Breiman (2001), Machine Learning 45, 5-32.
    """
    full = [_complete(setting) for setting in grid]
    seed = int(rng.integers(np.iinfo(np.int32).max))
    largest = max((setting["screen"] or 0 for setting in full), default=0)
    draws = _Draws(fold, labels, seed, max((setting["n_estimators"] for setting in full), default=0), largest)
    return [
        FittedForest(wanted, _Grower(draws, setting), labels)
        for setting, wanted in zip(full, grid, strict=True)
    ]


class _Draws:
    """What the trees of all settings share: one seed and one bootstrap sample per tree number.

    columns : (n_probes, n_train) float32, so that the probes of a screen are gathered as whole rows
    seeds   : (n_draws,)
    weights : (n_draws, n_train) how often each sample was drawn
    """

    def __init__(self, fold: Fold, labels: IntArray, seed: int, n_draws: int, screen: int) -> None:
        self.labels = labels
        self.columns = np.ascontiguousarray(fold.x_train.T, dtype=np.float32)
        # The order of these calls is RandomForestClassifier's, so that its forest can be had again.
        source = np.random.RandomState(seed)
        self.seeds = [int(source.randint(np.iinfo(np.int32).max)) for _ in range(n_draws)]
        n = fold.n_train
        self.weights = np.empty((n_draws, n))
        for row, own in enumerate(self.seeds):
            self.weights[row] = np.bincount(np.random.RandomState(own).randint(0, n, n), minlength=n)
        self._screener = FScreens(fold.z_train, labels, screen) if screen else None
        self._screens: dict[int, IntArray] = {}

    def screen(self, draw: int, size: int) -> IntArray:
        """(size,) probes by F statistic within the draw, best first."""
        block = draw // _BLOCK
        if block not in self._screens and self._screener is not None:
            weights = self.weights[block * _BLOCK : (block + 1) * _BLOCK]
            self._screens[block] = self._screener.of_draws(weights)
        return self._screens[block][draw % _BLOCK, :size]


class _Grower:
    """The trees of one setting, in order, each grown once."""

    def __init__(self, draws: _Draws, setting: Setting) -> None:
        self.draws = draws
        self.n_trees: int = setting["n_estimators"]
        self._size: int | None = setting["screen"]
        self._options = {name: setting[name] for name in ("max_features", "min_samples_leaf")}
        self._grown: list[TreeArrays] = []

    def parts(self, n_trees: int) -> list[TreeArrays]:
        """The first `n_trees` trees."""
        # Checking the same parameters and the same finite numbers for each tree takes as long as growing it.
        with config_context(skip_parameter_validation=True, assume_finite=True):
            for draw in range(len(self._grown), n_trees):
                self._grown.append(self._grow(draw))
        return self._grown[:n_trees]

    def _grow(self, draw: int) -> TreeArrays:
        draws = self.draws
        chosen = None if self._size is None else draws.screen(draw, self._size)
        x = draws.columns.T if chosen is None else draws.columns[chosen].T
        tree = DecisionTreeClassifier(random_state=draws.seeds[draw], **self._options)
        grown = tree.fit(x, draws.labels, sample_weight=draws.weights[draw], check_input=False).tree_
        return TreeArrays(
            # A leaf splits on probe -2, which a screen does not have.
            feature=grown.feature if chosen is None else chosen[np.maximum(grown.feature, 0)],
            threshold=grown.threshold,
            left=grown.children_left,
            right=grown.children_right,
            value=grown.value[:, 0, :],
        )


def _mean_vote(trees: Trees, leaves: IntArray, counted: BoolArray | None = None) -> FloatArray:
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
    full = complete("the forest", _DEFAULTS, setting)
    if full["screen"] is not None and full["screen"] < 1:
        raise ValueError(f"screen is {full['screen']}, and must be at least 1, or None for every probe.")
    if full["n_estimators"] < 1:
        raise ValueError(f"n_estimators is {full['n_estimators']}, and must be at least 1.")
    return full

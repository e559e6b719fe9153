"""Random forests that tune themselves on the samples that each tree did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn import config_context
from sklearn.tree import DecisionTreeClassifier

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import Tree, Trees, TreeSums
from leukotype.wide.adapter import sklearn_tree
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting, at_least_one, complete
from leukotype.wide.screen import FScreens

_DEFAULTS = {"max_features": "sqrt", "screen": None, "n_estimators": 500, "min_samples_leaf": 1}
# About 35 of them do not see a given sample; all settings are compared on the same draws.
_TUNING_TREES = 100
_BLOCK = 16


@dataclass(frozen=True, eq=False)
class FittedForest:
    """A forest on the training part of one fold, grown on first use.

    The out-of-bag votes come from its first 100 trees: a setting that is not chosen costs no more. All seeds are drawn
    beforehand, so the time at which a tree is grown changes nothing.
    """

    setting: Setting
    _grower: _Grower
    _labels: IntArray

    @cached_property
    def trees(self) -> Trees:
        """Every tree of the forest."""
        return Trees.join(self._grower.parts(self._grower.n_trees))

    @property
    def probes(self) -> IntArray:
        """Columns that some tree splits on."""
        return self.trees.columns

    @cached_property
    def out_of_bag(self) -> FloatArray:
        """(n_train, n_classes) mean vote of the trees that did not see a sample; NaN if all saw it."""
        trees = Trees.join(self._grower.parts(min(_TUNING_TREES, self._grower.n_trees)))
        draws = self._grower.draws
        leaves = trees.leaves(draws.columns.T)
        unseen = draws.weights[: trees.n_trees].T == 0
        votes = np.stack([np.where(unseen, each[leaves], 0.0).sum(axis=1) for each in trees.value.T], axis=1)
        number = unseen.sum(axis=1)[:, None]
        return np.divide(votes, number, out=np.full_like(votes, np.nan), where=number > 0)

    @cached_property
    def held_out(self) -> FloatArray:
        """(n_train, n_classes) `out_of_bag` as probabilities: at least half a tree's vote each, rows summing to 1."""
        voted = self._at_least_half_a_vote
        return voted / voted.sum(axis=1, keepdims=True)

    @cached_property
    def own_score(self) -> float:
        """Minus the log loss of `out_of_bag`: higher is better, and no inner folds are needed."""
        own = self._at_least_half_a_vote[np.arange(len(self._labels)), self._labels]
        known = own[~np.isnan(own)]
        return float(np.log(known).mean()) if len(known) else -float("inf")

    @property
    def _at_least_half_a_vote(self) -> FloatArray:
        # Without a single vote among some dozen trees, a class is still possible.
        return np.maximum(self.out_of_bag, 0.5 / _TUNING_TREES)

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) mean over the trees of the class shares in the leaf that a sample reaches."""
        return self.trees.votes(fold.x_test)

    def rule(self, fold: Fold) -> TreeSums:
        return TreeSums.of(self.trees, fold.x_train)


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedForest]:
    """Return one forest per setting, all on the same bootstrap draws.

    Settings: `n_estimators` (500), `max_features` ("sqrt"), `min_samples_leaf` (1), as in scikit-learn's
    RandomForestClassifier, and `screen` (None): each tree considers only the `screen` probes with the highest F
    statistic among its own samples. Every tree has its own screen because a shared one would have seen the samples
    that a tree left out, and the out-of-bag error would be optimistic. With `screen` None the forest is
    RandomForestClassifier's, tree by tree, for the same seed.

    Breiman (2001), Machine Learning 45, 5-32.
    """
    full = [complete("the forest", _DEFAULTS, setting) for setting in grid]
    for setting in full:
        at_least_one(setting, "screen", "n_estimators")
    seed = int(rng.integers(np.iinfo(np.int32).max))
    largest = max((setting["screen"] or 0 for setting in full), default=0)
    draws = _Draws(fold, labels, seed, max((setting["n_estimators"] for setting in full), default=0), largest)
    return [
        FittedForest(wanted, _Grower(draws, setting), labels)
        for setting, wanted in zip(full, grid, strict=True)
    ]


class _Draws:
    """What the trees of all settings share: one seed and one bootstrap sample per tree number.

    columns : (n_probes, n_train) float32, so that the probes of a screen are copied as whole rows
    seeds   : (n_draws,)
    weights : (n_draws, n_train) how often each sample was drawn
    """

    def __init__(self, fold: Fold, labels: IntArray, seed: int, n_draws: int, screen: int) -> None:
        self.labels = labels
        self.columns = np.ascontiguousarray(fold.x_train.T, dtype=np.float32)
        # RandomForestClassifier makes these calls in this order; the forests are then the same.
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
        self._grown: list[Tree] = []

    def parts(self, n_trees: int) -> list[Tree]:
        """The first `n_trees` trees."""
        # Checking the same parameters and the same finite numbers for each tree takes as long as growing it.
        with config_context(skip_parameter_validation=True, assume_finite=True):
            for draw in range(len(self._grown), n_trees):
                self._grown.append(self._grow(draw))
        return self._grown[:n_trees]

    def _grow(self, draw: int) -> Tree:
        draws = self.draws
        chosen = None if self._size is None else draws.screen(draw, self._size)
        x = draws.columns.T if chosen is None else draws.columns[chosen].T
        tree = DecisionTreeClassifier(random_state=draws.seeds[draw], **self._options)
        tree.fit(x, draws.labels, sample_weight=draws.weights[draw], check_input=False)
        return sklearn_tree(tree, chosen)

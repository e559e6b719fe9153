"""Gradient-boosted trees by XGBoost: every number of rounds from one fit, on data binned once per screen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax

from leukotype.arrays import FloatArray, IntArray
from leukotype.rules import Tree, Trees, TreeSums
from leukotype.wide.fold import Fold
from leukotype.wide.linear import probabilities
from leukotype.wide.path import Setting, at_least_one, complete

_DEFAULTS: dict[str, Any] = {
    "max_depth": 6,
    "learning_rate": 0.3,
    "n_estimators": 100,
    "screen": None,
    "min_child_weight": 1.0,
    "reg_lambda": 1.0,
    "reg_alpha": 0.0,
    "columns_per_tree": None,
}
# With a bin for every value of every training sample, a histogram loses nothing.
_MOST_BINS = 256
_ROUNDS_BETWEEN_CHECKS = 5


@dataclass(frozen=True, eq=False)
class FittedBoosting:
    """The first `n_estimators` rounds of a boosted ensemble.

    trees : a leaf's value is added to one margin
    group : (n_trees,) margin to which each tree adds
    base  : (n_margins,) margins before the first tree; one margin for two classes, else one per class
    """

    setting: Setting
    trees: Trees
    group: IntArray
    base: FloatArray

    @property
    def probes(self) -> IntArray:
        """Columns that some tree splits on."""
        return self.trees.columns

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) logistic or softmax of the margins."""
        return probabilities(self.trees.margins(fold.x_test, self.group, self.base))

    def rule(self, fold: Fold) -> TreeSums:
        link = "softmax" if len(self.base) > 1 else "logistic"
        return TreeSums.of(self.trees, fold.x_train, link, self.group, self.base)


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedBoosting]:
    """Boost as few times as possible: a smaller number of rounds is the beginning of a longer fit.

    Settings: `max_depth` (6), `learning_rate` (0.3), `n_estimators` (100), `min_child_weight` (1), `reg_lambda` (1)
    and `reg_alpha` (0), as in XGBClassifier; `screen` (None): considers only the `screen` probes with the highest F
    statistic in the training part; `columns_per_tree` (None): the number of those that each tree sees, drawn at
    random (colsample_bytree as a count). With `screen` None it is XGBClassifier(tree_method="hist"). Every fit has
    the same seed, drawn from `rng`.

    Chen & Guestrin (2016), KDD, 785-794.
    """
    full = [complete("boosting", _DEFAULTS, setting) for setting in grid]
    for setting in full:
        at_least_one(setting, "screen", "n_estimators", "max_depth", "columns_per_tree")
    binned = _Binned(fold, labels, seed=int(rng.integers(np.iinfo(np.int32).max)))
    rounds: dict[tuple[Any, ...], int] = {}
    depths: dict[tuple[Any, ...], set[int]] = {}
    for setting in full:
        key = _shared(setting)
        rounds[key] = max(rounds.get(key, 0), setting["n_estimators"])
        depths.setdefault(key, set()).add(setting["max_depth"])
    fits: dict[tuple[Any, ...], _Boosted] = {}
    for key, most in rounds.items():
        boosted: _Boosted | None = None
        for depth in sorted(depths[key], reverse=True):
            # Trees that stay above a lower limit are the same under that limit.
            if boosted is None or boosted.depth > depth:
                boosted = binned.boost({**dict(key), "max_depth": depth}, most)
            fits[key, depth] = boosted
    fitted = []
    for setting, wanted in zip(full, grid, strict=True):
        boosted = fits[_shared(setting), setting["max_depth"]]
        fitted.append(FittedBoosting(wanted, *boosted.first(setting["n_estimators"])))
    return fitted


def _shared(setting: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(item for item in setting.items() if item[0] not in ("n_estimators", "max_depth"))


class _Binned:
    """The training part of a fold, binned once for each size of screen."""

    def __init__(self, fold: Fold, labels: IntArray, seed: int) -> None:
        self.fold = fold
        self.labels = labels
        self.seed = seed
        self.n_classes = int(labels.max()) + 1
        self._matrices: dict[int | None, tuple[Any, IntArray]] = {}

    def _matrix(self, size: int | None) -> tuple[Any, IntArray]:
        # XGBoost takes a second to load, and only boosting needs it.
        import xgboost

        if size not in self._matrices:
            columns = np.arange(self.fold.n_probes) if size is None else self.fold.f_order(self.labels)[:size]
            x = self.fold.x_train if size is None else self.fold.x_train[:, columns]
            data = xgboost.QuantileDMatrix(
                x.astype(np.float32), label=self.labels, nthread=1, max_bin=_MOST_BINS
            )
            self._matrices[size] = data, columns
        return self._matrices[size]

    def boost(self, setting: Mapping[str, Any], rounds: int) -> _Boosted:
        """Fit `rounds` rounds of one setting."""
        data, columns = self._matrix(setting["screen"])
        several = self.n_classes > 2
        parameters: dict[str, Any] = {
            **{name: value for name, value in setting.items() if name not in ("screen", "columns_per_tree")},
            "objective": "multi:softprob" if several else "binary:logistic",
            "tree_method": "hist",
            "max_bin": _MOST_BINS,
            "nthread": 1,
            "seed": self.seed,
            "verbosity": 0,
        }
        if setting["columns_per_tree"] is not None:
            # XGBoost takes the integer part of share times columns, in single precision.
            parameters["colsample_bytree"] = min(1.0, (setting["columns_per_tree"] + 0.5) / len(columns))
        if several:
            parameters["num_class"] = self.n_classes
        return _Boosted(self._learners(parameters, data, rounds), columns, self.n_classes)

    def _learners(self, parameters: dict[str, Any], data: Any, rounds: int) -> list[Mapping[str, Any]]:
        import xgboost

        booster = xgboost.Booster(parameters, [data])
        for number in range(rounds):
            booster.update(data, number)
            left = rounds - number - 1
            if left and number % _ROUNDS_BETWEEN_CHECKS == _ROUNDS_BETWEEN_CHECKS - 1:
                margin = booster.predict(data, output_margin=True)
                if _cannot_split(margin, parameters["min_child_weight"]):
                    rest = self._rest(parameters, margin, left)
                    if rest is not None:
                        return [_learner(booster), rest]
        return [_learner(booster)]

    def _rest(
        self, parameters: dict[str, Any], margin: NDArray[np.float32], rounds: int
    ) -> Mapping[str, Any] | None:
        # Once all samples are certain no tree can split, yet each searches every probe for a split. One constant
        # probe gives the same trees, as long as their roots stay too light for two children.
        import xgboost

        blank = np.zeros((len(margin), 1), dtype=np.float32)
        data = xgboost.QuantileDMatrix(
            blank, label=self.labels, base_margin=margin, nthread=1, max_bin=_MOST_BINS
        )
        booster = xgboost.Booster(parameters, [data])
        for number in range(rounds):
            booster.update(data, number)
        learner = _learner(booster)
        weights = [tree["sum_hessian"][0] for tree in learner["gradient_booster"]["model"]["trees"]]
        return learner if max(weights) < 2 * parameters["min_child_weight"] else None


class _Boosted:
    """All rounds of one fit, read from the JSON of XGBoost."""

    def __init__(self, learners: Sequence[Mapping[str, Any]], columns: IntArray, n_classes: int) -> None:
        models = [learner["gradient_booster"]["model"] for learner in learners]
        self._group = np.concatenate([model["tree_info"] for model in models]).astype(np.intp)
        self._n_groups = n_classes if n_classes > 2 else 1
        stated = np.atleast_1d(json.loads(learners[0]["learner_model_param"]["base_score"])).astype(
            np.float64
        )
        self._base = np.broadcast_to(stated if n_classes > 2 else logit(stated), self._n_groups)
        self._parts = [_tree(tree, columns) for model in models for tree in model["trees"]]

    @cached_property
    def depth(self) -> int:
        """Largest number of splits between a root and a leaf."""
        return Trees.join(self._parts).depth

    def first(self, rounds: int) -> tuple[Trees, IntArray, FloatArray]:
        """Return the trees of the first rounds, the margin each adds to, and the margins before them."""
        n_trees = rounds * self._n_groups
        return Trees.join(self._parts[:n_trees]), self._group[:n_trees], self._base


def _learner(booster: Any) -> Mapping[str, Any]:
    learner: Mapping[str, Any] = json.loads(booster.save_raw("json"))["learner"]
    return learner


def _cannot_split(margin: NDArray[np.float32], min_child_weight: float) -> bool:
    """Whether every root is too light: its weight is the sum of the second derivatives of the loss, as in XGBoost."""
    if margin.ndim == 1:
        p = expit(margin)
        return bool((p * (1 - p)).sum() < 2 * min_child_weight)
    p = softmax(margin, axis=1)
    return bool((2 * p * (1 - p)).sum(axis=0).max() < 2 * min_child_weight)


def _tree(tree: Mapping[str, Any], columns: IntArray) -> Tree:
    left = np.array(tree["left_children"], dtype=np.intp)
    condition = np.array(tree["split_conditions"], dtype=np.float32)
    return Tree(
        columns[np.array(tree["split_indices"], dtype=np.intp)],
        # XGBoost goes left if x < condition: for float32 x that is x <= the number just below.
        np.nextafter(condition, np.float32(-np.inf)),
        left,
        np.array(tree["right_children"], dtype=np.intp),
        # In a leaf, the condition is the leaf's value.
        condition[:, None].astype(np.float64),
    )

"""Gradient-boosted trees: every number of rounds from one fit, on data that is binned once per screen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax

from leukotype.wide._trees import TreeArrays, Trees, join
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting
from leukotype.wide.screen import f_screen

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_DEFAULTS: dict[str, Any] = {
    "max_depth": 6,
    "learning_rate": 0.3,
    "n_estimators": 100,
    "screen": None,
    "min_child_weight": 1.0,
    "reg_lambda": 1.0,
    "reg_alpha": 0.0,
}
# A histogram with a bin for every value of every training sample loses nothing.
_MOST_BINS = 256


@dataclass(frozen=True, eq=False)
class FittedBoosting:
    """The first `n_estimators` rounds of a boosted ensemble.

    trees : of all rounds wanted; a leaf's value is added to the margin of the class its tree works for
    group : (n_trees,) column of the margin that each tree adds to
    base  : (n_margins,) margin before the first tree; one margin for two classes, else one per class
    """

    setting: Setting
    trees: Trees
    group: IntArray
    base: FloatArray

    @property
    def probes(self) -> IntArray:
        """Columns that some tree splits on."""
        return self.trees.columns

    def margin(self, x: NDArray[Any]) -> FloatArray:
        """(n_samples, n_margins) sum of the leaves of `x` (n_samples, n_probes), before link function."""
        each = self.trees.value[self.trees.leaves(x), 0]
        columns = [each[:, self.group == group].sum(axis=1) for group in range(len(self.base))]
        return self.base + np.stack(columns, axis=1)

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) logistic or softmax of the margins."""
        margin = self.margin(fold.x_test)
        if margin.shape[1] > 1:
            return np.asarray(softmax(margin, axis=1))
        return np.concatenate([expit(-margin), expit(margin)], axis=1)


def path(
    fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
) -> list[FittedBoosting]:
    """Boost once for each setting but `n_estimators`, whose values are the first rounds of the longest fit.

    Settings: `max_depth` (6), `learning_rate` (0.3), `n_estimators` (100), `min_child_weight` (1),
    `reg_lambda` (1) and `reg_alpha` (0), as in XGBClassifier; `screen` (None): only the `screen` probes with
    the highest F statistic in the training part are considered.  With `screen` None it is
    XGBClassifier(tree_method="hist").  Nothing here is random: `rng` is not drawn from.

    Chen & Guestrin (2016), KDD, 785-794.
    """
    full = [_complete(setting) for setting in grid]
    binned = _Binned(fold, labels)
    longest: dict[tuple[Any, ...], int] = {}
    for setting in full:
        key = _without_rounds(setting)
        longest[key] = max(longest.get(key, 0), setting["n_estimators"])
    fits: dict[tuple[Any, ...], _Boosted] = {}
    for key, rounds in longest.items():
        fits[key] = binned.boost(dict(key), rounds)
    return [
        fits[_without_rounds(setting)].first(setting["n_estimators"], wanted)
        for setting, wanted in zip(full, grid, strict=True)
    ]


class _Binned:
    """The training part, binned once for each size of screen."""

    def __init__(self, fold: Fold, labels: IntArray) -> None:
        self.fold = fold
        self.labels = labels
        self.n_classes = int(labels.max()) + 1
        self._matrices: dict[int | None, tuple[Any, IntArray]] = {}

    @cached_property
    def _order(self) -> IntArray:
        return f_screen(self.fold.z_train, self.labels, self.fold.n_probes)

    def _matrix(self, size: int | None) -> tuple[Any, IntArray]:
        # XGBoost takes a second to load, and only this room needs it.
        import xgboost

        if size not in self._matrices:
            columns = np.arange(self.fold.n_probes) if size is None else self._order[:size]
            x = self.fold.x_train if size is None else self.fold.x_train[:, columns]
            data = xgboost.QuantileDMatrix(
                x.astype(np.float32), label=self.labels, nthread=1, max_bin=_MOST_BINS
            )
            self._matrices[size] = data, columns
        return self._matrices[size]

    def boost(self, setting: Mapping[str, Any], rounds: int) -> _Boosted:
        import xgboost

        data, columns = self._matrix(setting["screen"])
        several = self.n_classes > 2
        parameters: dict[str, Any] = {
            **{name: value for name, value in setting.items() if name != "screen"},
            "objective": "multi:softprob" if several else "binary:logistic",
            "tree_method": "hist",
            "max_bin": _MOST_BINS,
            "nthread": 1,
            "seed": 0,
            "verbosity": 0,
        }
        if several:
            parameters["num_class"] = self.n_classes
        booster = xgboost.train(parameters, data, rounds)
        return _Boosted(json.loads(booster.save_raw("json"))["learner"], columns, self.n_classes)


class _Boosted:
    """All rounds of one fit, read from the library's own JSON."""

    def __init__(self, learner: Mapping[str, Any], columns: IntArray, n_classes: int) -> None:
        model = learner["gradient_booster"]["model"]
        self.group = np.array(model["tree_info"], dtype=np.intp)
        self.n_groups = n_classes if n_classes > 2 else 1
        stated = np.atleast_1d(json.loads(learner["learner_model_param"]["base_score"])).astype(np.float64)
        self.base = np.broadcast_to(stated if n_classes > 2 else logit(stated), self.n_groups)
        self._parts = [_arrays(tree, columns) for tree in model["trees"]]

    def first(self, rounds: int, setting: Setting) -> FittedBoosting:
        n_trees = rounds * self.n_groups
        trees = join(self._parts[:n_trees])
        return FittedBoosting(setting, trees, self.group[:n_trees], self.base)


def _arrays(tree: Mapping[str, Any], columns: IntArray) -> TreeArrays:
    left = np.array(tree["left_children"], dtype=np.intp)
    condition = np.array(tree["split_conditions"], dtype=np.float32)
    return TreeArrays(
        columns[np.array(tree["split_indices"], dtype=np.intp)],
        # XGBoost goes left where x < condition: for float32 x that is x <= the number just below.
        np.nextafter(condition, np.float32(-np.inf)),
        left,
        np.array(tree["right_children"], dtype=np.intp),
        # In a leaf the place of the condition holds the leaf's value.
        condition[:, None].astype(np.float64),
    )


def _without_rounds(setting: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple((name, value) for name, value in setting.items() if name != "n_estimators")


def _complete(setting: Setting) -> dict[str, Any]:
    unknown = sorted(set(setting) - set(_DEFAULTS))
    if unknown:
        raise ValueError(f"boosting has no setting {unknown[0]!r}; it has {', '.join(_DEFAULTS)}.")
    full = {**_DEFAULTS, **setting}
    if full["screen"] is not None and full["screen"] < 1:
        raise ValueError(f"screen is {full['screen']}, and must be at least 1, or None for every probe.")
    if full["n_estimators"] < 1:
        raise ValueError(f"n_estimators is {full['n_estimators']}, and must be at least 1.")
    return full

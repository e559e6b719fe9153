"""XGBoost on few samples: what it need not compute twice, and its trees as arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide._trees import TreeArrays, Trees, join
from leukotype.wide.fold import Fold

# With a bin for every value of every training sample, a histogram loses nothing.
_MOST_BINS = 256
_ROUNDS_BETWEEN_LOOKS = 5


class Binned:
    """The training part of a fold, binned once for each size of screen."""

    def __init__(self, fold: Fold, labels: IntArray, seed: int) -> None:
        self.fold = fold
        self.labels = labels
        self.seed = seed
        self.n_classes = int(labels.max()) + 1
        self._matrices: dict[int | None, tuple[Any, IntArray]] = {}

    def _matrix(self, size: int | None) -> tuple[Any, IntArray]:
        # XGBoost takes a second to load, and nothing else needs it.
        import xgboost

        if size not in self._matrices:
            columns = np.arange(self.fold.n_probes) if size is None else self.fold.f_order(self.labels)[:size]
            x = self.fold.x_train if size is None else self.fold.x_train[:, columns]
            data = xgboost.QuantileDMatrix(
                x.astype(np.float32), label=self.labels, nthread=1, max_bin=_MOST_BINS
            )
            self._matrices[size] = data, columns
        return self._matrices[size]

    def boost(self, setting: Mapping[str, Any], rounds: int) -> Boosted:
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
        return Boosted(self._learners(parameters, data, rounds), columns, self.n_classes)

    def _learners(self, parameters: dict[str, Any], data: Any, rounds: int) -> list[Mapping[str, Any]]:
        import xgboost

        booster = xgboost.Booster(parameters, [data])
        for number in range(rounds):
            booster.update(data, number)
            left = rounds - number - 1
            if left and number % _ROUNDS_BETWEEN_LOOKS == _ROUNDS_BETWEEN_LOOKS - 1:
                margin = booster.predict(data, output_margin=True)
                if _spent(margin, parameters["min_child_weight"]):
                    rest = self._rest(parameters, margin, left)
                    if rest is not None:
                        return [_learner(booster), rest]
        return [_learner(booster)]

    def _rest(
        self, parameters: dict[str, Any], margin: NDArray[np.float32], rounds: int
    ) -> Mapping[str, Any] | None:
        # Once all samples are sure, no tree can split and yet each searches every probe for a split.  One
        # probe that cannot split gives the same trees, as long as their roots stay too light for two children.
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


class Boosted:
    """All rounds of one fit, read from the library's own JSON."""

    def __init__(self, learners: Sequence[Mapping[str, Any]], columns: IntArray, n_classes: int) -> None:
        models = [learner["gradient_booster"]["model"] for learner in learners]
        self._group = np.concatenate([model["tree_info"] for model in models]).astype(np.intp)
        self._n_groups = n_classes if n_classes > 2 else 1
        stated = np.atleast_1d(json.loads(learners[0]["learner_model_param"]["base_score"])).astype(
            np.float64
        )
        self._base = np.broadcast_to(stated if n_classes > 2 else logit(stated), self._n_groups)
        self._parts = [_arrays(tree, columns) for model in models for tree in model["trees"]]

    @cached_property
    def depth(self) -> int:
        """Most splits between a root and a leaf."""
        return join(self._parts).depth

    def first(self, rounds: int) -> tuple[Trees, IntArray, FloatArray]:
        """Return the trees of the first rounds, the margin each adds to, and the margins before them."""
        n_trees = rounds * self._n_groups
        return join(self._parts[:n_trees]), self._group[:n_trees], self._base


def _learner(booster: Any) -> Mapping[str, Any]:
    learner: Mapping[str, Any] = json.loads(booster.save_raw("json"))["learner"]
    return learner


def _spent(margin: NDArray[np.float32], min_child_weight: float) -> bool:
    # The weight of a root is the sum of the loss's second derivatives, as XGBoost has them.
    if margin.ndim == 1:
        p = expit(margin)
        return bool((p * (1 - p)).sum() < 2 * min_child_weight)
    p = softmax(margin, axis=1)
    return bool((2 * p * (1 - p)).sum(axis=0).max() < 2 * min_child_weight)


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

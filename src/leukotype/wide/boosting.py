"""Gradient-boosted trees: every number of rounds from one fit, on data that is binned once per screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from leukotype.arrays import FloatArray, IntArray
from leukotype.wide._trees import Trees
from leukotype.wide._xgboost import Binned, Boosted
from leukotype.wide.fold import Fold
from leukotype.wide.path import Setting
from leukotype.wide.settings import complete

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
    """Boost as few times as give every setting: a number of rounds is the beginning of a longer fit.

    Settings: `max_depth` (6), `learning_rate` (0.3), `n_estimators` (100), `min_child_weight` (1),
    `reg_lambda` (1) and `reg_alpha` (0), as in XGBClassifier; `screen` (None): only the `screen` probes with
    the highest F statistic in the training part are considered; `columns_per_tree` (None): of those, each
    tree sees so many, drawn at random, which is colsample_bytree in numbers.  With `screen` None it is
    XGBClassifier(tree_method="hist").  Every fit has the same seed, drawn from `rng`.

    Chen & Guestrin (2016), KDD, 785-794.
    """
    full = [_complete(setting) for setting in grid]
    binned = Binned(fold, labels, seed=int(rng.integers(np.iinfo(np.int32).max)))
    rounds: dict[tuple[Any, ...], int] = {}
    depths: dict[tuple[Any, ...], set[int]] = {}
    for setting in full:
        key = _shared(setting)
        rounds[key] = max(rounds.get(key, 0), setting["n_estimators"])
        depths.setdefault(key, set()).add(setting["max_depth"])
    fits: dict[tuple[Any, ...], Boosted] = {}
    for key, most in rounds.items():
        boosted: Boosted | None = None
        for depth in sorted(depths[key], reverse=True):
            # Trees that never came near a lower bound are what they would be under it.
            if boosted is None or boosted.depth > depth:
                boosted = binned.boost({**dict(key), "max_depth": depth}, most)
            fits[key, depth] = boosted
    fitted = []
    for setting, wanted in zip(full, grid, strict=True):
        boosted = fits[_shared(setting), setting["max_depth"]]
        fitted.append(FittedBoosting(wanted, *boosted.first(setting["n_estimators"])))
    return fitted


def _shared(setting: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(
        (name, value) for name, value in setting.items() if name not in ("n_estimators", "max_depth")
    )


def _complete(setting: Setting) -> dict[str, Any]:
    full = complete("boosting", _DEFAULTS, setting)
    if full["screen"] is not None and full["screen"] < 1:
        raise ValueError(f"screen is {full['screen']}, and must be at least 1, or None for every probe.")
    for name in ("n_estimators", "max_depth"):
        if full[name] < 1:
            raise ValueError(f"{name} is {full[name]}, and must be at least 1.")
    if full["columns_per_tree"] is not None and full["columns_per_tree"] < 1:
        raise ValueError(
            f"columns_per_tree is {full['columns_per_tree']}, and must be at least 1, or None for all."
        )
    return full

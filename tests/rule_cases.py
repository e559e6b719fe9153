"""A small fold with every model fitted on it, for the tests of rules and of their files."""

from __future__ import annotations

from functools import cache

import numpy as np

from leukotype.models import MODELS, by_name
from leukotype.rules import Rule
from leukotype.wide import Candidate, Fold, rule_of
from wide_problems import problem

NAMES = [model.name for model in MODELS]
# As few trees as the laws need.
_QUICK = {
    "forest": {"n_estimators": 25, "screen": 30},
    "xgboost": {"n_estimators": 12, "max_depth": 3, "learning_rate": 0.3, "screen": 30},
}


@cache
def fitted(name: str, n_classes: int = 3, seed: int = 0) -> tuple[Fold, Candidate]:
    """A fold of 40 training and 13 test samples × 60 probes, and a model fitted on it."""
    x, labels = problem(53, 60, n_classes, seed=seed)
    model = by_name(name)
    # Every class is in the training part.
    order = np.argsort(np.unique(labels, return_index=True)[1])
    firsts = np.unique(labels, return_index=True)[1][order]
    rows = np.concatenate([firsts, np.setdiff1d(np.arange(53), firsts)])
    fold = Fold(x, rows[:40], rows[40:])
    grid = [_QUICK.get(name, model.settings()[len(model.settings()) // 2])]
    return fold, model.path(fold, labels[rows[:40]], grid, np.random.default_rng(seed))[0]


@cache
def rule(name: str, n_classes: int = 3, seed: int = 0) -> Rule:
    fold, candidate = fitted(name, n_classes, seed)
    return rule_of(candidate, fold)

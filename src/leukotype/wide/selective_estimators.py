"""The paths whose rules read few features, as scikit-learn classifiers."""

from __future__ import annotations

from typing import Any

from leukotype.wide import boosting, elasticnet, forest, pairs
from leukotype.wide.estimators import ProbabilityClassifier


class WideElasticNet(ProbabilityClassifier):
    """Sparse multinomial or binomial regression on standardised features; see `leukotype.wide.elasticnet.path`.

    l1_ratio : above 0 and at most 1, share of the absolute penalty
    strength : above 0 and at most 1, share of the smallest penalty that leaves no feature
    """

    _path = staticmethod(elasticnet.path)

    def __init__(self, l1_ratio: float = 0.5, strength: float = 0.1) -> None:
        self.l1_ratio = l1_ratio
        self.strength = strength


class ScreenedForest(ProbabilityClassifier):
    """Random forest whose trees each look behind a screen of their own; see `leukotype.wide.forest.path`.

    screen       : features with the highest F statistic that each tree considers; None for all
    random_state : seed, or None for another forest each time
    """

    _path = staticmethod(forest.path)

    def __init__(
        self,
        screen: int | None = 2000,
        n_estimators: int = 500,
        max_features: str | float | None = "sqrt",
        min_samples_leaf: int = 1,
        random_state: int | None = None,
    ) -> None:
        self.screen = screen
        self.n_estimators = n_estimators
        self.max_features = max_features
        self.min_samples_leaf = min_samples_leaf
        self.random_state = random_state


class ScreenedBoosting(ProbabilityClassifier):
    """Gradient-boosted trees by XGBoost behind an F screen; see `leukotype.wide.boosting.path`.

    screen           : features with the highest F statistic that are considered; None for all
    columns_per_tree : features that each tree sees, drawn at random; None for all
    random_state     : seed, or None for other trees each time
    """

    _path = staticmethod(boosting.path)

    def __init__(
        self,
        screen: int | None = 2000,
        n_estimators: int = 100,
        max_depth: int = 2,
        learning_rate: float = 0.3,
        min_child_weight: float = 1.0,
        reg_lambda: float = 1.0,
        reg_alpha: float = 0.0,
        columns_per_tree: int | None = 100,
        random_state: int | None = None,
    ) -> None:
        self.screen = screen
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.min_child_weight = min_child_weight
        self.reg_lambda = reg_lambda
        self.reg_alpha = reg_alpha
        self.columns_per_tree = columns_per_tree
        self.random_state = random_state


class TopScoringPairs(ProbabilityClassifier):
    """Votes of pairs of features, by which of the two is higher; see `leukotype.wide.pairs.path`.

    k      : odd number of pairs for each two classes
    screen : features that pairs are sought among
    """

    _path = staticmethod(pairs.path)

    def __init__(self, k: int = 1, screen: int = 500) -> None:
        self.k = k
        self.screen = screen

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Two or three features hold hardly any order to vote on.
        tags.classifier_tags.poor_score = True
        return tags

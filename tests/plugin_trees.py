"""A plug-in whose model can be trained and saved: boosted trees of another library, here scikit-learn's."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from leukotype.models import Model
from leukotype.rules import Trees, TreeSums
from leukotype.wide.adapter import sklearn_tree


class Boosted:
    """One fitted ensemble."""

    def __init__(self, ensemble, setting):
        self.ensemble, self.setting = ensemble, setting
        self.probes = np.flatnonzero(ensemble.feature_importances_)

    def predict_proba(self, fold):
        return self.ensemble.predict_proba(fold.x_test)

    def rule(self, fold):
        """The trees as plain arrays: one margin for two classes, else one per class."""
        trees = [sklearn_tree(tree) for tree in self.ensemble.estimators_.ravel()]
        rate, n_margins = self.ensemble.learning_rate, self.ensemble.estimators_.shape[1]
        return TreeSums.of(
            Trees.join([tree._replace(value=rate * tree.value) for tree in trees]),
            fold.x_train,
            link="softmax" if n_margins > 1 else "logistic",
            group=np.arange(len(trees)) % n_margins,
            base=np.zeros(n_margins),
        )


def path(fold, labels, grid, rng):
    """Fit every setting."""
    seed = int(rng.integers(2**31))
    return [
        Boosted(GradientBoostingClassifier(init="zero", random_state=seed, **s).fit(fold.x_train, labels), s)
        for s in grid
    ]


MODELS = (Model("boosted", "Boosted trees of scikit-learn", path, {"n_estimators": (10, 20)}),)

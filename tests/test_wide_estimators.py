"""The estimators keep scikit-learn's contract."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from leukotype import wide

ESTIMATORS = (
    wide.WideLogisticRegression(),
    wide.WideKNeighborsClassifier(),
    wide.WideLinearSVC(),
    wide.ShrunkenCentroids(),
    wide.DiagonalDiscriminant(),
    wide.RidgeDiscriminant(),
)
SETTINGS = {
    "WideLogisticRegression": {"C": [1e-3, 1.0]},
    "WideKNeighborsClassifier": {"n_neighbors": [1, 5], "weights": ["uniform", "distance"]},
    "WideLinearSVC": {"C": [1e-3, 1.0]},
    "ShrunkenCentroids": {"shrinkage": [0.0, 0.5]},
    "DiagonalDiscriminant": {"shrinkage": [0.0, 0.5]},
    "RidgeDiscriminant": {"ridge": [1.0, 100.0]},
}


@parametrize_with_checks(list(ESTIMATORS))
def test_scikit_learn_checks(estimator, check):
    check(estimator)

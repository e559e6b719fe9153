"""The numerical core for many more probes than samples: arrays in, arrays out."""

from leukotype.wide.estimators import (
    DiagonalDiscriminant,
    RidgeDiscriminant,
    ShrunkenCentroids,
    WideKNeighborsClassifier,
    WideLinearSVC,
    WideLogisticRegression,
)
from leukotype.wide.fold import Fold, Span
from leukotype.wide.path import Candidate, Path, Setting
from leukotype.wide.selective_estimators import (
    ScreenedBoosting,
    ScreenedForest,
    TopScoringPairs,
    WideElasticNet,
)

__all__ = [
    "Candidate",
    "DiagonalDiscriminant",
    "Fold",
    "Path",
    "RidgeDiscriminant",
    "ScreenedBoosting",
    "ScreenedForest",
    "Setting",
    "ShrunkenCentroids",
    "Span",
    "TopScoringPairs",
    "WideElasticNet",
    "WideKNeighborsClassifier",
    "WideLinearSVC",
    "WideLogisticRegression",
]

"""The numerical core for many more probes than samples: arrays in, arrays out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

# Loaded on first use: a saved classifier needs trees and row products, and none of what grew them.
_HOME = {
    "Candidate": "path",
    "DiagonalDiscriminant": "estimators",
    "Fold": "fold",
    "Path": "path",
    "RidgeDiscriminant": "estimators",
    "ScreenedBoosting": "selective_estimators",
    "ScreenedForest": "selective_estimators",
    "Setting": "path",
    "ShrunkenCentroids": "estimators",
    "Span": "fold",
    "TopScoringPairs": "selective_estimators",
    "WideElasticNet": "selective_estimators",
    "WideKNeighborsClassifier": "estimators",
    "WideLinearSVC": "estimators",
    "WideLogisticRegression": "estimators",
}

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


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'leukotype.wide' has no attribute {name!r}")
    return getattr(importlib.import_module(f"leukotype.wide.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

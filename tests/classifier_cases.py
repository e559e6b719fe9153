"""A small cohort and classifiers trained on it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

import leukotype as lt
from leukotype.classifier import Classifier
from leukotype.cohort import Batch, Cohort, Provenance
from leukotype.datasets.simulate import Simulation
from leukotype.models import MODELS, Model

NAMES = tuple(model.name for model in MODELS)
DESIGN = lt.Design(outer=3, inner=2, repeats=1, seed=0)
SIZES = {"AML": 13, "Bone_Marrow": 9, "PB": 8}
N_PROBES = 40
# Small grids: the tests need few trees.
_QUICK = {
    "forest": {"n_estimators": (20,), "screen": (25,)},
    "xgboost": {"n_estimators": (10,), "max_depth": (2,), "learning_rate": (0.3,), "screen": (25,)},
}


@cache
def simulation() -> Simulation:
    """30 samples × 40 probes of three classes, with their population."""
    return lt.simulate(SIZES, N_PROBES, markers_per_class=6, effect=2.0, seed=4, name="small")


def cohort() -> Cohort:
    return simulation().cohort


def model(name: str) -> Model:
    """An entry of MODELS, with a grid that is quick to fit."""
    known = next(one for one in MODELS if one.name == name)
    return replace(known, grid=_QUICK[name]) if name in _QUICK else known


@cache
def trained(name: str, align: str = "none") -> Classifier:
    symbols = {probe: f"GENE{number}" for number, probe in enumerate(cohort().probes.tolist())}
    return lt.train(cohort(), model(name), align=align, symbols=symbols, design=DESIGN, jobs=1)


@cache
def fresh(n_each: int = 4, seed: int = 1) -> Batch:
    """New samples of the same classes."""
    return replace(Batch.of(simulation().fresh(dict.fromkeys(SIZES, n_each), seed)), labels=None)


def thinned(batch: Batch, share: float, seed: int = 0) -> Batch:
    """The batch with a share of its values missing; the first sample has one value left."""
    rng = np.random.default_rng(seed)
    expression = np.where(rng.random(batch.expression.shape) < share, np.nan, batch.expression)
    expression[0, 1:] = np.nan
    expression[0, 0] = batch.expression[0, 0]
    return replace(batch, expression=expression)


def gappy(cohort: Cohort, share: float, seed: int = 1) -> Cohort:
    """The cohort with a share of its values missing."""
    missing = np.random.default_rng(seed).random(cohort.expression.shape) < share
    return replace(cohort, expression=np.where(missing, np.nan, cohort.expression))


def batch_of(expression: np.ndarray, probes, samples=None) -> Batch:
    names = [f"S{number}" for number in range(len(expression))] if samples is None else samples
    return Batch(np.array(expression), np.array(names), np.array(probes), Provenance("tests"))

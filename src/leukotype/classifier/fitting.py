"""Fitting one recipe on one split: alignment, panel, tuning and rule, all learned from the training part."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.classifier import missing
from leukotype.classifier.alignment import Alignment, How
from leukotype.classifier.novelty import ClassMeans
from leukotype.classifier.scorer import Scorer
from leukotype.evaluation import FoldResult
from leukotype.models import Model, tuning
from leukotype.resampling import OuterFold
from leukotype.wide import Fold, rule_of


@dataclass(frozen=True)
class Recipe:
    """What is done to every training part alike.

    align      : how each sample is brought to the training samples' distribution
    max_probes : size of the panel, chosen by F statistic in each training part; None for all probes
    """

    model: Model
    align: How
    max_probes: int | None
    criterion: tuning.Criterion


@dataclass(frozen=True, eq=False)
class Task:
    """One recipe on one split.

    keeps_rule : whether the fitted rule is wanted, and how it bears missing probes
    """

    recipe: Recipe
    split: OuterFold
    codes: IntArray
    entropy: tuple[int, ...]
    keeps_rule: bool
    n_draws: int


@dataclass(frozen=True, eq=False)
class Fitted:
    """What one recipe left of one split.

    result    : predictions for the test part; None where there is none
    setting   : the setting chosen on the inner folds
    columns   : of the cohort, that the scorer takes
    scorer    : None where it was not wanted
    classes   : class means of the training part
    distances : (n_test,) unlikeness of the test part
    hits      : (n_shares,) right calls with probes missing, see `missing.simulate`
    """

    result: FoldResult | None
    setting: dict[str, object]
    columns: IntArray
    scorer: Scorer | None
    classes: ClassMeans
    distances: FloatArray
    hits: FloatArray


@dataclass(frozen=True, eq=False)
class _View:
    """One split, aligned by its training part and restricted to its panel."""

    columns: IntArray
    alignment: Alignment
    fold: Fold


def fit(matrix: FloatArray, task: Task) -> Fitted:
    """Tune and fit on the training part, predict the test part; a pure function of the cohort and a seed."""
    start = time.perf_counter()
    recipe, split, codes = task.recipe, task.split, task.codes
    rng = np.random.default_rng(np.random.SeedSequence(task.entropy))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        view = _view(matrix, split.train, split.test, codes, recipe)
        inner = (
            [] if recipe.model.own_score else [_view(matrix, *pair, codes, recipe) for pair in split.inner]
        )
        labels = codes[split.train]
        tuned = tuning.tune(
            recipe.model,
            view.fold,
            [(part.fold, codes[part.fold.train], codes[part.fold.test]) for part in inner],
            labels,
            criterion=recipe.criterion,
            rng=rng,
        )
        p = tuned.predict_proba(view.fold) if len(split.test) else None
    scorer = None
    if task.keeps_rule:
        scorer = Scorer(view.alignment, rule_of(tuned.candidate, view.fold, recipe.model.name), tuned.temperature)
    classes = ClassMeans.learn(view.fold.expression[split.train], labels)
    raw = matrix[np.ix_(split.test, view.columns)]
    distances = np.array(
        [_distance(classes, *pair) for pair in zip(view.fold.expression[split.test], raw, strict=True)]
    )
    hits = np.zeros(len(missing.SHARES))
    if scorer is not None and len(split.test):
        hits = missing.simulate(scorer, classes, raw, codes[split.test], task.n_draws, rng)
    setting = dict(tuned.candidate.setting)
    if p is None:
        return Fitted(None, setting, view.columns, scorer, classes, distances, hits)
    result = FoldResult(
        model=recipe.model.name,
        repeat=split.repeat,
        fold=split.fold,
        probabilities=p,
        setting=setting,
        inner_score=tuned.inner_score,
        inner_losses=tuned.inner_losses,
        probes=_in_cohort(tuned.candidate.probes, view, matrix.shape[1]),
        seconds=time.perf_counter() - start,
        notes=tuple(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)),
    )
    return Fitted(result, setting, view.columns, scorer, classes, distances, hits)


def _view(matrix: FloatArray, train: IntArray, test: IntArray, codes: IntArray, recipe: Recipe) -> _View:
    columns = np.arange(matrix.shape[1])
    if recipe.max_probes is not None and recipe.max_probes < len(columns):
        screen = Fold(matrix, train, np.empty(0, dtype=np.intp))
        columns = np.sort(screen.f_order(codes[train])[: recipe.max_probes])
        matrix = matrix[:, columns]
    x_train = matrix[train]
    if np.isnan(x_train).any():
        # As in a study: by the medians of the training part.
        x_train = Fold(matrix, train, np.empty(0, dtype=np.intp)).x_train
    alignment = Alignment.learn(x_train, recipe.align)
    has_gaps = bool(np.isnan(matrix[np.concatenate([train, test])]).any())
    if alignment.reference is None and not has_gaps:
        # Nothing changes: the matrix is shared, not copied.
        return _View(columns, alignment, Fold(matrix, train, test))
    # Rows of no part of this split stay 0; nobody reads them.
    aligned = np.zeros(matrix.shape)
    for row, values in zip(train.tolist(), x_train, strict=True):
        aligned[row] = alignment.complete(values)
    # What a held-out sample lacks is filled in as in a new one, or its score and distance would be of another kind.
    means = ClassMeans.learn(aligned[train], codes[train]) if has_gaps and len(test) else None
    for row in test.tolist():
        complete = alignment.complete(matrix[row])
        aligned[row] = complete if means is None else means.fill(complete, _present(matrix[row]))
    return _View(columns, alignment, Fold(aligned, train, test))


def _distance(classes: ClassMeans, aligned: FloatArray, raw: FloatArray) -> float:
    """Unlikeness of a held-out sample, by the probes that it has a value of."""
    present = _present(raw)
    return classes.distance(aligned, None if len(present) == len(raw) else present)


def _present(raw: FloatArray) -> IntArray:
    return np.flatnonzero(~np.isnan(raw))


def _in_cohort(probes: IntArray | None, view: _View, n_probes: int) -> IntArray | None:
    """Columns of the cohort that the rule reads; None where it reads all."""
    found = view.columns if probes is None else view.columns[probes]
    return None if len(found) == n_probes else found

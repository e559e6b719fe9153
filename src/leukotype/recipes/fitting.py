"""Fit one recipe on one split: alignment, panel, tuning and rule are all learned from the training samples."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.models import tuning
from leukotype.recipes import Recipe, missing
from leukotype.recipes.alignment import Alignment
from leukotype.recipes.scorer import ClassMeans, Scorer
from leukotype.resampling import OuterFold
from leukotype.wide import Fold, rule_of
from leukotype.wide.moments import Scaling, standardise


@dataclass(frozen=True, eq=False)
class Kept:
    """The parts of a fit that calling new samples needs.

    columns   : columns of the cohort that the scorer takes
    means     : class means of the aligned training samples
    distances : (n_test,) novelty of the test samples
    scorer    : the portable rule with its alignment; None if it was not requested
    hits      : (n_shares,) correct calls with probes missing, see `missing.simulate`
    """

    columns: IntArray
    means: ClassMeans
    distances: FloatArray
    scorer: Scorer | None
    hits: FloatArray


@dataclass(frozen=True, eq=False)
class FoldResult:
    """The result of one recipe on one outer fold.

    probabilities : (n_test, n_classes), rows in the order of the test samples
    setting       : the setting chosen on the inner folds
    inner_score   : its mean score on them by the recipe's `tune_by`
    inner_losses  : (n_train,) log loss of each held-out training sample against smoothed labels, for any criterion;
                    NaN if it was never held out
    probes        : columns that the fitted rule reads; None if it reads all
    seconds       : wall time of tuning and fitting
    notes         : warnings raised during fitting
    kept          : what a classifier needs; None if it was not requested
    """

    model: str
    repeat: int
    fold: int
    probabilities: FloatArray
    setting: dict[str, Any]
    inner_score: float
    inner_losses: FloatArray
    probes: IntArray | None
    seconds: float
    notes: tuple[str, ...] = ()
    kept: Kept | None = None


@dataclass(frozen=True)
class Keep:
    """What a fit keeps for a classifier, beyond its predictions.

    rule    : whether to keep the portable rule
    n_draws : random draws per test sample in the simulation of missing probes
    """

    rule: bool
    n_draws: int


@dataclass(frozen=True, eq=False)
class Prepared:
    """One split, restricted to its panel and aligned by its training samples.

    alignment : None if the recipe has none and no value is missing
    """

    columns: IntArray
    alignment: Alignment | None
    fold: Fold


def fit_split(
    matrix: FloatArray,
    recipe: Recipe,
    split: OuterFold,
    codes: IntArray,
    entropy: tuple[int, ...],
    *,
    keep: Keep | None = None,
    scaling: Scaling = standardise,
) -> FoldResult:
    """Tune and fit a recipe on the training samples and predict the test samples.

    matrix  : (n_samples, n_probes)
    codes   : (n_samples,) class codes of the cohort
    entropy : seed of all random draws; the result is a pure function of the arguments
    keep    : what to keep for a classifier; None for predictions alone
    scaling : how columns are standardised by the training samples

    Raises NotPortable if a rule is requested from a model without one.
    """
    start = time.perf_counter()
    rng = np.random.default_rng(np.random.SeedSequence(entropy))
    labels = codes[split.train]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        own, inner = prepared(matrix, split, recipe, codes, scaling)
        tuned = tuning.tune(
            recipe.model,
            own.fold,
            [(part, codes[part.train], codes[part.test]) for part in inner],
            labels,
            criterion=recipe.tune_by,
            rng=rng,
        )
        n_classes = int(codes.max()) + 1
        p = tuned.predict_proba(own.fold) if len(split.test) else np.empty((0, n_classes))
    kept = None if keep is None else _kept(matrix, split, codes, own, tuned, keep, recipe.model.name, rng)
    return FoldResult(
        model=recipe.model.name,
        repeat=split.repeat,
        fold=split.fold,
        probabilities=p,
        setting=dict(tuned.candidate.setting),
        inner_score=tuned.inner_score,
        inner_losses=tuned.inner_losses,
        probes=_in_cohort(tuned.candidate.probes, own.columns, matrix.shape[1]),
        seconds=time.perf_counter() - start,
        notes=tuple(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)),
        kept=kept,
    )


def prepared(
    matrix: FloatArray, split: OuterFold, recipe: Recipe, codes: IntArray, scaling: Scaling = standardise
) -> tuple[Prepared, tuple[Fold, ...]]:
    """Return the outer fold and the inner folds of a split as the recipe's model sees them.

    Recipes that differ in the model alone share the folds of the last split, and what these have computed.
    """
    return _prepared(_Key(matrix, split, recipe, codes, scaling))


class _Key:
    """Everything that prepared folds depend on; equal for the same arrays and options."""

    def __init__(
        self, matrix: FloatArray, split: OuterFold, recipe: Recipe, codes: IntArray, scaling: Scaling
    ) -> None:
        # The key keeps the matrix alive, so its id is not used again.
        self.matrix, self.split, self.recipe, self.codes, self.scaling = matrix, split, recipe, codes, scaling
        self._identity = (
            id(matrix),
            id(scaling),
            recipe.align,
            recipe.max_probes,
            codes.tobytes(),
            *(rows.tobytes() for rows in (split.train, split.test)),
            *(rows.tobytes() for pair in split.inner for rows in pair),
        )

    def __hash__(self) -> int:
        return hash(self._identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._identity == other._identity


@lru_cache(maxsize=1)
def _prepared(key: _Key) -> tuple[Prepared, tuple[Fold, ...]]:
    # Quicker than `np.isnan(key.matrix)`.
    incomplete = np.isnan(key.matrix.sum(axis=1))
    inner = tuple(_prepare(key, *pair, incomplete).fold for pair in key.split.inner)
    return _prepare(key, key.split.train, key.split.test, incomplete), inner


def _prepare(key: _Key, train: IntArray, test: IntArray, incomplete: BoolArray) -> Prepared:
    """Choose the panel, fill missing values and align, all learned from the rows in `train`."""
    matrix, recipe, codes = key.matrix, key.recipe, key.codes
    columns = np.arange(matrix.shape[1])
    if recipe.max_probes is not None and recipe.max_probes < len(columns):
        screen = Fold(matrix, train, np.empty(0, dtype=np.intp))
        columns = np.sort(screen.f_order(codes[train])[: recipe.max_probes])
        matrix = matrix[:, columns]
    rows = np.concatenate([train, test])
    has_gaps = bool(incomplete[rows].any() and np.isnan(matrix[rows]).any())
    if recipe.align == "none" and not has_gaps:
        # The matrix is shared, not copied.
        return Prepared(columns, None, Fold(matrix, train, test, scaling=key.scaling))
    x_train = matrix[train]
    if np.isnan(x_train).any():
        x_train = Fold(matrix, train, np.empty(0, dtype=np.intp)).x_train
    alignment = Alignment.learn(x_train, recipe.align)
    # Rows outside this split stay 0; nothing reads them.
    aligned = np.zeros(matrix.shape)
    for row, values in zip(train.tolist(), x_train, strict=True):
        aligned[row] = alignment.complete(values)
    # Missing values of held-out samples are filled as those of new samples, so that both are judged alike.
    means = ClassMeans.learn(aligned[train], codes[train]) if has_gaps and len(test) else None
    for row in test.tolist():
        complete = alignment.complete(matrix[row])
        aligned[row] = complete if means is None else means.fill(complete, _present(matrix[row]))
    return Prepared(columns, alignment, Fold(aligned, train, test, scaling=key.scaling))


def _kept(
    matrix: FloatArray,
    split: OuterFold,
    codes: IntArray,
    own: Prepared,
    tuned: tuning.Tuned,
    keep: Keep,
    model: str,
    rng: np.random.Generator,
) -> Kept:
    fold = own.fold
    scorer = None
    if keep.rule:
        alignment = own.alignment or Alignment.learn(fold.x_train, "none")
        scorer = Scorer(alignment, rule_of(tuned.candidate, fold, model), tuned.temperature)
    means = ClassMeans.learn(fold.expression[split.train], codes[split.train])
    raw = matrix[np.ix_(split.test, own.columns)]
    pairs = zip(fold.expression[split.test], raw, strict=True)
    distances = np.array([means.distance(aligned, _present(row)) for aligned, row in pairs])
    hits = np.zeros(len(missing.SHARES))
    if scorer is not None and len(split.test):
        hits = missing.simulate(scorer, means, raw, codes[split.test], keep.n_draws, rng)
    return Kept(own.columns, means, distances, scorer, hits)


def _present(raw: FloatArray) -> IntArray:
    return np.flatnonzero(~np.isnan(raw))


def _in_cohort(probes: IntArray | None, columns: IntArray, n_probes: int) -> IntArray | None:
    """Columns of the cohort that the rule reads; None if it reads all, so that the store stays small."""
    found = columns if probes is None else columns[probes]
    return None if len(found) == n_probes else found

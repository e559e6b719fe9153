"""The score that common mistakes would report: the same models on the same folds, with one mistake each."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import softmax

from leukotype import execution, resampling
from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.execution import Engine
from leukotype.inference.fold_scores import scalar_metric, score_of_rows
from leukotype.inference.refitting import fitted_models, name_number, refit, workers
from leukotype.metrics import Metric, Scored, intervals
from leukotype.metrics.estimate import estimate
from leukotype.models import Model, tuning
from leukotype.recipes import Recipe
from leukotype.recipes.fitting import prepared
from leukotype.resampling import Design, OuterFold
from leukotype.wide import Fold
from leukotype.wide.moments import as_given, standardise
from leukotype.wide.screen import f_statistic, strongest

Name = Literal["selection", "scaling", "test-tuning", "one-split", "lucky-split"]


@dataclass(frozen=True)
class Mistake:
    """A common mistake, and one sentence on how it was made here."""

    name: Name
    title: str
    sentence: str


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "selection",
        "Probes selected before the split",
        "The probes with the largest F statistic over all samples were selected before the cohort was split.",
    ),
    Mistake(
        "scaling",
        "Scaling before the split",
        "Each probe was standardised by its mean and standard deviation over all samples. The correct procedure here "
        "is the same model on values standardised by the training part.",
    ),
    Mistake(
        "test-tuning",
        "Tuning on the test set",
        "In each outer fold, the setting with the best score on the test set was chosen.",
    ),
    Mistake(
        "one-split",
        "A single split",
        "One training and one test set, drawn with many seeds: the mean score, and its range over seeds.",
    ),
    Mistake(
        "lucky-split",
        "The luckiest single split",
        "The best score over all seeds, as if only this seed had been tried.",
    ),
)


N_SPLITS = 200


def price_leaks(
    evaluation: Evaluation,
    metric: str = "balanced_accuracy",
    *,
    models: Sequence[str | Model] | None = None,
    n_selected: int = 50,
    n_splits: int = N_SPLITS,
    seed: int = 0,
    jobs: int | Engine | None = None,
) -> pd.DataFrame:
    """Run the models of an evaluation with each of MISTAKES, on its own folds; this refits.

    models     : names or `Model` objects; by default all of the evaluation but `auto`
    n_selected : number of probes selected before the split
    n_splits   : number of seeds for the single split: the first of 5 folds, or of the design's if fewer
    jobs       : worker processes or an engine; all cores by default

    One row per mistake and model: mistake, title, model, metric, honest, honest_low, honest_high, claimed,
    optimism, low, high, interval.  The optimism is the gain by the mistake, positive if it improves the score, also for
    losses.  For "scaling", honest is the score of the same models on values standardised by the training part, because
    some models use unscaled values otherwise.  Its 95 % interval is a paired bootstrap over samples (donors if known);
    for the single split, it is the range over seeds.

    Ambroise & McLachlan (2002), PNAS 99, 6562-6566; Varma & Simon (2006), BMC Bioinformatics 7, 91; Kapoor &
    Narayanan (2023), Patterns 4, 100804.
    """
    scalar = scalar_metric(metric)
    recipes = tuple(evaluation.recipe(model) for model in fitted_models(evaluation, models))
    tasks = _tasks(evaluation, recipes, scalar, n_selected, n_splits, seed)
    found = execution.run(_work, evaluation.cohort.expression, tasks, jobs=workers(jobs))
    done = list(zip(tasks, found, strict=True))
    rows: list[dict[str, Any]] = []
    for mistake in MISTAKES:
        for name in (recipe.model.name for recipe in recipes):
            rows.append(
                {"mistake": mistake.name, "title": mistake.title, "model": name, "metric": metric}
                | _price(mistake.name, name, evaluation, scalar, done)
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class _Trial:
    """One mistake on one split, or its correct form; all recipes share its folds."""

    mistake: Name
    is_correct: bool
    recipes: tuple[Recipe, ...]
    split: OuterFold
    codes: IntArray
    metric: Metric
    entropy: tuple[int, ...]
    n_selected: int


def _tasks(
    evaluation: Evaluation,
    recipes: tuple[Recipe, ...],
    metric: Metric,
    n_selected: int,
    n_splits: int,
    seed: int,
) -> list[_Trial]:
    cohort, design = evaluation.cohort, evaluation.folds.design
    listed: list[tuple[Name, OuterFold, int]] = []
    shared: tuple[Name, ...] = ("selection", "scaling", "test-tuning")
    for mistake in shared:
        listed += [(mistake, split, 0) for split in evaluation.folds.splits]
    light = Cohort(
        np.zeros((cohort.n_samples, 1)), cohort.labels, cohort.samples, np.array(["0"]), donors=cohort.donors
    )
    for number in range(n_splits):
        drawn = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        first = resampling.draw(light, Design(min(5, design.outer), design.inner, 1, drawn)).splits[0]
        listed.append(("one-split", first, number))
    trials = [
        _Trial(
            mistake, False, recipes, split, cohort.codes, metric,
            (seed, name_number(mistake), draw, split.repeat, split.fold), n_selected,
        )
        for mistake, split, draw in listed
    ]  # fmt: skip
    # With the seeds of the mistake, so that the scaling is the only difference.
    return trials + [replace(trial, is_correct=True) for trial in trials if trial.mistake == "scaling"]


def _work(matrix: FloatArray, task: _Trial) -> dict[str, FloatArray]:
    """(n_test, n_classes) probabilities of each model."""
    split, codes = task.split, task.codes
    if task.mistake == "selection":
        matrix = matrix[:, np.sort(_best_probes(matrix, codes, task.n_selected))]
    is_leaky_scaling = task.mistake == "scaling" and not task.is_correct
    if task.mistake == "scaling":
        matrix = _standardised(matrix, split.train if task.is_correct else np.arange(len(matrix)))
    outputs = {}
    for recipe in task.recipes:
        name = recipe.model.name
        entropy = (*task.entropy, name_number(name))
        if task.mistake == "test-tuning":
            own, _ = prepared(matrix, split, recipe, codes)
            outputs[name] = _tuned_on_test(recipe.model, own.fold, codes, task.metric, entropy)
        else:
            scaling = as_given if is_leaky_scaling else standardise
            outputs[name] = refit(matrix, recipe, split, codes, entropy, scaling=scaling).probabilities
    return outputs


def _standardised(matrix: FloatArray, rows: IntArray) -> FloatArray:
    """Standardise all samples by the mean and deviation of each probe over some `rows`."""
    seen = matrix[rows]
    with warnings.catch_warnings():
        # A probe without any value has no mean; it is imputed and constant later.
        warnings.simplefilter("ignore", RuntimeWarning)
        mean, scale = np.nanmean(seen, axis=0), np.nanstd(seen, axis=0)
    constant = ~(scale > 1e-12 * np.maximum(np.abs(mean), 1.0))
    return (matrix - np.nan_to_num(mean)) / np.where(constant, 1.0, scale)


def _best_probes(matrix: FloatArray, codes: IntArray, size: int) -> IntArray:
    z = _standardised(matrix, np.arange(len(matrix)))
    return strongest(f_statistic(np.nan_to_num(z), codes)[None, :], size)[0]


def _tuned_on_test(
    model: Model, fold: Fold, codes: IntArray, metric: Metric, entropy: Sequence[int]
) -> FloatArray:
    rng = np.random.default_rng(np.random.SeedSequence(list(entropy)))
    truth = codes[fold.test]
    sign = 1.0 if metric.higher_is_better else -1.0
    best, outcome = -np.inf, np.empty(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        candidates = model.path(fold, codes[fold.train], model.settings(), rng)
    for candidate in candidates:
        output = candidate.predict_proba(fold)
        if "scores" in model.gives:
            output = softmax(output / tuning.fit_temperature(output, truth), axis=1)
        scored = Scored(truth, output.argmax(axis=1), output)
        score = sign * score_of_rows(metric, scored, np.arange(len(truth)))
        if score > best:
            best, outcome = score, output
    return outcome


def _price(
    mistake: Name,
    model: str,
    evaluation: Evaluation,
    metric: Metric,
    done: Sequence[tuple[_Trial, dict[str, FloatArray]]],
) -> dict[str, Any]:
    sign = 1.0 if metric.higher_is_better else -1.0
    own, weights = evaluation.scored(model), evaluation.units.weights
    if mistake == "scaling":
        own = _of_all_folds(mistake, model, evaluation, done, is_correct=True)
    honest = estimate(metric, own, evaluation.units)
    resampled = np.mean([metric.weighted(scored, weights) for scored in own], axis=0)
    if mistake == "one-split":
        claims = _of_single_splits(model, metric, done)
        claimed, spread, method = float(claims.mean()), claims - float(honest.value), "range over seeds"
    elif mistake == "lucky-split":
        claimed = float(sign * (sign * _of_single_splits(model, metric, done)).max())
        spread, method = claimed - resampled, "bootstrap of the honest score"
    else:
        wrong = _of_all_folds(mistake, model, evaluation, done)
        claimed = float(np.mean([metric.value(scored) for scored in wrong]))
        spread = np.mean([metric.weighted(scored, weights) for scored in wrong], axis=0) - resampled
        method = "paired bootstrap"
    tail = (1 - intervals.LEVEL) / 2
    low, high = np.quantile(sign * spread, [tail, 1 - tail])
    optimism = sign * (claimed - float(honest.value))
    return {
        "honest": float(honest.value),
        "honest_low": float(honest.low),
        "honest_high": float(honest.high),
        "claimed": claimed,
        "optimism": optimism,
        # A percentile interval of a biased statistic may exclude it.
        "low": float(min(low, optimism)),
        "high": float(max(high, optimism)),
        "interval": method,
    }


def _of_single_splits(
    model: str, metric: Metric, done: Sequence[tuple[_Trial, dict[str, FloatArray]]]
) -> FloatArray:
    claims = []
    for task, outputs in done:
        if task.mistake == "one-split":
            p = outputs[model]
            scored = Scored(task.codes[task.split.test], p.argmax(axis=1), p)
            claims.append(score_of_rows(metric, scored, np.arange(scored.n_samples)))
    return np.array(claims)


def _of_all_folds(
    mistake: Name,
    model: str,
    evaluation: Evaluation,
    done: Sequence[tuple[_Trial, dict[str, FloatArray]]],
    *,
    is_correct: bool = False,
) -> list[Scored]:
    filled = np.empty_like(evaluation.probabilities(model))
    for task, outputs in done:
        if task.mistake == mistake and task.is_correct == is_correct:
            filled[task.split.repeat, task.split.test] = outputs[model]
    return [Scored(evaluation.cohort.codes, p.argmax(axis=1), p) for p in filled]

"""What the usual mistakes would have claimed: the same models, with one error each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import softmax

from leukotype import execution, resampling
from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.execution import Engine
from leukotype.inference.fold_scores import fitted_models, on_part, single
from leukotype.inference.splits import name_number, refit, workers
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
    """A way to fool oneself, and what was done here to price it."""

    name: Name
    title: str
    sentence: str


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "selection",
        "Probes selected before the split",
        "The probes with the largest F statistic over all samples were kept, and only then was the cohort split.",
    ),
    Mistake(
        "scaling",
        "Scaling before the split",
        "Every probe was standardised by its mean and deviation over all samples.",
    ),
    Mistake(
        "test-tuning",
        "Tuning on the test part",
        "In each outer fold the setting that scores best on the test part was taken.",
    ),
    Mistake(
        "one-split",
        "A single split",
        "One training and one test part, drawn with many seeds: the mean, and the range that one seed may claim.",
    ),
    Mistake(
        "lucky-split",
        "The luckiest single split",
        "The seed with the best score, as if it had been the only one tried.",
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
    on_done: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Run the models of an evaluation with the classic errors, on its own folds; this refits.

    models     : names, or `Model` entries of one's own; by default all of the evaluation but `auto`
    n_selected : probes that selection before the split keeps
    n_splits   : seeds for the single split, which is the first fold of 5, or of as many as the design has
    on_done    : called with the number of each task as it is done, in no fixed order

    One row per mistake and model: mistake, title, model, metric, honest, honest_low, honest_high, claimed,
    optimism, low, high, interval.  The optimism is what the mistake adds, positive where it flatters, also where
    a smaller score is better.  Its 95 % interval is a paired bootstrap over samples (of donors where they are
    known); for the single split it is the range over seeds.

    Ambroise & McLachlan (2002), PNAS 99, 6562-6566; Varma & Simon (2006), BMC Bioinformatics 7, 91; Kapoor &
    Narayanan (2023), Patterns 4, 100804.
    """
    judged = single(metric)
    recipes = tuple(evaluation.recipe(model) for model in fitted_models(evaluation, models))
    tasks = _tasks(evaluation, recipes, judged, n_selected, n_splits, seed)
    finished = None if on_done is None else (lambda done: on_done(done[0]))
    found = execution.run(_work, evaluation.cohort.expression, tasks, jobs=workers(jobs), on_done=finished)
    done = [(task, outputs) for task, (_, outputs) in zip(tasks, found, strict=True)]
    rows: list[dict[str, Any]] = []
    for mistake in MISTAKES:
        for name in (recipe.model.name for recipe in recipes):
            rows.append(
                {"mistake": mistake.name, "title": mistake.title, "model": name, "metric": metric}
                | _price(mistake.name, name, evaluation, judged, done)
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class _Trial:
    """One mistake on one split; all recipes share its folds."""

    mistake: Name
    recipes: tuple[Recipe, ...]
    split: OuterFold
    codes: IntArray
    metric: Metric
    entropy: tuple[int, ...]
    n_selected: int
    number: int


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
    return [
        _Trial(
            mistake, recipes, split, cohort.codes, metric,
            (seed, name_number(mistake), draw, split.repeat, split.fold), n_selected, number,
        )
        for number, (mistake, split, draw) in enumerate(listed)
    ]  # fmt: skip


def _work(matrix: FloatArray, task: _Trial) -> tuple[int, dict[str, FloatArray]]:
    split, codes = task.split, task.codes
    if task.mistake == "selection":
        matrix = matrix[:, np.sort(_best_probes(matrix, codes, task.n_selected))]
    # Values that were scaled over all samples, test samples included, are used as they are.
    scaling = as_given if task.mistake == "scaling" else standardise
    if task.mistake == "scaling":
        matrix = _standardised(matrix)
    outputs = {}
    for recipe in task.recipes:
        name = recipe.model.name
        entropy = (*task.entropy, name_number(name))
        if task.mistake == "test-tuning":
            own, _ = prepared(matrix, split, recipe, codes)
            outputs[name] = _tuned_on_test(recipe.model, own.fold, codes, task.metric, entropy)
        else:
            outputs[name] = refit(matrix, recipe, split, codes, entropy, scaling=scaling).probabilities
    return task.number, outputs


def _standardised(matrix: FloatArray) -> FloatArray:
    with warnings.catch_warnings():
        # A probe without any value has no mean; the fold's imputation makes it constant.
        warnings.simplefilter("ignore", RuntimeWarning)
        mean, scale = np.nanmean(matrix, axis=0), np.nanstd(matrix, axis=0)
    constant = ~(scale > 1e-12 * np.maximum(np.abs(mean), 1.0))
    return (matrix - np.nan_to_num(mean)) / np.where(constant, 1.0, scale)


def _best_probes(matrix: FloatArray, codes: IntArray, size: int) -> IntArray:
    return strongest(f_statistic(np.nan_to_num(_standardised(matrix)), codes)[None, :], size)[0]


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
        score = sign * on_part(metric, scored, np.arange(len(truth)))
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
        # A percentile interval of a biased statistic can miss it.
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
            claims.append(on_part(metric, scored, np.arange(scored.n_samples)))
    return np.array(claims)


def _of_all_folds(
    mistake: Name,
    model: str,
    evaluation: Evaluation,
    done: Sequence[tuple[_Trial, dict[str, FloatArray]]],
) -> list[Scored]:
    filled = np.empty_like(evaluation.probabilities(model))
    for task, outputs in done:
        if task.mistake == mistake:
            filled[task.split.repeat, task.split.test] = outputs[model]
    return [Scored(evaluation.cohort.codes, p.argmax(axis=1), p) for p in filled]

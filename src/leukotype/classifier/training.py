"""train: an evaluation that keeps its rules, plus one fit on the whole cohort, as one classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from leukotype import errors, resampling
from leukotype.arrays import IntArray
from leukotype.classifier import abstention, calibration
from leukotype.classifier.abstention import OutOfFold, Target
from leukotype.classifier.calls import ABSTAINED
from leukotype.classifier.card import card, recorded
from leukotype.classifier.classifier import Classifier
from leukotype.classifier.conformal import CrossConformal
from leukotype.classifier.novelty import LEVEL, Novelty
from leukotype.classifier.scale_check import ScaleRange
from leukotype.classifier.sketch import Sketch
from leukotype.cohort import Cohort, need_cohort
from leukotype.errors import BadLabels, BadValues, UnknownName
from leukotype.evaluation import AUTO, Evaluation, choose
from leukotype.evaluation.nested import Resources, checked, evaluate_recipes, fit_splits, opened
from leukotype.execution import Engine
from leukotype.models import Model, select, tuning
from leukotype.recipes import How, Recipe, alignment, missing
from leukotype.recipes.fitting import FoldResult, Keep, Kept
from leukotype.recipes.scorer import Scorer
from leukotype.resampling import Design, Folds
from leukotype.runs import Store

# Limits for the rules of the folds in a file.
_MOST_FOLD_BYTES = 96 * 2**20
_MOST_FOLD_ARRAYS = 200
# In small cohorts one draw of the folds gives a noisy estimate; more than 3 change little.
REPEATS = 3


def _silent(step: str) -> None:
    """Report nothing."""


def train(
    cohort: Cohort,
    model: str | Model = "logistic",
    *,
    models: Sequence[str | Model] | None = None,
    name: str | None = None,
    align: How | None = None,
    max_probes: int | None = None,
    target: Target | None = None,
    symbols: Mapping[str, str] | None = None,
    design: Design | None = None,
    folds: Folds | None = None,
    tune_by: tuning.Criterion = "log_loss",
    chosen_by: Mapping[str, Any] | None = None,
    jobs: int | None = None,
    store: Store | str | Path | None = None,
    engine: str | Engine | None = None,
    scheduler: str | None = None,
    task_timeout: float | None = None,
    on_step: Callable[[str], None] = _silent,
) -> Classifier:
    """Fit a recipe on a whole cohort, with the nested estimate of the same procedure.

    model      : name of one of MODELS, a `Model`, or "auto" to choose one of `models` on the inner folds
    models     : candidates of "auto"; the default set for None
    name       : name of the classifier; by default those of the cohort and the model
    align      : alignment of each sample to the training samples: "none", "quantile" or "rank"; by default quantile,
                 and none for fewer than 500 probes
    max_probes : size of a panel that is chosen by F statistic in each training set
    target     : target of abstention by margin; by default 95 % of the calls correct
    symbols    : gene symbol of each probe, to match files of another array
    design     : the resampling design; by default 5 outer and 3 inner folds, 3 repeats, seed 0
    folds      : splits to use instead of drawn ones
    tune_by    : criterion of the inner folds: "log_loss", "accuracy" or "balanced_accuracy"
    chosen_by  : result of the study that selected the model, see `from_study.read_choice`
    on_step    : called as each task finishes
    jobs, store, engine, scheduler, task_timeout : as in `evaluate`; the classifier does not depend on them

    The file also states the estimates without alignment and without the panel.

    Raises InfeasibleDesign if a class is too small, UnknownName, BadLabels for a class called "abstained", NotPortable
    for a model whose fits have no portable rule, TasksFailed.
    """
    need_cohort(cohort)
    candidates = _candidates(model, models)
    _check(cohort)
    n_panel = min(max_probes or cohort.n_probes, cohort.n_probes)
    options = checked(align or alignment.default(n_panel), max_probes, tune_by, cohort)
    recipes = [Recipe(candidate, *options) for candidate in candidates]
    if folds is None:
        folds = resampling.draw(cohort, design or Design(repeats=REPEATS))
    n_draws = missing.draws(cohort.n_samples)
    with opened(
        jobs=jobs,
        store=store,
        engine=engine,
        scheduler=scheduler,
        task_timeout=task_timeout,
        on_done=lambda result: on_step(result.model),
    ) as resources:
        # First, because a model without a portable rule fails here.
        final = _fit_whole(cohort, recipes, folds.design, resources, Keep(True, n_draws))
        evaluation = evaluate_recipes(
            cohort, recipes, folds, resources, keep=lambda split: Keep(split.repeat == 0, n_draws)
        )
        without = [
            evaluate_recipes(
                cohort, [replace(other, model=recipe.model) for recipe in recipes], folds, resources
            )
            for other in recipes[0].without_options()
        ]
    procedure = AUTO if len(recipes) > 1 else recipes[0].model.name
    return _assembled(
        name or f"{cohort.name}-{procedure}",
        evaluation.only(procedure),
        [other.only(procedure) for other in without],
        final,
        next(recipe for recipe in recipes if recipe.model.name == final.model),
        [candidate.name for candidate in candidates],
        target or Target(),
        symbols or {},
        chosen_by,
    )


def n_tasks(cohort: Cohort, n_models: int, folds: Folds, align: How | None, max_probes: int | None) -> int:
    """Return the number of calls of `on_step`."""
    n_panel = min(max_probes or cohort.n_probes, cohort.n_probes)
    n_variants = 1 + ((align or alignment.default(n_panel)) != "none") + (n_panel < cohort.n_probes)
    return n_models * (len(folds.splits) * n_variants + 1)


def _fit_whole(
    cohort: Cohort, recipes: Sequence[Recipe], design: Design, resources: Resources, keep: Keep
) -> FoldResult:
    """Fit on all samples; of several recipes, return the one that `auto` chooses."""
    whole = resampling.whole(cohort, design)
    results, failed = fit_splits(cohort, recipes, [whole], design, resources, keep=lambda split: keep)
    if failed:
        first = failed[0]
        if kind := getattr(errors, first.kind, None):
            raise kind(first.error)
        raise errors.TasksFailed(f"model {first.model!r} failed on all samples: {first.error}.")
    rank = {recipe.model.name: number for number, recipe in enumerate(recipes)}
    results.sort(key=lambda result: rank[result.model])
    return results[choose([result.inner_losses for result in results])]


def _assembled(
    name: str,
    evaluation: Evaluation,
    without: Sequence[Evaluation],
    final: FoldResult,
    recipe: Recipe,
    candidates: Sequence[str],
    target: Target,
    symbols: Mapping[str, str],
    chosen_by: Mapping[str, Any] | None,
) -> Classifier:
    cohort = evaluation.cohort
    seen = _out_of_fold(evaluation)
    choice = calibration.choose(seen.p, seen.labels, seen.fold_of)
    calibrated = np.array([choice.calibration.apply(p) for p in seen.p])
    first = [_kept(result) for result in evaluation.results if result.repeat == 0]
    n_calls = cohort.n_samples * missing.draws(cohort.n_samples)
    hits = np.sum([kept.hits for kept in first], axis=0)
    scorers = tuple(kept.scorer for kept in first if kept.scorer is not None)
    why_no_sets = _why_no_sets(recipe, scorers)
    own_class = seen.p[0][np.arange(cohort.n_samples), seen.labels]
    own = _kept(final)
    if own.scorer is None:
        raise AssertionError("the rule of the whole cohort was not kept")
    probes = cohort.probes[own.columns].tolist()
    record = recorded(
        evaluation,
        recipe=recipe,
        candidates=candidates,
        setting=final.setting,
        n_read=own.scorer.rule.n_read,
        calibration=choice,
        decisions=abstention.decisions(seen, cohort.classes, choice.calibration.method, target, LEVEL),
        without=without,
        why_no_sets=why_no_sets,
        chosen=chosen_by,
    )
    classifier = Classifier(
        name=name,
        classes=cohort.classes,
        probes=tuple(probes),
        symbols=tuple(symbols.get(probe, "") for probe in probes),
        scorer=own.scorer,
        folds=() if why_no_sets else scorers,
        calibration=choice.calibration,
        thresholds=abstention.thresholds(calibrated, seen.labels, target, seen.n_units),
        novelty=Novelty(own.means, np.sort(seen.distances.mean(axis=0))),
        sets=None
        if why_no_sets
        else CrossConformal(own_class, seen.labels, seen.fold_of[0], _donors(cohort)),
        missing=missing.limit_of((hits / n_calls).tolist()),
        scale=ScaleRange.learn(cohort.expression[:, own.columns], is_bound=recipe.align == "none"),
        sketch=Sketch.learn(cohort.expression[:, own.columns], cohort.codes),
        record=record,
    )
    return replace(classifier, card=card(classifier))


def _kept(result: FoldResult) -> Kept:
    if result.kept is None:
        raise AssertionError("this evaluation kept no rules")
    return result.kept


def _out_of_fold(evaluation: Evaluation) -> OutOfFold:
    distances = np.empty(evaluation.fold_of.shape)
    for result, split in zip(evaluation.results, evaluation.folds.splits, strict=True):
        distances[split.repeat, split.test] = _kept(result).distances
    return OutOfFold(
        evaluation.probabilities(evaluation.names[0]),
        evaluation.cohort.codes,
        evaluation.fold_of,
        distances,
        evaluation.units.total,
    )


def _donors(cohort: Cohort) -> IntArray | None:
    """(n_samples,) code of each sample's donor; None if each sample has its own, or if donors are unknown."""
    if cohort.donors is None:
        return None
    names, codes = np.unique(cohort.donors, return_inverse=True)
    return None if len(names) == cohort.n_samples else np.asarray(codes, dtype=np.intp)


def _why_no_sets(recipe: Recipe, scorers: Sequence[Scorer]) -> str:
    """Return the reason why the file has no prediction sets; "" if it has them."""
    if recipe.max_probes is not None:
        return "they need the rules of the folds, which read other panels, whose probes a new sample may lack"
    arrays = [array for one in scorers for array in (*one.rule.parts()[1].values(), *one.alignment.arrays())]
    if len(arrays) > _MOST_FOLD_ARRAYS:
        return f"they need the rules of {len(scorers)} folds, {len(arrays)} arrays; the limit is {_MOST_FOLD_ARRAYS}"
    size = sum(array.nbytes for array in arrays)
    if size > _MOST_FOLD_BYTES:
        limit = _MOST_FOLD_BYTES / 2**20
        return f"they need the rules of the folds, {size / 2**20:,.0f} MiB; the limit is {limit:,.0f} MiB"
    return ""


def _candidates(model: str | Model, models: Sequence[str | Model] | None) -> tuple[Model, ...]:
    if model == AUTO:
        return select(models)
    if models is not None:
        raise UnknownName(
            f"models are candidates of 'auto', and the model is {str(model)!r}. Name one of the two."
        )
    if not isinstance(model, str | Model):
        raise UnknownName(
            f"model is a {type(model).__name__}; a name or a Model is needed. To choose among several, use "
            "model='auto' and models=[...]."
        )
    chosen = select([model])
    if len(chosen) != 1:
        raise UnknownName(f"{model!r} names {len(chosen)} models. Name one model, or 'auto'.")
    return chosen


def _check(cohort: Cohort) -> None:
    if ABSTAINED in cohort.classes:
        raise BadLabels(
            f"a class is called {ABSTAINED!r}, which marks samples without a call. Rename the class."
        )
    if np.isnan(cohort.expression).all():
        raise BadValues(f"all values of {cohort.name} are missing.")

"""train: a classifier of a whole cohort, tuned as inside the folds, with the honest estimate of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from leukotype import execution, resampling
from leukotype.classifier import abstention, alignment, calibration, honest, missing, novelty
from leukotype.classifier.abstention import Target
from leukotype.classifier.alignment import HOWS, How
from leukotype.classifier.calls import ABSTAINED
from leukotype.classifier.card import card
from leukotype.classifier.classifier import Classifier
from leukotype.classifier.conformal import CrossConformal
from leukotype.classifier.fitting import Fitted, Recipe, Task, fit
from leukotype.classifier.honest import OutOfFold
from leukotype.classifier.novelty import Unlikeness
from leukotype.classifier.recording import recorded
from leukotype.classifier.scale_check import ScaleRange
from leukotype.classifier.scorer import Scorer
from leukotype.cohort import Cohort
from leukotype.errors import BadLabels, BadValues, InfeasibleDesign, UnknownName
from leukotype.evaluation import Evaluation
from leukotype.evaluation.nested import entropy_of
from leukotype.execution import Engine
from leukotype.models import Model, select, tuning
from leukotype.resampling import Design, Folds

# Rules of the folds beyond this take more room than prediction sets are worth.
_MOST_FOLD_BYTES = 96 * 2**20
# A file has 256 members at most, and the classifier itself takes a few dozen.
_MOST_FOLD_ARRAYS = 200
# Folds drawn once are a lottery in small cohorts; more repeats than this change little.
REPEATS = 3


def _silent(step: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One recipe on every outer fold.

    fitted : one per outer fold of every repeat, in order
    """

    recipe: Recipe
    fitted: tuple[Fitted, ...]
    evaluation: Evaluation


def train(
    cohort: Cohort,
    model: str | Model = "logistic",
    *,
    name: str | None = None,
    align: How | None = None,
    max_probes: int | None = None,
    target: Target | None = None,
    symbols: Mapping[str, str] | None = None,
    design: Design | None = None,
    tune_by: tuning.Criterion = "log_loss",
    chosen_by: Mapping[str, Any] | None = None,
    jobs: int | None = None,
    engine: str | Engine | None = None,
    on_step: Callable[[str], None] = _silent,
) -> Classifier:
    """Fit one model on a whole cohort, by the same procedure that its honest estimate comes from.

    model      : name of one of MODELS, or a `Model` of one's own
    name       : of the classifier; the cohort's and the model's by default
    align      : how each sample is brought to the training samples' distribution: "none", "quantile" or "rank";
                 quantile by default, none for panels of fewer than 500 probes
    max_probes : train a panel of so many probes, chosen in every training part anew by F statistic
    target     : what abstention by margin is for; 95 % of the calls of each class right by default
    symbols    : gene symbol of the cohort's probes, for matching files of another array
    design     : 5 outer and 3 inner folds, 3 times, with seed 0 by default
    tune_by    : "log_loss", "accuracy" or "balanced_accuracy" on the inner folds
    chosen_by  : where the model was the best of several: what `favoured` says of that choice
    jobs, engine : as in `evaluate`; no byte depends on them
    on_step    : called as each task ends

    The file says what alignment and panel cost: the same nested estimate without them stands beside it.

    Raises InfeasibleDesign where a class is too small, UnknownName, BadLabels for a class called "abstained",
    NotPortable for a model that no file can hold.
    """
    target = target or Target()
    design = design or Design(repeats=REPEATS)
    chosen = _one_model(model)
    _check(cohort, align, max_probes, tune_by)
    folds = resampling.draw(cohort, design)
    whole = resampling.whole(cohort, design)
    if max_probes is not None and max_probes >= cohort.n_probes:
        max_probes = None
    n_panel = max_probes or cohort.n_probes
    recipe = Recipe(chosen, align or alignment.default(n_panel), max_probes, tune_by)
    recipes = [recipe, *_plainer(recipe, cohort.n_probes)]
    tasks = [
        Task(
            each,
            split,
            cohort.codes,
            entropy_of(cohort, folds, chosen, split),
            keeps_rule=each is recipe and split.repeat == 0,
            n_draws=missing.draws(cohort.n_samples),
        )
        for each in recipes
        for split in (*folds.splits, *((whole,) if each is recipe else ()))
    ]
    start = time.perf_counter()
    workers = engine if isinstance(engine, Engine) else execution.open_engine(engine, jobs=jobs)
    try:
        done = execution.run(
            fit, cohort.expression, tasks, jobs=workers, on_done=lambda _: on_step(chosen.title)
        )
    finally:
        if workers is not engine:
            workers.close()
    seconds = time.perf_counter() - start
    n_folds = len(folds.splits)
    final = done.pop(n_folds)
    trials = [
        _trial(cohort, folds, each, done[k * n_folds : (k + 1) * n_folds], seconds)
        for k, each in enumerate(recipes)
    ]
    return _assembled(cohort, name, trials, final, target, symbols or {}, chosen_by)


def n_tasks(cohort: Cohort, design: Design, align: How | None, max_probes: int | None) -> int:
    """Return how often `on_step` will be called."""
    n_panel = min(max_probes or cohort.n_probes, cohort.n_probes)
    recipe = Recipe(select(["logistic"])[0], align or alignment.default(n_panel), max_probes, "log_loss")
    return design.outer * design.repeats * (1 + len(_plainer(recipe, cohort.n_probes))) + 1


def _assembled(
    cohort: Cohort,
    name: str | None,
    trials: Sequence[Trial],
    final: Fitted,
    target: Target,
    symbols: Mapping[str, str],
    chosen_by: Mapping[str, Any] | None,
) -> Classifier:
    own = trials[0]
    recipe, evaluation = own.recipe, own.evaluation
    seen = _out_of_fold(own)
    choice = calibration.choose(seen.p, seen.labels, seen.fold_of)
    shown = np.array([choice.calibration.apply(p) for p in seen.p])
    held_out = np.sort(seen.distances.mean(axis=0))
    first = [one for one in own.fitted if one.result is not None and one.result.repeat == 0]
    n_calls = cohort.n_samples * missing.draws(cohort.n_samples)
    hits = np.sum([one.hits for one in first], axis=0)
    scorers = tuple(one.scorer for one in first if one.scorer is not None)
    why_no_sets = _why_no_sets(recipe, scorers)
    probes = cohort.probes[final.columns].tolist()
    if final.scorer is None:
        raise AssertionError("the rule of the whole cohort was not kept")
    facts = recorded(
        cohort,
        evaluation,
        recipe=recipe,
        setting=final.setting,
        n_read=final.scorer.rule.n_read,
        calibration=choice,
        decisions=honest.decisions(seen, cohort.classes, choice.calibration.method, target, novelty.LEVEL),
        plainer=[(trial.recipe, trial.evaluation) for trial in trials[1:]],
        why_no_sets=why_no_sets,
        chosen=chosen_by,
    )
    classifier = Classifier(
        name=name or f"{cohort.name}-{recipe.model.name}",
        classes=cohort.classes,
        probes=tuple(probes),
        symbols=tuple(symbols.get(probe, "") for probe in probes),
        scorer=final.scorer,
        folds=() if why_no_sets else scorers,
        calibration=choice.calibration,
        thresholds=abstention.thresholds(shown, seen.labels, target),
        unlikeness=Unlikeness(final.classes, held_out),
        sets=None if why_no_sets else _conformal(seen),
        missing=missing.limit_of((hits / n_calls).tolist()),
        scale=ScaleRange.learn(cohort.expression[:, final.columns], is_bound=recipe.align == "none"),
        record=facts,
    )
    return replace(classifier, card=card(classifier))


def _out_of_fold(trial: Trial) -> OutOfFold:
    evaluation = trial.evaluation
    distances = np.empty(evaluation.fold_of.shape)
    for one, split in zip(trial.fitted, evaluation.folds.splits, strict=True):
        distances[split.repeat, split.test] = one.distances
    return OutOfFold(
        evaluation.probabilities(trial.recipe.model.name),
        evaluation.cohort.codes,
        evaluation.fold_of,
        distances,
        evaluation.units.total,
    )


def _conformal(seen: OutOfFold) -> CrossConformal:
    own = seen.p[0][np.arange(len(seen.labels)), seen.labels]
    return CrossConformal(own, seen.labels, seen.fold_of[0])


def _why_no_sets(recipe: Recipe, scorers: Sequence[Scorer]) -> str:
    """Return why the file has no prediction sets; "" where it has."""
    if recipe.max_probes is not None:
        return (
            "the folds' rules, which prediction sets are made of, read panels of their own, and a sample of this panel "
            "may lack them"
        )
    arrays = [array for one in scorers for array in (*one.rule.parts()[1].values(), *one.alignment.arrays())]
    if len(arrays) > _MOST_FOLD_ARRAYS:
        return (
            f"the rules of {len(scorers)} folds, which prediction sets are made of, would be {len(arrays)} arrays, and "
            f"a file has room for {_MOST_FOLD_ARRAYS}"
        )
    size = sum(array.nbytes for array in arrays)
    if size > _MOST_FOLD_BYTES:
        return (
            f"the folds' rules, which prediction sets are made of, would take {size / 2**20:,.0f} MiB, and "
            f"{_MOST_FOLD_BYTES / 2**20:,.0f} are given to them"
        )
    return ""


def _trial(cohort: Cohort, folds: Folds, recipe: Recipe, fitted: Sequence[Fitted], seconds: float) -> Trial:
    results = tuple(one.result for one in fitted if one.result is not None)
    evaluation = Evaluation(
        cohort, folds, (recipe.model.name,), results, tune_by=recipe.criterion, seconds=seconds
    )
    return Trial(recipe, tuple(fitted), evaluation)


def _plainer(recipe: Recipe, n_probes: int) -> list[Recipe]:
    """Return the recipes that say what alignment and panel cost."""
    found = []
    if recipe.align != "none":
        found.append(replace(recipe, align="none"))
    if recipe.max_probes is not None and recipe.max_probes < n_probes:
        found.append(replace(recipe, max_probes=None))
    return found


def _one_model(model: str | Model) -> Model:
    chosen = select([model])
    if len(chosen) != 1:
        raise UnknownName(
            f"{model!r} names {len(chosen)} models, and a classifier holds one. Name one of them."
        )
    return chosen[0]


def _check(cohort: Cohort, align: str | None, max_probes: int | None, tune_by: str) -> None:
    if align is not None and align not in HOWS:
        raise UnknownName(f"no alignment {align!r}. There are {', '.join(HOWS)}.")
    if tune_by not in tuning.CRITERIA:
        raise UnknownName(f"no criterion {tune_by!r}. There are {', '.join(tuning.CRITERIA)}.")
    if max_probes is not None and max_probes < 1:
        raise InfeasibleDesign(f"a panel of {max_probes} probes is none. Ask for 1 at least.")
    if ABSTAINED in cohort.classes:
        raise BadLabels(
            f"a class is called {ABSTAINED!r}, as a sample without a call is. Give the class another name."
        )
    empty = np.isnan(cohort.expression).all(axis=0)
    if empty.all():
        raise BadValues(f"{cohort.name} has no value at all.")

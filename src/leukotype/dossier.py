"""Dossier: an evaluation and what can be said of its worth, gathered once for every page that tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from leukotype import inference
from leukotype.audits import Finding, audit
from leukotype.cohort import Cohort
from leukotype.errors import InfeasibleDesign
from leukotype.evaluation import Evaluation
from leukotype.execution import Engine
from leukotype.genes import Annotation
from leukotype.inference import BestOfMany, Findings, LearningCurve, PermutationTest
from leukotype.models import MODELS, Model
from leukotype.resampling import Folds

HEADLINE = "balanced_accuracy"


@dataclass(frozen=True, eq=False)
class Dossier:
    """What a study found and what it is worth.

    evaluation  : with `auto` beside the models that were tried, where they were several
    best        : the estimate for the best of the models tried, corrected for the choice
    comparisons : every two models on the same folds; None for a single model
    stability   : how many calls depend on the split; one row a model
    findings    : of the audits, the gravest first
    permutation, leaks, learning : None where they were not asked for
    recipes     : the models as they were run, as far as they are known
    """

    evaluation: Evaluation
    best: BestOfMany
    comparisons: pd.DataFrame | None
    stability: pd.DataFrame
    findings: tuple[Finding, ...]
    permutation: PermutationTest | None = None
    leaks: pd.DataFrame | None = None
    learning: LearningCurve | None = None
    recipes: tuple[Model, ...] = MODELS

    @property
    def inferred(self) -> Findings:
        """What the figures of inference are drawn from."""
        return Findings(self.evaluation, self.permutation, self.learning, self.leaks)


def _silent(step: str) -> None:
    """Say nothing."""


def compile_dossier(
    evaluation: Evaluation,
    *,
    recipes: Sequence[Model] = MODELS,
    annotation: Annotation | None = None,
    permutations: int = 0,
    price_leaks: bool = False,
    learning_curve: bool = False,
    engine: Engine | None = None,
    on_step: Callable[[str], None] = _silent,
) -> Dossier:
    """Gather everything that is said of an evaluation.

    recipes        : the models that were run, where some are not in MODELS; what refits needs them
    annotation     : probe to gene, for the audits of sex
    permutations   : of the labels, on which the whole nested procedure is run again; 0 for none; models that
                     take long get no more than `inference.MOST_SLOW`
    price_leaks    : whether to run the models with the classic mistakes, too
    learning_curve : whether to evaluate on smaller training parts, too
    engine         : where that is done; by default as many processes as the evaluation had
    on_step        : called with what is done next

    Permutations, mistakes and learning curve refit, on the models that are no baselines; the rest derives from
    the out-of-fold predictions, but for two audits which fit something small and say so.

    Raises InfeasibleDesign where something that was asked for can't be done on this cohort.
    """
    tried = [model for model in evaluation.models if model != inference.AUTO]
    whole = inference.auto(evaluation) if len(tried) > 1 else evaluation
    jobs, seed = engine or evaluation.jobs, evaluation.folds.design.seed
    contenders = _contenders(tried, recipes)
    on_step("Audits")
    findings = tuple(audit(evaluation.cohort, evaluation, annotation))
    on_step("Comparisons")
    best = inference.corrected_best(whole, HEADLINE)
    comparisons = inference.compare(whole, HEADLINE, models=tried) if len(tried) > 1 else None
    test = leaks = curve = None
    if permutations:
        on_step("Permutation test")
        test = inference.permutation_test(
            evaluation,
            HEADLINE,
            models=contenders,
            n_permutations=permutation_counts(contenders, permutations),
            seed=seed,
            jobs=jobs,
        )
    if price_leaks:
        on_step("Price of the usual mistakes")
        leaks = inference.price_leaks(evaluation, HEADLINE, models=contenders, seed=seed, jobs=jobs)
    if learning_curve:
        on_step("Learning curve")
        curve = inference.learning_curve(evaluation, HEADLINE, models=contenders, seed=seed, jobs=jobs)
    stability = inference.split_dependence(whole)
    return Dossier(
        whole, best, comparisons, stability, findings, test, leaks, curve, _known(whole.models, recipes)
    )


def check_wishes(
    cohort: Cohort, folds: Folds, *, permutations: int = 0, learning_curve: bool = False
) -> None:
    """Refuse what can't be done on this cohort, before anything is computed.

    Raises InfeasibleDesign.
    """
    if permutations < 0:
        raise InfeasibleDesign(
            f"{permutations} permutations were asked for. Say 0 for none, 1000 for a good many."
        )
    if permutations:
        inference.check_permutable(cohort, folds.design.seed)
    if learning_curve:
        inference.thinner(cohort, folds, seed=folds.design.seed)


def expected_seconds(
    evaluation: Evaluation,
    recipes: Sequence[Model] = MODELS,
    *,
    permutations: int = 0,
    price_leaks: bool = False,
    learning_curve: bool = False,
) -> dict[str, float]:
    """Return how long each thing that refits may take, from what the evaluation took, by its name.

    A single split costs an outer fold; smaller training parts are taken for half of the whole.
    """
    design = evaluation.folds.design
    contenders = _contenders(evaluation.models, recipes)
    spent = evaluation.settings().groupby("model")["seconds"].sum() / (design.repeats * evaluation.jobs)
    whole = {model.name: float(spent[model.name]) for model in contenders}
    one = sum(whole.values())
    counts = permutation_counts(contenders, permutations)
    asked = {
        "permutation test": (permutations > 0, sum(counts[name] * cost for name, cost in whole.items())),
        "price of the usual mistakes": (
            price_leaks,
            one * (3 * design.repeats + inference.N_SPLITS / design.outer),
        ),
        "learning curve": (learning_curve, one * design.repeats * len(inference.FRACTIONS) / 2),
    }
    return {name: seconds for name, (wanted, seconds) in asked.items() if wanted}


def permutation_counts(models: Sequence[Model], permutations: int) -> Mapping[str, int]:
    """How often the labels are permuted for each model."""
    return {
        model.name: permutations if model.name in inference.QUICK else min(permutations, inference.MOST_SLOW)
        for model in models
    }


def _known(names: Sequence[str], recipes: Sequence[Model]) -> tuple[Model, ...]:
    # A model of the user's own may bear no name of ours, so that the order of the two does not matter.
    by_name = {model.name: model for model in (*MODELS, *recipes)}
    return tuple(by_name[name] for name in names if name in by_name)


def _contenders(tried: Sequence[str], recipes: Sequence[Model]) -> tuple[Model, ...]:
    """The models that are no baselines; all where there are only baselines."""
    known = _known(tried, recipes)
    return tuple(model for model in known if not model.baseline) or known

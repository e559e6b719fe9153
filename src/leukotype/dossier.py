"""Dossier: an evaluation and what can be said of its worth, gathered once for every page that tells of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from leukotype import inference
from leukotype.audits import Finding, audit
from leukotype.evaluation import Evaluation
from leukotype.genes import Annotation
from leukotype.inference import BestOfMany, LearningCurve, PermutationTest

HEADLINE = "balanced_accuracy"


@dataclass(frozen=True, eq=False)
class Dossier:
    """What a study found and what it is worth.

    evaluation  : with `auto` beside the models that were tried
    best        : the estimate for the best of the models tried, corrected for the choice
    comparisons : every two models on the same folds; None for a single model
    stability   : how many calls depend on the split; one row a model
    findings    : of the audits, the gravest first
    permutation, leaks, learning : None where they were not asked for
    """

    evaluation: Evaluation
    best: BestOfMany
    comparisons: pd.DataFrame | None
    stability: pd.DataFrame
    findings: tuple[Finding, ...]
    permutation: PermutationTest | None = None
    leaks: pd.DataFrame | None = None
    learning: LearningCurve | None = None


def _silent(step: str) -> None:
    """Say nothing."""


def compile_dossier(
    evaluation: Evaluation,
    *,
    annotation: Annotation | None = None,
    permutations: int = 0,
    price_leaks: bool = False,
    learning_curve: bool = False,
    on_step: Callable[[str], None] = _silent,
) -> Dossier:
    """Gather everything that is said of an evaluation.

    annotation     : probe to gene, for the audits of sex
    permutations   : of the labels, on which the whole nested procedure is run again; 0 for none
    price_leaks    : whether to run the models with the classic mistakes, too
    learning_curve : whether to evaluate on smaller training parts, too

    The last three refit; the rest derives from the out-of-fold predictions, but for two audits which fit
    something small and say so.
    """
    tried = [model for model in evaluation.models if model != inference.AUTO]
    whole = inference.auto(evaluation) if len(tried) > 1 else evaluation
    jobs, seed = evaluation.jobs, evaluation.folds.design.seed
    on_step("audits")
    findings = tuple(audit(evaluation.cohort, evaluation, annotation))
    on_step("comparisons")
    best = inference.corrected_best(whole, HEADLINE)
    comparisons = inference.compare(whole, HEADLINE, models=tried) if len(tried) > 1 else None
    test = leaks = curve = None
    if permutations:
        on_step("permutations")
        test = inference.permutation_test(
            evaluation, HEADLINE, n_permutations=permutations, seed=seed, jobs=jobs
        )
    if price_leaks:
        on_step("price of the usual mistakes")
        leaks = inference.price_leaks(evaluation, HEADLINE, seed=seed, jobs=jobs)
    if learning_curve:
        on_step("learning curve")
        curve = inference.learning_curve(evaluation, HEADLINE, seed=seed, jobs=jobs)
    stability = inference.split_dependence(whole)
    return Dossier(whole, best, comparisons, stability, findings, test, leaks, curve)

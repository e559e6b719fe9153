"""Study: an evaluation with inference and audits, the source of report, tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from leukotype import inference, resampling, wording
from leukotype.audits import Finding, audit
from leukotype.cohort import Cohort, need_cohort
from leukotype.errors import InfeasibleDesign
from leukotype.evaluation import AUTO, CachingEngine, Evaluation, FoldResult
from leukotype.evaluation.nested import checked, evaluate_recipes, opened
from leukotype.execution import Engine
from leukotype.genes import Annotation
from leukotype.inference import BestOfMany, LearningCurve, PermutationTest
from leukotype.metrics import HEADLINE
from leukotype.models import Model, select
from leukotype.models.tuning import Criterion
from leukotype.recipes import How, Recipe
from leukotype.resampling import Design, Folds
from leukotype.runs import Store

if TYPE_CHECKING:
    from leukotype.figures import Chart

MOST_PERMUTATIONS = 100_000


@dataclass(frozen=True)
class Score:
    """One model's value of the headline metric with its 95 % interval."""

    model: Model
    value: float
    low: float
    high: float

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def title(self) -> str:
        return self.model.title

    @property
    def text(self) -> str:
        """`0.95 [0.88, 0.99]`."""
        return wording.estimate(self.value, self.low, self.high)

    def overlaps(self, other: Score) -> bool:
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, eq=False)
class Study:
    """An evaluation, its inference and its audits.  Nothing here refits.

    evaluation  : with `auto` beside the models that were tried, if there were several
    best        : the estimate for the best of the models tried, corrected for the choice
    comparisons : every pair of models on the same folds; None for a single model
    stability   : how many calls depend on the split; one row per model
    audits      : findings of the audits, most severe first
    permutation, leaks, learning : None if not requested
    without     : the same models without alignment, and with all probes, if the study used these options
    """

    evaluation: Evaluation
    best: BestOfMany
    comparisons: pd.DataFrame | None
    stability: pd.DataFrame
    audits: tuple[Finding, ...]
    permutation: PermutationTest | None = None
    leaks: pd.DataFrame | None = None
    learning: LearningCurve | None = None
    without: tuple[Evaluation, ...] = ()

    @property
    def cohort(self) -> Cohort:
        return self.evaluation.cohort

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """One row per model and metric, see `Evaluation.summary`."""
        return self.evaluation.summary()

    @cached_property
    def class_metrics(self) -> pd.DataFrame:
        """One row per model, class and metric, see `Evaluation.per_class`."""
        return self.evaluation.per_class()

    def summary(self, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Return one row per model and metric, with 95 % intervals; see `Evaluation.summary`."""
        return self.evaluation.summary(metrics)

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        """Every model by the headline metric, the best first; equal ones by their log loss."""
        losses = self.metrics[self.metrics["metric"] == "log_loss"].set_index("model")["value"]
        rows = self.metrics[self.metrics["metric"] == HEADLINE].to_dict("records")
        scores = [
            Score(self.evaluation.model(row["model"]), *(float(row[key]) for key in ("value", "low", "high")))
            for row in rows
        ]
        return tuple(sorted(scores, key=lambda score: (-round(score.value, 12), losses[score.name])))

    @property
    def models(self) -> tuple[Model, ...]:
        """The models in the order of `scores`."""
        return tuple(score.model for score in self.scores)

    @cached_property
    def baselines(self) -> tuple[Score, ...]:
        return tuple(score for score in self.scores if score.model.baseline)

    @cached_property
    def tried(self) -> tuple[Score, ...]:
        """All models but `auto`, which chooses among them."""
        return tuple(score for score in self.scores if score.name != AUTO)

    @property
    def auto(self) -> Score | None:
        return next((score for score in self.scores if score.name == AUTO), None)

    @cached_property
    def contenders(self) -> tuple[Score, ...]:
        """The models tried that are not baselines; all of them if all are baselines."""
        return tuple(score for score in self.tried if not score.model.baseline) or self.tried

    @property
    def leaders(self) -> tuple[Score, ...]:
        """The contender with the highest value, and those that equal it."""
        top = self.contenders[0].value
        return tuple(score for score in self.contenders if abs(score.value - top) < 1e-9)

    @property
    def leader(self) -> Score:
        return self.contenders[0]

    @property
    def chance(self) -> float:
        """Balanced accuracy of a classifier that ignores the data."""
        return 1 / len(self.evaluation.classes)

    @property
    def figures(self) -> Mapping[str, Chart]:
        """Altair chart of every figure that applies, by name; each is drawn when it is read."""
        from leukotype.figures import charts

        return charts(self)

    def report(self, path: str | Path) -> Path:
        """Write the report to one HTML file and return its path; raises OutputRefused if it can't be written."""
        from leukotype.results import write_report

        return write_report(self, path)

    def save(self, folder: str | Path, *, overwrite: bool = False, safe_csv: bool = False) -> Path:
        """Write report, tables, figures and JSON into a folder, all or nothing; return the folder.

        overwrite : whether to replace an earlier result
        safe_csv  : whether text in CSV files that looks like a formula is defused for spreadsheets

        Raises OutputRefused if the folder can't be written or holds anything else.
        """
        from leukotype.results import save_study

        return save_study(self, folder, overwrite=overwrite, safe_csv=safe_csv)

    def wrong_in_all(self) -> list[str]:
        """Samples that every contender misclassified in every repeat."""
        codes = self.cohort.codes
        wrong = [(self.evaluation.predicted(score.name) != codes).all(axis=0) for score in self.contenders]
        return [str(name) for name in self.cohort.samples[np.all(wrong, axis=0)]]


def _silent(line: str) -> None:
    """Report nothing."""


def study(
    cohort: Cohort,
    models: Sequence[str | Model] | str | None = None,
    *,
    align: How = "none",
    max_probes: int | None = None,
    design: Design | None = None,
    folds: Folds | None = None,
    tune_by: Criterion = "log_loss",
    annotation: Annotation | None = None,
    permutations: int = 0,
    price_leaks: bool = False,
    learning_curve: bool = False,
    jobs: int | None = None,
    store: Store | str | Path | None = None,
    engine: str | Engine | None = None,
    scheduler: str | None = None,
    task_timeout: float | None = None,
    on_done: Callable[[FoldResult], None] | None = None,
    on_step: Callable[[str], None] = _silent,
    say: Callable[[str], None] = _silent,
) -> Study:
    """Evaluate models on a cohort, and add inference and audits.

    models to tune_by, jobs to on_done : as in `leukotype.evaluate`
    annotation, permutations, price_leaks, learning_curve, on_step : as in `of_evaluation`
    say        : called with the expected time of each analysis that refits

    With `align` or `max_probes`, the models are also evaluated without each of these options.

    Raises as `leukotype.evaluate`, before anything is computed also InfeasibleDesign for an impossible analysis.
    """
    need_cohort(cohort)
    options = checked(align, max_probes, tune_by, cohort)
    recipes = [Recipe(model, *options) for model in select(models)]
    folds = folds or resampling.draw(cohort, design or Design())
    check_feasible(cohort, folds, permutations=permutations, learning_curve=learning_curve)
    requested: dict[str, Any] = {
        "permutations": permutations, "price_leaks": price_leaks, "learning_curve": learning_curve,
    }  # fmt: skip
    with opened(
        jobs=jobs, store=store, engine=engine, scheduler=scheduler, task_timeout=task_timeout, on_done=on_done
    ) as resources:
        evaluation = evaluate_recipes(cohort, recipes, folds, resources)
        without = tuple(
            evaluate_recipes(
                cohort, [replace(other, model=recipe.model) for recipe in recipes], folds, resources
            )
            for other in recipes[0].without_options()
        )
        for name, seconds in expected_seconds(evaluation, **requested).items():
            say(f"Next: {name}, {wording.duration(seconds)}.")
        workers = resources.engine
        if resources.store is not None:
            workers = CachingEngine(workers, resources.store, cohort)
        return of_evaluation(
            evaluation, annotation=annotation, engine=workers, without=without, on_step=on_step, **requested
        )


def n_tasks(cohort: Cohort, n_models: int, folds: Folds, align: How, max_probes: int | None) -> int:
    """Return the number of calls of `on_done` in a study."""
    n_variants = 1 + (align != "none") + (max_probes is not None and max_probes < cohort.n_probes)
    return n_models * len(folds.splits) * n_variants


def of_evaluation(
    evaluation: Evaluation,
    *,
    annotation: Annotation | None = None,
    permutations: int = 0,
    price_leaks: bool = False,
    learning_curve: bool = False,
    engine: Engine | None = None,
    without: Sequence[Evaluation] = (),
    on_step: Callable[[str], None] = _silent,
) -> Study:
    """Run inference and audits on an evaluation.

    annotation     : probe to gene, for the audits of sex
    permutations   : number of label permutations, each of which repeats the nested procedure; 0 for none.  Slow
                     models get at most `inference.MOST_SLOW`
    price_leaks    : whether to run the models with common mistakes too
    learning_curve : whether to evaluate on smaller training sets too
    engine         : where refits run; by default as many processes as the evaluation used
    without        : evaluations of the same models without the recipe's options
    on_step        : called with the name of each step

    Permutations, mistakes and the learning curve refit the models that are not baselines.  Everything else derives
    from the out-of-fold predictions, except two audits that fit something small and say so.

    Raises InfeasibleDesign if a requested analysis is impossible on this cohort.
    """
    tried = [model.name for model in evaluation.tried]
    jobs, seed = engine or evaluation.jobs, evaluation.folds.design.seed
    contenders = _contenders(evaluation)
    on_step("Audits")
    findings = tuple(audit(evaluation.cohort, evaluation, annotation))
    on_step("Comparisons")
    best = inference.corrected_best(evaluation, HEADLINE)
    comparisons = inference.compare(evaluation, HEADLINE, models=tried) if len(tried) > 1 else None
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
        on_step("Price of common mistakes")
        leaks = inference.price_leaks(evaluation, HEADLINE, models=contenders, seed=seed, jobs=jobs)
    if learning_curve:
        on_step("Learning curve")
        curve = inference.learning_curve(evaluation, HEADLINE, models=contenders, seed=seed, jobs=jobs)
    stability = inference.split_dependence(evaluation)
    return Study(evaluation, best, comparisons, stability, findings, test, leaks, curve, tuple(without))


def check_feasible(
    cohort: Cohort, folds: Folds, *, permutations: int = 0, learning_curve: bool = False
) -> None:
    """Refuse an analysis that is impossible on this cohort, before anything is computed.

    Raises InfeasibleDesign.
    """
    if not 0 <= permutations <= MOST_PERMUTATIONS:
        raise InfeasibleDesign(
            f"--permutations is {permutations}. Use 0 for none, or a number such as 1000, at most "
            f"{MOST_PERMUTATIONS:,}."
        )
    if permutations:
        inference.check_permutable(cohort, folds.design.seed)
    if learning_curve:
        inference.thinner(cohort, folds, seed=folds.design.seed)


def expected_seconds(
    evaluation: Evaluation,
    *,
    permutations: int = 0,
    price_leaks: bool = False,
    learning_curve: bool = False,
) -> dict[str, float]:
    """Estimate the time of each analysis that refits, by its name, from the time of the evaluation.

    A single split costs one outer fold; smaller training sets cost half of the full ones.
    """
    design = evaluation.folds.design
    contenders = _contenders(evaluation)
    spent = evaluation.settings().groupby("model")["seconds"].sum() / (design.repeats * evaluation.jobs)
    whole = {model.name: float(spent[model.name]) for model in contenders}
    one = sum(whole.values())
    counts = permutation_counts(contenders, permutations)
    requested: dict[str, tuple[bool, float]] = {
        "permutation test": (permutations > 0, sum(counts[name] * cost for name, cost in whole.items())),
        "price of common mistakes": (
            price_leaks,
            one * (3 * design.repeats + inference.N_SPLITS / design.outer),
        ),
        "learning curve": (learning_curve, one * design.repeats * len(inference.FRACTIONS) / 2),
    }
    return {name: seconds for name, (wanted, seconds) in requested.items() if wanted}


def permutation_counts(models: Sequence[Model], permutations: int) -> Mapping[str, int]:
    """Return the number of label permutations for each model."""
    return {
        model.name: permutations if model.name in inference.QUICK else min(permutations, inference.MOST_SLOW)
        for model in models
    }


def _contenders(evaluation: Evaluation) -> tuple[Model, ...]:
    """Return the models tried that are not baselines; all of them if all are baselines."""
    return tuple(model for model in evaluation.tried if not model.baseline) or evaluation.tried

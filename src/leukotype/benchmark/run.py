"""Evaluate every model on every cohort, one cohort at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leukotype import evaluation, resampling
from leukotype.benchmark.result import Benchmark, CohortResult
from leukotype.benchmark.sources import CohortSource, LeftOut
from leukotype.cohort import Cohort
from leukotype.errors import DownloadFailed, FingerprintMismatch, InputError, TasksFailed
from leukotype.evaluation import Evaluation, FailedTask, FoldResult
from leukotype.execution import Engine
from leukotype.models import Model
from leukotype.models.tuning import Criterion
from leukotype.recipes import How
from leukotype.resampling import Design, Folds
from leukotype.runs import Store

Done = Callable[[FoldResult], None]


def _silent(name: str, number: int) -> None:
    """Report nothing."""


def run(
    sources: Sequence[CohortSource],
    models: Sequence[Model],
    design: Design,
    *,
    missing: Sequence[LeftOut] = (),
    metric: str = "balanced_accuracy",
    align: How = "none",
    max_probes: int | None = None,
    tune_by: Criterion = "log_loss",
    protocol: str = "",
    drop_small: bool = False,
    jobs: int | None = None,
    engine: str | Engine | None = None,
    store: Store | None = None,
    options: Mapping[str, Any] | None = None,
    on_cohort: Callable[[str, int], None] = _silent,
    on_done: Done | None = None,
) -> Benchmark:
    """Evaluate models on cohorts; each is read when its turn comes, so only one is in memory at a time.

    missing    : unavailable cohorts, listed together with those that do not fit the design
    drop_small : whether to leave out classes too small for the design, which is recorded; otherwise a cohort with
                 such a class is left out, with the reason
    align, max_probes, tune_by : as for `evaluate`
    jobs, engine : as for `evaluate`; an open engine keeps its workers for all cohorts
    store      : holds finished tasks, which are not computed again
    options    : of `leukotype.read`
    on_cohort  : called with the name and the number of tasks of each cohort before they start

    A model that fails on a cohort is listed with the reason; the other models are not affected.
    """
    recipe: dict[str, Any] = {"align": align, "max_probes": max_probes, "tune_by": tune_by}
    results: list[CohortResult] = []
    left_out = list(missing)
    seen: dict[str, str] = {}

    def one(source: CohortSource) -> CohortResult:
        # In a function, so that the cohort is freed before the next one is read.
        cohort, dropped, folds = _prepared(source, design, drop_small, options or {}, seen)
        on_cohort(source.name, len(models) * len(folds.splits))
        found, failures = _evaluated(
            cohort, models, folds, **recipe, jobs=jobs, engine=engine, store=store, on_done=on_done
        )
        if found is None:
            return CohortResult.failed(cohort, folds, dropped, failures)
        return CohortResult.of(found, metric, dropped=dropped, failures=failures)

    for source in sources:
        try:
            results.append(one(source))
        except (InputError, DownloadFailed, FingerprintMismatch) as problem:
            left_out.append(LeftOut(source.name, str(problem)))
    return Benchmark(
        tuple(models), tuple(results), tuple(left_out), design, metric, **recipe, protocol=protocol
    )


def _evaluated(
    cohort: Cohort, models: Sequence[Model], folds: Folds, **options: Any
) -> tuple[Evaluation | None, dict[str, str]]:
    """Return the evaluation of the models that gave a result, and the reasons for the others."""
    failures: dict[str, str] = {}

    def note(failed: FailedTask) -> None:
        failures.setdefault(failed.model, f"{failed.where}: {' '.join(failed.error.split())}")

    try:
        found = evaluation.evaluate(cohort, models, folds=folds, on_failure=note, **options)
    except TasksFailed:
        return None, failures
    return (found if found.models else None), failures


def _prepared(
    source: CohortSource, design: Design, drop_small: bool, options: Mapping[str, Any], seen: dict[str, str]
) -> tuple[Cohort, tuple[str, ...], Folds]:
    """Return the cohort to evaluate, the classes left out, and the folds."""
    cohort = source.read(**options)
    small: tuple[str, ...] = ()
    if drop_small:
        small = tuple(resampling.too_small(cohort, design))
        if len(cohort.classes) - len(small) >= 2:
            cohort = cohort.drop_classes(small)
        else:
            small = ()  # `draw` then raises an error that names the class
    try:
        folds = resampling.draw(cohort, design)
    except InputError as problem:
        raise type(problem)(
            str(problem).replace("with --drop-class", "with --drop-small, or --drop-class")
        ) from problem
    same = seen.setdefault(cohort.fingerprint, source.name)
    if same != source.name:
        raise InputError(
            f"it has the same values, samples and labels as {same}, which is already in the benchmark."
        )
    return cohort, small, folds

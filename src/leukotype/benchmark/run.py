"""Every cohort × every model through the same road, one cohort at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leukotype import evaluation, resampling
from leukotype.benchmark.outcome import Outcome
from leukotype.benchmark.result import Benchmark
from leukotype.benchmark.sources import LeftOut, Source
from leukotype.cohort import Cohort
from leukotype.errors import DownloadFailed, FingerprintMismatch, InputError, TasksFailed
from leukotype.evaluation import Evaluation, FailedTask, FoldResult
from leukotype.execution import Engine
from leukotype.models import Model
from leukotype.models.tuning import Criterion
from leukotype.resampling import Design, Folds
from leukotype.runs import Store

Done = Callable[[FoldResult], None]


def _silent(name: str, number: int) -> None:
    """Say nothing."""


def run(
    sources: Sequence[Source],
    models: Sequence[Model],
    design: Design,
    *,
    missing: Sequence[LeftOut] = (),
    metric: str = "balanced_accuracy",
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
    """Evaluate models on cohorts that are read one after the other, so that only one is held at a time.

    missing    : cohorts that could not be had; they are listed with those that fit no design
    drop_small : whether classes too small for the design are left out, which is recorded; without it a cohort that has
                 such a class is left out, with the reason
    jobs, engine : as those of `evaluate`; an open engine keeps its workers from one cohort to the next
    store      : where finished tasks are kept, and looked for before they are computed
    options    : of `leukotype.read`
    on_cohort  : called with the name of each cohort and the number of its tasks before they begin

    A model that fails on a cohort is listed with the reason, and the others go on.
    """
    outcomes: list[Outcome] = []
    left_out = list(missing)
    seen: dict[str, str] = {}

    def one(source: Source) -> Outcome:
        # A function of its own: what it holds of a cohort is let go before the next is read.
        cohort, dropped, folds = _prepared(source, design, drop_small, options or {}, seen)
        on_cohort(source.name, len(models) * len(folds.splits))
        found, failures = _evaluated(
            cohort, models, folds, tune_by=tune_by, jobs=jobs, engine=engine, store=store, on_done=on_done
        )
        if found is None:
            return Outcome.of_nothing(cohort, folds, dropped, failures)
        return Outcome.of(found, metric, dropped=dropped, failures=failures)

    for source in sources:
        try:
            outcomes.append(one(source))
        except (InputError, DownloadFailed, FingerprintMismatch) as problem:
            left_out.append(LeftOut(source.name, str(problem)))
    return Benchmark(tuple(models), tuple(outcomes), tuple(left_out), design, tune_by, metric, protocol)


def _evaluated(
    cohort: Cohort, models: Sequence[Model], folds: Folds, **options: Any
) -> tuple[Evaluation | None, dict[str, str]]:
    """Return the evaluation of the models that gave a result, and why the others did not."""
    failures: dict[str, str] = {}

    def note(failed: FailedTask) -> None:
        failures.setdefault(failed.model, f"{failed.where}: {' '.join(failed.error.split())}")

    try:
        found = evaluation.evaluate(cohort, models, folds=folds, on_failure=note, **options)
    except TasksFailed:
        return None, failures
    return (found if found.models else None), failures


def _prepared(
    source: Source, design: Design, drop_small: bool, options: Mapping[str, Any], seen: dict[str, str]
) -> tuple[Cohort, tuple[str, ...], Folds]:
    """Return the cohort as it is evaluated, the classes that were left out of it, and its folds."""
    cohort = source.read(**options)
    small: tuple[str, ...] = ()
    if drop_small:
        small = tuple(resampling.too_small(cohort, design))
        if len(cohort.classes) - len(small) >= 2:
            cohort = cohort.drop_classes(small)
        else:
            # The message of `draw` names the class that asks for most.
            small = ()
    try:
        folds = resampling.draw(cohort, design)
    except InputError as problem:
        raise type(problem)(
            str(problem).replace("with --drop-class", "with --drop-small, or --drop-class")
        ) from problem
    twin = seen.setdefault(cohort.fingerprint, source.name)
    if twin != source.name:
        raise InputError(
            f"it holds the very same values, samples and labels as {twin}, which is in the benchmark."
        )
    return cohort, small, folds

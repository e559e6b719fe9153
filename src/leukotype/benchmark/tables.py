"""The tables of a benchmark's page."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from leukotype import wording
from leukotype.benchmark import published
from leukotype.benchmark.outcome import Outcome
from leukotype.benchmark.result import Benchmark
from leukotype.datasets import MEAN_OF_NINE
from leukotype.inference import AUTO
from leukotype.metrics import Metric
from leukotype.models import Model
from leukotype.results.tables import Cell, Table
from leukotype.wording import counted


def ranking(benchmark: Benchmark) -> Table:
    """Models by mean rank."""
    titles = {model.name: model for model in benchmark.models}
    metric = benchmark.board.metric
    rows = tuple(
        (
            _named(titles[row["model"]]),
            Cell(f"{row['mean_rank']:.2f}" if math.isfinite(row["mean_rank"]) else "not ranked"),
            Cell(str(row["wins"])),
            Cell(str(row["shared"])),
            Cell(wording.number(row["mean"], metric.bounds)),
            Cell(wording.number(row["median"], metric.bounds)),
            Cell(str(row["cohorts"])),
            Cell(seconds(row["seconds"])),
        )
        for row in records(benchmark.table)
    )
    name = metric.title.lower()
    columns = ("Model", "Mean rank", "Wins", "Shared", f"Mean {name}", f"Median {name}", "Cohorts", "Seconds")
    caption = (
        f"Models by their mean rank over {counted(benchmark.board.n_cohorts, 'cohort')}; rank 1 is the best"
    )
    return Table("ranking", caption, columns, (False, *[True] * 7), rows)


def pairs(benchmark: Benchmark) -> Table:
    """Every two models, with both tests."""
    rows = tuple(
        (
            Cell(f"{row['model_a']} – {row['model_b']}"),
            Cell(f"{row['median_difference']:+.3f}"),
            *(Cell(p_value(row[name])) for name in ("p", "p_holm", "p_nemenyi")),
        )
        for row in records(benchmark.board.pairs)
    )
    columns = ("Models", "Median difference", "p (signed ranks)", "p (Holm)", "p (Nemenyi)")
    caption = (
        f"Every two models: median difference of {benchmark.board.metric.title.lower()} over cohorts, Wilcoxon’s "
        "signed-rank test, alone and after Holm, and Nemenyi’s test of the mean ranks"
    )
    return Table("pairs", caption, columns, (False, True, True, True, True), rows)


def cohorts(benchmark: Benchmark) -> Table:
    """Cohorts in rows: the corrected best, auto and the seconds, then every model, with intervals."""
    metric = benchmark.board.metric
    models = [str(model) for model in benchmark.table["model"]]
    rows = tuple(_cohort(outcome, models, metric) for outcome in benchmark.outcomes)
    columns = ("Cohort", "Samples", "Classes", "Seconds", "Corrected best", AUTO, *models)
    caption = f"{metric.title} of every model on every cohort, out of fold, with 95 % intervals"
    return Table("cohorts", caption, columns, (False, *[True] * (len(columns) - 1)), rows)


def _cohort(outcome: Outcome, models: list[str], metric: Metric) -> tuple[Cell, ...]:
    facts = outcome.facts
    cells = {
        row["model"]: _estimate(row["value"], row["low"], row["high"], metric, row["interval"])
        for row in records(outcome.values(metric.name).reset_index())
    }
    best = outcome.best
    corrected = Cell("–")
    if best is not None:
        corrected = _estimate(best.value, best.low, best.high, metric, "")
        corrected = Cell(corrected.text, f"{corrected.under} {best.model}".strip())
    under = counted(facts["n_probes"], "probe")
    if outcome.dropped:
        under += f"; without {wording.listed(outcome.dropped)}"
    return (
        Cell(outcome.name, under),
        Cell(f"{facts['n_samples']:,}"),
        Cell(str(len(facts["classes"]))),
        Cell(seconds(sum(outcome.seconds.values()))),
        corrected,
        cells.get(AUTO, Cell("–")),
        *(cells.get(model, Cell("failed" if model in outcome.failures else "–")) for model in models),
    )


def left_out(benchmark: Benchmark) -> Table:
    """Cohorts that are not in the benchmark."""
    rows = tuple((Cell(one.name), Cell(one.reason)) for one in benchmark.left_out)
    return Table("left-out", "Cohorts left out, with the reason", ("Cohort", "Reason"), (False, False), rows)


def failures(benchmark: Benchmark) -> Table:
    """Models that gave no result on a cohort."""
    rows = tuple((Cell(cohort), Cell(model), Cell(why)) for cohort, model, why in benchmark.failures)
    columns = ("Cohort", "Model", "Reason")
    return Table("failures", "Models that gave no result", columns, (False, False, False), rows)


def beside(benchmark: Benchmark) -> Table:
    """Published accuracies beside ours."""
    rows = [
        (
            Cell(cohort),
            Cell(method),
            Cell(f"{accuracy:.2f}"),
            Cell(model),
            Cell(wording.number(value), wording.interval(low, high)),
        )
        for cohort, method, accuracy, model, value, low, high in published.rows(benchmark)
    ]
    by_name = {outcome.name: outcome for outcome in benchmark.outcomes}
    for cohort, mean in published.means(benchmark).items():
        ours = by_name[cohort].values("accuracy")["value"].drop(AUTO, errors="ignore")
        span = (
            f"{wording.number(float(ours.min()))} to {wording.number(float(ours.max()))}"
            if len(ours)
            else "–"
        )
        rows.append(
            (
                Cell(cohort),
                Cell(MEAN_OF_NINE),
                Cell(f"{mean:.2f}"),
                Cell(f"all {len(ours)}"),
                Cell(span),
            )
        )
    columns = ("Cohort", "CuMiDa’s method", "Its accuracy", "Model here", "Our accuracy")
    caption = "Accuracies that CuMiDa has published, and ours"
    return Table("beside", caption, columns, (False, False, True, False, True), tuple(rows))


def origins(benchmark: Benchmark) -> Table:
    """Where each cohort came from."""
    rows = tuple(
        (
            Cell(outcome.name),
            Cell(str(outcome.facts["source"])),
            Cell(str(outcome.facts["fingerprint"])[:12]),
            Cell(outcome.folds[:12]),
            Cell(" ".join(outcome.facts["steps"]) or "Nothing."),
        )
        for outcome in benchmark.outcomes
    )
    columns = ("Cohort", "Source", "Cohort fingerprint", "Folds fingerprint", "What was done to the values")
    return Table("origins", "Where the cohorts came from", columns, (False,) * 5, rows)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict(orient="records")]


def p_value(p: float) -> str:
    """`0.043`, `< 0.0001`."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def seconds(number: float) -> str:
    """`4.2`, `1,320`."""
    if not math.isfinite(number):
        return "–"
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


def _estimate(value: float, low: float, high: float, metric: Metric, interval: str) -> Cell:
    if interval.endswith("(degenerate)"):
        return Cell(wording.number(value, metric.bounds))
    return Cell(wording.number(value, metric.bounds), wording.interval(low, high, metric.bounds))


def _named(model: Model) -> Cell:
    under = model.name if model.name != model.title else ""
    return Cell(model.title, under, tag="baseline" if model.baseline else "")

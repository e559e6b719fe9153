"""The page of a benchmark: the leaderboard."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from leukotype import wording
from leukotype.benchmark import Benchmark, CohortResult, published
from leukotype.datasets import MEAN_OF_NINE
from leukotype.evaluation import AUTO
from leukotype.inference.leaderboard import FEW_COHORTS, N_PERMUTATIONS
from leukotype.results import methods, page
from leukotype.results.page import Block, Notice, Page, Paragraph, Tile, details, heading, section, table
from leukotype.results.rendered import RenderedFigure
from leukotype.results.tables import Cell, Row, Table, estimate, model_name, records
from leukotype.wording import counted, number


def benchmark_page(
    benchmark: Benchmark, figures: Sequence[RenderedFigure], missing: Sequence[Notice] = (), command: str = ""
) -> Page:
    """Return the page of a benchmark."""
    n, design = len(benchmark.cohorts), benchmark.design
    pairs, excluded, failed, known = (make(benchmark) for make in (_pairs, _left_out, _failures, _published))
    sections = (
        section(
            "summary",
            "Summary",
            Block("tiles", list(_tiles(benchmark))),
            Block("points", list(_summary(benchmark))),
        ),
        page.notices([*_notices(benchmark), *missing]),
        section(
            "ranking",
            "Ranking",
            table(_ranking(benchmark)),
            Block(
                "note",
                "A model wins a cohort if it alone has the best score; if several models share the best score, the "
                "cohort counts as shared for each. Run times are in times.csv.",
            ),
            [Block("figure", figure) for figure in figures],
            [details("All pairs of models", table(pairs))] if pairs.rows else [],
        ),
        section(
            "cohorts",
            "Cohorts",
            table(_cohorts(benchmark)),
            Block(
                "note",
                "95 % intervals are below the values. Corrected best: expected score of the model that was best on "
                "the cohort, corrected for the choice (bootstrap bias-corrected cross-validation, Tsamardinos et al. "
                "2018). auto: a model chosen within each training part, which needs no correction.",
            ),
            heading("left-out", "Cohorts left out"),
            table(excluded) if excluded.rows else Block("text", "No cohort was left out."),
            [heading("failures", "Failures"), table(failed)] if failed.rows else [],
            heading("published", "Published accuracies"),
            Block("text", _about_published(benchmark)),
            [table(known)] if known.rows else [],
        ),
        section(
            "methods",
            "Methods",
            Block("prose", list(_methods(benchmark))),
            heading("settings", "Models and settings"),
            Block("models", [methods.describe(model) for model in benchmark.models]),
        ),
        section(
            "provenance",
            "Provenance",
            table(_origins(benchmark)),
            Block(
                "facts",
                [
                    Paragraph("Seed", str(design.seed)),
                    *([Paragraph("Command", command, code=True)] if command else []),
                    Paragraph("Software", methods.software()),
                ],
            ),
        ),
    )
    facts = (counted(n, "cohort"), counted(len(benchmark.models), "model"), methods.shape(design))
    simulated = all(result.facts["simulated"] for result in benchmark.cohorts)
    return Page("Benchmark of", counted(n, "cohort"), facts, sections, simulated)


def _tiles(benchmark: Benchmark) -> Iterator[Tile]:
    board = benchmark.leaderboard
    yield Tile("Cohorts", str(len(benchmark.cohorts)), f"{len(benchmark.left_out)} left out")
    if board.n_cohorts:
        first = benchmark.table.iloc[0]
        of = f"{first['model']}, of {counted(len(board.mean_ranks), 'model')}"
        yield Tile("Best mean rank", f"{first['mean_rank']:.2f}", of)
    if board.friedman is not None:
        yield Tile("Difference between models", f"p {_equals(board.p)}", "Friedman test, by permutation")


def _summary(benchmark: Benchmark) -> Iterator[Paragraph]:
    board = benchmark.leaderboard
    if board.friedman is None:
        yield Paragraph("Ranks", "Tests of ranks need at least two cohorts and two models with results.")
        return
    leaders = wording.listed(map(str, board.mean_ranks.index[board.mean_ranks == board.mean_ranks.iloc[0]]))
    yield Paragraph(
        "Ranks",
        f"By {board.metric.title.lower()} on {counted(board.n_cohorts, 'cohort')}, {leaders} has the best mean rank. "
        f"Test of any difference between the models (Friedman): p {_equals(board.p)} by {N_PERMUTATIONS:,} "
        f"permutations within cohorts (chi-squared {board.friedman.statistic:.1f}).",
    )
    first = str(board.mean_ranks.index[0])
    group = next((group for group in board.groups if first in group), ())
    others = wording.listed(model for model in group if model != first) or "no other model"
    yield Paragraph(
        "Not significantly worse",
        f"Than {first}: {others} (Nemenyi test, critical difference {board.critical_difference:.2f}).",
    )


def _notices(benchmark: Benchmark) -> Iterator[Notice]:
    board = benchmark.leaderboard
    if 2 <= board.n_cohorts < FEW_COHORTS:
        text = f"With {board.n_cohorts} cohorts, only a model that is better on almost all of them can be detected."
        yield Notice("warning", "Few cohorts", text)
    for one, other in benchmark.same_samples:
        yield Notice(
            "warning",
            "Duplicated samples",
            f"{one} and {other} have the same samples and labels. The tests treat cohorts as independent and count "
            "these samples twice.",
        )
    for cohort, model, _ in benchmark.failures:
        yield Notice("warning", "No result", f"{model} failed on {cohort}; see “Failures” for the reason.")
    if board.unranked_models:
        named = wording.listed(board.unranked_models)
        yield Notice("warning", "Not ranked", f"{named}: no result on more than half of the cohorts.")
    if board.unranked_cohorts:
        text = f"{wording.shortlist(board.unranked_cohorts)}: at least one ranked model has no result."
        yield Notice("warning", "Cohorts without ranks", text)
    for result in benchmark.cohorts:
        if result.dropped:
            text = f"{result.name}: {wording.listed(result.dropped)}, too small for the folds."
            yield Notice("note", "Classes left out", text)
    if benchmark.left_out:
        n = counted(len(benchmark.left_out), "cohort")
        yield Notice("note", "Cohorts left out", f"{n}; see “Cohorts left out” for the reasons.")


def _about_published(benchmark: Benchmark) -> str:
    if not published.known(benchmark):
        return "No accuracies were published for these cohorts."
    same = benchmark.protocol == published.PROTOCOL
    folds = "3 folds, as here, but with other splits" if same else "3 folds, unlike the design here"
    return (
        f"CuMiDa reports accuracies of methods without tuning, in {folds} (Feltes et al. 2019). Its mean of nine is "
        "over the majority class, two clusterings and six classifiers: it shows how easy a cohort is and is no target "
        "for a model. It is compared with the lowest and the highest accuracy of the models here."
    )


def _methods(benchmark: Benchmark) -> Iterator[Paragraph]:
    design = benchmark.design
    times = "once" if design.repeats == 1 else f"{design.repeats} times"
    protocol = " (the 3 folds of the CuMiDa protocol)" if benchmark.protocol else ""
    yield Paragraph(
        "Design",
        f"Nested cross-validation of each cohort: {design.outer} outer folds{protocol}, stratified by class, drawn "
        f"{times} (seed {design.seed}), and {design.inner} inner folds for tuning by "
        f"{benchmark.tune_by.replace('_', ' ')}. All models used the same folds; all estimation used the training "
        "parts only.",
    )
    if methods.options(benchmark):
        yield Paragraph("Alignment and panel", methods.options(benchmark))
    yield Paragraph(
        "Ranks",
        f"Models are ranked by {benchmark.leaderboard.metric.title.lower()} on each cohort; rank 1 is best, and ties "
        "share their mean rank. Friedman test by permutation within cohorts; Nemenyi critical difference; Wilcoxon "
        "signed-rank tests with Holm correction (Demšar 2006; Benavoli et al. 2016). The tests treat cohorts as "
        "independent.",
    )


def _ranking(benchmark: Benchmark) -> Table:
    models = {model.name: model for model in benchmark.models}
    metric = benchmark.leaderboard.metric
    rows = [
        (
            model_name(models[row["model"]]),
            f"{row['mean_rank']:.2f}" if math.isfinite(row["mean_rank"]) else "not ranked",
            str(row["wins"]),
            str(row["shared"]),
            number(row["mean"], metric.bounds),
            number(row["median"], metric.bounds),
            str(row["cohorts"]),
        )
        for row in records(benchmark.table)
    ]
    name = metric.title.lower()
    columns = ("Model", "Mean rank", "Wins", "Shared", f"Mean {name}", f"Median {name}", "Cohorts")
    caption = f"Models by mean rank on {counted(benchmark.leaderboard.n_cohorts, 'cohort')}; rank 1 is best"
    return Table("ranking", caption, columns, rows)


def _pairs(benchmark: Benchmark) -> Table:
    rows = [
        (
            f"{row['model_a']} – {row['model_b']}",
            f"{row['median_difference']:+.3f}",
            *(_p_value(row[name]) for name in ("p", "p_holm", "p_nemenyi")),
        )
        for row in records(benchmark.leaderboard.pairs)
    ]
    columns = ("Models", "Median difference", "p (signed ranks)", "p (Holm)", "p (Nemenyi)")
    caption = (
        f"Pairs of models: median difference of {benchmark.leaderboard.metric.title.lower()} over cohorts, Wilcoxon "
        "signed-rank test without and with Holm correction, and Nemenyi test of the mean ranks"
    )
    return Table("pairs", caption, columns, rows)


def _cohorts(benchmark: Benchmark) -> Table:
    models = [str(model) for model in benchmark.table["model"]]
    columns = ("Cohort", "Samples", "Classes", "Corrected best", AUTO, *models)
    caption = (
        f"{benchmark.leaderboard.metric.title} of each model on each cohort, out of fold, with 95 % intervals"
    )
    rows = [_cohort(benchmark, result, models) for result in benchmark.cohorts]
    return Table("cohorts", caption, columns, rows)


def _cohort(benchmark: Benchmark, result: CohortResult, models: list[str]) -> Row:
    metric, facts, best = benchmark.leaderboard.metric, result.facts, result.best
    cells = {
        row["model"]: estimate(row["value"], row["low"], row["high"], metric)
        for row in records(result.values(metric.name).reset_index())
    }
    corrected = Cell("–")
    if best is not None:
        corrected = estimate(best.value, best.low, best.high, metric)
        corrected = Cell(corrected.text, f"{corrected.under} {best.model}".strip())
    dropped = f"; without {wording.listed(result.dropped)}" if result.dropped else ""
    return [
        Cell(result.name, f"{counted(facts['n_probes'], 'probe')}{dropped}"),
        f"{facts['n_samples']:,}",
        str(len(facts["classes"])),
        corrected,
        cells.get(AUTO, "–"),
        *(cells.get(model, "failed" if model in result.failures else "–") for model in models),
    ]


def _left_out(benchmark: Benchmark) -> Table:
    rows = [(one.name, one.reason) for one in benchmark.left_out]
    return Table("left-out", "Cohorts left out, with the reason", ("Cohort", "Reason"), rows, text=(0, 1))


def _failures(benchmark: Benchmark) -> Table:
    columns = ("Cohort", "Model", "Reason")
    return Table("failures", "Models without a result", columns, list(benchmark.failures), text=(0, 1, 2))


def _published(benchmark: Benchmark) -> Table:
    rows: list[Row] = [
        (cohort, method, f"{accuracy:.2f}", model, estimate(value, low, high))
        for cohort, method, accuracy, model, value, low, high in published.rows(benchmark)
    ]
    by_name = {result.name: result for result in benchmark.cohorts}
    for cohort, mean in published.means(benchmark).items():
        ours = by_name[cohort].values("accuracy")["value"].drop(AUTO, errors="ignore")
        span = f"{number(float(ours.min()))} to {number(float(ours.max()))}" if len(ours) else "–"
        rows.append((cohort, MEAN_OF_NINE, f"{mean:.2f}", f"all {len(ours)}", span))
    columns = ("Cohort", "CuMiDa method", "Its accuracy", "Model here", "Our accuracy")
    return Table(
        "published-accuracies", "Accuracies published by CuMiDa, and ours", columns, rows, text=(0, 1, 3)
    )


def _origins(benchmark: Benchmark) -> Table:
    rows = [
        (
            result.name,
            str(result.facts["source"]),
            str(result.facts["fingerprint"])[:12],
            result.folds[:12],
            " ".join(result.facts["steps"]) or "None.",
        )
        for result in benchmark.cohorts
    ]
    columns = ("Cohort", "Source", "Fingerprint of the cohort", "Fingerprint of the folds", "Processing")
    return Table("origins", "Origin of the cohorts", columns, rows, text=(0, 1, 2, 3, 4))


def _p_value(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def _equals(p: float) -> str:
    text = _p_value(p)
    return text if text.startswith("<") else f"= {text}"

"""The leaderboard as one self-contained HTML page."""

from __future__ import annotations

from leukotype import wording
from leukotype.benchmark import published, tables
from leukotype.benchmark.result import Benchmark
from leukotype.inference.leaderboard import FEW_COHORTS, N_PERMUTATIONS
from leukotype.results import methods, page
from leukotype.results.notices import Caution
from leukotype.results.page import Section
from leukotype.results.rendered import Plate
from leukotype.results.statements import Paragraph
from leukotype.results.summary import Tile
from leukotype.wording import counted


def of_benchmark(benchmark: Benchmark, plates: tuple[Plate, ...]) -> str:
    """The page; the same bytes for the same benchmark."""
    drawn = tuple(plate for plate in plates if plate.drawing is not None)
    n, design = len(benchmark.outcomes), benchmark.design
    repeats = "" if design.repeats == 1 else f", {design.repeats} times"
    simulated = all(outcome.facts["simulated"] for outcome in benchmark.outcomes)
    links = tuple((f"figure-{plate.name}", plate.title) for plate in drawn)
    sections = (
        Section("summary", "Summary"),
        Section("cautions", "Warnings and notes"),
        Section("ranking", "Ranking", links),
        Section("cohorts", "Cohorts", (("left-out", "Left out"), ("published", "Beside published numbers"))),
        Section("methods", "Methods", (("recipes", "Models and settings"),)),
        Section("provenance", "Provenance"),
    )
    return page.render(
        "leaderboard.html.j2",
        plates,
        cohort={"name": counted(n, "cohort")},
        provenance={"simulated": simulated},
        kind="Benchmark of",
        facts=(
            counted(n, "cohort"),
            counted(len(benchmark.models), "model"),
            f"{design.outer} × {design.inner} nested cross-validation{repeats}",
        ),
        sections=sections,
        tiles=_tiles(benchmark),
        points=_points(benchmark),
        cautions=_cautions(benchmark, plates),
        ranking=tables.ranking(benchmark),
        pairs=tables.pairs(benchmark),
        pictures=drawn,
        cohorts=tables.cohorts(benchmark),
        left_out=tables.left_out(benchmark),
        failures=tables.failures(benchmark),
        published=tables.beside(benchmark),
        published_words=_published(benchmark),
        methods=_methods(benchmark),
        recipes=[methods.recipe(model) for model in benchmark.models],
        origins=tables.origins(benchmark),
        seed=design.seed,
    )


def _tiles(benchmark: Benchmark) -> tuple[Tile, ...]:
    board, table = benchmark.board, benchmark.table
    tiles = [Tile("Cohorts", str(len(benchmark.outcomes)), f"and {len(benchmark.left_out)} left out")]
    if board.n_cohorts:
        first = table.iloc[0]
        tiles.append(
            Tile(
                "Best mean rank",
                f"{first['mean_rank']:.2f}",
                f"{first['model']}, of {len(board.mean_ranks)} models",
            )
        )
    if board.friedman is not None:
        tiles.append(
            Tile("Do the models differ?", f"p {_equals(board.p)}", "Friedman’s test, by permutation")
        )
    return tuple(tiles)


def _points(benchmark: Benchmark) -> tuple[Paragraph, ...]:
    board = benchmark.board
    if board.friedman is None:
        return (
            Paragraph(
                "Ranks", "At least two cohorts and two models with results are needed for ranks to be tested."
            ),
        )
    metric = board.metric.title.lower()
    leaders = wording.listed(map(str, board.mean_ranks.index[board.mean_ranks == board.mean_ranks.iloc[0]]))
    points = [
        Paragraph(
            "Ranks",
            f"By {metric} over {counted(board.n_cohorts, 'cohort')}, {leaders} has the best mean rank. "
            f"Do the models differ at all? Friedman’s test: p {_equals(board.p)} by {N_PERMUTATIONS:,} permutations "
            f"within cohorts (chi-squared {board.friedman.statistic:.1f}).",
        )
    ]
    first = str(board.mean_ranks.index[0])
    alike = next((group for group in board.groups if first in group), ())
    told = wording.listed(model for model in alike if model != first) or "no other model"
    points.append(
        Paragraph(
            "Not told apart from the first",
            f"{told} (Nemenyi’s test, critical difference {board.critical_difference:.2f}).",
        )
    )
    return tuple(points)


def _cautions(benchmark: Benchmark, plates: tuple[Plate, ...]) -> list[Caution]:
    board, found = benchmark.board, []
    if 2 <= board.n_cohorts < FEW_COHORTS:
        found.append(
            Caution(
                "warning",
                "Few cohorts",
                f"Ranks on {board.n_cohorts} cohorts tell little: only a model better almost everywhere stands out.",
            )
        )
    for one, other in benchmark.twins:
        found.append(
            Caution(
                "warning",
                "The same samples twice",
                f"{one} and {other} hold the same samples with the same labels. The tests take cohorts for "
                "independent, and count these twice.",
            )
        )
    for cohort, model, _ in benchmark.failures:
        found.append(Caution("warning", "No result", f"{model} failed on {cohort}; the reason stands below."))
    if board.unranked_models:
        named = wording.listed(board.unranked_models)
        found.append(
            Caution("warning", "Not ranked", f"{named} gave no result on more than half of the cohorts.")
        )
    if board.unranked_cohorts:
        named = wording.shortlist(board.unranked_cohorts)
        found.append(
            Caution("warning", "Cohorts without ranks", f"Some ranked model has no result on {named}.")
        )
    for outcome in benchmark.outcomes:
        if outcome.dropped:
            found.append(
                Caution(
                    "note",
                    "Classes left out",
                    f"{outcome.name}: {wording.listed(outcome.dropped)}, too small for the folds.",
                )
            )
    if benchmark.left_out:
        found.append(
            Caution(
                "note", "Cohorts left out", f"{len(benchmark.left_out)}; the reasons stand with the cohorts."
            )
        )
    found += [
        Caution("note", f"No {plate.title.lower()}", plate.reason)
        for plate in plates
        if plate.drawing is None
    ]
    return found


def _published(benchmark: Benchmark) -> list[str]:
    if not published.known(benchmark):
        return ["No published numbers of the same files are known for these cohorts."]
    same = benchmark.protocol == published.PROTOCOL
    folds = "3 folds, as here, though not the same ones" if same else "3 folds; here the design is another"
    return [
        f"CuMiDa gives accuracies of methods as they come, without tuning, in {folds} (Feltes et al. 2019).",
        "Its mean of nine is over the majority class, two clusterings and six classifiers: it says how easy a cohort "
        "is, and is no target for a model. Beside it stand the lowest and the highest accuracy of the models here.",
    ]


def _methods(benchmark: Benchmark) -> tuple[Paragraph, ...]:
    design = benchmark.design
    repeats = "once" if design.repeats == 1 else f"{design.repeats} times"
    protocol = " (the 3 folds of CuMiDa’s protocol)" if benchmark.protocol else ""
    return (
        Paragraph(
            "Design",
            f"Nested cross-validation of every cohort: {design.outer} outer folds{protocol}, stratified by class, "
            f"drawn {repeats} (seed {design.seed}), and {design.inner} inner folds for tuning by "
            f"{benchmark.tune_by.replace('_', ' ')}. All models saw the same folds; whatever was estimated came from "
            "training parts alone.",
        ),
        Paragraph(
            "Ranks",
            f"Models are ranked by {benchmark.board.metric.title.lower()} on each cohort, 1 for the best, ties sharing "
            "their mean rank. Friedman’s test by permutation within cohorts; Nemenyi’s critical difference; Wilcoxon’s "
            "signed-rank tests with Holm’s correction (Demšar 2006; Benavoli et al. 2016). Tests take cohorts for "
            "independent.",
        ),
    )


def _equals(p: float) -> str:
    text = tables.p_value(p)
    return text if text.startswith("<") else f"= {text}"

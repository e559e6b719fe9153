"""What the terminal shows: results on standard output, everything else on standard error."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukotype import wording

if TYPE_CHECKING:
    from leukotype.benchmark import Benchmark
    from leukotype.classifier import Calls, Classifier
    from leukotype.classifier.validation import Validation
    from leukotype.cohort import Cohort
    from leukotype.runs import Status
    from leukotype.studies import Study

SHOWN = ("balanced_accuracy", "accuracy", "f1_macro", "roc_auc_macro", "log_loss")


def command() -> str:
    """Return what was typed, as a line that a shell takes."""
    return shlex.join(["leukotype", *sys.argv[1:]])


def say(line: str) -> None:
    """Print one line for the user, away from the results."""
    print(line, file=sys.stderr)


def fail(message: str) -> None:
    """Print an error as one line."""
    print(f"Error: {' '.join(message.split())}", file=sys.stderr)


@contextmanager
def progress(title: str, total: int | None) -> Iterator[Callable[[str], None]]:
    """Show a progress bar where standard error is a terminal; yields a function that counts one step."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns: list[Any] = [TextColumn("{task.description}"), BarColumn()]
    columns += [MofNCompleteColumn()] if total is not None else []
    columns += [TimeElapsedColumn(), TextColumn("[dim]{task.fields[step]}")]
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, step="")
        yield lambda step: bar.update(task, advance=1, step=step)


def say_cohort(cohort: Cohort) -> None:
    """Say what was read and what was done to it."""
    say(repr(cohort))
    for step in cohort.provenance.steps:
        say(f"  {step}")


def show_results(study: Study, folder: Path) -> None:
    """Print what to expect of the best model, the main metrics of every model, what the audits found, and where."""
    evaluation = study.evaluation
    summary = evaluation.summary(SHOWN)
    titles = list(dict.fromkeys(summary["title"]))
    cells: dict[str, list[str]] = {model: [] for model in evaluation.names}
    columns = summary[["model", "value", "low", "high", "interval"]]
    for model, value, low, high, interval in columns.itertuples(index=False):
        untold = interval.endswith("(degenerate)")
        cells[model].append(f"{value:.3f} [–]" if untold else f"{value:.3f} [{low:.3f}, {high:.3f}]")
    leading = summary[summary["metric"] == SHOWN[0]].sort_values("value", ascending=False, kind="stable")
    rows = [[model, *cells[model]] for model in leading["model"]]
    design = evaluation.folds.design
    _table(
        f"{evaluation.cohort.name}: out of fold, {design.outer} outer × {design.inner} inner folds, "
        f"{design.repeats} repeat{'s' * (design.repeats > 1)}; 95 % intervals",
        ["model", *titles],
        rows,
    )
    if any("[–]" in cell for row in rows for cell in row):
        print("[–]: every bootstrap resample gave the same value, so no interval can be told.")
    best = study.best
    if len(best.chosen) > 1:
        print(
            f"Best of {len(best.chosen)} models: {best.model}, balanced accuracy {best.value:.3f} "
            f"[{best.low:.3f}, {best.high:.3f}] corrected for the choice, {best.uncorrected:.3f} as measured."
        )
    for finding in study.audits:
        if finding.severity != "note":
            print(finding)
    n_notes = sum(finding.severity == "note" for finding in study.audits)
    if n_notes:
        print(f"{n_notes} note{'s' * (n_notes > 1)} of the audits stand{'s' * (n_notes == 1)} in the report.")
    print(f"Report: {folder / 'report.html'}")


def show_leaderboard(found: Benchmark, folder: Path) -> None:
    """Print models by mean rank, and where the page lies."""
    rows = [
        [
            str(row["model"]),
            "–" if row["mean_rank"] != row["mean_rank"] else f"{row['mean_rank']:.2f}",
            f"{row['wins']}" + (f" (+{row['shared']} shared)" if row["shared"] else ""),
            "–" if row["mean"] != row["mean"] else f"{row['mean']:.3f}",
            str(row["cohorts"]),
            f"{row['seconds']:.1f}",
        ]
        for row in found.table.to_dict(orient="records")
    ]
    n = len(found.outcomes)
    title = f"{n} cohort{'s' * (n != 1)}, {len(found.left_out)} left out; ranks by {found.metric}"
    _table(title, ["model", "mean rank", "wins", f"mean {found.metric}", "cohorts", "seconds"], rows)
    board = found.board
    if board.friedman is not None:
        print(
            f"Do they differ? Friedman's test, by permutation: p = {board.p:.2g}. "
            f"Critical difference of mean ranks (Nemenyi): {board.critical_difference:.2f}."
        )
    print(f"Leaderboard: {folder / 'leaderboard.html'}")


def show_status(status: Status) -> None:
    """Print how far a run has come, model by model, and what failed."""
    share = f"{status.finished} of {status.planned} tasks finished"
    if status.computed < status.finished:
        share += f", {status.finished - status.computed} of them before"
    words = [f"{status.state}{f' ({status.driver})' if status.driver else ''}: {share}"]
    if status.rate is not None:
        words.append(f"{status.rate:.3g} a minute")
    if status.state == "running":
        words.append("" if status.remaining is None else f"{wording.duration(status.remaining)} to go")
    elif status.finished < status.planned:
        words.append("the same command goes on with the rest")
    rows = [
        [
            row.model,
            row.cohort,
            f"{row.finished} of {row.planned}",
            f"{row.seconds:.2f}" if row.finished else "–",
        ]
        for row in status.progress
    ]
    _table("; ".join(filter(None, words)), ["model", "cohort", "finished", "seconds a task"], rows)
    for failure in status.failures:
        print(
            f"No result of {failure.model} on {failure.cohort}, {failure.part}: {' '.join(failure.error.split())}"
        )


def show_cohort(cohort: Cohort, folder: Path) -> None:
    """Print the class counts and where the report lies."""
    counts = [[name, str(count)] for name, count in cohort.class_counts.items()]
    _table(
        f"{cohort.name}: {cohort.n_samples} samples × {cohort.n_probes} probes", ["class", "samples"], counts
    )
    print(f"Report: {folder / 'report.html'}")


def show_datasets(entries: Sequence[Any]) -> None:
    """Print the catalogue."""
    rows = [[str(value) for value in entry.row()] for entry in entries]
    _table("Datasets", ["name", "type", "accession", "platform", "samples", "probes", "classes"], rows)


def show_check(rows: Sequence[Any]) -> None:
    """Print what a dataset's fingerprint asks for, and what was found."""
    cells = [["ok" if row.ok else "DIFFERS", row.what, str(row.found), str(row.expected)] for row in rows]
    _table("Fingerprint", ["", "what", "found", "expected"], cells)


def show_classifier(classifier: Classifier, place: Path) -> None:
    """Print what to expect of a classifier, and where it lies."""
    from leukotype.classifier.card import estimate

    record = classifier.record
    print(f"{classifier!r}")
    for name in ("balanced_accuracy", "accuracy", "log_loss"):
        found = record["performance"][name]
        print(f"  {found['title']}, out of fold: {estimate(found)}")
    decisions = record["decisions"]
    print(
        f"  Called: {estimate(decisions['called'])}; right among them: {estimate(decisions['right_among_called'])}"
    )
    for other in record["without"]:
        what = "without alignment" if other["align"] != record["recipe"]["align"] else "with all probes"
        print(f"  Balanced accuracy {what}: {estimate(other['performance']['balanced_accuracy'])}")
    print(f"  {record['calibration']['said']}")
    if classifier.sets is None:
        print(f"  No prediction sets: {record['sets']['why_none']}.")
    print(f"Classifier: {place}")


def show_calls(calls: Calls, written: Sequence[Path]) -> None:
    """Print how many samples were called, why the others were not, and where the calls lie."""
    reasons: dict[str, int] = {}
    for own in calls.reasons:
        for reason in own:
            reasons[reason] = reasons.get(reason, 0) + 1
    n_called = int(calls.called.sum())
    counts = {name: calls.calls.count(name) for name in calls.classes}
    told = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    print(f"{n_called} of {calls.n_samples} samples called{': ' * bool(told)}{told}")
    if reasons:
        why = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
        print(f"{calls.n_samples - n_called} abstained on: {why}")
    say(calls.matched)
    say(calls.sets_said)
    print(f"Calls: {', '.join(map(str, written))}")


def show_validation(found: Validation, folder: Path) -> None:
    """Print what labelled samples say of a classifier, beside what it claims of itself."""
    from leukotype.classifier.card import estimate

    n = len(found.codes)
    samples = f"{found.batch.n_samples} external sample{'s' * (found.batch.n_samples != 1)}"
    print(f"{found.classifier.name} on {samples}, {n} of classes that it knows")
    right = estimate(vars(found.metrics["accuracy"][1]))
    print(f"  Right, every sample called: {int(found.right.sum())} of {n}, {right}")
    for name, (title, number) in found.metrics.items():
        if name in ("balanced_accuracy", "log_loss"):
            claimed = found.claimed(name)
            print(
                f"  {title}: {estimate(vars(number))}" + (f"; claimed {estimate(claimed)}" if claimed else "")
            )
    print(
        f"  Called: {int(found.called.sum())} of {n}; right among them: {int(found.right[found.called].sum())}"
    )
    reasons = [f"{reason} {count}" for reason, count in found.reasons.items() if count]
    if reasons:
        print(f"  Abstained on: {', '.join(reasons)}")
    if found.coverage is not None:
        print(
            f"  Sets that hold the true class: {estimate(vars(found.coverage))} at a level of {found.calls.level:g}"
        )
    strangers = int((~found.known).sum())
    if strangers:
        held = int((~found.calls.called[~found.known]).sum())
        print(f"  Of classes it was not trained on: {strangers}, {held} of them abstained on")
    unlike, edge = (estimate(vars(number)) for number in (found.unlike, found.near_the_edge))
    print(f"  Farther off than 95 % of held-out training samples: {unlike}; than 75 %: {edge}")
    print(f"Report: {folder / 'report.html'}")


def show_card(card: str, fingerprint: str) -> None:
    """Print a model card: as Markdown, laid out where standard output is a terminal."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(card))
    else:
        print(card, end="")
    print(f"File fingerprint: {fingerprint}")


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    print(title)
    table = Table(box=box.SIMPLE)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0)
    for row in rows:
        table.add_row(*row)
    # Away from a terminal a table keeps its full width: it may be read by a program.
    Console(width=None if sys.stdout.isatty() else 160).print(table)

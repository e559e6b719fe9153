"""Terminal output: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukotype import wording

if TYPE_CHECKING:
    from leukotype.benchmark import Benchmark
    from leukotype.classifier import Calls, Classifier
    from leukotype.classifier.validation import Validation
    from leukotype.cohort import Cohort, Provenance
    from leukotype.runs import Status
    from leukotype.studies import Study

# Longest lines, in characters; the middle of a longer one is left out.
LONGEST_ERROR = 300
LONGEST_NOTE = 1000
LONGEST_STEP = 80


def command() -> str:
    """Return the command as typed, quoted for a shell."""
    return shlex.join(["leukotype", *sys.argv[1:]])


def put(text: str) -> None:
    """Print lines to standard output."""
    print(_safe(text))


def say(line: str) -> None:
    """Print one line to standard error."""
    print(wording.cut(wording.printable(line), LONGEST_NOTE), file=sys.stderr)


def fail(message: str) -> None:
    """Print an error as one line of at most 300 characters."""
    line = wording.printable(f"Error: {' '.join(message.split())}")
    # Standard error may be closed or full as well; the exit code then says it all.
    with suppress(OSError):
        print(wording.cut(line, LONGEST_ERROR), file=sys.stderr, flush=True)


@contextmanager
def progress(title: str, total: int | None) -> Iterator[Callable[[str], None]]:
    """Show a progress bar if standard error is a terminal; yield a function that counts one step."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    # Names may contain square brackets, which rich would take for markup.
    columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn()]
    columns += [MofNCompleteColumn()] if total is not None else []
    columns += [TimeElapsedColumn(), TextColumn("{task.fields[step]}", style="dim", markup=False)]
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, step="")
        yield lambda step: bar.update(
            task, advance=1, step=wording.cut(wording.printable(step), LONGEST_STEP)
        )


def print_json(folder: Path, name: str) -> None:
    """Print a JSON file of a result folder, with the folder as `out`."""
    print(json.dumps({"out": str(folder), **json.loads((folder / name).read_text("utf-8"))}, indent=2))


def say_cohort(cohort: Cohort) -> None:
    """Print what was read and how it was processed."""
    say(repr(cohort))
    for step in cohort.provenance.steps:
        say(f"  {step}")
    say_warnings(cohort.provenance)


def say_warnings(provenance: Provenance) -> None:
    """Print what may be wrong with the data."""
    for warning in provenance.warnings:
        say(f"Warning: {warning}")


def show_results(study: Study, folder: Path) -> None:
    """Print the main metrics of every model, the corrected best model, and findings of the audits."""
    from leukotype import metrics
    from leukotype.results import methods

    evaluation = study.evaluation
    shown = metrics.headline("terminal")
    rows = {(row["model"], row["metric"]): row for row in study.metrics.to_dict("records")}
    cells = [
        [score.name, *(_interval(rows[score.name, metric.name]) for metric in shown)]
        for score in study.scores
    ]
    design = evaluation.folds.design
    _table(
        f"{evaluation.cohort.name}: out of fold, {design.outer} outer × {design.inner} inner folds, "
        f"{wording.counted(design.repeats, 'repeat')}; 95 % intervals",
        ["model", *(metric.title for metric in shown)],
        cells,
    )
    best = study.best
    if len(best.chosen) > 1:
        put(
            f"Best of {len(best.chosen)} models: {best.model}, balanced accuracy {best.value:.3f} "
            f"[{best.low:.3f}, {best.high:.3f}] corrected for the choice, {best.uncorrected:.3f} as measured."
        )
    for other in study.without:
        table = other.summary([metrics.HEADLINE]).to_dict("records")
        scores = wording.listed(f"{row['model']} {row['value']:.3f}" for row in table)
        put(f"Balanced accuracy {methods.without(evaluation, other)}: {scores}.")
    severe = [finding for finding in study.audits if finding.severity != "note"]
    for finding in severe:
        put(str(finding))
    n_notes = len(study.audits) - len(severe)
    if n_notes:
        put(f"See the report for {wording.counted(n_notes, 'note')} of the audits.")
    _put_report("Report", folder / "report.html")


def _interval(row: Any) -> str:
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def show_leaderboard(found: Benchmark, folder: Path) -> None:
    """Print the models by mean rank."""
    seconds = found.times.groupby("model")["seconds"].sum()
    rows = [
        [
            str(row["model"]),
            _number(row["mean_rank"], 2),
            f"{row['wins']}" + (f" (+{row['shared']} shared)" if row["shared"] else ""),
            _number(row["mean"], 3),
            str(row["cohorts"]),
            f"{seconds.get(row['model'], 0.0):.1f}",
        ]
        for row in found.table.to_dict("records")
    ]
    cohorts = wording.counted(len(found.cohorts), "cohort")
    title = f"{cohorts}, {len(found.left_out)} left out; ranks by {found.metric}"
    _table(title, ["model", "mean rank", "wins", f"mean {found.metric}", "cohorts", "seconds"], rows)
    board = found.leaderboard
    if board.friedman is not None:
        put(
            f"Difference between the models: p = {board.p:.2g} (Friedman test, by permutation). "
            f"Critical difference of mean ranks (Nemenyi): {board.critical_difference:.2f}."
        )
    _put_report("Leaderboard", folder / "leaderboard.html")


def _number(value: float, digits: int) -> str:
    return "–" if value != value else f"{value:.{digits}f}"


def show_status(status: Status) -> None:
    """Print the progress of a run by model, and its failures."""
    share = f"{status.finished} of {status.planned} tasks finished"
    if status.computed < status.finished:
        share += f", {status.finished - status.computed} of them in earlier runs"
    words = [f"{status.state}{f' ({status.driver})' if status.driver else ''}: {share}"]
    if status.rate is not None:
        words.append(f"{status.rate:.3g} per minute")
    if status.state == "running":
        words.append("" if status.remaining is None else f"{wording.duration(status.remaining)} left")
    elif status.finished < status.planned:
        words.append("repeat the command to resume")
    rows = [
        [
            row.model,
            row.cohort,
            f"{row.finished} of {row.planned}",
            f"{row.seconds:.2f}" if row.finished else "–",
        ]
        for row in status.progress
    ]
    _table("; ".join(filter(None, words)), ["model", "cohort", "finished", "seconds per task"], rows)
    for failure in status.failures:
        error = " ".join(failure.error.split())
        put(f"No result of {failure.model} on {failure.cohort}, {failure.part}: {error}")


def show_cohort(cohort: Cohort, folder: Path) -> None:
    """Print the class counts."""
    counts = [[name, str(count)] for name, count in cohort.class_counts.items()]
    _table(
        f"{cohort.name}: {cohort.n_samples} samples × {cohort.n_probes} probes", ["class", "samples"], counts
    )
    _put_report("Report", folder / "report.html")


def show_datasets(entries: Sequence[Any]) -> None:
    """Print the catalogue."""
    rows = [[str(value) for value in entry.row()] for entry in entries]
    _table("Datasets", ["name", "type", "accession", "platform", "samples", "probes", "classes"], rows)


def show_check(rows: Sequence[Any]) -> None:
    """Print the expected and the found values of a dataset's fingerprint."""
    cells = [["ok" if row.ok else "DIFFERS", row.what, str(row.found), str(row.expected)] for row in rows]
    _table("Fingerprint", ["", "what", "found", "expected"], cells)


def show_classifier(classifier: Classifier, place: Path) -> None:
    """Print the estimated performance of a classifier."""
    from leukotype.classifier.abstention import NEVER, Target, never_called, shortfall
    from leukotype.classifier.card import estimate

    record = classifier.record
    for finding in record["audits"]:
        say(f"{finding['code']} error: {finding['sentence']}")
    put(f"{classifier!r}")
    for name in ("balanced_accuracy", "accuracy", "log_loss"):
        found = record["performance"][name]
        put(f"  {found['title']}, out of fold: {estimate(found)}")
    decisions = record["decisions"]
    among = estimate(decisions["right_among_called"])
    put(f"  Called: {estimate(decisions['called'])}; correct among called: {among}")
    put(f"  Target of abstention: {Target(**decisions['target'])}{shortfall(decisions)}")
    if (classifier.thresholds >= NEVER).all():
        say(never_called(decisions))
    for other in record["without"]:
        what = "without alignment" if other["align"] != record["recipe"]["align"] else "with all probes"
        put(f"  Balanced accuracy {what}: {estimate(other['performance']['balanced_accuracy'])}")
    put(f"  {record['calibration']['said']}")
    if classifier.sets is None:
        put(f"  No prediction sets: {record['sets']['why_none']}.")
    put(f"Classifier: {place}")


def show_calls(calls: Calls, written: Sequence[Path]) -> None:
    """Print how many samples were called, and the reasons for abstention."""
    called = int(calls.called.sum())
    counts = [f"{name} {calls.calls.count(name)}" for name in calls.classes if name in calls.calls]
    put(f"{called} of {calls.n_samples} samples called{': ' * bool(counts)}{', '.join(counts)}")
    reasons = Counter(reason for own in calls.reasons for reason in own)
    if reasons:
        why = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
        put(f"{calls.n_samples - called} without a call: {why}")
    if calls.outside.any():
        put(
            f"{int(calls.outside.sum())} called outside the prediction set: wrong more often than other calls"
        )
    for look, count in Counter(calls.other_units).items():
        say(
            f"{wording.counted(count, 'sample')} without a call: the values look like {look}, not log2 intensities."
        )
    say(calls.matched)
    say(calls.sets_note)
    put(f"Calls: {', '.join(map(str, written))}")


def show_validation(found: Validation, folder: Path) -> None:
    """Print the performance on labelled samples, and the claims of the classifier."""
    from leukotype.classifier.card import estimate
    from leukotype.results.page import by_severity
    from leukotype.results.validation_page import notices

    n, called = len(found.codes), int(found.called.sum())
    samples = wording.counted(found.batch.n_samples, "external sample")
    put(f"{found.classifier.name} on {samples}, {n} of known classes")
    accuracy = estimate(vars(found.metrics["accuracy"][1]))
    put(f"  Correct, without abstention: {int(found.right.sum())} of {n}, {accuracy}")
    for name, (title, number) in found.metrics.items():
        if name in ("balanced_accuracy", "log_loss"):
            claimed = found.claimed(name)
            claim = f"; claimed {estimate(claimed)}" if claimed else ""
            put(f"  {title}: {estimate(vars(number))}{claim}")
    put(f"  Called: {called} of {n}; correct among called: {int(found.right[found.called].sum())}")
    reasons = [f"{reason} {count}" for reason, count in found.reasons.items() if count]
    if reasons:
        put(f"  Reasons for abstention: {', '.join(reasons)}")
    if found.coverage is not None:
        coverage = estimate(vars(found.coverage))
        put(f"  Prediction sets that contain the true class: {coverage} at a level of {found.calls.level:g}")
    unknown = int((~found.known).sum())
    if unknown:
        abstained = int((~found.calls.called[~found.known]).sum())
        put(f"  Of classes not in the training data: {unknown}, without a call: {abstained}")
    unlike, edge = (estimate(vars(number)) for number in (found.unlike, found.near_the_edge))
    put(f"  More distant than 95 % of held-out training samples: {unlike}; than 75 %: {edge}")
    _put_report("Report", folder / "report.html")
    for notice in by_severity(notices(found)):
        if notice.level != "note":
            say(f"{notice.level.capitalize()}: {notice.title}. {notice.text}")


def show_card(card: str, fingerprint: str, signer: str, *, is_trusted: bool) -> None:
    """Print a model card as Markdown, formatted if standard output is a terminal.

    signer : fingerprint of the key that signed the file; empty if it is not signed
    """
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(_safe(card)))
    else:
        put(card.rstrip("\n"))
    put(f"File fingerprint: {fingerprint}")
    if signer:
        put(f"Signed by key: {signer} ({'trusted' if is_trusted else 'not compared with trusted keys'})")


def _put_report(title: str, path: Path) -> None:
    """Print where a report is, and why it has no figures."""
    from leukotype.pictures import lack_of_memory

    put(f"{title}: {path}")
    if (lacking := lack_of_memory()) is not None:
        say(f"Warning: the report has no figures; {lacking}")


def _safe(text: str) -> str:
    """Return the lines with escapes for all characters that can steer a terminal."""
    return "\n".join(map(wording.printable, text.split("\n")))


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    put(title)
    table = Table(box=box.SIMPLE)
    for number, column in enumerate(columns):
        table.add_column(Text(wording.printable(column)), no_wrap=number == 0)
    for row in rows:
        table.add_row(*(Text(wording.printable(cell)) for cell in row))
    # Without a terminal a table keeps its full width: a program may read it.
    Console(width=None if sys.stdout.isatty() else 160).print(table)

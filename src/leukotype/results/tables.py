"""The report's tables: cells of text, ready to be laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from leukotype import metrics, wording
from leukotype.cohort import Cohort
from leukotype.models import Model
from leukotype.results.rendered import MOST_ROWS, Plate
from leukotype.studies import HEADLINE, Score, Study
from leukotype.wording import percent

SHOWN = (HEADLINE, "accuracy", "f1_macro", "mcc", "roc_auc_macro", "log_loss", "brier")
PER_CLASS = ("recall", "precision", "f1", "roc_auc", "average_precision")


@dataclass(frozen=True)
class Bar:
    """A value and its interval on the scale from 0 to 1, with what chance gives."""

    low: float
    value: float
    high: float
    chance: float


@dataclass(frozen=True)
class Cell:
    """text; under : set below it in small type; tag : a word set apart, such as "baseline"; bar : a small picture."""

    text: str
    under: str = ""
    tag: str = ""
    bar: Bar | None = None


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    columns : titles
    numeric : which columns hold numbers, and so are set flush right
    """

    name: str
    caption: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]


def results(study: Study) -> Table:
    """Models by their main metrics, the best balanced accuracy first."""
    known = [metric for metric in metrics.METRICS if metric.name in SHOWN]
    chosen = sorted(known, key=lambda metric: SHOWN.index(metric.name))
    cells = _estimates(study.metrics, "model")
    rows = []
    for score in study.scores:
        row = [cells[score.name, metric.name] for metric in chosen]
        rows.append((_named(score.model), Cell("", bar=_bar(score, study)), *row))
    columns = ("Model", "From 0 to 1", *(_directed(metric) for metric in chosen))
    caption = "Out-of-fold results with 95 % intervals, the highest balanced accuracy first"
    return Table("results", caption, columns, (False, False, *[True] * len(chosen)), tuple(rows))


def all_metrics(study: Study) -> Table:
    """Every metric in a row, every model in a column."""
    cells = _estimates(study.metrics, "model")
    chosen = [metric for metric in metrics.METRICS if not metric.per_class]
    rows = [
        (Cell(_directed(metric)), *(cells[model.name, metric.name] for model in study.models))
        for metric in chosen
    ]
    columns = ("Metric", *(model.title for model in study.models))
    caption = "Every metric of every model, out of fold, with 95 % intervals"
    return Table("all-metrics", caption, columns, (False, *[True] * len(study.models)), tuple(rows))


def per_class(study: Study, model: str) -> Table:
    """Classes of one model in rows, the number of samples first."""
    evaluation = study.evaluation
    table = study.class_metrics[study.class_metrics["model"] == model]
    cells = _estimates(table, "class")
    chosen = [metrics.by_name(name) for name in PER_CLASS]
    rows = [
        (Cell(name), Cell(f"{count:,}"), *(cells[name, metric.name] for metric in chosen))
        for name, count in evaluation.cohort.class_counts.items()
    ]
    columns = ("Class", "Samples", *(metric.title for metric in chosen))
    caption = f"{study.evaluation.title(model)}: each class, out of fold, with 95 % intervals"
    return Table(f"per-class-{model}", caption, columns, (False, *[True] * (len(chosen) + 1)), tuple(rows))


def settings(study: Study) -> Table:
    """What was chosen on the inner folds, summed up by model."""
    frame = study.evaluation.settings()
    rows = []
    for model in study.models:
        own = frame[frame["model"] == model.name]
        chosen = own["setting"].value_counts(sort=False)
        # The most frequent first; ties in the order of the folds.
        ordered = chosen.sort_values(ascending=False, kind="stable")
        n = len(own)
        text = "; ".join(f"{setting} ({count} of {n})" for setting, count in ordered.items() if setting)
        low, high = int(own["n_probes"].min()), int(own["n_probes"].max())
        probes = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        rows.append((_named(model), Cell(text or "nothing to tune"), Cell(probes)))
    columns = ("Model", "Settings chosen (outer folds)", "Probes read")
    caption = "Settings chosen on the inner folds, and the number of probes that the fitted rules read"
    return Table("settings", caption, columns, (False, False, True), tuple(rows))


def settings_by_fold(study: Study) -> Table:
    """What was chosen on the inner folds, one row per model and outer fold."""
    frame = study.evaluation.settings()
    rank = {model.name: number for number, model in enumerate(study.models)}
    frame = frame.sort_values("model", key=lambda column: column.map(rank), kind="stable")
    rows = tuple(
        (
            Cell(study.evaluation.title(str(row.model))),
            Cell(str(int(row.repeat) + 1)),  # type: ignore[arg-type]
            Cell(str(int(row.fold) + 1)),  # type: ignore[arg-type]
            Cell(str(row.setting) or "–"),
            Cell(f"{row.inner_score:.3f}"),
            Cell(f"{row.n_probes:,}"),
        )
        for row in frame.itertuples()
    )
    columns = ("Model", "Repeat", "Outer fold", "Setting", "Score on inner folds", "Probes read")
    caption = "Setting chosen in each outer fold; of scores such as log loss the negative is given"
    return Table("settings-by-fold", caption, columns, (False, True, True, False, True, True), rows)


def classes(cohort: Cohort) -> Table:
    rows = tuple(
        (Cell(name), Cell(f"{count:,}"), Cell(percent(count / cohort.n_samples)))
        for name, count in cohort.class_counts.items()
    )
    return Table("classes", "Samples of each class", ("Class", "Samples", "Share"), (False, True, True), rows)


def numbers(plate: Plate) -> Table:
    """The first rows of the numbers behind a figure."""
    frame = plate.numbers.head(MOST_ROWS)
    total = len(plate.numbers)
    caption = f"Numbers behind “{plate.title}”"
    if total > MOST_ROWS:
        caption += f": the first {MOST_ROWS} of {total:,} rows"
    columns = [frame[name] for name in frame.columns]
    numeric = tuple(bool(pd.api.types.is_numeric_dtype(column)) for column in columns)
    rows = tuple(
        tuple(Cell(_plain(value)) for value in record) for record in frame.itertuples(index=False, name=None)
    )
    return Table(f"numbers-{plate.name}", caption, tuple(map(str, frame.columns)), numeric, rows)


def _estimates(frame: pd.DataFrame, key: str) -> dict[tuple[str, str], Cell]:
    records: Sequence[dict[str, object]] = frame.to_dict(orient="records")  # type: ignore[assignment]
    return {(str(row[key]), str(row["metric"])): _estimate(row) for row in records}


def _estimate(row: dict[str, object]) -> Cell:
    value, low, high = (float(row[name]) for name in ("value", "low", "high"))  # type: ignore[arg-type]
    bounds = metrics.by_name(str(row["metric"])).bounds
    if str(row["interval"]).endswith("(degenerate)"):
        return Cell(wording.number(value, bounds))
    return Cell(wording.number(value, bounds), wording.interval(low, high, bounds))


def _named(model: Model) -> Cell:
    # Figures and files call a model by its short name.
    return Cell(
        model.title, model.name if model.name != model.title else "", "baseline" if model.baseline else ""
    )


def _bar(score: Score, study: Study) -> Bar:
    return Bar(score.low, score.value, score.high, study.chance)


def _directed(metric: metrics.Metric) -> str:
    return metric.title if metric.higher_is_better else f"{metric.title} (lower is better)"


def _plain(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.4g}"
    return str(value)

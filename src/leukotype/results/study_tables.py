"""The tables of a study: for its page, and as CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from leukotype import metrics, wording
from leukotype.audits import AUDITS
from leukotype.cohort import Cohort
from leukotype.evaluation import AUTO
from leukotype.metrics import Metric
from leukotype.models import Model
from leukotype.results import methods
from leukotype.results.tables import Bar, Cell, Row, Table, estimate, model_name, records, signed
from leukotype.studies import Study
from leukotype.wording import number, p_value


def paper_tables(study: Study) -> list[Table]:
    """Return the tables for a paper, written as CSV and LaTeX."""
    tables = [
        classes(study.cohort),
        performance(study, metrics.headline("paper")),
        per_class(study, study.models),
        findings(study),
        choice(study),
    ]
    return tables if study.comparisons is None else [*tables, comparisons(study)]


def csv_tables(study: Study) -> dict[str, pd.DataFrame]:
    """Return all tables written as CSV, by name."""
    evaluation = study.evaluation
    confusion = [
        {"model": model, "label": label, "predicted": predicted, "samples": counts[row, column]}
        for model, counts in ((name, evaluation.confusion(name)) for name in evaluation.names)
        for row, label in enumerate(evaluation.classes)
        for column, predicted in enumerate(evaluation.classes)
    ]
    tables: dict[str, pd.DataFrame | None] = {
        **{table.name: table.numbers for table in paper_tables(study)},
        "summary": study.metrics,
        # Without run times, so that these tables are identical in every run.
        "settings": evaluation.settings().drop(columns="seconds"),
        "confusion": pd.DataFrame(confusion),
        "stability": study.stability,
        **{f"{finding.code}-{finding.name}": finding.table for finding in study.audits},
        "permutation": None if study.permutation is None else study.permutation.table(),
        "leaks": study.leaks,
        "learning": None if study.learning is None else study.learning.table(),
        "halving": None if study.learning is None else study.learning.halving(),
    }
    return {name: table for name, table in tables.items() if table is not None}


def classes(cohort: Cohort) -> Table:
    """Number of samples of each class, and of donors if they are known."""
    counts = cohort.class_counts
    numbers = pd.DataFrame({"class": list(counts), "samples": list(counts.values())})
    columns = {"Samples": [f"{n:,}" for n in counts.values()]}
    if cohort.donors is not None:
        numbers["donors"] = [len(set(cohort.donors[cohort.labels == name])) for name in counts]
        columns["Donors"] = [f"{n:,}" for n in numbers["donors"]]
    columns["Share"] = [wording.percent(n / cohort.n_samples) for n in counts.values()]
    rows = list(zip(counts, *columns.values(), strict=True))
    caption = f"Classes of {cohort.name} ({wording.counted(cohort.n_samples, 'sample')})"
    return Table("classes", caption, ("Class", *columns), rows, numbers=numbers)


def performance(study: Study, shown: Iterable[Metric]) -> Table:
    """Models by their main metrics, highest balanced accuracy first."""
    shown = tuple(shown)
    cells = _estimates(study.metrics, "model")
    rows: list[Row] = []
    for score in study.scores:
        bar = Cell("", bar=Bar(score.low, score.value, score.high, study.chance))
        rows.append((model_name(score.model), bar, *(cells[score.name, metric.name] for metric in shown)))
    columns = ("Model", "From 0 to 1", *map(_directed, shown))
    numbers = study.evaluation.summary([metric.name for metric in shown])
    return Table("performance", _caption(study, "Performance of each model"), columns, rows, numbers=numbers)


def all_metrics(study: Study) -> Table:
    """Metrics in rows, models in columns."""
    cells = _estimates(study.metrics, "model")
    rows: list[Row] = [
        (_directed(metric), *(cells[model.name, metric.name] for model in study.models))
        for metric in metrics.METRICS
        if not metric.per_class
    ]
    columns = ("Metric", *(model.title for model in study.models))
    return Table("all-metrics", _caption(study, "All metrics of each model"), columns, rows)


def per_class(study: Study, models: Iterable[Model], name: str = "per_class") -> Table:
    """One row per model and class, with the number of samples."""
    shown = [metric for metric in metrics.METRICS if metric.per_class]
    counts = study.cohort.class_counts
    rows: list[Row] = []
    for model in models:
        own = study.class_metrics[study.class_metrics["model"] == model.name]
        cells = _estimates(own, "class")
        rows += [
            (model.title, label, f"{n:,}", *(cells[label, metric.name] for metric in shown))
            for label, n in counts.items()
        ]
    columns = ("Model", "Class", "Samples", *(metric.short_title for metric in shown))
    caption = _caption(study, "Performance for each class")
    return Table(name, caption, columns, rows, text=(0, 1), numbers=study.class_metrics)


def settings(study: Study) -> Table:
    """Settings chosen on the inner folds, counted by model."""
    frame = study.evaluation.settings()
    rows: list[Row] = []
    for model in study.models:
        own = frame[frame["model"] == model.name]
        # Most frequent first; ties in the order of the folds.
        chosen = own["setting"].value_counts(sort=False).sort_values(ascending=False, kind="stable")
        said = "; ".join(f"{setting} ({count} of {len(own)})" for setting, count in chosen.items() if setting)
        low, high = int(own["n_probes"].min()), int(own["n_probes"].max())
        probes = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        rows.append((model_name(model), said or "no settings", probes))
    caption = "Settings chosen on the inner folds, and the number of probes that the fitted models use"
    columns = ("Model", "Settings chosen (outer folds)", "Probes used")
    return Table("settings", caption, columns, rows, text=(0, 1))


def settings_by_fold(study: Study) -> Table:
    """Settings chosen on the inner folds, one row per model and outer fold."""
    rank = {model.name: place for place, model in enumerate(study.models)}
    found = sorted(records(study.evaluation.settings()), key=lambda row: rank[row["model"]])
    rows = [
        (
            study.evaluation.title(row["model"]), str(row["repeat"] + 1), str(row["fold"] + 1), row["setting"] or "–",
            f"{row['inner_score']:.3f}", f"{row['n_probes']:,}",
        )
        for row in found
    ]  # fmt: skip
    columns = ("Model", "Repeat", "Outer fold", "Setting", "Score on inner folds", "Probes used")
    caption = "Setting chosen in each outer fold; losses are shown as negative scores"
    return Table("settings-by-fold", caption, columns, rows, text=(0, 3))


def choice(study: Study) -> Table:
    """The best of the models tried, as measured and corrected for the choice."""
    best, auto = study.best, study.auto
    title = study.evaluation.title(best.model)
    uncorrected = (best.uncorrected, best.uncorrected_low, best.uncorrected_high)
    rows: list[Row] = [
        (Cell("Corrected for the choice", tag="headline"), title, estimate(best.value, best.low, best.high)),
        ("As measured", title, estimate(*uncorrected)),
    ]
    if auto is not None:
        rows.append(("Chosen in each fold", _picked(study), estimate(auto.value, auto.low, auto.high)))
    shares = sorted(best.chosen.items(), key=lambda item: -item[1])
    often = wording.listed(
        f"{study.evaluation.title(name)} ({wording.percent(share)})"
        for name, share in shares
        if share >= 0.005
    )
    caption = (
        f"Best of {wording.counted(len(study.tried), 'model')} on {study.cohort.name}, with 95 % intervals; "
        f"corrected by bootstrap bias-corrected cross-validation. Best in a bootstrap sample: {often}"
    )
    numbers = pd.DataFrame(
        [
            ("as measured", best.model, best.metric, *uncorrected),
            ("corrected for the choice", best.model, best.metric, best.value, best.low, best.high),
        ],
        columns=["estimate", "model", "metric", "value", "low", "high"],
    )
    columns = ("Estimate", "Model", "Balanced accuracy")
    return Table("choice", caption, columns, rows, text=(0, 1), numbers=numbers)


def comparisons(study: Study, leader: str | None = None) -> Table:
    """Pairs of models on the same folds, largest difference first.

    leader : name of a model; only pairs with it are shown
    """
    frame = study.comparisons
    assert frame is not None
    rows: list[Row] = []
    for row in sorted(records(frame), key=lambda row: -abs(row["difference"])):
        first, second = row["model_a"], row["model_b"]
        if leader not in (None, first, second):
            continue
        sign = 1
        if row["difference"] < 0:
            first, second, sign = second, first, -1
        low, high = sorted((sign * row["low"], sign * row["high"]))
        better, worse = (row["a_better"], row["b_better"])[::sign]
        only, other = (row["only_a"], row["only_b"])[::sign]
        p_mcnemar = p_value(row["p_mcnemar_holm"])
        rows.append(
            (
                f"{study.evaluation.title(first)} and {study.evaluation.title(second)}",
                Cell(signed(abs(row["difference"]), 3), f"[{signed(low, 3)}, {signed(high, 3)}]"),
                Cell(p_value(row["p_t_holm"]), f"{p_value(row['p_t'])} unadjusted"),
                number(better),
                number(row["equivalent"]),
                number(worse),
                Cell(f"{only} and {other}", f"p {'' if p_mcnemar.startswith('<') else '= '}{p_mcnemar}"),
            )
        )
    columns = (
        "Pair, the better first", "Difference", "p (Holm)", "P(first better)", "P(equivalent)", "P(second better)",
        "Correct by one only",
    )  # fmt: skip
    name = "comparisons" if leader is None else "comparisons-with-leader"
    caption = (
        f"Differences in balanced accuracy on the same folds of {study.cohort.name}, with 95 % intervals; p-values of "
        "the corrected resampled t test; probabilities of a difference above or below one percentage point; samples "
        "that only one of the models classified correctly"
    )
    return Table(name, caption, columns, rows, numbers=frame, paper=(0, 1, 2, 4))


def options(study: Study) -> Table:
    """Balanced accuracy of each model with and without the options of the study."""
    evaluations = (study.evaluation, *study.without)
    titles = [methods.without(study.evaluation, other).capitalize() for other in study.without]
    cells = [_estimates(one.summary([metrics.HEADLINE]), "model") for one in evaluations]
    rows = [
        (model_name(model), *(found.get((model.name, metrics.HEADLINE), "–") for found in cells))
        for model in study.models
    ]
    caption = "Balanced accuracy with the options of the study, and without each of them; 95 % intervals"
    return Table("options", caption, ("Model", "This study", *titles), rows)


def stability(study: Study) -> Table:
    """Predictions of each model that depend on the split."""
    rank = {model.name: place for place, model in enumerate(study.models)}
    rows = [
        (
            study.evaluation.title(row["model"]),
            f"{row['n_flips']} of {study.cohort.n_samples}",
            number(row["agreement"]),
        )
        for row in sorted(records(study.stability), key=lambda row: rank[row["model"]])
    ]
    caption = (
        f"Samples whose predicted class differs between {study.evaluation.folds.design.repeats} repeats of the folds, "
        "and the probability that two repeats agree on a sample"
    )
    return Table("stability", caption, ("Model", "Samples that change", "Agreement"), rows)


def permutation(study: Study) -> Table:
    """Scores on the true and on permuted labels."""
    assert study.permutation is not None
    rows = [
        (
            study.evaluation.title(row["model"]),
            number(row["observed"]),
            Cell(number(row["null_mean"]), f"95 % below {number(row['null_best'])}"),
            Cell(p_value(row["p"]), f"[{p_value(row['p_low'])}, {p_value(row['p_high'])}]"),
            p_value(row["p_best"]),
            Cell(f"{row['n_permutations']:,}", f"smallest p {p_value(row['resolution'])}"),
        )
        for row in records(study.permutation.table())
    ]
    columns = (
        "Model", "True labels", "Permuted labels, mean", "p", "p, adjusted for all models", "Permutations",
    )  # fmt: skip
    caption = (
        "Balanced accuracy of the whole nested procedure on the true labels (first repeat of the folds) and on "
        "permuted labels; p = (b + 1) / (m + 1), with its 95 % Monte Carlo interval"
    )
    return Table("permutation", caption, columns, rows)


def leaks(study: Study) -> Table:
    """Scores that common mistakes would have reported."""
    assert study.leaks is not None
    rows = [
        (
            row["title"],
            study.evaluation.title(row["model"]),
            wording.estimate(row["honest"], row["honest_low"], row["honest_high"]),
            number(row["claimed"]),
            Cell(signed(row["optimism"]), f"[{signed(row['low'])}, {signed(row['high'])}]"),
        )
        for row in records(study.leaks)
    ]
    caption = (
        "Balanced accuracy that common mistakes would have reported for the same models, with 95 % intervals"
    )
    columns = ("Mistake", "Model", "Correct procedure", "With the mistake", "Optimism")
    return Table("leaks", caption, columns, rows, text=(0, 1))


def learning(study: Study) -> Table:
    """Training samples needed to halve the error."""
    curve = study.learning
    assert curve is not None
    rows = [
        (
            study.evaluation.title(row["model"]),
            number(row["error"]),
            wording.halving(row, curve.reach),
        )
        for row in records(curve.halving())
    ]
    columns = ("Model", f"Error at {curve.sizes[-1]:.0f}", "Training samples for half the error")
    caption = (
        "Error (one minus balanced accuracy) of the fitted curve at the largest training set, and the number of "
        "training samples that would halve it: an extrapolation, with its range over resamples of the samples (not a "
        "95 % interval)"
    )
    return Table("learning", caption, columns, rows, text=(0, 2))


def findings(study: Study) -> Table:
    """One row per finding of the audits."""
    names = ["code", "severity", "sentence"]
    numbers = pd.DataFrame(
        [{name: getattr(one, name) for name in names} for one in study.audits], columns=names
    )
    rows = [(one.code, one.severity, one.sentence) for one in study.audits]
    caption = "Findings of the audits" if rows else "The audits found nothing"
    return Table("audits", caption, ("Code", "Severity", "Finding"), rows, text=(0, 1, 2), numbers=numbers)


def all_audits(study: Study) -> Table:
    """Every audit with its result."""
    found = {finding.code: finding.severity for finding in study.audits}
    rows = [
        (entry.code, Cell(entry.title, entry.cite), found.get(entry.code, "no finding, or not applicable"))
        for entry in AUDITS
    ]
    caption = f"All {len(AUDITS)} audits; an audit without a finding is no proof that the problem is absent"
    return Table("all-audits", caption, ("Code", "Looks for", "Result"), rows, text=(0, 1, 2))


def _estimates(frame: pd.DataFrame, key: str) -> dict[tuple[str, str], Cell]:
    return {
        (str(row[key]), row["metric"]): estimate(
            row["value"], row["low"], row["high"], metrics.by_name(row["metric"])
        )
        for row in records(frame)
    }


def _caption(study: Study, what: str) -> str:
    design = study.evaluation.folds.design
    repeats = "" if design.repeats == 1 else f", mean of {design.repeats} repeats"
    unit = "samples" if study.cohort.donors is None else "donors"
    return (
        f"{what} on {study.cohort.name} ({wording.counted(study.cohort.n_samples, 'sample')}), out of fold in nested "
        f"cross-validation with {design.outer} outer folds{repeats}; 95 % intervals over {unit}"
    )


def _directed(metric: Metric) -> str:
    return metric.short_title if metric.higher_is_better else f"{metric.short_title} (lower is better)"


def _picked(study: Study) -> str:
    """How often `auto` chose each model."""
    own = [str(result.setting["model"]) for result in study.evaluation.results if result.model == AUTO]
    counts = sorted(((name, own.count(name)) for name in dict.fromkeys(own)), key=lambda item: -item[1])
    return wording.listed(f"{study.evaluation.title(name)} ({n} of {len(own)})" for name, n in counts)

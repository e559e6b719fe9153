"""Tables of a run as they go into a paper: CSV with the numbers, LaTeX with the numbers set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leukotype import metrics, wording
from leukotype.audits import Finding
from leukotype.evaluation import Evaluation
from leukotype.studies import Study
from leukotype.wording import p_value

COLUMNS = ("balanced_accuracy", "accuracy", "f1_macro", "mcc", "roc_auc_macro", "log_loss")
_SPECIAL: Mapping[str, str] = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "–": "--", "—": "---", "’": "'", "±": r"$\pm$",
    "×": r"$\times$", "≥": r"$\geq$", "≤": r"$\leq$",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Table:
    """One table.

    name    : stem of its files
    numbers : one row per fact, for the CSV
    printed : what a reader sees, all text, for LaTeX
    caption : what it shows, of how many samples
    """

    name: str
    numbers: pd.DataFrame
    printed: pd.DataFrame
    caption: str

    def csv(self) -> str:
        """The numbers, with the shortest digits that give each back."""
        return self.numbers.to_csv(index=False, lineterminator="\n")

    def latex(self) -> str:
        """A `table` with the rules of the package booktabs; every special character is escaped."""
        head = " & ".join(escape(str(name)) for name in self.printed.columns)
        rows = [" & ".join(escape(str(cell)) for cell in row) for row in self.printed.to_numpy().tolist()]
        # Sentences need a column that breaks lines.
        columns = "".join(
            r"p{0.7\linewidth}" if self.printed[name].str.len().max() > 60 else "l" for name in self.printed
        )
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape(self.caption)}}}",
            rf"\label{{tab:{self.name}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            rf"{head} \\",
            r"\midrule",
            # A row that begins with a bracket would be read as an argument of the line end before it.
            *(rf"{{}}{row} \\" if row.startswith("[") else rf"{row} \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
        return "\n".join(lines) + "\n"


def tables(evaluation: Evaluation, findings: Sequence[Finding] | None = None) -> tuple[Table, ...]:
    """Return the tables of a run: classes, performance, performance per class, and findings where audits ran."""
    found = [classes(evaluation), performance(evaluation), per_class(evaluation)]
    return (*found, *(() if findings is None else (audit_table(findings),)))


def of_dossier(study: Study) -> tuple[Table, ...]:
    """Return the tables of a run, with what was inferred from it."""
    found = [*tables(study.evaluation, study.audits), choice(study)]
    if study.comparisons is not None:
        found.append(comparisons(study.evaluation, study.comparisons))
    return tuple(found)


def choice(study: Study) -> Table:
    """The best of the models tried, as measured and corrected for the choice."""
    best = study.best
    numbers = pd.DataFrame(
        {
            "estimate": ["as measured", "corrected for the choice"],
            "model": best.model,
            "metric": best.metric,
            "value": [best.uncorrected, best.value],
            "low": [best.uncorrected_low, best.low],
            "high": [best.uncorrected_high, best.high],
        }
    )
    title = metrics.by_name(best.metric).title
    printed = pd.DataFrame(
        {
            "Estimate": numbers["estimate"].str.capitalize(),
            "Model": best.model,
            title: [wording.estimate(row.value, row.low, row.high) for row in numbers.itertuples()],  # type: ignore[arg-type]
        }
    )
    caption = (
        f"The best of {len(best.chosen)} models tried on {study.evaluation.cohort.name}, with 95 % intervals; "
        "corrected by bootstrap bias-corrected cross-validation."
    )
    return Table("choice", numbers, printed, caption)


def comparisons(evaluation: Evaluation, numbers: pd.DataFrame) -> Table:
    """Every two models on the same folds."""
    printed = pd.DataFrame(
        {
            "Models": numbers["model_a"] + " - " + numbers["model_b"],
            "Difference": [
                f"{row.difference:+.3f} [{row.low:+.3f}, {row.high:+.3f}]" for row in numbers.itertuples()
            ],
            "p (Holm)": [p_value(p) for p in numbers["p_t_holm"]],
            "P(equivalent)": [wording.number(p) for p in numbers["equivalent"]],
        }
    )
    caption = (
        f"Differences in balanced accuracy on the same folds of {evaluation.cohort.name}: corrected resampled t test "
        "with 95 % intervals, p-values adjusted by Holm, and the probability of a difference below one percentage "
        "point."
    )
    return Table("comparisons", numbers, printed, caption)


def classes(evaluation: Evaluation) -> Table:
    """How many samples, and donors where they are named, each class has."""
    cohort = evaluation.cohort
    numbers = pd.DataFrame(
        {"class": list(cohort.class_counts), "samples": list(cohort.class_counts.values())}
    )
    if cohort.donors is not None:
        numbers["donors"] = evaluation.units.per_class.astype(int)
    printed = numbers.rename(columns=str.capitalize).astype(str)
    return Table("classes", numbers, printed, f"Classes of {cohort.name} ({cohort.n_samples} samples).")


def performance(evaluation: Evaluation) -> Table:
    """One row per model, one column per metric."""
    numbers = evaluation.summary(COLUMNS)
    printed = _wide(numbers, ["model"]).rename(columns={"model": "Model"})
    return Table("performance", numbers, printed, _caption(evaluation, numbers, "Performance of each model"))


def per_class(evaluation: Evaluation) -> Table:
    """One row per model and class, one column per metric."""
    numbers = evaluation.per_class()
    printed = _wide(numbers, ["model", "class"]).rename(columns={"model": "Model", "class": "Class"})
    return Table("per_class", numbers, printed, _caption(evaluation, numbers, "Performance for each class"))


def audit_table(findings: Sequence[Finding]) -> Table:
    """One row per finding."""
    columns = ["code", "severity", "sentence"]
    numbers = pd.DataFrame(
        [{name: getattr(finding, name) for name in columns} for finding in findings], columns=columns
    )
    caption = "Findings of the audits." if findings else "The audits raised nothing."
    return Table("audits", numbers, numbers.rename(columns=str.capitalize).astype(str), caption)


def escape(text: str) -> str:
    """Return text that LaTeX sets as it stands."""
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


def _wide(numbers: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for row in numbers.to_dict("records"):
        key = tuple(str(row[name]) for name in keys)
        rows.setdefault(key, dict(zip(keys, key, strict=True)))[str(row["title"])] = _cell(row)
    return pd.DataFrame(list(rows.values()))


def _cell(row: Mapping[Any, Any]) -> str:
    bounds = metrics.by_name(str(row["metric"])).bounds
    if "degenerate" in str(row["interval"]):
        return f"{wording.number(float(row['value']), bounds)} [n/a]"
    return wording.estimate(float(row["value"]), float(row["low"]), float(row["high"]), bounds)


def _caption(evaluation: Evaluation, numbers: pd.DataFrame, what: str) -> str:
    design = evaluation.folds.design
    repeats = "" if design.repeats == 1 else f", mean of {design.repeats} repeats"
    unit = "samples" if evaluation.cohort.donors is None else "donors"
    without = (
        " n/a: the bootstrap gave no interval."
        if numbers["interval"].str.contains("degenerate").any()
        else ""
    )
    return (
        f"{what} on {evaluation.cohort.name} ({evaluation.cohort.n_samples} samples), out of fold in nested "
        f"cross-validation with {design.outer} outer folds{repeats}, with 95 % intervals over {unit}.{without}"
    )

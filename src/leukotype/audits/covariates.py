"""Covariates: their kinds, whether they differ between the classes, and how well they predict the class."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import kruskal
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_limits

from leukotype.arrays import BoolArray, FloatArray, IntArray, StrArray
from leukotype.audits.finding import AuditInput, Observation
from leukotype.audits.stats import cramer, holm
from leukotype.cohort import Cohort
from leukotype.metrics import intervals
from leukotype.wording import shortlist

Kind = Literal["number", "date", "category"]
LEVEL = 0.01
MISSING = "(missing)"
# Compared with whole words of a name, so that "stage" is not "age".
_CONFOUNDERS = frozenset(
    """age sex gender ethnicity race ancestry batch date day time scan scandate rundate series gse geo centre center
    site institution institute source hospital lab laboratory cohort study platform chip array lot plate run lane
    flowcell operator technician kit protocol tissue rin""".split()  # noqa: SIM905
)


@dataclass(frozen=True, eq=False)
class Column:
    """A covariate with more than one value.

    values     : (n_samples,) float with NaN for missing values, or str with MISSING; dates are days
    confounder : whether its name is that of a common confounder: age, sex, batch, date, series, centre ...
    restates   : whether each value occurs in one class only, or each class has one value only: a copy of the class,
                 or complete confounding with it
    """

    name: str
    kind: Kind
    values: FloatArray | StrArray
    confounder: bool
    restates: bool

    @property
    def known(self) -> BoolArray:
        """(n_samples,) whether the value is known."""
        return _known(self.kind, self.values)


def class_goes_with_covariate(data: AuditInput) -> Observation | None:
    """Finds covariates whose distribution differs between the classes.

    Numbers and dates: Kruskal-Wallis test.  Categories: chi-squared test with 4,999 permutations, since counts are
    small.  Holm correction over the columns; level 0.01.  A warning if the name of the column is that of a common
    confounder (age, sex, batch, date, series, centre ...), else a note: the column may be part of the diagnosis.
    """
    tested = columns(data.cohort)
    table = _differing(tested, data.cohort)
    if len(table) == 0:
        return None
    suspects = table[table["confounder"]]
    shown = (suspects if len(suspects) else table)["text"].tolist()
    complete = [str(name) for name in suspects[suspects["restates"]]["column"]]
    more = (
        f" {shortlist(complete, 5)} separate{'s' if len(complete) == 1 else ''} the classes completely, so this cohort "
        "can't distinguish the two effects."
        if complete
        else ""
    )
    remedy = (
        "Report this with the result, and balance or stratify the samples if possible."
        if len(suspects)
        else "Check whether it is part of the diagnosis or comes from how the samples were collected."
    )
    return Observation(
        f"the classes differ in {shortlist(shown, 3)}.{more} Genes that follow this difference look like genes of the "
        f"class. {remedy}",
        {"columns": table["column"].tolist(), "confounders": suspects["column"].tolist(), "complete": complete,
         "tested": len(tested)},
        table.drop(columns="text"),
        None if len(suspects) else "note",
    )  # fmt: skip


def covariates_as_good(data: AuditInput) -> Observation | None:
    """Finds covariates that differ between the classes (LT006) and predict the class as well as the best model does.

    Fits a forest of 50 trees, with balanced class weights, to the columns named like common confounders, on the outer
    folds of the first repeat.  Reports if its balanced accuracy reaches the lower end of the interval of the best
    model, and the lower end of its own interval is above chance.
    """
    cohort, best = data.cohort, data.best
    tested = columns(cohort)
    used = [column for column in tested if column.confounder]
    # Among the classes of a null cohort, the interval of the forest alone lies above chance too often.
    if best is None or not _differing(tested, cohort)["confounder"].any():
        return None
    recall, value, low, high = _forest_accuracy(used, data)
    if value < best.low or low <= 1 / len(cohort.classes):
        return None
    names = [column.name for column in used]
    return Observation(
        f"{shortlist(names, 5)} alone predict{'s' if len(names) == 1 else ''} the class with a balanced accuracy of "
        f"{value:.3f} ({low:.3f} to {high:.3f}), within the interval of the best model from genes "
        f"({best.name}: {best.value:.3f}, {best.low:.3f} to {best.high:.3f}), so that result may not come from "
        "biology. Compare within strata, or use a cohort whose classes do not differ in them.",
        {"columns": names, "covariates": value, "low": low, "high": high, "best_model": best.name,
         "best": best.value, "best_low": best.low, "best_high": best.high},
        pd.DataFrame({"class": cohort.classes, "recall_from_covariates": recall}),
    )  # fmt: skip


def _differing(tested: list[Column], cohort: Cohort) -> pd.DataFrame:
    """Return one row per covariate that differs between the classes, those named like confounders first."""
    if not tested or len(cohort.classes) < 2:
        return pd.DataFrame({"column": [], "confounder": np.zeros(0, dtype=bool)})
    table = pd.DataFrame([_association(column, cohort) for column in tested])
    table["p_holm"] = holm(table["p"].to_numpy())
    return table[table["p_holm"] <= LEVEL].sort_values(
        ["confounder", "p_holm"], ascending=[False, True], ignore_index=True
    )


def columns(cohort: Cohort) -> list[Column]:
    """Return the covariates that may be informative.

    Leaves out columns with one value, with fewer than 8 known values, and texts of which more than half occur once.
    """
    if cohort.covariates is None:
        return []
    found = (_column(str(name), cohort.covariates[name], cohort) for name in cohort.covariates.columns)
    return [column for column in found if column is not None]


def design(column: Column, train: IntArray) -> FloatArray:
    """(n_samples, n_columns) features of a covariate; levels and medians come from the rows `train`."""
    if column.kind == "category":
        levels = np.unique(column.values[train])
        return np.asarray(column.values[:, None] == levels[None, :], dtype=np.float64)
    values = np.asarray(column.values, dtype=np.float64)
    missing = np.isnan(values)
    middle = float(np.nanmedian(values[train])) if not missing[train].all() else 0.0
    filled = np.where(missing, middle, values)
    return np.column_stack([filled, missing]) if missing.any() else filled[:, None]


def is_confounder(name: str) -> bool:
    """Tell whether a column has the name of a common confounder."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return any(word in _CONFOUNDERS for word in words)


def is_sex(name: str) -> bool:
    """Tell whether a column has the name of the recorded sex."""
    return bool(set(re.findall(r"[a-z]+", name.lower())) & {"sex", "gender"})


def _forest_accuracy(used: list[Column], data: AuditInput) -> tuple[FloatArray, float, float, float]:
    cohort, evaluation = data.cohort, data.evaluated
    calls = np.empty(cohort.n_samples, dtype=np.intp)
    for split in evaluation.folds.splits:
        if split.repeat == 0:
            table = np.column_stack([design(column, split.train) for column in used])
            forest = RandomForestClassifier(
                50, min_samples_leaf=2, class_weight="balanced", random_state=0, n_jobs=1
            )
            with threadpool_limits(1):
                forest.fit(table[split.train], cohort.codes[split.train])
                calls[split.test] = forest.predict(table[split.test])
    hit = calls == cohort.codes
    recall = np.array([hit[cohort.codes == code].mean() for code in range(len(cohort.classes))])
    sizes = evaluation.units.per_class
    low, high = intervals.mean_of_proportions(recall * sizes, sizes)
    return recall, float(recall.mean()), low, high


def _association(column: Column, cohort: Cohort) -> dict[str, object]:
    known = column.known
    codes = cohort.codes[known]
    row: dict[str, object] = {
        "column": column.name,
        "kind": column.kind,
        "known": int(known.sum()),
        "confounder": column.confounder,
        "restates": column.restates,
    }
    if column.kind == "category":
        # A value that is missing in one class only is informative too.
        whole = int((~known).sum()) >= 5
        values = column.values.astype(str) if whole else column.values[known].astype(str)
        effect, p = cramer(values, cohort.codes if whole else codes)
        return row | {"p": p, "effect": effect, "text": f"{column.name} (Cramér's V {effect:.2f})"}
    values = np.asarray(column.values, dtype=np.float64)[known]
    groups = {cohort.classes[code]: values[codes == code] for code in np.unique(codes)}
    if len(groups) < 2 or np.ptp(values) == 0:
        return row | {"p": 1.0, "effect": 0.0, "text": column.name}
    h, p = kruskal(*groups.values())
    effect = float(max(0.0, (h - len(groups) + 1) / max(len(values) - len(groups), 1)))
    medians = {name: float(np.median(group)) for name, group in groups.items()}
    low, high = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
    unit = " days since 1970" if column.kind == "date" else ""
    text = f"{column.name} (median {medians[high]:.4g}{unit} in {high}, {medians[low]:.4g} in {low})"
    return row | {"p": float(p), "effect": effect, "text": text}


def _column(name: str, cells: pd.Series, cohort: Cohort) -> Column | None:
    kind, values = _typed(cells)
    known = _known(kind, values)
    levels, counts = np.unique(values[known], return_counts=True)
    if int(known.sum()) < 8 or len(levels) < 2:
        return None
    if kind == "category" and (counts == 1).sum() > known.sum() / 2:
        return None
    restates = kind == "category" and _restates(values, known, cohort)
    return Column(name, kind, values, is_confounder(name), restates)


def _known(kind: Kind, values: FloatArray | StrArray) -> BoolArray:
    return np.asarray(values != MISSING if kind == "category" else ~np.isnan(values.astype(np.float64)))


def _typed(cells: pd.Series) -> tuple[Kind, FloatArray | StrArray]:
    missing = cells.isna() | cells.astype(str).str.strip().isin(["", "NA", "N/A", "nan", "None"])
    numbers = pd.to_numeric(cells.where(~missing), errors="coerce")
    n_known = int((~missing).sum())
    if n_known and int(numbers.notna().sum()) == n_known and not pd.api.types.is_bool_dtype(cells):
        values = numbers.to_numpy(dtype=np.float64)
        # Numbers with few values, such as batches 1 to 4, are categories.
        if len(np.unique(values[~np.isnan(values)])) > 6:
            return "number", values
    elif n_known:
        dates = pd.to_datetime(cells.where(~missing).astype("string"), errors="coerce", format="mixed")
        if int(dates.notna().sum()) >= 0.8 * n_known:
            days = (dates - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
            return "date", np.asarray(days, dtype=np.float64)
    texts = cells.astype(str).str.strip().where(~missing, MISSING)
    return "category", texts.to_numpy(dtype=str)


def _restates(values: FloatArray | StrArray, known: BoolArray, cohort: Cohort) -> bool:
    table = pd.crosstab(values[known], cohort.labels[known]).to_numpy() > 0
    if min(table.shape) < 2:
        return False
    return bool((table.sum(axis=1) == 1).all() or (table.sum(axis=0) == 1).all())

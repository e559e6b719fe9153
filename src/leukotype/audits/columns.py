"""Covariates: what each column is, and how to give it to a small model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from leukotype.arrays import BoolArray, FloatArray, IntArray, StrArray
from leukotype.cohort import Cohort

Kind = Literal["number", "date", "category"]
MISSING = "(missing)"

# Word by word, so that "stage" is no age and "grade" no date.
_CONFOUNDERS = frozenset(
    {
        "age",
        "sex",
        "gender",
        "batch",
        "date",
        "day",
        "time",
        "scan",
        "scandate",
        "rundate",
        "series",
        "gse",
        "geo",
        "centre",
        "center",
        "site",
        "institution",
        "institute",
        "source",
        "hospital",
        "lab",
        "laboratory",
        "cohort",
        "study",
        "platform",
        "chip",
        "array",
        "lot",
        "plate",
        "run",
        "lane",
        "flowcell",
        "operator",
        "technician",
        "kit",
        "protocol",
        "tissue",
        "rin",
        "ethnicity",
        "race",
        "ancestry",
    }
)


@dataclass(frozen=True, eq=False)
class Column:
    """One covariate that varies.

    values     : (n_samples,) float with NaN for missing, or str with MISSING; dates are days
    confounder : whether its name is one of age, sex, batch, date, series, centre and the like
    restates   : whether each value belongs to one class only, or each class to one value only: a copy of
                 the class, or complete confounding with it
    """

    name: str
    kind: Kind
    values: FloatArray | StrArray
    confounder: bool
    restates: bool

    @property
    def known(self) -> BoolArray:
        """(n_samples,) whether the value is known."""
        if self.kind == "category":
            return np.asarray(self.values != MISSING)
        return ~np.isnan(np.asarray(self.values, dtype=np.float64))


def columns(cohort: Cohort) -> list[Column]:
    """Return the covariates that could tell something: those that vary and are no ids.

    Left out: columns with one value, with fewer than 8 known values, and texts of which more than half of
    the known values occur once.
    """
    if cohort.covariates is None:
        return []
    found = (_column(str(name), cohort.covariates[name], cohort) for name in cohort.covariates.columns)
    return [column for column in found if column is not None]


def design(column: Column, train: IntArray) -> FloatArray:
    """(n_samples, n_columns) numbers for a model; levels and medians come from the rows `train` alone."""
    if column.kind == "category":
        levels = np.unique(column.values[train])
        return np.asarray(column.values[:, None] == levels[None, :], dtype=np.float64)
    values = np.asarray(column.values, dtype=np.float64)
    missing = np.isnan(values)
    middle = float(np.nanmedian(values[train])) if not missing[train].all() else 0.0
    filled = np.where(missing, middle, values)
    return np.column_stack([filled, missing]) if missing.any() else filled[:, None]


def is_confounder(name: str) -> bool:
    """Tell whether a column's name is one of the usual confounders'."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return any(word in _CONFOUNDERS for word in words)


def is_sex(name: str) -> bool:
    """Tell whether a column's name says that it holds the recorded sex."""
    return bool(set(re.findall(r"[a-z]+", name.lower())) & {"sex", "gender"})


def _column(name: str, cells: pd.Series, cohort: Cohort) -> Column | None:
    kind, values = _typed(cells)
    known = values != MISSING if kind == "category" else ~np.isnan(np.asarray(values, dtype=np.float64))
    levels, counts = np.unique(values[known], return_counts=True)
    if int(known.sum()) < 8 or len(levels) < 2:
        return None
    if kind == "category" and (counts == 1).sum() > known.sum() / 2:
        return None
    return Column(
        name, kind, values, is_confounder(name), kind == "category" and _restates(values, known, cohort)
    )


def _typed(cells: pd.Series) -> tuple[Kind, FloatArray | StrArray]:
    missing = cells.isna() | cells.astype(str).str.strip().isin(["", "NA", "N/A", "nan", "None"])
    numbers = pd.to_numeric(cells.where(~missing), errors="coerce")
    n_known = int((~missing).sum())
    if n_known and int(numbers.notna().sum()) == n_known and not pd.api.types.is_bool_dtype(cells):
        values = numbers.to_numpy(dtype=np.float64)
        # Numbers with few values, such as batches 1 to 4, are names.
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

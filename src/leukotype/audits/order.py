"""What the order of rows or a stray column gives away."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from scipy.special import gammaln

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.audits.finding import Observation, Source
from leukotype.audits.profiles import listed, percent
from leukotype.cohort import Cohort

N_PERMUTATIONS = 1999
_STRAY = frozenset(
    {
        "index",
        "idx",
        "id",
        "row",
        "rownumber",
        "rownames",
        "unnamed0",
        "sampleno",
        "samplenumber",
        "number",
        "no",
        "nr",
        "age",
        "sex",
        "gender",
        "batch",
        "label",
        "class",
        "target",
        "type",
        "diagnosis",
        "outcome",
        "stage",
        "grade",
        "date",
        "time",
        "bmi",
        "height",
        "weight",
        "survival",
        "status",
    }
)


def order_tells_class(source: Source) -> Observation | None:
    """Row number, or the number in the sample id, that gives the class.

    Walking through the samples in order, the class changes less often than in any of 1,999 random orders.
    Harmless as long as the number is no feature, and a sign that classes were run one after the other.
    """
    cohort = source.cohort
    orders = [("row number", np.arange(cohort.n_samples)), ("number in the sample id", _id_numbers(cohort))]
    rng = np.random.default_rng(0)
    chance = np.array([_changes(rng.permutation(cohort.codes)) for _ in range(N_PERMUTATIONS)])
    for name, numbers in orders:
        if numbers is None or cohort.n_samples < 6:
            continue
        codes = cohort.codes[np.argsort(numbers, kind="stable")]
        changes = _changes(codes)
        p = (1 + int((chance <= changes).sum())) / (1 + N_PERMUTATIONS)
        if p > 0.001:
            continue
        near = codes[np.clip(np.arange(len(codes)) + 1, 0, len(codes) - 1)]
        near[-1] = codes[-2]
        hits = float((near == codes).mean())
        return Observation(
            f"the {name} gives the class: in that order there are {changes + 1} runs of one class, and "
            f"{chance.mean() + 1:.0f} by chance; the next sample alone calls {percent(hits)} rightly. Never use "
            "it as a feature, and ask whether the classes were measured at different times.",
            {"order": name, "changes": changes, "expected": float(chance.mean()), "p": p, "hits": hits},
        )
    return None


def stray_columns(source: Source) -> Observation | None:
    """A row number, or a clinical column, that stands among the probes.

    A probe that rises or falls without a break along the rows (or along the numbers in the sample ids)
    is a row number: by chance 2 p / n! of p probes would.  Names are compared with a list of clinical ones.
    """
    cohort, matrix = source.cohort, source.matrix
    named = np.array(
        [_plain(probe) in _STRAY or _plain(probe).startswith("unnamed") for probe in cohort.probes]
    )
    counting = np.zeros(cohort.n_probes, dtype=bool)
    if np.log(2 * cohort.n_probes) - gammaln(cohort.n_samples + 1) < np.log(1e-4):
        counting = _monotone(matrix)
        numbers = _id_numbers(cohort)
        if numbers is not None and len(np.unique(numbers)) == len(numbers):
            counting |= _monotone(matrix[np.argsort(numbers)])
    found = np.flatnonzero(named | counting)
    if len(found) == 0:
        return None
    names = [str(cohort.probes[column]) for column in found]
    table = pd.DataFrame({"probe": names, "counts_the_rows": counting[found]})
    n = int(counting.sum())
    why = (
        f"{n} of them rise{'s' if n == 1 else ''} or fall{'s' if n == 1 else ''} with the row number"
        if n
        else "by its name"
        if len(found) == 1
        else "by their names"
    )
    what = "column among the probes measures" if len(found) == 1 else "columns among the probes measure"
    return Observation(
        f"{len(found)} {what} no expression ({why}): {listed(names)}. Take such columns out of the table, "
        "since models use whatever they get.",
        {"columns": names, "counting": n},
        table,
        None if n else "warning",
    )


def _plain(name: str) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalnum())


def _changes(codes: IntArray) -> int:
    return int((np.diff(codes) != 0).sum())


def _monotone(matrix: FloatArray) -> BoolArray:
    steps = np.diff(matrix, axis=0)
    return np.asarray((steps > 0).all(axis=0) | (steps < 0).all(axis=0))


def _id_numbers(cohort: Cohort) -> FloatArray | None:
    """(n_samples,) the last number in each sample id, where all ids are alike but for it."""
    parts = [re.match(r"^(.*?)(\d+)(\D*)$", sample) for sample in cohort.samples.tolist()]
    if not all(parts) or len({(part[1], part[3]) for part in parts if part}) != 1:
        return None
    return np.array([float(part[2]) for part in parts if part])

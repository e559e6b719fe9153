"""Whether something other than genes tells the classes apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray
from leukotype.audits.association import cramer, holm
from leukotype.audits.columns import Column, columns, design
from leukotype.audits.finding import Observation, Source
from leukotype.audits.profiles import listed
from leukotype.audits.standing import best_model
from leukotype.cohort import Cohort
from leukotype.metrics import intervals

LEVEL = 0.01


def class_goes_with_covariate(source: Source) -> Observation | None:
    """A covariate whose distribution differs between the classes.

    Numbers and dates: Kruskal-Wallis.  Categories: chi-squared with 4,999 permutations, since cells are
    small.  Holm over the columns, at 0.01.  A warning where the column's name is that of a usual confounder
    (age, sex, batch, date, series, centre ...), else a note: such a column may well be a part of the diagnosis.
    """
    cohort = source.cohort
    tested = columns(cohort)
    if not tested or len(cohort.classes) < 2:
        return None
    results = [_association(column, cohort) for column in tested]
    table = pd.DataFrame(results)
    table["p_holm"] = holm(table["p"].to_numpy())
    table = table[table["p_holm"] <= LEVEL].sort_values(
        ["confounder", "p_holm"], ascending=[False, True], ignore_index=True
    )
    if len(table) == 0:
        return None
    suspects = table[table["confounder"]]
    shown = (suspects if len(suspects) else table)["text"].tolist()
    complete = [str(name) for name in suspects[suspects["restates"]]["column"]]
    more = (
        f" {listed(complete)} separate{'s' if len(complete) == 1 else ''} the classes completely: no analysis "
        "of this cohort can tell its effect from theirs."
        if complete
        else ""
    )
    remedy = (
        "Say so beside the result, and balance or stratify where possible."
        if len(suspects)
        else ("Find out whether it is part of the diagnosis, or a difference in how samples came about.")
    )
    return Observation(
        f"the classes differ in {listed(shown, 3)}.{more} Genes that follow such a difference look "
        f"like genes of the class. {remedy}",
        {"columns": table["column"].tolist(), "confounders": suspects["column"].tolist(), "complete": complete,
         "tested": len(tested)},
        table.drop(columns="text"),
        None if len(suspects) else "note",
    )  # fmt: skip


def covariates_as_good(source: Source) -> Observation | None:
    """Covariates that call the class as well as the best model does from genes.

    A refit, and a cheap one: a forest of 50 trees on the columns named like the usual confounders, on the
    outer folds of the first repeat, classes weighted evenly.  Fires where its balanced accuracy reaches the
    lower end of the best model's interval and the lower end of its own lies above chance.
    """
    evaluation, cohort = source.evaluated, source.cohort
    used = [column for column in columns(cohort) if column.confounder]
    best = best_model(evaluation)
    if not used or best is None:
        return None
    recall, value, low, high = _forest_accuracy(used, source)
    chance = 1 / len(cohort.classes)
    if value < best.low or low <= chance:
        return None
    names = [column.name for column in used]
    return Observation(
        f"{listed(names)} alone {'calls' if len(names) == 1 else 'call'} the class with a balanced accuracy of "
        f"{value:.3f} ({low:.3f} to {high:.3f}), which is within the interval of the best model from genes "
        f"({best.name}: {best.value:.3f}, {best.low:.3f} to {best.high:.3f}): that result need not come from "
        "biology. Compare within strata, or on a cohort where the classes do not differ in them.",
        {"columns": names, "covariates": value, "low": low, "high": high, "best_model": best.name,
         "best": best.value, "best_low": best.low, "best_high": best.high},
        pd.DataFrame({"class": cohort.classes, "recall_from_covariates": recall}),
    )  # fmt: skip


def _forest_accuracy(used: list[Column], source: Source) -> tuple[FloatArray, float, float, float]:
    cohort, evaluation = source.cohort, source.evaluated
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
        # A value missing in one class only is as telling as any other value.
        whole = not known.all() and int((~known).sum()) >= 5
        values = column.values.astype(str) if whole else column.values[known].astype(str)
        effect, p = cramer(values, cohort.codes if whole else codes)
        return row | {"p": p, "effect": effect, "text": f"{column.name} (Cramér's V {effect:.2f})"}
    values = np.asarray(column.values, dtype=np.float64)[known]
    groups = [values[codes == code] for code in np.unique(codes)]
    if len(groups) < 2 or np.ptp(values) == 0:
        return row | {"p": 1.0, "effect": 0.0, "text": column.name}
    h, p = stats.kruskal(*groups)
    effect = float(max(0.0, (h - len(groups) + 1) / max(len(values) - len(groups), 1)))
    medians = {cohort.classes[code]: float(np.median(values[codes == code])) for code in np.unique(codes)}
    low, high = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
    unit = " days since 1970" if column.kind == "date" else ""
    text = f"{column.name} (median {medians[high]:.4g}{unit} in {high}, {medians[low]:.4g} in {low})"
    return row | {"p": float(p), "effect": effect, "text": text}

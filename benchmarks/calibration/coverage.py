"""Coverage of 95 % intervals on simulated cohorts, whose true scores are known from new samples.

    python benchmarks/calibration/coverage.py [--cohorts 200] [--also forest,xgboost]

Every cohort has 60 samples of 3 classes (30, 18, 12) and 400 probes.  Effects range from almost none to clear.  Each
model is fitted on the whole cohort, tuned on inner folds like in the evaluation, and scored on 3,000 new samples with
the class proportions of the cohort.  This is its true score (`whole`).  The five models of the outer folds are scored
on the same samples (`folds`); cross-validation estimates their mean, which is slightly lower.  Rows are appended to
results/coverage.csv.  Existing rows are not computed again.  Models in --also take longer.  Each of them runs
separately, on --cohorts cohorts.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from leukotype import metrics
from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.datasets.simulate import Simulation, simulate
from leukotype.evaluation import AUTO, Evaluation, auto, choose, evaluate
from leukotype.inference import corrected_best
from leukotype.metrics import Scored
from leukotype.models import by_name
from leukotype.recipes import Recipe
from leukotype.recipes.fitting import fit_split
from leukotype.resampling import Design, OuterFold, draw

RESULTS = Path(__file__).parent / "results"
MODELS = ("logistic", "knn", "centroids", "svm", "naive-bayes", "diagonal-lda")
METRICS = ("accuracy", "balanced_accuracy", "log_loss")
SIZES = {"a": 30, "b": 18, "c": 12}
N_FRESH = 50


def simulation(number: int) -> Simulation:
    effect = 0.2 + 1.2 * (number % 10) / 9
    return simulate(SIZES, 400, markers_per_class=20, effect=effect, composition=0.3, seed=5000 + number)


def truths(drawn: Simulation, evaluation: Evaluation) -> dict[str, dict[str, dict[str, float]]]:
    """Return the scores on new samples by model (`auto` chooses among the others), by `whole` or `folds`, by metric."""
    cohort = drawn.cohort
    models = tuple(model.name for model in evaluation.tried)
    fresh = drawn.fresh({label: N_FRESH * size for label, size in SIZES.items()}, seed=1)
    both = np.concatenate([cohort.expression, fresh.expression])
    new = np.arange(len(both) - cohort.n_samples) + cohort.n_samples
    codes = np.concatenate([cohort.codes, fresh.codes])
    rows = np.arange(cohort.n_samples)
    # The splitter of the evaluation's inner folds, on all samples.
    inner = draw(cohort, Design(evaluation.folds.design.inner, 2, 1, evaluation.folds.design.seed + 1)).splits
    whole = OuterFold(0, 0, rows, new, tuple((split.train, split.test) for split in inner))
    parts = {"whole": [whole], "folds": [replace(split, test=new) for split in evaluation.folds.splits]}
    found: dict[str, dict[str, list[FloatArray]]] = {name: {} for name in (*models, AUTO)}
    for kind, splits in parts.items():
        for split in splits:
            results = [fit_split(both, Recipe(by_name(name)), split, codes, (0,)) for name in models]
            for name, result in zip(models, results, strict=True):
                found[name].setdefault(kind, []).append(result.probabilities)
            chosen = choose([result.inner_losses for result in results])
            found[AUTO].setdefault(kind, []).append(results[chosen].probabilities)
    return {
        name: {kind: _scores(fresh, codes[new], fits) for kind, fits in kinds.items()}
        for name, kinds in found.items()
    }


def _scores(fresh: Cohort, codes: IntArray, fits: list[FloatArray]) -> dict[str, float]:
    scored = [Scored(codes, p.argmax(axis=1), p) for p in fits]
    return {name: float(np.mean([metrics.by_name(name).value(s) for s in scored])) for name in METRICS}


def study(number: int) -> pd.DataFrame:
    """Return one row per model, `auto` and best model, and per metric: the interval and the true scores."""
    drawn = simulation(number)
    evaluation = auto(evaluate(drawn.cohort, MODELS, jobs=1))
    rows = _estimates(evaluation)
    for metric in METRICS:
        best = corrected_best(evaluation, metric)
        shared = {"metric": metric, "named": best.model}
        rows.append(
            {"model": "corrected best", "value": best.value, "low": best.low, "high": best.high} | shared
        )
        rows.append(
            {"model": "uncorrected best", "value": best.uncorrected, "low": best.uncorrected_low}
            | {"high": best.uncorrected_high}
            | shared
        )
    return _with_truths(rows, drawn, evaluation, number)


def single(number: int, model: str) -> pd.DataFrame:
    """Return the rows of `study` for one model."""
    drawn = simulation(number)
    evaluation = evaluate(drawn.cohort, [model], jobs=1)
    return _with_truths(_estimates(evaluation), drawn, evaluation, number)


def _estimates(evaluation: Evaluation) -> list[dict[str, Any]]:
    return [
        {"model": row.model, "named": row.model, "metric": row.metric, "value": row.value, "low": row.low}
        | {"high": row.high}
        for row in evaluation.summary(METRICS).itertuples()
    ]


def _with_truths(
    rows: list[dict[str, Any]], drawn: Simulation, evaluation: Evaluation, number: int
) -> pd.DataFrame:
    true = truths(drawn, evaluation)
    found = pd.DataFrame(rows)
    for kind in ("whole", "folds"):
        found[kind] = [true[row.named][kind][row.metric] for row in found.itertuples()]
    return found.assign(cohort=number)


def append(table: pd.DataFrame, name: str) -> None:
    path = RESULTS / name
    table.to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.6g")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--also", default="", help="models to run separately, separated by commas")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    RESULTS.mkdir(exist_ok=True)
    start = time.perf_counter()
    path = RESULTS / "coverage.csv"
    earlier = pd.read_csv(path) if path.exists() else pd.DataFrame({"cohort": [], "model": []})
    done = set(zip(earlier["cohort"], earlier["model"], strict=True))
    for number in range(options.cohorts):
        if (number, AUTO) not in done:
            append(study(number), "coverage.csv")
        for model in filter(None, options.also.split(",")):
            if (number, model) not in done:
                append(single(number, model), "coverage.csv")
        print(number, f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()

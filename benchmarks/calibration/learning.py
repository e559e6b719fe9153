"""Learning curves on simulated cohorts, whose true scores are known: coverage of intervals and ranges.

    python benchmarks/calibration/learning.py [--cohorts 10]

Six populations of 3 classes and 200 probes, with effects from weak to clear; --cohorts of 60 samples from each.  At
each number of training samples there are two true balanced accuracies.  `folds` is the mean score of the models that
were fitted to the parts of this cohort, on 1,500 new samples.  `procedure` is the mean of `folds` over the cohorts of
the population: what the procedure is expected to score with so many samples.  At twice the largest number, `procedure`
is the mean score of models fitted to new cohorts.  Rows are appended to results/learning.csv; existing populations are
not computed again.

The columns low and high are the interval that is reported; old_low and old_high are the bootstrap percentiles that were
reported before; fitted_low and fitted_high are the range of the fitted curve.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from leukotype import metrics
from leukotype.arrays import IntArray
from leukotype.cohort import Cohort
from leukotype.datasets.simulate import Simulation, simulate
from leukotype.evaluation import evaluate
from leukotype.inference.learning import LearningCurve, learning_curve, thinner
from leukotype.metrics import Scored
from leukotype.models import by_name
from leukotype.recipes import Recipe
from leukotype.recipes.fitting import fit_split
from leukotype.resampling import Design, Folds, OuterFold, draw

RESULTS = Path(__file__).parent / "results"
MODELS = ("logistic", "knn", "centroids")
SIZES = {"a": 30, "b": 18, "c": 12}
N_FRESH = 25
N_TWICE = 4


def population(number: int) -> Simulation:
    effect = 0.4 + 0.2 * number
    return simulate(SIZES, 200, markers_per_class=12, effect=effect, composition=0.3, seed=7000 + number)


def true_scores(cohort: Cohort, fresh: Cohort, splits: tuple[OuterFold, ...]) -> dict[str, float]:
    """Mean balanced accuracy on the new samples of the models fitted to the training parts."""
    both = np.concatenate([cohort.expression, fresh.expression])
    codes = np.concatenate([cohort.codes, fresh.codes])
    new: IntArray = np.arange(cohort.n_samples, len(both))
    metric = metrics.by_name("balanced_accuracy")
    found = {}
    for name in MODELS:
        scores = []
        for split in splits:
            whole = OuterFold(split.repeat, split.fold, split.train, new, split.inner)
            p = fit_split(both, Recipe(by_name(name)), whole, codes, (0,)).probabilities
            scores.append(float(metric.value(Scored(codes[new], p.argmax(axis=1), p))))
        found[name] = float(np.mean(scores))
    return found


def whole(cohort: Cohort) -> OuterFold:
    """All samples as a training part, with inner folds."""
    inner = draw(cohort, Design(3, 2)).splits
    everything = np.arange(cohort.n_samples)
    return OuterFold(0, 0, everything, everything[:0], tuple((one.train, one.test) for one in inner))


def rows_of(curve: LearningCurve, folds: list[Folds], cohort: Cohort, fresh: Cohort) -> pd.DataFrame:
    """One row per model and number of training samples."""
    table = curve.table()
    truth = pd.concat(
        pd.DataFrame({"n_train": size, "folds": true_scores(cohort, fresh, part.splits)})
        for size, part in zip(curve.sizes, folds, strict=True)
    )
    table = table.merge(truth.rename_axis("model").reset_index(), on=["model", "n_train"])
    for model, resampled in curve.resampled.items():
        low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
        values = curve.values[model]
        table.loc[table["model"] == model, "old_low"] = np.minimum(low, values)
        table.loc[table["model"] == model, "old_high"] = np.maximum(high, values)
    beyond = curve.extrapolated([2 * curve.sizes[-1]]).rename(
        columns={"low": "fitted_low", "high": "fitted_high"}
    )
    halving = curve.halving()[["model", "n_needed", "n_high", "share_reached"]]
    return pd.concat([table, beyond], ignore_index=True).merge(halving, on="model")


def of_population(number: int, n_cohorts: int) -> pd.DataFrame:
    drawn = population(number)
    fresh = drawn.fresh({label: N_FRESH * size for label, size in SIZES.items()}, seed=1)
    blocks = []
    for seed in range(n_cohorts):
        cohort = drawn.fresh(SIZES, seed=100 + seed)
        evaluation = evaluate(cohort, MODELS, jobs=1)
        curve = learning_curve(evaluation, models=MODELS, jobs=1)
        folds = [*thinner(cohort, evaluation.folds), evaluation.folds]
        blocks.append(rows_of(curve, folds, cohort, fresh).assign(cohort=seed))
    table = pd.concat(blocks, ignore_index=True)
    table["procedure"] = table.groupby(["model", "n_train"])["folds"].transform("mean")
    twice = {label: round(2 * 0.8 * size) for label, size in SIZES.items()}
    larger = [drawn.fresh(twice, seed=900 + seed) for seed in range(N_TWICE)]
    scores = pd.DataFrame([true_scores(one, fresh, (whole(one),)) for one in larger]).mean()
    is_beyond = table["folds"].isna()
    table.loc[is_beyond, "procedure"] = table.loc[is_beyond, "model"].map(scores)
    return table.assign(population=number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=10, help="cohorts per population")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    path = RESULTS / "learning.csv"
    done = set(pd.read_csv(path)["population"]) if path.exists() else set()
    for number in range(6):
        if number not in done:
            found = of_population(number, options.cohorts).drop(columns=["metric", "fitted"])
            found.to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.4g")
            print(number, flush=True)


if __name__ == "__main__":
    main()

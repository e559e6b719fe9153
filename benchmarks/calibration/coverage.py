"""Coverage of 95 % intervals on simulated cohorts, whose true scores are known from new samples.

    python benchmarks/calibration/coverage.py [--cohorts 10] [--folder runs/coverage] [--part 0 --parts 1] [--table]

The grid: 40, 64 and 100 samples; two classes (60 and 40 %) and five (40 % and four times 15 %); easy, middling and hard
classes; independent samples, and about two samples per donor; two populations of each kind, with 400 probes.  Every
population gives --cohorts / 2 cohorts.  Each model runs 5 repeats of 5 outer and 3 inner folds.  Its fits are scored on
about 1,000 new samples of the population.  There are three true scores:

folds     : the mean score of the folds' models on the new samples
procedure : the mean of `folds` over the other cohorts of the population, so over other training sets of the same size
whole     : the score of the model that was trained, with tuning, on the whole cohort

Predictions and true scores of a cohort are stored in --folder, and existing ones are not computed again.  Several
processes share the work with --part and --parts.  --table writes results/coverage.csv and results/coverage_models.csv:
counts of cohorts whose interval covers each true score, from the intervals of `Evaluation.summary` and `per_class`.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.datasets.simulate import Population, simulate
from leukotype.evaluation import AUTO, Evaluation, auto, choose
from leukotype.inference import corrected_best
from leukotype.metrics import METRICS, Scored
from leukotype.models import by_name
from leukotype.recipes import Recipe
from leukotype.recipes.fitting import FoldResult, fit_split
from leukotype.resampling import Design, Folds, OuterFold, draw

RESULTS = Path(__file__).parent / "results"
MODELS = ("logistic", "knn", "centroids", "svm")
BEST = "corrected best"
SIZES = (40, 64, 100)
SHARES = {2: (0.6, 0.4), 5: (0.4, 0.15, 0.15, 0.15, 0.15)}
# Effect and composition of `simulate`.
SIGNAL = {
    2: {"easy": (1.2, 0.5), "middling": (0.7, 0.25), "hard": (0.3, 0.12)},
    5: {"easy": (1.6, 0.8), "middling": (1.0, 0.5), "hard": (0.5, 0.25)},
}
POPULATIONS = (1, 2)
N_FRESH = 1000
OUTER, INNER, REPEATS = 5, 3, 5
# Share of the variance within a class that samples of one donor have in common.
OF_DONOR = 0.6
# Equal to accuracy or balanced accuracy.
REPEATED = {"precision_micro", "recall_micro", "f1_micro", "recall_macro", "recall_weighted"}
BY_CASE = ["metric", "repeats", "n", "n_classes", "signal", "donors"]
BY_MODEL = ["metric", "repeats", "n", "model"]


@dataclass(frozen=True)
class Case:
    """One cohort of the grid."""

    n: int
    n_classes: int
    signal: str
    donors: bool
    population: int
    number: int

    @property
    def sizes(self) -> dict[str, int]:
        sizes = [round(self.n * share) for share in SHARES[self.n_classes]]
        sizes[0] += self.n - sum(sizes)
        return dict(zip("abcde", sizes, strict=False))

    @property
    def file(self) -> str:
        return "_".join(str(value) for value in astuple(self)) + ".npz"


def cases(n_cohorts: int) -> Iterator[Case]:
    """Yield the cases in an order that fills the whole grid evenly."""
    for number in range(n_cohorts // len(POPULATIONS)):
        grid = itertools.product(POPULATIONS, SIZES, SHARES, SIGNAL[2], (False, True))
        for population, n, n_classes, signal, donors in grid:
            yield Case(n, n_classes, signal, donors, population, number)


def population_of(case: Case) -> Population:
    effect, composition = SIGNAL[case.n_classes][case.signal]
    return simulate(
        dict.fromkeys("abcde"[: case.n_classes], 5),
        400,
        markers_per_class=20,
        effect=effect,
        composition=composition,
        seed=100 * case.population + 7,
    ).population


def cohort_of(case: Case, population: Population) -> Cohort:
    seed = 1000 * case.population + case.number
    drawn = population.draw(case.sizes, (seed, 5))
    if not case.donors:
        return drawn
    rng = np.random.default_rng((seed, 9))
    names, sizes, rows = [], {}, []
    for label, size in case.sizes.items():
        sizes[label] = max(6, round(size / 2))
        own = np.sort(np.r_[np.arange(sizes[label]), rng.integers(0, sizes[label], size - sizes[label])])
        rows += (sum(sizes.values()) - sizes[label] + own).tolist()
        names += [f"{label}{number}" for number in own]
    shared = population.draw(sizes, (seed, 6)).expression[rows]
    means = population.means[drawn.codes]
    values = means + np.sqrt(OF_DONOR) * (shared - means) + np.sqrt(1 - OF_DONOR) * (drawn.expression - means)
    return replace(drawn, expression=values, donors=np.array(names))


def folds_of(case: Case, cohort: Cohort, repeats: int = REPEATS) -> Folds:
    return draw(cohort, Design(OUTER, INNER, repeats, seed=case.number))


def scores(labels: IntArray, probabilities: FloatArray) -> FloatArray:
    """Return the value of every metric, per-class ones with a value for each class."""
    scored = Scored(labels, probabilities.argmax(axis=1), probabilities)
    return np.concatenate([np.ravel(metric.weighted(scored, scored.ones)[0]) for metric in METRICS])


def run(case: Case) -> dict[str, Any]:
    """Return the out-of-fold predictions and the true scores of every model on one cohort."""
    population = population_of(case)
    cohort = cohort_of(case, population)
    sizes = {label: max(1, round(N_FRESH * size / case.n)) for label, size in case.sizes.items()}
    fresh = population.draw(sizes, (case.population, case.number, 77))
    both = np.concatenate([cohort.expression, fresh.expression])
    codes = np.concatenate([cohort.codes, fresh.codes])
    new, rows = np.arange(cohort.n_samples, len(both)), np.arange(cohort.n_samples)
    inner = draw(cohort, Design(INNER, 2, 1, case.number + 1)).splits
    whole = OuterFold(0, 0, rows, new, tuple((split.train, split.test) for split in inner))
    splits = folds_of(case, cohort).splits
    found: dict[str, Any] = {}
    for name in MODELS:
        model = by_name(name)
        parts = [
            fit_split(both, Recipe(model), replace(split, test=np.r_[split.test, new]), codes, (0,))
            for split in splits
        ]
        last = fit_split(both, Recipe(model), whole, codes, (0,))
        found[f"{name} out of fold"] = np.concatenate([part.probabilities[: -len(new)] for part in parts])
        for number, part in enumerate(parts):
            found[f"{name} losses {number}"] = part.inner_losses
        found[f"{name} folds"] = np.array([scores(fresh.codes, p.probabilities[-len(new) :]) for p in parts])
        found[f"{name} whole"] = scores(fresh.codes, last.probabilities)
        found[f"{name} whole losses"] = last.inner_losses
    return found


def evaluation_of(case: Case, stored: Any, repeats: int) -> Evaluation:
    """Return the evaluation of the stored predictions, with `auto`."""
    cohort = cohort_of(case, population_of(case))
    folds = folds_of(case, cohort, repeats)
    results = []
    for name in MODELS:
        at = 0
        for number, split in enumerate(folds.splits):
            own = stored[f"{name} out of fold"][at : at + len(split.test)]
            losses = stored[f"{name} losses {number}"]
            results.append(FoldResult(name, split.repeat, split.fold, own, {}, 0.0, losses, None, 0.0))
            at += len(split.test)
    return auto(Evaluation(cohort, folds, tuple(map(by_name, MODELS)), tuple(results)))


def true_scores(stored: Any, model: str, repeats: int) -> dict[str, FloatArray]:
    """Return every metric for the folds' models (mean) and for the model of the whole cohort."""
    n_fits = OUTER * repeats
    if model != AUTO:
        return {"folds": stored[f"{model} folds"][:n_fits].mean(axis=0), "whole": stored[f"{model} whole"]}
    picked = [choose([stored[f"{name} losses {k}"] for name in MODELS]) for k in range(n_fits)]
    last = MODELS[choose([stored[f"{name} whole losses"] for name in MODELS])]
    own = [stored[f"{MODELS[pick]} folds"][k] for k, pick in enumerate(picked)]
    return {"folds": np.mean(own, axis=0), "whole": stored[f"{last} whole"]}


def estimates(case: Case, stored: Any) -> Iterator[dict[str, Any]]:
    """Yield the interval and the true scores by number of repeats, model, metric and class."""
    first = np.cumsum([0, *(case.n_classes if metric.per_class else 1 for metric in METRICS)])
    at = {metric.name: start for metric, start in zip(METRICS, first, strict=False)}
    for repeats in (1, REPEATS):
        evaluation = evaluation_of(case, stored, repeats)
        for wanted, table in ((False, evaluation.summary), (True, evaluation.per_class)):
            names = [m.name for m in METRICS if m.per_class is wanted and m.name not in REPEATED]
            found = table(names)
            for row in found.to_dict("records"):
                truth = true_scores(stored, row["model"], repeats)
                place = at[row["metric"]] + (evaluation.classes.index(row["class"]) if wanted else 0)
                yield (
                    {key: row.get(key, "") for key in ("model", "class", "metric", "value", "low", "high")}
                    | {"repeats": repeats}
                    | {kind: values[place] for kind, values in truth.items()}
                )
        for name in ("accuracy", "balanced_accuracy"):
            best = corrected_best(evaluation, name)
            truth = true_scores(stored, best.model, repeats)
            yield (
                {"model": BEST, "class": "", "metric": name, "value": best.value, "low": best.low}
                | {"high": best.high, "repeats": repeats}
                | {kind: values[at[name]] for kind, values in truth.items()}
            )


def table(folder: Path, n_cohorts: int) -> pd.DataFrame:
    """One row per cohort, number of repeats, model, metric and class."""
    rows = []
    for case in cases(n_cohorts):
        if (folder / case.file).exists():
            with np.load(folder / case.file) as stored:
                kept = dict(stored)
            facts = asdict(case)
            rows += [facts | row for row in estimates(case, kept)]
    return with_procedure(pd.DataFrame(rows))


def with_procedure(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the mean of `folds` over the other cohorts of the population."""
    keys = ["n", "n_classes", "signal", "donors", "population", "repeats", "model", "metric", "class"]
    groups = found.groupby(keys)["folds"]
    size = groups.transform("size")
    return found.assign(procedure=(groups.transform("sum") - found["folds"]) / (size - 1).where(size > 1))


def counted(found: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return how many intervals there are, how many cover each true score, and mean width and bias."""
    within = {
        kind: (found["low"] <= found[kind] + 1e-9) & (found[kind] <= found["high"] + 1e-9)
        for kind in ("folds", "procedure", "whole")
    }
    facts = found[keys].assign(
        intervals=found["low"].notna().astype(int),
        **{kind: (held & found["low"].notna()).astype(int) for kind, held in within.items()},
        width=found["high"] - found["low"],
        bias=found["value"] - found["folds"],
    )
    how = dict.fromkeys(("intervals", *within), "sum") | {"width": "mean", "bias": "mean"}
    return facts.groupby(keys, sort=False).agg(how).round(5).reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=10, help="cohorts of each kind")
    parser.add_argument("--folder", type=Path, default=Path("runs/coverage"))
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="only write the tables from what is stored")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    options.folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    if not options.table:
        for position, case in enumerate(cases(options.cohorts)):
            path = options.folder / case.file
            if position % options.parts == options.part and not path.exists():
                partial = path.with_suffix(f".{options.part}.part.npz")
                np.savez_compressed(partial, **run(case))
                partial.replace(path)
                print(position, case, f"{time.perf_counter() - start:.0f} s", flush=True)
    if options.table or options.parts == 1:
        found = table(options.folder, options.cohorts)
        counted(found[found["model"] != BEST], BY_CASE).to_csv(RESULTS / "coverage.csv", index=False)
        counted(found, BY_MODEL).to_csv(RESULTS / "coverage_models.csv", index=False)


if __name__ == "__main__":
    main()

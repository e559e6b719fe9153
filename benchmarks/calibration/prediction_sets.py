"""Coverage of prediction sets when donors have several samples, in simulated cohorts.

    python benchmarks/calibration/prediction_sets.py [--cohorts 60]

Three classes of 4 donors x 10 samples, 5 x 5 or 25 x 1, and 100 probes.  Of the variance within a class, 90 % lies
between donors.  Every other cohort is classified by diagonal-lda, the others by centroids.  Coverage is measured on 300
new donors of each class, one sample each, with samples as units (`samples`, the rule of format 1) and with donors as
units (`donors`).  Rows are appended to results/prediction_sets.csv.  Existing rows are not computed again.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from leukotype.classifier import Classifier
from leukotype.classifier.conformal import CrossConformal, attains
from leukotype.classifier.training import train
from leukotype.cohort import Cohort
from leukotype.datasets.simulate import Population, simulate
from leukotype.resampling import Design

RESULT = Path(__file__).parent / "results" / "prediction_sets.csv"
DESIGNS = {"4 x 10": (4, 10), "5 x 5": (5, 5), "25 x 1": (25, 1)}
LEVELS = (0.8, 0.9, 0.95)
MODELS = ("diagonal-lda", "centroids")
CLASSES = ("a", "b", "c")
BETWEEN = 0.9
N_NEW = 300


def donated(population: Population, n_donors: int, n_each: int, seed: int) -> Cohort:
    """Draw samples that share the deviation of their donor from the class mean."""
    profiles = population.draw(dict.fromkeys(CLASSES, n_donors), (seed, 2))
    samples = population.draw(dict.fromkeys(CLASSES, n_donors * n_each), (seed, 3))
    own = np.repeat(np.arange(profiles.n_samples), n_each)
    means = population.means[samples.codes]
    between, within = profiles.expression[own] - means, samples.expression - means
    expression = means + np.sqrt(BETWEEN) * between + np.sqrt(1 - BETWEEN) * within
    return replace(samples, expression=expression, donors=np.char.add("d", own.astype(str)))


def drawn(design: str, number: int) -> tuple[Classifier, Cohort]:
    """Return a classifier and samples of new donors."""
    n_donors, n_each = DESIGNS[design]
    population = simulate(
        dict.fromkeys(CLASSES, 10), 100, markers_per_class=10, effect=0.7, composition=0.3, seed=number
    ).population
    cohort = donated(population, n_donors, n_each, number)
    folds = Design(outer=min(5, n_donors), inner=2, repeats=1, seed=number)
    one = train(cohort, MODELS[number % len(MODELS)], align="none", design=folds, jobs=1)
    return one, donated(population, N_NEW, 1, 100_000 + number)


def covered(one: Classifier, sets: CrossConformal, fresh: Cohort) -> dict[float, np.ndarray]:
    """(n, n_classes) whether each class is in the set of each sample, by level."""
    by_fold = np.array([fold.probabilities(fresh.expression) for fold in one.folds])
    p = np.array([sets.p_values(by_fold[:, row]) for row in range(fresh.n_samples)])
    return {level: p > 1 - level + 1e-12 for level in LEVELS}


def rows(design: str, number: int) -> list[dict[str, object]]:
    one, fresh = drawn(design, number)
    if one.sets is None:
        raise AssertionError("no prediction sets")
    found = {"donors": one.sets, "samples": replace(one.sets, donors=None)}
    result: list[dict[str, object]] = []
    for units, sets in found.items():
        for level, inside in covered(one, sets, fresh).items():
            for code, name in enumerate(fresh.classes):
                own = inside[fresh.codes == code]
                result.append({
                    "design": design, "cohort": number, "model": MODELS[number % len(MODELS)], "units": units,
                    "level": level, "class": name, "attainable": attains(sets.n_units(code), level),
                    "coverage": round(float(own[:, code].mean()), 4),
                    "size": round(float(own.sum(axis=1).mean()), 3),
                })  # fmt: skip
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cohorts", type=int, default=60)
    n_cohorts = parser.parse_args().cohorts
    done = pd.read_csv(RESULT) if RESULT.exists() else pd.DataFrame(columns=["design", "cohort"])
    known = set(zip(done["design"], done["cohort"], strict=True))
    for number in range(n_cohorts):
        for design in DESIGNS:
            if (design, number) not in known:
                frame = pd.DataFrame(rows(design, number))
                frame.to_csv(RESULT, mode="a", header=not RESULT.exists(), index=False)


if __name__ == "__main__":
    main()

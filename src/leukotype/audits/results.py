"""Results that deserve a second look."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray
from leukotype.audits.finding import Observation, Source
from leukotype.audits.profiles import listed
from leukotype.audits.standing import best_model, standings
from leukotype.metrics import intervals
from leukotype.wide import Fold

N_SIGNATURES = 20
SIGNATURE_SIZE = 50
PENALTY = 0.1


def baseline_as_good(source: Source) -> Observation | None:
    """A baseline whose balanced accuracy lies within the interval of the best model."""
    best = best_model(source.evaluated)
    if best is None:
        return None
    as_good = [row for row in standings(source.evaluated) if row.baseline and row.value >= best.low]
    if not as_good:
        return None
    shown = [f"{row.name} {row.value:.3f}" for row in as_good]
    meaning = (
        "nothing was learned that guessing does not give"
        if any(row.name == "majority" for row in as_good)
        else "the many genes of the best model are not shown to be needed"
    )
    return Observation(
        f"a baseline is as good as the best model, by balanced accuracy: {listed(shown)} lies within the interval of "
        f"{best.name} ({best.value:.3f}, {best.low:.3f} to {best.high:.3f}), so {meaning}.",
        {"best_model": best.name, "best": best.value, "low": best.low, "high": best.high,
         "baselines": {row.name: row.value for row in as_good}},
        pd.DataFrame([vars(row) for row in (best, *as_good)]),
    )  # fmt: skip


def random_signature_as_good(source: Source) -> Observation | None:
    """Random probes that tell the classes apart as well as the best model does.

    A refit, and a cheap one: 20 times as many probes at random as the best model reads in the median fold (50
    where it reads all), and ridge logistic regression (C = 0.1, not tuned) on the outer folds of the first
    repeat.  Fires where the median of the 20 balanced accuracies reaches the lower end of the best model's
    interval: its genes then predict, but no better than genes do in general.

    Venet, Dumont & Detours (2011), PLoS Computational Biology 7, e1002240.
    """
    best = best_model(source.evaluated)
    size = None if best is None else _signature_size(source, best.name)
    if best is None or size is None or best.low <= 1 / len(source.cohort.classes):
        return None
    values = np.array([_random_accuracy(source, size, seed) for seed in range(N_SIGNATURES)])
    middle, low, high = (float(value) for value in np.quantile(values, [0.5, 0.025, 0.975]))
    if middle < best.low:
        return None
    return Observation(
        f"{size} probes taken at random call the class with a balanced accuracy of {middle:.3f} (median of "
        f"{N_SIGNATURES} such draws, {low:.3f} to {high:.3f}), within the interval of {best.name} ({best.value:.3f}, "
        f"{best.low:.3f} to {best.high:.3f}): the classes differ in genes everywhere, and that a signature predicts "
        "does not make its genes special.",
        {"size": size, "median": middle, "low": low, "high": high, "best_model": best.name, "best": best.value,
         "best_low": best.low},
        pd.DataFrame({"draw": np.arange(N_SIGNATURES), "balanced_accuracy": values}),
    )  # fmt: skip


def perfect_on_few(source: Source) -> Observation | None:
    """A model that is always right, on so few samples that it need not be right nine times in ten.

    Fires where every call of every repeat is right and the lower end of the exact 95 % interval lies below
    0.9, that is, for fewer than 36 samples (or donors).
    """
    evaluation = source.evaluated
    codes, n = evaluation.cohort.codes, evaluation.units.total
    low, _ = intervals.clopper_pearson(n, n)
    names = [model.name for model in evaluation.tried if (evaluation.predicted(model.name) == codes).all()]
    if not names or low >= 0.9:
        return None
    many = len(names) != 1
    return Observation(
        f"{listed(names)} called all {n} {'donors' if evaluation.cohort.donors is not None else 'samples'} rightly: "
        f"that deserves {low:.3f} to 1, not 1, and a perfect result on so few comes from a leak or a confounder as "
        f"often as from biology. Read the other findings first, and test {'them' if many else 'it'} on another cohort.",
        {"models": names, "n": n, "low": low},
        pd.DataFrame(
            {"class": list(source.cohort.class_counts), "samples": list(source.cohort.class_counts.values())}
        ),
    )


def _signature_size(source: Source, model: str) -> int | None:
    """Probes the model reads in the median fold; None where random probes would be about the same ones."""
    n_probes = source.cohort.n_probes
    read = [len(r.probes) for r in source.evaluated.results if r.model == model and r.probes is not None]
    size = int(np.median(read)) if read else n_probes
    size = SIGNATURE_SIZE if size >= n_probes else max(size, 1)
    return size if size <= n_probes // 4 else None


def _random_accuracy(source: Source, size: int, seed: int) -> float:
    cohort = source.cohort
    varying = np.flatnonzero(np.ptp(source.matrix, axis=0) > 0)
    rng = np.random.default_rng([seed, size])
    probes = np.sort(rng.choice(varying, min(size, len(varying)), replace=False))
    block: FloatArray = cohort.expression[:, probes]
    hit = np.zeros(cohort.n_samples, dtype=bool)
    for split in source.evaluated.folds.splits:
        if split.repeat == 0:
            fold = Fold(block, split.train, split.test)
            with threadpool_limits(1):
                rule = LogisticRegression(C=PENALTY, max_iter=500).fit(
                    fold.z_train, cohort.codes[split.train]
                )
                hit[split.test] = rule.predict(fold.z_test) == cohort.codes[split.test]
    return float(np.mean([hit[cohort.codes == code].mean() for code in range(len(cohort.classes))]))

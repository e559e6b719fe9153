"""Results that need a second look."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from leukotype.arrays import FloatArray
from leukotype.audits.finding import AuditInput, Observation
from leukotype.metrics import intervals
from leukotype.wide import Fold
from leukotype.wording import shortlist

N_SIGNATURES = 20
SIGNATURE_SIZE = 50
PENALTY = 0.1


def baseline_as_good(data: AuditInput) -> Observation | None:
    """Finds baselines whose balanced accuracy reaches the interval of the best model.

    A warning if one of them is the majority class, else a note: a single probe may be enough.
    """
    best = data.best
    if best is None:
        return None
    baselines = [data.scores[model.name] for model in data.evaluated.tried if model.baseline]
    as_good = [score for score in baselines if score.value >= best.low]
    if not as_good:
        return None
    shown = [f"{score.name} ({score.value:.3f})" for score in as_good]
    guessing = any(score.name == "majority" for score in as_good)
    meaning = (
        "it is not shown that the best model is better than guessing"
        if guessing
        else "it is not shown that the best model needs its many genes"
    )
    return Observation(
        f"the balanced accuracy of {shortlist(shown, 5)} reaches the interval of the best model, {best.name} "
        f"({best.value:.3f}, {best.low:.3f} to {best.high:.3f}): {meaning}.",
        {"best_model": best.name, "best": best.value, "low": best.low, "high": best.high,
         "baselines": {score.name: score.value for score in as_good}},
        pd.DataFrame([vars(score) for score in (best, *as_good)]),
        None if guessing else "note",
    )  # fmt: skip


def random_signature_as_good(data: AuditInput) -> Observation | None:
    """Finds that random probes separate the classes as well as the best model does.

    Draws 20 random sets with as many probes as the best model reads in the median fold (50 if it reads all), and fits
    ridge logistic regression (C = 0.1, not tuned) on the outer folds of the first repeat.  Reports if the median of
    the 20 balanced accuracies reaches the lower end of the interval of the best model: its genes predict the class, but
    no better than genes do in general.

    Venet, Dumont & Detours (2011), PLoS Computational Biology 7, e1002240.
    """
    best = data.best
    size = None if best is None else _signature_size(data, best.name)
    if best is None or size is None or best.low <= 1 / len(data.cohort.classes):
        return None
    values = np.array([_random_accuracy(data, size, seed) for seed in range(N_SIGNATURES)])
    middle, low, high = (float(value) for value in np.quantile(values, [0.5, 0.025, 0.975]))
    if middle < best.low:
        return None
    return Observation(
        f"{size} random probes predict the class with a balanced accuracy of {middle:.3f} (median of {N_SIGNATURES} "
        f"draws, {low:.3f} to {high:.3f}), within the interval of {best.name} ({best.value:.3f}, {best.low:.3f} to "
        f"{best.high:.3f}): many genes differ between the classes, so a predictive signature need not consist of "
        "special genes.",
        {"size": size, "median": middle, "low": low, "high": high, "best_model": best.name, "best": best.value,
         "best_low": best.low},
        pd.DataFrame({"draw": np.arange(N_SIGNATURES), "balanced_accuracy": values}),
    )  # fmt: skip


def perfect_on_few(data: AuditInput) -> Observation | None:
    """Finds models without any error on few samples.

    Reports if all predictions of all repeats are correct and the lower end of the exact 95 % interval is below 0.9,
    that is, for fewer than 36 samples (or donors).
    """
    evaluation = data.evaluated
    cohort, n = evaluation.cohort, evaluation.units.total
    low, _ = intervals.clopper_pearson(n, n)
    names = [m.name for m in evaluation.tried if (evaluation.predicted(m.name) == cohort.codes).all()]
    if not names or low >= 0.9:
        return None
    return Observation(
        f"{shortlist(names, 5)} classified all {n} {'samples' if cohort.donors is None else 'donors'} correctly (exact "
        f"95 % CI {low:.3f} to 1). A perfect result on so few comes from a leak or a confounder as often as from "
        f"biology. Read the other findings first, and test {'it' if len(names) == 1 else 'them'} on another cohort.",
        {"models": names, "n": n, "low": low},
        pd.DataFrame({"class": cohort.class_counts.keys(), "samples": cohort.class_counts.values()}),
    )


def _signature_size(data: AuditInput, model: str) -> int | None:
    """Probes that the model reads in the median fold; None if random sets of that size would overlap too much."""
    n_probes = data.cohort.n_probes
    read = [len(r.probes) for r in data.evaluated.results if r.model == model and r.probes is not None]
    size = int(np.median(read)) if read else n_probes
    size = SIGNATURE_SIZE if size >= n_probes else max(size, 1)
    return size if size <= n_probes // 4 else None


def _random_accuracy(data: AuditInput, size: int, seed: int) -> float:
    cohort = data.cohort
    varying = np.flatnonzero(np.ptp(data.matrix, axis=0) > 0)
    rng = np.random.default_rng([seed, size])
    probes = np.sort(rng.choice(varying, min(size, len(varying)), replace=False))
    block: FloatArray = cohort.expression[:, probes]
    hit = np.zeros(cohort.n_samples, dtype=bool)
    for split in data.evaluated.folds.splits:
        if split.repeat == 0:
            fold = Fold(block, split.train, split.test)
            model = LogisticRegression(C=PENALTY, max_iter=500)
            with threadpool_limits(1):
                model.fit(fold.z_train, cohort.codes[split.train])
                hit[split.test] = model.predict(fold.z_test) == cohort.codes[split.test]
    return float(np.mean([hit[cohort.codes == code].mean() for code in range(len(cohort.classes))]))

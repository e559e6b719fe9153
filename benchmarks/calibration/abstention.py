"""Do calls reach the target of abstention, and what is an empty prediction set worth?  Simulated classifiers.

    python benchmarks/calibration/abstention.py [--repeats 6] [--keep FOLDER]

Cohorts of 40, 64 and 100 samples, 2 or 5 classes and 100 probes, from almost no class difference to a clear one, are
classified by logistic, centroids and knn with the default design.  The true accuracy among the called comes from 2,000
new samples with the class proportions of the cohort.  Rules: `by class` (the thresholds of format 1: the out-of-fold
calls of each class reach the target) and `assured` (not below `abstention.floor` either).  `outside` counts the calls
outside their prediction set.  Repeats 4 and 5 were not used to choose `abstention.ASSURANCE`.

The result is results/abstention.csv.  --keep stores what each classifier needs, so that rules can be compared again.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.classifier import abstention, calibration, training
from leukotype.classifier.abstention import OutOfFold, Target
from leukotype.classifier.conformal import CrossConformal
from leukotype.datasets.simulate import simulate
from leukotype.evaluation import Evaluation
from leukotype.recipes import missing

RESULT = Path(__file__).parent / "results" / "abstention.csv"
SHARES = {2: (0.6, 0.4), 5: (0.28, 0.24, 0.18, 0.15, 0.15)}
SIZES = (40, 64, 100)
EFFECTS = (0.4, 0.7, 1.2)
MODELS = ("logistic", "centroids", "knn")
TARGETS = (0.9, 0.95)
N_NEW = 2000


def drawn(n: int, n_classes: int, effect: float, model: str, repeat: int) -> dict[str, Any]:
    """Train one classifier and return its out-of-fold results, and its results on new samples.

    p, labels, fold_of : as in `abstention.OutOfFold`; scores, method: of its sets and its calibration
    fresh, codes, by, dist, held : calibrated probabilities and codes of new samples, probabilities by the model of each
                         fold, distances, and distances of held-out samples
    """
    sizes = {chr(97 + code): round(share * n) for code, share in enumerate(SHARES[n_classes])}
    seed = 100_000 * repeat + 1000 * n + 100 * n_classes + int(effect * 10)
    one = simulate(sizes, 100, markers_per_class=10, effect=effect, composition=0.3, seed=seed)
    # The simulation of missing probes takes time and changes nothing here.
    own, results = training._out_of_fold, []

    def kept(evaluation: Evaluation) -> OutOfFold:
        results.append(own(evaluation))
        return results[0]

    with patch.object(training, "_out_of_fold", kept), patch.object(missing, "draws", return_value=1):
        found = training.train(one.cohort, model, align="none", jobs=1)
    seen, new = results[0], one.fresh({name: int(N_NEW * size / n) for name, size in sizes.items()}, 1)
    if found.sets is None:
        raise AssertionError("no prediction sets")
    return {
        "p": seen.p, "labels": seen.labels, "fold_of": seen.fold_of, "codes": new.codes,
        "fresh": found.calibration.apply(found.scorer.probabilities(new.expression)),
        "by": np.array([fold.probabilities(new.expression) for fold in found.folds]),
        "dist": np.array([found.novelty.classes.distance(row) for row in new.expression]),
        "held": found.novelty.held_out, "scores": found.sets.scores, "method": found.calibration.method,
    }  # fmt: skip


def judged(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the true results of every rule and target."""
    labels, fresh = one["labels"], one["fresh"]
    learned = calibration.fitted(str(one["method"]), one["p"], labels)  # type: ignore[arg-type]  # from a file
    p = np.array([learned.apply(each) for each in one["p"]])
    held = np.sort(one["held"])
    p_like = (1 + len(held) - np.searchsorted(held, one["dist"])) / (1 + len(held))
    sets = CrossConformal(one["scores"], labels, one["fold_of"][0])
    inside = _p_values(sets, one["by"]) > 0.1 + 1e-12
    predicted, rows = fresh.argmax(axis=1), np.arange(len(fresh))
    right = predicted == one["codes"]
    for value in TARGETS:
        target = Target("accuracy", value)
        rules = {
            "by class": abstention.by_class(p, labels, target),
            "assured": abstention.thresholds(p, labels, target),
        }
        for rule, least in rules.items():
            called = (p_like > 0.05) & (fresh.max(axis=1) >= least[predicted])
            outside = called & ~inside[rows, predicted]
            empty = called & ~inside.any(axis=1)
            # As many calls, those of the lowest confidence.
            order = np.flatnonzero(called)[np.argsort(fresh.max(axis=1)[called], kind="stable")]
            yield {
                "target": value, "rule": rule, "accuracy": round(float(right.mean()), 4), "new": len(fresh),
                "called": int(called.sum()), "right": int(right[called].sum()),
                "outside": int(outside.sum()), "right outside": int(right[outside].sum()),
                "empty": int(empty.sum()), "right empty": int(right[empty].sum()),
                "right least sure": int(right[order[: outside.sum()]].sum()),
            }  # fmt: skip


def _p_values(sets: CrossConformal, by: FloatArray) -> FloatArray:
    """(n, n_classes) as `CrossConformal.p_values`, for all samples at once; by: (n_folds, n, n_classes)."""
    found = np.ones(by.shape[1:])
    for code in range(by.shape[2]):
        own = sets.labels == code
        lower = [
            score <= by[fold, :, code] + 1e-9
            for score, fold in zip(sets.scores[own], sets.folds[own], strict=True)
        ]
        found[:, code] = (np.sum(lower, axis=0) + 1) / (len(lower) + 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    rows = []
    for setting in itertools.product(SIZES, SHARES, EFFECTS, MODELS, range(given.repeats)):
        path = None if given.keep is None else given.keep / f"{'-'.join(map(str, setting))}.npz"
        if path is not None and path.exists():
            one = dict(np.load(path))
        else:
            one = drawn(*setting)
            if path is not None:
                np.savez(path, **one)
        names = dict(zip(("n", "classes", "effect", "model", "repeat"), setting, strict=True))
        rows += [names | row for row in judged(one)]
    pd.DataFrame(rows).to_csv(RESULT, index=False)


if __name__ == "__main__":
    main()

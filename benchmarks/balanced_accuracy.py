"""Balanced accuracy of the plain tree models and of ours, over seeds of the outer folds.

    python benchmarks/balanced_accuracy.py --folder $LEUKOTYPE_DATA [--seeds 5] [--cohorts slice] [--models forest]

The plain forest is the peer's estimator and grid under GridSearchCV, on the same folds.  The plain XGBoost would take
hours with many classes.  By default it is our path with the peer's grid and no screen, which grows the same trees
three times as fast (tests/test_wide_boosting.py).  --peer-xgboost runs the peer's own version.  Both gave the same
balanced accuracy for each of the seven seeds of slice and chowdary that were run both ways.  Every finished seed is
saved in benchmarks/results, so an interrupted run resumes.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import leukotype
from against_plain import load_peer
from common import RESULTS, machine, read_cumida
from leukotype.cohort import Cohort
from leukotype.models import Model, by_name
from leukotype.resampling import Design

COHORTS = {
    "slice": ("cumida/Leukemia_GSE9476_slice.csv.gz", False),
    "chowdary": ("wide/chowdary_breast_colon.csv.gz", True),
    "nakayama": ("wide/nakayama_sarcoma.csv.gz", True),
}
MODELS = ("forest", "xgboost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, default=Path("../shared/peers/plain_study.py"))
    parser.add_argument(
        "--folder", type=Path, default=Path(os.environ.get("LEUKOTYPE_DATA", "../shared/data"))
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cohorts", nargs="+", choices=COHORTS, default=list(COHORTS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--peer-xgboost", action="store_true", help="run GridSearchCV with XGBClassifier (takes hours)"
    )
    args = parser.parse_args()

    peer = load_peer(args.peer)
    out = RESULTS / "balanced_accuracy.json"
    plain: dict[str, float] = json.loads(out.read_text())["plain"] if out.exists() else {}
    rows = []
    for data in args.cohorts:
        file, log2 = COHORTS[data]
        cohort = read_cumida(args.folder / file, log2)
        for model in args.models:
            for seed in range(args.seeds):
                key = f"{data} {model} {seed}"
                if key not in plain:
                    if model == "xgboost" and not args.peer_xgboost:
                        plain[key] = our_accuracy(cohort, unscreened(), seed, args.jobs)
                    else:
                        plain[key] = plain_accuracy(peer, cohort, model, seed, args.jobs)
                    save(out, plain, rows)
            ours = [our_accuracy(cohort, by_name(model), seed, args.jobs) for seed in range(args.seeds)]
            theirs = [plain[f"{data} {model} {seed}"] for seed in range(args.seeds)]
            rows.append(
                {
                    "data": data,
                    "model": model,
                    "seeds": args.seeds,
                    "plain": float(np.mean(theirs)),
                    "ours": float(np.mean(ours)),
                    "each": [theirs, ours],
                }
            )
            print(f"{data:9s} {model:8s} plain {np.mean(theirs):.3f}  ours {np.mean(ours):.3f}", flush=True)
            save(out, plain, rows)


def plain_accuracy(peer: ModuleType, cohort: Cohort, model: str, seed: int, jobs: int) -> float:
    """Return the balanced accuracy of the peer's nested study of one model."""
    estimator, grid = peer.MODELS[model]
    inner = StratifiedKFold(3, shuffle=True, random_state=seed + 1)
    search = GridSearchCV(estimator, grid, cv=inner, n_jobs=jobs)
    calls = np.empty(cohort.n_samples, dtype=int)
    outer = StratifiedKFold(5, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for train, test in outer.split(cohort.expression, cohort.codes):
            search.fit(cohort.expression[train], cohort.codes[train])
            calls[test] = search.predict(cohort.expression[test])
    return float(balanced_accuracy_score(cohort.codes, calls))


def unscreened() -> Model:
    """Return XGBoost on all probes, with the peer's grid in the peer's order."""
    grid = {"learning_rate": (0.1, 0.3), "max_depth": (2, 4), "n_estimators": (100,)}
    return replace(by_name("xgboost"), grid=grid)


def our_accuracy(cohort: Cohort, model: Model, seed: int, jobs: int) -> float:
    """Return the balanced accuracy of our nested study of one model."""
    evaluation = leukotype.evaluate(
        cohort, models=[model], design=Design(seed=seed), tune_by="accuracy", jobs=jobs
    )
    return float(balanced_accuracy_score(cohort.codes, evaluation.predicted(model.name)[0]))


def save(out: Path, plain: dict[str, float], rows: list[dict[str, Any]]) -> None:
    """Save the finished results."""
    RESULTS.mkdir(exist_ok=True)
    temporary = out.with_suffix(".part")
    temporary.write_text(json.dumps({"machine": machine(), "rows": rows, "plain": plain}, indent=1) + "\n")
    os.replace(temporary, out)


if __name__ == "__main__":
    main()

"""Compare `auto` with the models it chooses from: 5 repeats of 5 outer and 3 inner folds.

    LEUKOTYPE_DATA=folder python benchmarks/auto.py [--jobs 2] [--cohorts "slice;chowdary;simulated"]

The default models run on the slice of GSE9476 and on chowdary (log2).  The probes of the slice were selected on all
samples, so its scores test `auto` and are not a result.  Consecutive rows of chowdary seem to be two samples of one
patient.  A third run keeps these pairs in one fold; it omits the tree models to save time.  24 simulated cohorts
measure the effect of the odds that `auto` requires before it prefers a later model.  Results are saved in
results/auto.json.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import leukotype as lt
from common import RESULTS, machine
from leukotype.cohort import Cohort
from leukotype.evaluation import AUTO, auto, choose
from leukotype.evaluation.auto import AUTO_MODEL
from leukotype.models import DEFAULT

ODDS_TRIED = (1.0, 3.0, 5.3)
METRICS = ("balanced_accuracy", "log_loss")
QUICK = tuple(name for name in DEFAULT if name not in ("forest", "xgboost"))


@dataclass(frozen=True)
class Trial:
    """One cohort, its models, and the targets for `auto`: smallest balanced accuracy, largest log loss."""

    name: str
    file: str
    models: Sequence[str]
    goals: tuple[float, float] | None
    in_pairs: bool = False


TRIALS = (
    Trial("slice", "cumida/Leukemia_GSE9476_slice.csv.gz", DEFAULT, (0.98, 0.06)),
    Trial("chowdary", "wide/chowdary_breast_colon.csv.gz", DEFAULT, (0.97, 0.12)),
    Trial("chowdary, by pair", "wide/chowdary_breast_colon.csv.gz", QUICK, None, in_pairs=True),
)


def by_pair(cohort: Cohort) -> Cohort:
    """Make each two consecutive rows of a class one donor."""
    place = np.empty(cohort.n_samples, dtype=np.intp)
    for code in range(len(cohort.classes)):
        rows = np.flatnonzero(cohort.codes == code)
        place[rows] = np.arange(len(rows)) // 2
    donors = np.array([f"{label} {number}" for label, number in zip(cohort.labels, place, strict=True)])
    return replace(cohort, donors=donors)


def run(trial: Trial, folder: Path, jobs: int) -> dict[str, Any]:
    cohort = lt.read(folder / trial.file)
    if trial.in_pairs:
        cohort = by_pair(cohort)
    evaluation = auto(lt.evaluate(cohort, trial.models, design=lt.Design(repeats=5), jobs=jobs))
    summary = evaluation.summary(METRICS).set_index(["model", "metric"])
    settings = evaluation.settings()
    chosen = Counter(result.setting["model"] for result in evaluation.results if result.model == AUTO)
    return {
        "cohort": repr(cohort),
        "goals": trial.goals,
        "chosen": dict(chosen.most_common()),
        "models": {
            model: {
                "seconds": float(settings.loc[settings["model"] == model, "seconds"].sum()),
                **{metric: _three(summary.loc[(model, metric)]) for metric in METRICS},
            }
            for model in evaluation.names
        },
    }


def _three(row: pd.Series[float]) -> list[float]:
    return [float(row[name]) for name in ("value", "low", "high")]


def simulated(number: int) -> Cohort:
    """Simulate one of 24 cohorts of 60 to 64 samples and 2,000 probes: three designs, eight effect sizes."""
    sizes = ({"a": 40, "b": 24}, {"a": 26, "b": 10, "c": 10, "d": 10, "e": 8}, {"a": 30, "b": 18, "c": 12})
    effect = 0.4 + 1.2 * (number // 3) / 7
    return lt.simulate(
        sizes[number % 3], 2000, markers_per_class=40, effect=effect, composition=0.5, seed=900 + number
    ).cohort


def by_odds(jobs: int) -> dict[str, dict[str, float]]:
    """Return mean scores of `auto` over the simulated cohorts for each odds; 5.3 is one standard error."""
    scores: dict[float, list[list[float]]] = {odds: [] for odds in ODDS_TRIED}
    for number in range(24):
        models = tuple(name for name in DEFAULT if name != "xgboost")
        evaluation = lt.evaluate(simulated(number), models, design=lt.Design(repeats=2), jobs=jobs)
        for odds, found in scores.items():
            picked = _picked(evaluation, odds)
            found.append([float(picked.summary([metric])["value"].iloc[0]) for metric in METRICS])
    return {
        str(odds): dict(zip(METRICS, np.mean(found, axis=0).tolist(), strict=True))
        for odds, found in scores.items()
    }


def _picked(evaluation: lt.Evaluation, odds: float) -> lt.Evaluation:
    results = []
    for split in evaluation.folds.splits:
        rivals = [r for r in evaluation.results if (r.repeat, r.fold) == (split.repeat, split.fold)]
        taken = rivals[choose([rival.inner_losses for rival in rivals], odds)]
        results.append(replace(taken, model=AUTO))
    return replace(evaluation, models=(AUTO_MODEL,), results=tuple(results))


def table(found: dict[str, Any]) -> str:
    lines = ["| model | balanced accuracy | log loss |", "|---|---|---|"]
    for model, row in found["models"].items():
        cells = [f"{value:.3f} ({low:.3f} to {high:.3f})" for value, low, high in (row[m] for m in METRICS)]
        lines.append(f"| {model} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cohorts", help="names separated by semicolons (default: all)")
    options = parser.parse_args()
    wanted = (
        [*(trial.name for trial in TRIALS), "simulated"]
        if options.cohorts is None
        else options.cohorts.split(";")
    )
    path = RESULTS / "auto.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    results["machine"] = machine()
    for trial in TRIALS:
        if trial.name in wanted:
            found = run(trial, Path(os.environ["LEUKOTYPE_DATA"]), options.jobs)
            results[trial.name] = found
            path.write_text(json.dumps(results, indent=2) + "\n")
            print(f"\n{found['cohort']}\n{found['chosen']}\n{table(found)}", flush=True)
    if "simulated" in wanted:
        results["simulated"] = by_odds(options.jobs)
        path.write_text(json.dumps(results, indent=2) + "\n")
        print(results["simulated"])


if __name__ == "__main__":
    main()

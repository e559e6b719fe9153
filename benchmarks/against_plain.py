"""The plain study and ours, one after the other in one run: ratios of time, differences in the answers.

    python benchmarks/against_plain.py [--peer ../shared/peers/plain_study.py] [--data FILE --log2]

Without --data a cohort of 64 x 22,283 in 5 classes is simulated.  Both ways run the same nested study (5 outer
and 3 inner folds, the same splits, settings chosen by accuracy) on the same number of cores, the plain one by the
peer's own script.  Loading the file is timed on neither side; starting worker processes is, on both.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import leukotype
from common import RESULTS, machine, read_cumida, simulated, write_cumida
from leukotype.cohort import Cohort

MODELS = ("logistic", "knn", "forest", "xgboost")
TOGETHER = "all four"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, default=Path("../shared/peers/plain_study.py"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--log2", action="store_true")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--probes", type=int, default=22_283, help="of the simulated cohort")
    parser.add_argument(
        "--plain", type=Path, help="the peer's result from an earlier run, instead of running it"
    )
    parser.add_argument(
        "--exact", action="store_true", help="also run the plain logistic at tolerance 1e-8: minutes"
    )
    parser.add_argument("--name", help="of the result; that of the data by default")
    args = parser.parse_args()

    described = machine()
    with tempfile.TemporaryDirectory() as folder:
        if args.data is None:
            cohort, path = simulated(n_probes=args.probes), Path(folder) / "simulated.csv"
            write_cumida(cohort, path)
            cohort = read_cumida(path, log2=False)
        else:
            cohort, path = read_cumida(args.data, args.log2), args.data
        plain = json.loads(args.plain.read_text()) if args.plain else run_peer(args, path, Path(folder))
    ours, evaluation_seconds = run_ours(cohort, args.models, args.jobs)

    rows = [compare(name, plain, ours[name], cohort) for name in args.models]
    plain_seconds = sum(row["plain_seconds"] for row in rows)
    together = {
        "model": TOGETHER if len(args.models) == len(MODELS) else "together",
        "plain_seconds": plain_seconds,
        "our_seconds": evaluation_seconds,
        "ratio": plain_seconds / evaluation_seconds,
    }
    result = {"machine": described, "jobs": args.jobs, "shape": cohort.expression.shape}
    name = args.name or ("simulated" if args.data is None else cohort.name)
    save(name, {**result, "rows": [*rows, together]})
    if args.exact and "logistic" in args.models:
        exact, chosen = exact_logistic(load_peer(args.peer), cohort, args.jobs)
        row = rows[args.models.index("logistic")]
        row["same_settings_at_1e-8"] = agreeing(chosen, ours["logistic"])
        row["difference_at_1e-8"] = float(np.abs(exact - ours["logistic"].probabilities("logistic")[0]).max())
        save(name, {**result, "rows": [*rows, together]})


def save(name: str, result: dict[str, Any]) -> None:
    """Print what is known so far and keep it."""
    print(table(result["rows"]), flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"against_plain_{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def run_peer(args: argparse.Namespace, path: Path, folder: Path) -> dict[str, Any]:
    """Run the peer's script as anyone would, and return its result."""
    out = folder / "plain.json"
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(args.peer),
        str(path),
        "--out",
        str(out),
        "--models",
        *args.models,
    ]
    command += ["--jobs", str(args.jobs), *(["--log2"] if args.log2 else [])]
    subprocess.run(command, check=True)
    result: dict[str, Any] = json.loads(out.read_text())
    return result


def run_ours(cohort: Cohort, models: list[str], jobs: int) -> tuple[dict[str, Any], float]:
    """Time our study of each model alone, and of all together; return the evaluations and the last time."""
    start = time.perf_counter()
    leukotype.evaluate(cohort, models=models, tune_by="accuracy", jobs=jobs)
    together = time.perf_counter() - start
    evaluations = {}
    for name in models:
        start = time.perf_counter()
        evaluations[name] = leukotype.evaluate(cohort, models=[name], tune_by="accuracy", jobs=jobs)
        evaluations[name].__dict__["wall"] = time.perf_counter() - start
    return evaluations, together


def compare(name: str, plain: dict[str, Any], evaluation: Any, cohort: Cohort) -> dict[str, Any]:
    """One row: times, their ratio, and how far the answers are apart."""
    theirs, seconds = plain["models"][name], evaluation.__dict__["wall"]
    codes = np.array(plain["labels"])
    if not np.array_equal(codes, cohort.codes):
        raise SystemExit("the plain study was run on other samples: run it anew, without --plain.")
    p = evaluation.probabilities(name)[0]
    return {
        "model": name,
        "plain_seconds": theirs["seconds"],
        "our_seconds": seconds,
        "ratio": theirs["seconds"] / seconds,
        "same_settings": agreeing(theirs["chosen"], evaluation),
        "difference": float(np.abs(p - np.array(theirs["probabilities"])).max()),
        "same_calls": f"{int((p.argmax(axis=1) == np.argmax(theirs['probabilities'], axis=1)).sum())} of {len(p)}",
        "plain_balanced_accuracy": theirs["balanced_accuracy"],
        "our_balanced_accuracy": float(balanced_accuracy_score(codes, p.argmax(axis=1))),
    }


def agreeing(chosen: list[dict[str, Any]], evaluation: Any) -> str:
    """In how many outer folds both ways chose the same setting."""
    plain = [{key.split("__")[-1]: value for key, value in fold.items()} for fold in chosen]
    own = [result.setting for result in evaluation.results]
    return f"{sum(a == b for a, b in zip(plain, own, strict=True))} of {len(own)}"


def load_peer(path: Path) -> ModuleType:
    """Import the peer's script for its MODELS."""
    spec = importlib.util.spec_from_file_location("plain_study", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"cannot import {path}: give the path of plain_study.py with --peer.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exact_logistic(peer: ModuleType, cohort: Cohort, jobs: int) -> tuple[Any, list[dict[str, Any]]]:
    """Run the peer's study of the logistic regression at tolerance 1e-8: probabilities and settings.

    At the default of 1e-4 the solver stops before the optimum, most of all where the penalty is weak, and the
    inner folds then compare half-finished fits.
    """
    estimator, grid = peer.MODELS["logistic"]
    estimator = clone(estimator).set_params(
        logisticregression__tol=1e-8, logisticregression__max_iter=100_000
    )
    inner = StratifiedKFold(3, shuffle=True, random_state=1)
    search = GridSearchCV(estimator, grid, cv=inner, n_jobs=jobs)
    p = np.zeros((cohort.n_samples, len(cohort.classes)))
    chosen = []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(
        cohort.expression, cohort.codes
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            search.fit(cohort.expression[train], cohort.codes[train])
        p[test] = search.predict_proba(cohort.expression[test])
        chosen.append(search.best_params_)
    return p, chosen


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| model | plain, s | ours, s | ratio | same settings | same calls | largest difference | balanced accuracy |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        start = (
            f"| {row['model']} | {row['plain_seconds']:.1f} | {row['our_seconds']:.2f} | {row['ratio']:.1f} |"
        )
        if "difference" not in row:
            lines.append(start + " | | | |")
            continue
        settings, difference = row["same_settings"], f"{row['difference']:.1e}"
        if "difference_at_1e-8" in row:
            settings += f" ({row['same_settings_at_1e-8']} at tolerance 1e-8)"
            difference += f" ({row['difference_at_1e-8']:.1e} at tolerance 1e-8)"
        accuracy = f"{row['plain_balanced_accuracy']:.3f}, ours {row['our_balanced_accuracy']:.3f}"
        lines.append(f"{start} {settings} | {row['same_calls']} | {difference} | {accuracy} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""Compare time and results of our nested study with a plain scikit-learn study in one run.

    python benchmarks/against_plain.py [--peer ../shared/peers/plain_study.py] [--data FILE --log2]

Without --data, a cohort of 64 x 22,283 in 5 classes is simulated.  Both studies use 5 outer and 3 inner folds, the
same splits, accuracy to choose the settings, and the same number of cores.  The peer script runs the plain study.
The times include the start of the worker processes and exclude the reading of the file.
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
    parser.add_argument("--probes", type=int, default=22_283, help="probes of the simulated cohort")
    parser.add_argument("--plain", type=Path, help="result of an earlier run of the peer script, to reuse")
    parser.add_argument(
        "--exact",
        action="store_true",
        help="also run the plain logistic regression at tolerance 1e-8 (takes minutes)",
    )
    parser.add_argument("--name", help="name of the result (default: name of the data)")
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
    """Print and save the results so far."""
    print(table(result["rows"]), flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"against_plain_{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def run_peer(args: argparse.Namespace, path: Path, folder: Path) -> dict[str, Any]:
    """Run the peer script and return its result."""
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
    """Time our study of each model and of all models together; return the evaluations and the time of all together."""
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
    """Return one row: times, their ratio, and the differences between the predictions."""
    theirs, seconds = plain["models"][name], evaluation.__dict__["wall"]
    codes = np.array(plain["labels"])
    if not np.array_equal(codes, cohort.codes):
        raise SystemExit("The plain study has different samples. Run it again, without --plain.")
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
    """Count the outer folds in which both studies chose the same setting."""
    plain = [{key.split("__")[-1]: value for key, value in fold.items()} for fold in chosen]
    own = [result.setting for result in evaluation.results]
    return f"{sum(a == b for a, b in zip(plain, own, strict=True))} of {len(own)}"


def load_peer(path: Path) -> ModuleType:
    """Import the peer script for its MODELS."""
    spec = importlib.util.spec_from_file_location("plain_study", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"Cannot import {path}. Give the path of plain_study.py with --peer.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exact_logistic(peer: ModuleType, cohort: Cohort, jobs: int) -> tuple[Any, list[dict[str, Any]]]:
    """Run the peer's logistic regression at tolerance 1e-8; return its probabilities and settings.

    At the default of 1e-4 the solver stops before the optimum, mostly for weak penalties.  The inner folds then
    compare fits that have not converged.
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
    """Return the rows as a Markdown table."""
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

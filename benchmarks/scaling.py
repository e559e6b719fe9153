"""Estimate the cost of all of CuMiDa with 1,000 permutations on 1, 16 and 256 workers.

    python benchmarks/scaling.py measure      time one task of every model at four sizes, and the driver's cost per
    task python benchmarks/scaling.py estimate     calculate and simulate the run from the measurements python
    benchmarks/scaling.py page         write docs/scaling.md

Times are processor seconds of one thread, so other processes on the machine do not change them.
"""

from __future__ import annotations

import argparse
import json
import pickle
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from common import RESULTS, machine, simulated, wrapped
from leukotype.datasets import of_collection
from leukotype.evaluation import evaluate
from leukotype.models import MODELS
from leukotype.resampling import Design, Folds, draw
from scaling_model import Costs, Load, Run, on_paper, saturation
from scaling_model import simulated as simulate_run

TARGET = Path(__file__).parents[1] / "docs" / "scaling.md"
STORE = RESULTS / "scaling.json"
POINTS = ((40, 22_283), (100, 22_283), (200, 22_283), (60, 54_675))
DESIGN = Design(5, 3)
PERMUTATIONS = 1000
WORKERS = (1, 16, 256)
PER_MACHINE = 16
LATENCY = 0.5e-3
BANDWIDTH = 125e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=("measure", "estimate", "page"))
    step = parser.parse_args().step
    if step == "measure":
        save({"machine": machine(), "tasks": tasks(), "driver": driver()})
    elif step == "estimate":
        known = json.loads(STORE.read_text())
        save({**known, "runs": estimates(known)})
    else:
        TARGET.write_text(page(json.loads(STORE.read_text())), encoding="utf-8")


def save(content: dict[str, Any]) -> None:
    STORE.write_text(json.dumps(content, indent=1) + "\n")


def tasks() -> list[dict[str, Any]]:
    """Measure the seconds and the result size of one outer fold, for every model and size."""
    found = []
    for n_samples, n_probes in POINTS:
        cohort = simulated(n_samples, n_probes)
        folds = draw(cohort, DESIGN)
        first = Folds(folds.design, folds.splits[:1], folds.cohort_fingerprint)
        marks = [time.process_time()]
        results: list[Any] = []

        def note(result: Any, marks: list[float] = marks, results: list[Any] = results) -> None:
            marks.append(time.process_time())
            results.append(result)

        evaluate(cohort, list(MODELS), folds=first, jobs=1, on_done=note)
        for result, seconds in zip(results, np.diff(marks).tolist(), strict=True):
            size = len(pickle.dumps(result, protocol=5))
            found.append(
                {
                    "model": result.model,
                    "n": n_samples,
                    "p": n_probes,
                    "seconds": round(seconds, 4),
                    "bytes": size,
                }
            )
            print(
                f"{result.model:14s} n {n_samples:4d} p {n_probes:6d} {seconds:8.2f} s {size:7d} bytes",
                flush=True,
            )
    return found


def driver(n: int = 1500) -> dict[str, Any]:
    """Measure the driver's cost of one task: a commit to the run store, and the way through Dask's scheduler.

    Only this process is measured. It runs both the driver and the scheduler, with a result of typical size.
    """
    from dask.distributed import Client, LocalCluster, as_completed

    from leukotype.runs import Item, Store

    record = {"probabilities": np.full((20, 5), 0.2), "inner_losses": np.full(80, 0.1), "setting": {"C": 0.1}}
    with tempfile.TemporaryDirectory() as folder, Store(folder) as store:
        start = time.process_time()
        for number in range(n):
            store.put(Item(f"{number:064x}", "a cohort", "a model", "repeat 1, fold 1"), record, 1.0)
        commit = (time.process_time() - start) / n
        stored = (Path(folder) / "tasks.sqlite").stat().st_size / n
    payload = np.zeros(160, dtype=np.intp)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        client.gather([client.submit(nothing, payload, number, pure=False) for number in range(50)])
        start = time.process_time()
        sent = [client.submit(nothing, payload, number, pure=False) for number in range(n)]
        for future, _ in as_completed(sent, with_results=True):
            future.release()
        scheduled = (time.process_time() - start) / n
        sent.clear()
    found = {"commit": commit, "schedule": scheduled, "stored_bytes": stored}
    print(found, flush=True)
    return found


def nothing(payload: Any, number: int) -> Any:
    """Return a result of typical size."""
    return np.full((20, 5), 0.2)


def fitted(measured: list[dict[str, Any]]) -> dict[str, tuple[float, float, float]]:
    """Fit log seconds = a + b log n + c log p for each model, by least squares."""
    laws = {}
    for model in dict.fromkeys(row["model"] for row in measured):
        own = [row for row in measured if row["model"] == model]
        log_n, log_p = (np.log([row[name] for row in own]) for name in ("n", "p"))
        log_t = np.log([max(row["seconds"], 1e-3) for row in own])
        design = np.stack([np.ones(len(own)), log_n, log_p], axis=1)
        a, b, c = np.linalg.lstsq(design, log_t, rcond=None)[0]
        laws[model] = (float(a), float(b), float(c))
    return laws


def cumida(known: dict[str, Any]) -> list[tuple[str, Load]]:
    """Return name and load of each CuMiDa dataset of known size."""
    laws = fitted(known["tasks"])
    sizes = {row["model"]: row["bytes"] for row in known["tasks"] if row["n"] == 100}
    loads = []
    for entry in of_collection("cumida"):
        n, p = entry.fingerprint.n_samples, entry.fingerprint.n_probes
        if n is None or p is None:
            continue
        seconds = np.array([np.exp(a + b * np.log(n) + c * np.log(p)) for a, b, c in laws.values()])
        count = DESIGN.outer * (1 + PERMUTATIONS)
        # Row numbers of the outer and inner splits, and the labels, at 8 bytes each; then what identifies the task.
        task = 8 * n * (1 + DESIGN.inner * (DESIGN.outer - 1) / DESIGN.outer + 1) + 500
        loads.append(
            (entry.name, Load(seconds, count, 8 * n * p, task, float(np.mean(list(sizes.values())))))
        )
    return loads


def costs(known: dict[str, Any]) -> Costs:
    """Return the measured costs of the driver and the assumed costs of the network."""
    return Costs(known["driver"]["commit"] + known["driver"]["schedule"], LATENCY, BANDWIDTH)


def estimates(known: dict[str, Any]) -> list[dict[str, Any]]:
    """Calculate and simulate the run of all datasets, and of the smallest one alone, for each number of workers."""
    loads, cost = cumida(known), costs(known)
    smallest = min(loads, key=lambda item: item[1].work)
    cases = {"all": [load for _, load in loads], smallest[0]: [smallest[1]]}
    found = []
    for name, chosen in cases.items():
        for workers in WORKERS:
            start = time.perf_counter()
            paper, run = (
                on_paper(chosen, cost, workers, PER_MACHINE),
                simulate_run(chosen, cost, workers, PER_MACHINE),
            )
            found.append({"case": name, "workers": workers, "paper": vars(paper), "simulated": vars(run)})
            print(name, workers, paper, run, f"{time.perf_counter() - start:.0f} s", flush=True)
    return found


def page(known: dict[str, Any]) -> str:
    """Return docs/scaling.md."""
    loads, cost = cumida(known), costs(known)
    n_tasks = sum(load.n_tasks for _, load in loads)
    work = sum(load.work for _, load in loads)
    matrices = sum(load.matrix for _, load in loads)
    where = {name: saturation(load, cost) for name, load in loads}
    low, high = min(where, key=where.__getitem__), max(where, key=where.__getitem__)
    sizes = {row["model"]: row["bytes"] for row in known["tasks"] if row["n"] == 100}
    stored, widest = n_tasks * sum(sizes.values()) / len(sizes), max(sizes, key=sizes.__getitem__)
    models = len({row["model"] for row in known["tasks"]})
    lines = [
        "# Scaling",
        "",
        wrapped(
            "This page estimates the cost of evaluating all of CuMiDa with 1,000 permutations of the labels. "
            "The estimate is calculated from measured times. A simulation of the scheduler with the same "
            f"numbers checks it. `benchmarks/scaling.py` measured on {known['machine']['processor']} "
            f"({known['machine']['cores']} cores) and wrote this page."
        ),
        "",
        "## Tasks",
        "",
        wrapped(
            f"{len(loads)} of the 78 datasets have known sizes. Each is evaluated with {models} models "
            f"(baselines included) in {DESIGN.outer} × {DESIGN.inner} nested folds, once on the real labels "
            f"and {PERMUTATIONS:,} times on permuted labels. This makes **{n_tasks:,} tasks**. A task is one "
            "model on one outer fold; it tunes its grid on the inner folds."
        ),
        "",
        "Processor seconds of one task on one thread, measured on simulated cohorts of five classes:",
        "",
        *task_table(known["tasks"]),
        "",
        wrapped(
            "For other sizes, a power law of samples and probes is fitted for each model (log seconds = a + b "
            "log n + c log p). The last column shows its exponents b and c. All models of a fold share inner "
            "products, which the first model computes. The table counts them with logistic regression."
        ),
        "",
        f"The total is {hours(work)} on one core, or {work / n_tasks:.2f} s per task.",
        "",
        "## Cost of the driver",
        "",
        "| | measured |",
        "| --- | ---: |",
        f"| commit of a result to the run store | {1e3 * known['driver']['commit']:.2f} ms |",
        f"| one task through Dask: send, schedule, receive the result | {1e3 * known['driver']['schedule']:.2f} ms |",
        f"| bytes in the store for a result without probe names | {known['driver']['stored_bytes']:,.0f} |",
        "",
        wrapped(
            f"Assumed, not measured: {1e3 * LATENCY:g} ms of latency, {BANDWIDTH / 1e6:g} MB/s from the "
            f"driver, {PER_MACHINE} workers per machine. The driver does one thing at a time. Cohorts are "
            "processed one after the other, and each is sent once to each machine."
        ),
        "",
        "## Time, traffic and saturation of the driver",
        "",
        *run_table(known["runs"]),
        "",
        wrapped(
            "The calculated time of a cohort is the larger of (work / workers + half of the longest task, for "
            "the wait at the end) and (tasks × driver's cost), plus the time to send the cohort. The "
            "simulation processes every task: the driver handles results in order of arrival, and each worker "
            "holds one task in reserve. Both ignore lost workers, permutations that are refused because of "
            "their cost, and shared fold work that is repeated if the models of a fold go to several workers "
            "(at most the time of logistic regression, for each worker)."
        ),
        "",
        wrapped(
            "The driver saturates when workers request tasks as fast as it can send them. This happens from "
            f"{where[low]:,.0f} workers on for {low}, which has the shortest tasks, and from "
            f"{where[high]:,.0f} workers on for {high}. Below this number the time is inversely proportional "
            "to the number of workers. Above it, additional workers wait."
        ),
        "",
        wrapped(
            f"The cohorts take {matrices / 1e9:.1f} GB as doubles, each sent once to each machine. All results "
            f"together take {stored / 1e9:.1f} GB; {100 * sizes[widest] / sum(sizes.values()):.0f} % of this "
            f"comes from `{widest}`, whose results list every probe that they read."
        ),
    ]
    return "\n".join(lines) + "\n"


def task_table(measured: list[dict[str, Any]]) -> list[str]:
    """Return the table of seconds per task by model and size, with the exponents of the power law."""
    sizes = list(dict.fromkeys((row["n"], row["p"]) for row in measured))
    seconds = {(row["model"], row["n"], row["p"]): row["seconds"] for row in measured}
    header = ["model", *(f"{n} × {p:,}" for n, p in sizes), "b, c"]
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    for model, (_, b, c) in fitted(measured).items():
        cells = [f"{seconds[model, n, p]:.2f}" for n, p in sizes]
        lines.append(f"| `{model}` | " + " | ".join(cells) + f" | {b:.1f}, {c:.1f} |")
    return lines


def run_table(runs: list[dict[str, Any]]) -> list[str]:
    """Return the table that compares calculation and simulation."""
    lines = [
        "| | workers | calculated | simulated | difference | data transferred | driver busy |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for run in runs:
        paper, simulation = Run(**run["paper"]), Run(**run["simulated"])
        name = "all datasets" if run["case"] == "all" else run["case"]
        lines.append(
            f"| {name} | {run['workers']} | {paper.seconds:,.0f} s ({hours(paper.seconds)}) | "
            f"{simulation.seconds:,.0f} s ({hours(simulation.seconds)}) | "
            f"{100 * (paper.seconds / simulation.seconds - 1):+.1f} % | {simulation.moved / 1e9:.1f} GB | "
            f"{100 * simulation.driver_busy:.0f} % |"
        )
    return lines


def hours(seconds: float) -> str:
    """`12 s`, `3.4 min`, `5.6 h`, `12.3 days`."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


if __name__ == "__main__":
    main()

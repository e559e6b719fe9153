"""Estimated run times on a cluster: the formula, the simulated scheduler, and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from scaling_model import Costs, Load, on_paper, saturation, simulated  # noqa: E402

FREE = Costs(driver=0.0, latency=0.0, bandwidth=1e18)


def load(seconds, count=20) -> Load:
    return Load(np.array(seconds, dtype=float), count, matrix=1e6, task=100, result=1000)


@settings(deadline=None, max_examples=60)
@given(
    seconds=st.lists(st.floats(0.01, 10), min_size=1, max_size=5),
    count=st.integers(1, 40),
    workers=st.integers(1, 30),
)
def test_run_time_without_driver_cost_is_within_grahams_bounds(seconds, count, workers):
    own = load(seconds, count)
    run = simulated([own], FREE, workers)
    least = max(own.work / workers, max(seconds))
    # Each worker has one task in reserve, so tasks are assigned slightly earlier than in Graham's list.
    assert least * (1 - 1e-9) <= run.seconds <= own.work / workers + 2 * max(seconds) + 1e-9


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(1, 200),
    workers=st.integers(1, 40),
    driver=st.floats(1e-4, 1.0),
    task=st.floats(1e-4, 1.0),
)
def test_run_is_never_faster_than_the_driver_or_the_workers(count, workers, driver, task):
    own = load([task], count)
    run = simulated([own], Costs(driver, 0.0, 1e18), workers)
    assert run.seconds >= max(count * driver, count * task / workers) * (1 - 1e-9)
    assert 0 < run.driver_busy <= 1 + 1e-9


def test_one_worker_runs_the_tasks_in_sequence():
    own = load([1.0, 2.0, 3.0], 10)
    assert simulated([own], FREE, 1).seconds == pytest.approx(60)
    assert simulated([own, own], FREE, 1).seconds == pytest.approx(120)


def test_slow_driver_limits_the_speed():
    own, costs = load([0.01], 500), Costs(driver=1.0, latency=0.0, bandwidth=1e18)
    run = simulated([own], costs, 64)
    assert run.seconds == pytest.approx(500, rel=0.01)
    assert run.driver_busy == pytest.approx(1, rel=0.01)
    assert saturation(own, costs) == pytest.approx(0.01)


@pytest.mark.parametrize("workers", [1, 4, 16, 64])
def test_formula_and_simulation_agree_for_many_tasks(workers):
    rng = np.random.default_rng(workers)
    loads = [load(rng.uniform(0.05, 2.0, 15), 200) for _ in range(4)]
    costs = Costs(driver=2e-3, latency=5e-4, bandwidth=1e8)
    paper, run = on_paper(loads, costs, workers), simulated(loads, costs, workers)
    assert paper.seconds == pytest.approx(run.seconds, rel=0.05)
    assert paper.moved == run.moved


def test_cohorts_are_sent_once_to_each_machine():
    own = load([1.0], 64)
    fixed = own.n_tasks * (own.task + own.result)
    for workers, machines in ((1, 1), (16, 1), (17, 2), (64, 4)):
        assert simulated([own], FREE, workers).moved - fixed == machines * own.matrix


def test_page_is_generated_from_the_results():
    import scaling

    known = json.loads(scaling.STORE.read_text())
    assert scaling.TARGET.read_text(encoding="utf-8") == scaling.page(known)
    assert {run["workers"] for run in known["runs"]} == {1, 16, 256}
    for run in known["runs"]:
        assert run["paper"]["seconds"] == pytest.approx(run["simulated"]["seconds"], rel=0.05)
    whole = [load for _, load in scaling.cumida(known)]
    again = on_paper(whole, scaling.costs(known), 16, scaling.PER_MACHINE)
    stored = next(run for run in known["runs"] if run["case"] == "all" and run["workers"] == 16)
    assert again.seconds == pytest.approx(stored["paper"]["seconds"])


def test_power_law_is_recovered_exactly():
    import scaling

    points = [(40, 22_283), (100, 22_283), (200, 22_283), (60, 54_675)]
    rows = [{"model": "m", "n": n, "p": p, "seconds": 1e-6 * n**1.5 * p**0.5} for n, p in points]
    a, b, c = scaling.fitted(rows)["m"]
    assert (b, c) == pytest.approx((1.5, 0.5))
    assert np.exp(a) == pytest.approx(1e-6)


def test_page_shows_the_measured_memory():
    runs = json.loads((BENCHMARKS / "results" / "memory.json").read_text())["runs"]
    page = (BENCHMARKS.parent / "docs" / "benchmark.md").read_text(encoding="utf-8")
    for run in runs:
        assert run["exit_code"] == 0
        assert f"| {run['samples']:,} × {run['probes']:,} | {run['matrix_mib']:,} MiB |" in page
        assert f"| {run['peak_total_mib']:,} MiB |" in page


# Runs in its own process, so that memory used by other tests does not count.
_MEASURE = """
import sys
import numpy as np
from leukotype.cohort import Cohort
from leukotype.evaluation import evaluate
from leukotype.resampling import Design
from leukotype.wide import fold
from memory import peak_mib

n, p = 200, 200_000
fold._LARGE = int(sys.argv[1]) or fold._LARGE
labels, samples, probes = np.repeat(["a", "b"], n // 2), np.arange(n).astype(str), np.arange(p).astype(str)
values = np.random.default_rng(0).normal(7, 1, (n, p))
models = ["centroids", "single-probe", "majority"]
for width in (50, p):
    before = peak_mib()
    evaluate(Cohort(values[:, :width], labels, samples, probes[:width]), models, design=Design(2, 2), jobs=1)
print((peak_mib() - before) / (values.nbytes / 2**20))
"""


@pytest.mark.slow
def test_folds_of_a_large_matrix_need_less_than_twice_its_memory():
    """The same measurement with copies kept between models exceeds the limit, so it detects such copies."""

    def extra(large: int) -> float:
        command = [sys.executable, "-c", _MEASURE, str(large)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        here = Path(__file__).parent
        return float(
            subprocess.run(command, cwd=here, env=environment, check=True, stdout=subprocess.PIPE).stdout
        )

    assert extra(0) < 1.8
    assert extra(10**12) > 1.8

"""The estimate of what a cluster would take: laws of the paper formula and of the simulated scheduler."""

from __future__ import annotations

import json
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
def test_a_free_driver_gives_what_graham_allows(seconds, count, workers):
    own = load(seconds, count)
    run = simulated([own], FREE, workers)
    least = max(own.work / workers, max(seconds))
    # One task in reserve binds tasks to workers a little earlier than a list would.
    assert least * (1 - 1e-9) <= run.seconds <= own.work / workers + 2 * max(seconds) + 1e-9


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(1, 200),
    workers=st.integers(1, 40),
    driver=st.floats(1e-4, 1.0),
    task=st.floats(1e-4, 1.0),
)
def test_it_is_never_faster_than_the_driver_or_the_workers(count, workers, driver, task):
    own = load([task], count)
    run = simulated([own], Costs(driver, 0.0, 1e18), workers)
    assert run.seconds >= max(count * driver, count * task / workers) * (1 - 1e-9)
    assert 0 < run.driver_busy <= 1 + 1e-9


def test_one_worker_does_one_task_after_the_other():
    own = load([1.0, 2.0, 3.0], 10)
    assert simulated([own], FREE, 1).seconds == pytest.approx(60)
    assert simulated([own, own], FREE, 1).seconds == pytest.approx(120)


def test_a_slow_driver_sets_the_pace():
    own, costs = load([0.01], 500), Costs(driver=1.0, latency=0.0, bandwidth=1e18)
    run = simulated([own], costs, 64)
    assert run.seconds == pytest.approx(500, rel=0.01)
    assert run.driver_busy == pytest.approx(1, rel=0.01)
    assert saturation(own, costs) == pytest.approx(0.01)


@pytest.mark.parametrize("workers", [1, 4, 16, 64])
def test_paper_and_simulation_agree_where_tasks_are_many(workers):
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


def test_the_page_is_that_of_the_results_and_says_what_the_simulation_found():
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


def test_the_law_of_a_model_goes_through_points_that_follow_one():
    import scaling

    points = [(40, 22_283), (100, 22_283), (200, 22_283), (60, 54_675)]
    rows = [{"model": "m", "n": n, "p": p, "seconds": 1e-6 * n**1.5 * p**0.5} for n, p in points]
    a, b, c = scaling.fitted(rows)["m"]
    assert (b, c) == pytest.approx((1.5, 0.5))
    assert np.exp(a) == pytest.approx(1e-6)


def test_the_memory_that_the_page_tells_of_was_measured_and_is_within_6_gib():
    runs = json.loads((BENCHMARKS / "results" / "memory.json").read_text())["runs"]
    page = (BENCHMARKS.parent / "docs" / "benchmark.md").read_text(encoding="utf-8")
    assert {(run["samples"], run["probes"]) for run in runs} == {(357, 22_277), (2096, 54_675)}
    for run in runs:
        assert run["exit_code"] == 0
        assert run["peak_total_mib"] < 6 * 1024
        assert f"| {run['peak_total_mib']:,} MiB |" in page

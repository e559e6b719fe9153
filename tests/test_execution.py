"""Engines: all give the same bytes, and a failure affects only its own task."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from leukotype import execution
from leukotype.errors import (
    ClusterFailed,
    InfeasibleDesign,
    MissingPackage,
    TasksFailed,
    UnknownName,
)
from leukotype.evaluation import FailedTask, evaluate
from leukotype.execution import open_engine
from leukotype.models import plugins
from leukotype.resampling import Design
from leukotype.runs import Store
from run_cases import content, start, write_plugin, write_tiny_csv
from run_tasks import die_while_answering, fate, pause

MATRIX = np.arange(6.0).reshape(2, 3)
DESIGN = Design(3, 2)


def outcomes(engine, tasks):
    found = sorted(engine.outcomes(fate, MATRIX, tasks), key=lambda outcome: outcome.number)
    assert [outcome.number for outcome in found] == list(range(len(tasks)))
    return found


def test_serial_exception_affects_only_its_task():
    with open_engine("serial") as engine:
        found = outcomes(engine, ["a", "raise", "leave", "bb", "threads"])
    assert [outcome.result for outcome in found] == [16.0, None, None, 17.0, {1}]
    assert found[1].failure.message == "KeyError: 'there'"
    assert found[2].failure.kind == "SystemExit"


def test_processes_death_or_timeout_affects_only_its_task():
    with open_engine(jobs=2, time_limit=4.0) as engine:
        found = outcomes(engine, ["a", "die", "hang", "raise", "leave", "threads", "bb"])
        again = outcomes(engine, ["a"])
    results = [outcome.result for outcome in found]
    assert results[:6] == [16.0, None, None, None, None, {1}]
    assert results[6] == 17.0
    assert [outcome.failure.kind if outcome.failure else "" for outcome in found[:5]] == [
        "", "Killed", "TimeLimit", "KeyError", "SystemExit",
    ]  # fmt: skip
    assert "SIGKILL" in found[1].failure.message
    assert "4 seconds" in found[2].failure.message
    assert again[0].result == 16.0


def test_worker_killed_while_it_sends_an_answer_costs_no_result(tmp_path):
    with open_engine("processes", jobs=2) as engine:
        tasks = [(number, tmp_path / "killed") for number in range(6)]
        found = sorted(engine.outcomes(die_while_answering, MATRIX, tasks), key=lambda one: one.number)
    assert (tmp_path / "killed").exists()
    assert [one.failure for one in found] == [None] * 6
    assert all((one.result == one.number).all() for one in found)


def test_idle_workers_that_die_are_replaced():
    with open_engine("processes", jobs=2) as engine:
        outcomes(engine, ["a", "bb"])
        for child in engine_children():
            child.kill()
        assert [one.result for one in outcomes(engine, ["a", "bb"])] == [16.0, 17.0]


def test_closing_the_engine_ends_its_workers():
    with open_engine("processes", jobs=1) as engine:
        outcomes(engine, ["a"])
        children = engine_children()
        assert children
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() for child in children)


def engine_children():
    return [
        child
        for child in psutil.Process().children()
        if any("loky.backend.popen" in word or "popen_loky" in word for word in child.cmdline())
    ]


def test_each_call_uses_its_own_matrix():
    with open_engine(jobs=1, name="processes") as engine:
        for factor in (1.0, 2.0, 3.0):
            found = list(engine.outcomes(fate, factor * MATRIX, ["a"]))
            assert found[0].result == factor * 15 + 1


def test_run_raises_the_first_failure():
    with pytest.raises(TasksFailed, match="KeyError: 'there'"):
        execution.run(fate, MATRIX, ["a", "raise"])
    with pytest.raises(InfeasibleDesign, match="too few"):
        execution.run(refuse, MATRIX, ["a"])


def refuse(matrix, task):
    raise InfeasibleDesign("too few")


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"name": "threads"}, UnknownName, "unknown engine 'threads'"),
        ({"jobs": 0}, InfeasibleDesign, "--jobs is 0"),
        ({"name": "serial", "time_limit": 3.0}, InfeasibleDesign, "worker processes"),
        ({"time_limit": 0.0}, InfeasibleDesign, "must be positive"),
        ({"time_limit": float("nan")}, InfeasibleDesign, "must be positive"),
        ({"name": "processes", "scheduler": "tcp://here:1"}, InfeasibleDesign, "--scheduler"),
    ],
)
def test_contradicting_options_are_refused(options, kind, message):
    with pytest.raises(kind, match=message):
        open_engine(**options)


def test_missing_dask_is_reported_with_the_package_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingPackage, match=r"pip install 'leukotype\[dask\]'"):
        open_engine("dask")


def test_unreachable_scheduler_is_reported(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("leukotype.execution.cluster.ANSWER_SECONDS", 1)
    with pytest.raises(ClusterFailed, match=r"tcp://127\.0\.0\.1:9"):
        open_engine(scheduler="tcp://127.0.0.1:9")


# Tasks of a study


def test_failures_are_reported_and_finished_tasks_are_kept(tiny_cohort, tmp_path):
    models = [*plugins.load(write_plugin(tmp_path))[:2], "majority"]
    with pytest.raises(TasksFailed) as raised:
        evaluate(tiny_cohort, models, design=DESIGN, jobs=1, store=tmp_path)
    message = str(raised.value)
    assert message.startswith("model 'missing' failed on outer fold 1 of repeat 1: KeyError: 'not there'.")
    assert "2 other tasks of 9 failed too." in message
    assert "\n" not in message
    with Store(tmp_path) as store:
        assert len(store) == 6
        failures = store._connection.execute("SELECT model, error FROM failures").fetchall()
        assert failures == [("missing", "KeyError: 'not there'")] * 3
    failed: list[FailedTask] = []
    rest = evaluate(tiny_cohort, models, design=DESIGN, jobs=1, store=tmp_path, on_failure=failed.append)
    assert rest.names == ("slow", "majority", "auto")
    assert [(one.model, one.fold) for one in failed] == [("missing", 0), ("missing", 1), ("missing", 2)]


def test_failure_of_all_models_is_raised(tiny_cohort, tmp_path):
    models = [plugins.load(write_plugin(tmp_path))[1]]
    with pytest.raises(TasksFailed, match="missing"):
        evaluate(tiny_cohort, models, design=DESIGN, jobs=1, on_failure=lambda failed: None)


@pytest.mark.slow
def test_all_engines_give_the_same_bytes(tiny_cohort):
    pytest.importorskip("distributed")
    models = ["logistic", "svm", "forest", "centroids", "single-probe"]
    found = {}
    for name, jobs in (("serial", 1), ("processes", 2), ("dask", 2), ("dask", 4)):
        with open_engine(name, jobs=jobs) as engine:
            found[name, jobs] = content(evaluate(tiny_cohort, models, design=DESIGN, engine=engine))
    [first, *others] = found.values()
    assert len(first) == 18
    for other in others:
        assert other == first


@pytest.mark.slow
def test_dask_death_or_timeout_affects_only_its_task():
    pytest.importorskip("distributed")
    with open_engine("dask", jobs=2, time_limit=4.0) as engine:
        found = outcomes(engine, ["a", "die", "hang", "raise", "threads", "bb"])
    assert [outcome.result for outcome in found] == [16.0, None, None, None, {1}, 17.0]
    kinds = [outcome.failure.kind if outcome.failure else "" for outcome in found]
    assert kinds == ["", "Killed", "TimeLimit", "KeyError", "", ""]


@pytest.mark.slow
def test_dask_tasks_are_not_blamed_for_the_death_of_their_worker():
    pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    # All tasks wait at one worker, and Dask counts its deaths against each of them.
    with (
        dask.config.set({"distributed.scheduler.worker-saturation": "inf"}),
        open_engine("dask", jobs=1) as engine,
    ):
        found = outcomes(engine, ["die", "a", "raise", "die", "bb"])
    assert [outcome.result for outcome in found] == [None, 16.0, None, None, 17.0]
    kinds = [outcome.failure.kind if outcome.failure else "" for outcome in found]
    assert kinds == ["Killed", "", "KeyError", "Killed", ""]
    assert "in each of 4 tries" in found[0].failure.message


@pytest.mark.slow
@pytest.mark.parametrize("is_local", [True, False], ids=["own cluster", "a scheduler's address"])
def test_dask_workers_killed_at_random_cost_no_result(is_local):
    distributed = pytest.importorskip("distributed")
    rng = random.Random(5)
    other = (
        None
        if is_local
        else distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0")
    )
    try:
        with open_engine("dask", jobs=2, scheduler=other and other.scheduler_address) as engine:
            over = threading.Event()
            killed: list[int] = []

            def kill_now_and_then() -> None:
                while not over.wait(rng.uniform(0.3, 2.0)) and len(killed) < 5:
                    workers = [
                        child
                        for child in psutil.Process().children(recursive=True)
                        if "dask" in " ".join(safe_cmdline(child)).lower()
                        or "spawn_main" in " ".join(safe_cmdline(child))
                    ]
                    if workers:
                        victim = rng.choice(workers)
                        with suppress(psutil.Error):
                            victim.kill()
                            killed.append(victim.pid)

            killer = threading.Thread(target=kill_now_and_then)
            killer.start()
            try:
                found = list(engine.outcomes(pause, MATRIX, range(200)))
            finally:
                over.set()
                killer.join()
    finally:
        if other is not None:
            other.close()
    assert len(killed) >= 3
    assert sorted(outcome.number for outcome in found) == list(range(200))
    assert [outcome.failure for outcome in found if outcome.failure] == []
    assert all(outcome.result == 15.0 + outcome.number for outcome in found)


@pytest.mark.slow
def test_dask_workers_removed_by_the_cluster_are_replaced(monkeypatch):
    pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    from leukotype.execution import cluster

    monkeypatch.setattr(cluster, "_POLL_SECONDS", 0.5)
    monkeypatch.setattr(cluster, "_FETCH_SECONDS", 2.0)
    take, n_taken = cluster._Run.take, []

    def late(run, number):
        # The worker dies with the first answer before it is fetched.
        n_taken.append(number)
        if len(n_taken) == 1:
            for nanny in engine._cluster.workers.values():
                os.kill(nanny.pid, signal.SIGKILL)
            time.sleep(1)
        return take(run, number)

    monkeypatch.setattr(cluster._Run, "take", late)
    # After such a short time no worker has returned, and the local cluster removes it.
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1ms"}),
        open_engine("dask", jobs=1) as engine,
    ):
        watchdog = threading.Timer(100, engine._client.close)
        watchdog.start()
        found = outcomes(engine, ["die", "a"])
        watchdog.cancel()
    assert [outcome.result for outcome in found] == [None, 16.0]
    assert found[0].failure.kind == "Killed"


@pytest.mark.slow
def test_lost_scheduler_is_reported(monkeypatch):
    distributed = pytest.importorskip("distributed")
    from leukotype.execution import cluster

    monkeypatch.setattr(cluster, "_POLL_SECONDS", 0.5)
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 2)
    other = distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0")
    with open_engine("dask", jobs=1, scheduler=other.scheduler_address) as engine:
        found = engine.outcomes(pause, MATRIX, range(200))
        next(found)
        other.close()
        with pytest.raises(ClusterFailed, match="resumes with the finished tasks"):
            list(found)


@pytest.mark.slow
def test_dask_answer_lost_with_its_worker_is_computed_again(monkeypatch):
    distributed = pytest.importorskip("distributed")
    from leukotype.execution import cluster

    take = cluster._Run.take
    lost: list[int] = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0"
    ) as other:

        def late(run, number):
            if not lost:
                lost.append(number)
                for nanny in other.workers.values():
                    os.kill(nanny.pid, signal.SIGKILL)
                time.sleep(2)
            return take(run, number)

        monkeypatch.setattr(cluster._Run, "take", late)
        with open_engine("dask", jobs=2, scheduler=other.scheduler_address) as engine:
            found = outcomes(engine, ["a", "bb", "ccc"])
    assert lost
    assert [outcome.result for outcome in found] == [16.0, 17.0, 18.0]


def safe_cmdline(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.slow
def test_local_workers_killed_at_random_cost_no_result():
    rng = random.Random(6)
    with open_engine("processes", jobs=2) as engine:
        found = []
        for outcome in engine.outcomes(pause, MATRIX, range(60)):
            found.append(outcome)
            if len(found) % 10 == 0:
                rng.choice(engine_children()).kill()
    assert [outcome.failure for outcome in found if outcome.failure] == []
    assert sorted(outcome.result for outcome in found) == [15.0 + number for number in range(60)]


# The command line


@pytest.mark.slow
def test_failing_model_ends_the_command_with_one_line(tmp_path):
    data, plugin = write_tiny_csv(tmp_path / "tiny.csv"), write_plugin(tmp_path)
    out = tmp_path / "out"
    options = ("--outer", 3, "--inner", 2, "--jobs", 2, "--task-timeout", 5)
    models = ("--models", "majority,killed,missing,stuck")
    done = start("study", data, "--plugin", plugin, *models, *options, "--out", out, cwd=tmp_path)
    _, messages = done.communicate(timeout=300)
    assert done.returncode == 1
    [error] = [line for line in messages.splitlines() if line.startswith("Error:")]
    assert "failed on outer fold" in error
    assert "8 other tasks of 12 failed too" in error
    assert "Traceback" not in messages
    assert sorted(path.name for path in Path(out).iterdir()) == ["tasks.sqlite"]
    with Store(out) as store:
        assert len(store) == 3

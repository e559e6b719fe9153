"""Time of many tasks on many workers with one driver: a formula, and a simulation of the scheduler."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Costs:
    """Costs of the driver and the network.

    driver    : seconds of the driver per task: send it, receive its result, save it to the store
    latency   : seconds for a message to a worker
    bandwidth : bytes per second that the driver can send
    """

    driver: float
    latency: float
    bandwidth: float


@dataclass(frozen=True)
class Load:
    """The tasks of one cohort.

    seconds : (n_models,) time of one task of each model
    count   : number of tasks of each model
    matrix  : bytes of the cohort, sent once to each machine
    task, result : bytes of one task and of its result
    """

    seconds: NDArray[np.float64]
    count: int
    matrix: float
    task: float
    result: float

    @property
    def n_tasks(self) -> int:
        return self.count * len(self.seconds)

    @property
    def work(self) -> float:
        """Seconds of all tasks in sequence."""
        return float(self.seconds.sum()) * self.count


@dataclass(frozen=True)
class Run:
    """Total seconds, bytes sent or received by the driver, and the share of time in which the driver was busy."""

    seconds: float
    moved: float
    driver_busy: float


def on_paper(loads: Sequence[Load], costs: Costs, workers: int, per_machine: int = 16) -> Run:
    """Calculate the run: for each cohort the slower of workers and driver, plus the wait for the last task.

    A worker holds one task in reserve, so it never waits for sending. At the end of a cohort all wait for the last
    task.
    """
    machines = -(-workers // per_machine)
    total = busy = moved = 0.0
    for load in loads:
        # On average a worker that is done waits for half of the longest task.
        tail = float(load.seconds.max()) / 2 if workers > 1 else 0.0
        own = load.n_tasks * costs.driver
        transfer = load.matrix * machines / costs.bandwidth
        total += max(load.work / workers + tail, own) + transfer + costs.latency + costs.driver
        busy += own
        moved += load.matrix * machines + load.n_tasks * (load.task + load.result)
    return Run(total, moved, busy / total)


def saturation(load: Load, costs: Costs) -> float:
    """Number of workers from which the driver is the bottleneck: mean task time / driver's time per task."""
    return float(load.seconds.mean()) / costs.driver


def simulated(loads: Sequence[Load], costs: Costs, workers: int, per_machine: int = 16) -> Run:
    """Simulate the run by events: the driver does one thing at a time, each worker holds one task in reserve."""
    machines = -(-workers // per_machine)
    now = busy = moved = 0.0
    for load in loads:
        # The next cohort begins when the last result of the previous one has arrived.
        now += load.matrix * machines / costs.bandwidth
        # A study sends all models of a fold, then the next fold.
        order = np.tile(load.seconds, load.count)
        now = _cohort(order.tolist(), costs, workers, now)
        busy += load.n_tasks * costs.driver
        moved += load.matrix * machines + load.n_tasks * (load.task + load.result)
    return Run(now, moved, busy / now)


def _cohort(tasks: list[float], costs: Costs, workers: int, start: float) -> float:
    """Return the time at which the driver has the last result."""
    send = take = costs.driver / 2
    driver = start
    queue: list[tuple[float, int]] = []
    reserve: list[tuple[float, float] | None] = [None] * workers
    place = 0
    # One task for each worker, then one in reserve.
    for worker in range(min(workers, len(tasks))):
        driver += send
        queue.append((driver + costs.latency + tasks[place], worker))
        place += 1
    for worker in range(min(workers, len(tasks) - place)):
        driver += send
        reserve[worker] = (driver + costs.latency, tasks[place])
        place += 1
    heapq.heapify(queue)
    while queue:
        done, worker = queue[0]
        waiting = reserve[worker]
        # The worker starts its reserve task while the driver receives the result and sends the next task.
        driver = max(driver, done + costs.latency) + take
        reserve[worker] = None
        if place < len(tasks):
            driver += send
            reserve[worker] = (driver + costs.latency, tasks[place])
            place += 1
        if waiting is None:
            waiting, reserve[worker] = reserve[worker], None
        if waiting is None:
            heapq.heappop(queue)
        else:
            arrived, seconds = waiting
            heapq.heapreplace(queue, (max(done, arrived) + seconds, worker))
    return driver

"""How long many tasks take on many workers with one driver: on paper, and by simulating the scheduler."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Costs:
    """What the driver and the network cost.

    driver    : seconds of the driver for each task: to send it, to take its result, to commit it to the store
    latency   : seconds on the way to a worker
    bandwidth : bytes a second that leave the driver
    """

    driver: float
    latency: float
    bandwidth: float


@dataclass(frozen=True)
class Load:
    """The tasks of one cohort.

    seconds : (n_kinds,) time of one task of each kind, a kind being a model
    count   : tasks of each kind
    matrix  : bytes of the cohort, sent to each machine once
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
        """Seconds of all tasks, one after the other."""
        return float(self.seconds.sum()) * self.count


@dataclass(frozen=True)
class Run:
    """Seconds from first to last, bytes that left or reached the driver, the share of time that the driver was busy."""

    seconds: float
    moved: float
    driver_busy: float


def on_paper(loads: Sequence[Load], costs: Costs, workers: int, per_machine: int = 16) -> Run:
    """Estimate the run: cohort by cohort, whichever is slower of workers and driver, and the wait for the last task.

    A worker holds one task in reserve, so that sending costs it no time; at the end of a cohort all wait for the last.
    """
    machines = -(-workers // per_machine)
    total = busy = moved = 0.0
    for load in loads:
        # Whoever is done early waits for half of the longest task.
        tail = float(load.seconds.max()) / 2 if workers > 1 else 0.0
        own = load.n_tasks * costs.driver
        transfer = load.matrix * machines / costs.bandwidth
        total += max(load.work / workers + tail, own) + transfer + costs.latency + costs.driver
        busy += own
        moved += load.matrix * machines + load.n_tasks * (load.task + load.result)
    return Run(total, moved, busy / total)


def saturation(load: Load, costs: Costs) -> float:
    """Number of workers from which the driver is the slower: a mean task over what the driver spends on one."""
    return float(load.seconds.mean()) / costs.driver


def simulated(loads: Sequence[Load], costs: Costs, workers: int, per_machine: int = 16) -> Run:
    """Simulate the run, event by event: a driver that does one thing at a time, workers with one task in reserve."""
    machines = -(-workers // per_machine)
    now = busy = moved = 0.0
    for load in loads:
        # One cohort after the other: the next begins when the last result of the one before is in.
        now += load.matrix * machines / costs.bandwidth
        # Fold by fold, all models of each, as a study sends them.
        order = np.tile(load.seconds, load.count)
        now = _cohort(order.tolist(), costs, workers, now)
        busy += load.n_tasks * costs.driver
        moved += load.matrix * machines + load.n_tasks * (load.task + load.result)
    return Run(now, moved, busy / now)


def _cohort(tasks: list[float], costs: Costs, workers: int, start: float) -> float:
    """Return when the driver has the last result."""
    send = take = costs.driver / 2
    driver = start
    queue: list[tuple[float, int]] = []
    reserve: list[tuple[float, float] | None] = [None] * workers
    place = 0
    # First one task each, then one in reserve.
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
        # The worker goes on with what it has in reserve, while the driver takes the result and sends the next.
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

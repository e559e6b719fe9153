"""Dask: any cluster that has a scheduler, or one on this machine."""

from __future__ import annotations

import importlib
import logging
import os
import queue
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.errors import ClusterFailed, LeukotypeError, MissingPackage
from leukotype.execution import dask_worker
from leukotype.execution.engine import Engine
from leukotype.execution.outcome import KILLED, Failure, Outcome, Result, Task, pack, unpack
from leukotype.models import versions

ANSWER_SECONDS = 30
FIRST_WORKER_SECONDS = 600
# So often a matrix is sent anew after the workers that held it were lost.
_SENDINGS = 20
# Enough to keep the largest cluster busy, and little for its scheduler to hold.
_MOST_UNDERWAY = 5000
_POLL_SECONDS = 5.0
# An answer is small: one that takes longer was lost with its worker, and there is news once the task is done again.
_FETCH_SECONDS = 10.0


class Cluster(Engine):
    """The workers of a Dask scheduler; without an address, a cluster of processes on this machine.

    Workers that are lost are Dask's to replace, and their tasks are done by others.
    """

    def __init__(self, scheduler: str | None, jobs: int, time_limit: float | None = None) -> None:
        try:
            # Its constructors and methods have no types.
            distributed: Any = importlib.import_module("distributed")
        except ImportError as problem:
            raise MissingPackage(
                "the engine dask needs packages that are not installed. Say pip install 'leukotype[dask]', or leave "
                "out --engine dask and --scheduler."
            ) from problem
        self._time_limit = time_limit
        self._address = scheduler
        self._jobs = jobs
        self._looked = time.monotonic()
        self._cluster: Any = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._sent: tuple[FloatArray, Any] | None = None
        if scheduler is None:
            self._folder = tempfile.TemporaryDirectory(prefix="leukotype-")
            self._cluster = distributed.LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                # The matrix that all of them map counts as memory of each.
                memory_limit=None,
                # None would be port 8787, for which two studies at once would quarrel.
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
                local_directory=self._folder.name,
            )
        try:
            self._client: Any = distributed.Client(
                scheduler or self._cluster, timeout=ANSWER_SECONDS, set_as_default=False, name="leukotype"
            )
            self._client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
        except (OSError, TimeoutError, ValueError) as problem:
            self.close()
            raise ClusterFailed(
                f"no Dask scheduler with workers answers at {scheduler or 'this machine'}: "
                f"{str(problem).splitlines()[0] if str(problem) else type(problem).__name__}. Start it, or name "
                "another address with --scheduler."
            ) from problem

    @property
    def workers(self) -> int:  # type: ignore[override]  # a cluster may grow and shrink
        """How many tasks are done at once, as of now."""
        return len(self._client.ncores()) or 1

    def close(self) -> None:
        """Leave the cluster, and end it where it is our own."""
        self._sent = None
        if hasattr(self, "_client"):
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()
        if self._folder is not None:
            self._folder.cleanup()

    def outcomes(
        self, work: Callable[[FloatArray, Task], Result], matrix: FloatArray, tasks: Sequence[Task]
    ) -> Iterator[Outcome[Result]]:
        """Yield outcomes as they come."""
        run = _Run(self._client, f"leukotype-{secrets.token_hex(8)}", self._time_limit)
        waiting = iter(range(len(tasks)))
        # Dask blames every task that waited at a worker for its death: those it gives up are tried again, each alone.
        blamed: list[int] = []
        alone: int | None = None
        n_sent = 0
        try:
            held = self._held(matrix)
            while True:
                self._check()
                for number in waiting:
                    run.submit(held, number, pack(work, number, tasks[number]))
                    if len(run.underway) >= _MOST_UNDERWAY:
                        break
                if not run.underway and blamed:
                    alone = blamed.pop(0)
                    run.submit(held, alone, pack(work, alone, tasks[alone]))
                if not run.underway:
                    return
                number, key, status = self._next(run)
                if run.is_stale(number, key):
                    continue
                if status == "overdue":
                    run.cancel(number)
                    yield Outcome(number, None, Failure.of_time(self._time_limit or 0.0))
                elif status == "finished":
                    answer = run.take(number)
                    if answer is not None:
                        yield unpack(answer)
                elif status == "error":
                    failure = run.failure(number)
                    if failure.kind == KILLED and number != alone:
                        blamed.append(number)
                    else:
                        yield Outcome(number, None, failure)
                else:
                    # The matrix went down with the workers that held it, and its tasks with the matrix.
                    n_sent += 1
                    if n_sent > _SENDINGS:
                        raise self._gone("workers that held the cohort were lost again and again")
                    self._sent = None
                    held = self._held(matrix)
                    for other in sorted(run.underway):
                        if run.is_lost(other):
                            run.submit(held, other, pack(work, other, tasks[other]))
        except (OSError, TimeoutError) as problem:
            if self._address is None:
                raise
            raise self._gone((str(problem).splitlines() or [type(problem).__name__])[0]) from problem
        finally:
            run.close()

    def _next(self, run: _Run) -> tuple[int, str, str]:
        while True:
            self._replenish()
            try:
                return run.news.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                self._check()

    def _check(self) -> None:
        if self._client.status not in ("running", "connecting"):
            raise self._gone(f"it is {self._client.status}")

    def _replenish(self) -> None:
        """Replace workers that our own cluster has struck off.

        It does so with one that happens to be starting 15 seconds after a death, and would end without any.
        """
        if self._cluster is not None and time.monotonic() - self._looked > _POLL_SECONDS:
            self._looked = time.monotonic()
            self._cluster.scale(self._jobs)

    def _gone(self, why: str) -> ClusterFailed:
        return ClusterFailed(
            f"the Dask cluster at {self._address or 'this machine'} is gone ({why}). Start it again and give the same "
            "command: it goes on with what was finished."
        )

    def _held(self, matrix: FloatArray) -> Any:
        """Return what stands for the matrix in a task: the path of its file, or where the workers hold it."""
        if self._sent is None or self._sent[0] is not matrix:
            if self._folder is not None:
                handle, path = tempfile.mkstemp(dir=self._folder.name, suffix=".npy")
                with os.fdopen(handle, "wb") as stream:
                    np.save(stream, matrix)
                if self._sent is not None:
                    Path(self._sent[1]).unlink(missing_ok=True)
                self._sent = (matrix, path)
            else:
                self._sent = (matrix, self._scattered(matrix))
        return self._sent[1]

    def _scattered(self, matrix: FloatArray) -> Any:
        for _ in range(_SENDINGS):
            self._client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
            # The worker it is sent to may be on its way out.
            with suppress(OSError, TimeoutError, KeyError, ValueError):
                return self._client.scatter(matrix, broadcast=True, hash=False)
        raise self._gone("no worker takes the cohort")


class _Run:
    """The tasks of one call that are on their way, and the news of them."""

    def __init__(self, client: Any, topic: str, time_limit: float | None) -> None:
        self.news: queue.SimpleQueue[tuple[int, str, str]] = queue.SimpleQueue()
        self.underway: dict[int, Any] = {}
        self._client, self._topic, self._time_limit = client, topic, time_limit
        self._code = versions.fingerprint()
        self._n_submitted = 0
        if time_limit is not None:
            client.subscribe_topic(topic, lambda event: self.news.put((event[1]["number"], "", "overdue")))

    def submit(self, held: Any, number: int, packed: bytes) -> None:
        self._n_submitted += 1
        future = self._client.submit(
            dask_worker.do,
            held, number, packed, self._code, self._time_limit, self._topic,
            key=f"{self._topic}-{self._n_submitted}", pure=False,
        )  # fmt: skip
        self.underway[number] = future
        self._watch(number, future)

    def _watch(self, number: int, future: Any) -> None:
        future.add_done_callback(lambda done: self.news.put((number, str(done.key), str(done.status))))

    def is_stale(self, number: int, key: str) -> bool:
        """Tell news of a task that is done, or was sent anew since."""
        return number not in self.underway or key not in ("", str(self.underway[number].key))

    def take(self, number: int) -> bytes | None:
        """Fetch an answer; None where its worker was lost first: what becomes of the task then is news again."""
        future = self.underway[number]
        try:
            answer = bytes(future.result(timeout=_FETCH_SECONDS))
        except Exception as problem:
            if isinstance(problem, TimeoutError) or str(future.status) in ("error", "cancelled"):
                self._watch(number, future)
                return None
            raise
        del self.underway[number]
        return answer

    def cancel(self, number: int) -> None:
        self.underway.pop(number).cancel(force=True)

    def is_lost(self, number: int) -> bool:
        return str(self.underway[number].status) in ("cancelled", "lost")

    def failure(self, number: int) -> Failure:
        """Return why Dask gave a task up; raises what is no fault of one task."""
        problem = self.underway.pop(number).exception()
        if isinstance(problem, LeukotypeError):
            raise problem
        if isinstance(problem, ImportError):
            raise ClusterFailed(
                f"a worker cannot load leukotype: {problem}. Install the same version of it there."
            ) from problem
        if type(problem).__name__ == "KilledWorker":
            return Failure.of_lost_worker("as Dask tells", problem.allowed_failures + 1)
        return Failure.of(problem)

    def close(self) -> None:
        if self._time_limit is not None:
            with suppress(Exception):
                self._client.unsubscribe_topic(self._topic)
        if self.underway:
            # Nobody waits for them any more.
            with suppress(Exception):
                self._client.cancel(list(self.underway.values()), force=True)
        self.underway.clear()

"""Run tasks on Dask: an existing cluster with a scheduler, or a local one."""

from __future__ import annotations

import importlib
import os
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import cloudpickle

from leukotype.arrays import FloatArray
from leukotype.errors import ClusterFailed, InputError, LeukotypeError, MissingPackage
from leukotype.execution.engine import (
    KILLED,
    Engine,
    Failure,
    MatrixFile,
    Outcome,
    ResultT,
    TaskT,
    attempt_packed,
    mapped,
)
from leukotype.models import versions

ANSWER_SECONDS = 30
FIRST_WORKER_SECONDS = 600
# How often a matrix is sent again after all workers that held it were lost.
_SENDINGS = 20
# Enough tasks to occupy the largest cluster, and few enough for its scheduler.
_MOST_UNDERWAY = 5000
_POLL_SECONDS = 5.0
# Answers are small.  One that takes longer was lost with its worker; Dask then runs the task again and reports it.
_FETCH_SECONDS = 10.0
# A worker reports an overdue task this long before it ends itself.
_GRACE_SECONDS = 1.0
# Thread limits and caught warnings belong to the whole process, so the tasks of one worker take turns.
_TURN = threading.Lock()


class Cluster(Engine):
    """The workers of a Dask scheduler; without an address, a cluster of processes on this machine.

    Dask replaces lost workers and gives their tasks to others.
    """

    def __init__(self, scheduler: str | None, jobs: int, time_limit: float | None = None) -> None:
        try:
            # distributed has no types.
            distributed: Any = importlib.import_module("distributed")
        except ImportError as problem:
            raise MissingPackage(
                "the engine dask needs packages that are not installed. Run pip install 'leukotype[dask]', or leave "
                "out --engine dask and --scheduler."
            ) from problem
        self._time_limit = time_limit
        self._address = scheduler
        self._jobs = jobs
        self._checked = time.monotonic()
        self._cluster: Any = None
        self._file: MatrixFile | None = None
        self._scattered: tuple[FloatArray, Any] | None = None
        if scheduler is None:
            from leukotype.execution import local

            keys = local.make_keys()
            self._file = MatrixFile()
            self._cluster = local.start(jobs, self._file.folder, keys)
        try:
            keys = self._cluster.security if self._cluster is not None else distributed.Security()
            _check_keys(scheduler, keys)
            self._client: Any = distributed.Client(
                scheduler or self._cluster,
                security=keys,
                timeout=ANSWER_SECONDS,
                set_as_default=False,
                name="leukotype",
            )
            self._client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
        except (OSError, TimeoutError, ValueError) as problem:
            self.close()
            raise ClusterFailed(
                f"no Dask scheduler with workers answers at {scheduler or 'this machine'}: {_first_line(problem)}. "
                "Start it, or give another address with --scheduler."
            ) from problem

    @property
    def workers(self) -> int:  # type: ignore[override]  # a cluster may grow and shrink
        """The number of tasks that run at the same time, at present."""
        return len(self._client.ncores()) or 1

    def close(self) -> None:
        """Disconnect from the cluster; end it if it is local."""
        self._scattered = None
        if hasattr(self, "_client"):
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()
        if self._file is not None:
            self._file.close()

    def outcomes(
        self, work: Callable[[FloatArray, TaskT], ResultT], matrix: FloatArray, tasks: Sequence[TaskT]
    ) -> Iterator[Outcome[ResultT]]:
        """Yield outcomes in the order of completion."""
        run = _Run(self._client, f"leukotype-{secrets.token_hex(8)}", self._time_limit)
        waiting = iter(range(len(tasks)))
        # Dask blames every task that waited at a worker for its death.  Such tasks are tried again, one at a time.
        blamed: list[int] = []
        alone: int | None = None
        n_sent = 0
        try:
            held = self._held(matrix)
            while True:
                self._check()
                for number in waiting:
                    run.submit(held, number, cloudpickle.dumps((work, tasks[number])))
                    if len(run.underway) >= _MOST_UNDERWAY:
                        break
                if not run.underway and blamed:
                    alone = blamed.pop(0)
                    run.submit(held, alone, cloudpickle.dumps((work, tasks[alone])))
                if not run.underway:
                    return
                number, key, status = self._next(run)
                if run.is_stale(number, key):
                    continue
                if status == "overdue":
                    run.underway.pop(number).cancel(force=True)
                    yield Outcome(number, None, Failure.of_time(self._time_limit or 0.0))
                elif status == "finished":
                    answer = run.take(number)
                    if answer is not None:
                        yield cloudpickle.loads(answer)
                elif status == "error":
                    failure = run.failure(number)
                    if failure.kind == KILLED and number != alone:
                        blamed.append(number)
                    else:
                        yield Outcome(number, None, failure)
                else:
                    # All workers that held the matrix were lost, and their tasks with it.
                    n_sent += 1
                    if n_sent > _SENDINGS:
                        raise self._lost("the workers that held the cohort were lost repeatedly")
                    self._scattered = None
                    held = self._held(matrix)
                    for other in sorted(run.underway):
                        if str(run.underway[other].status) in ("cancelled", "lost"):
                            run.submit(held, other, cloudpickle.dumps((work, tasks[other])))
        except (OSError, TimeoutError) as problem:
            if self._address is None:
                raise
            raise self._lost(_first_line(problem)) from problem
        finally:
            run.close()

    def _next(self, run: _Run) -> tuple[int, str, str]:
        while True:
            self._replace_workers()
            try:
                return run.news.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                self._check()

    def _check(self) -> None:
        if self._client.status not in ("running", "connecting"):
            raise self._lost(f"it is {self._client.status}")

    def _replace_workers(self) -> None:
        """Replace workers that the local cluster has removed.

        It also removes a worker that is just starting 15 seconds after a death, and could end up with none.
        """
        if self._cluster is not None and time.monotonic() - self._checked > _POLL_SECONDS:
            self._checked = time.monotonic()
            self._cluster.scale(self._jobs)

    def _lost(self, why: str) -> ClusterFailed:
        return ClusterFailed(
            f"lost the Dask cluster at {self._address or 'this machine'} ({why}). Start it again and repeat the same "
            "command: it resumes with the finished tasks."
        )

    def _held(self, matrix: FloatArray) -> Any:
        """Return the matrix as a task refers to it: path of its file, or handle of the copies on the workers."""
        if self._file is not None:
            return self._file.path_of(matrix)
        if self._scattered is None or self._scattered[0] is not matrix:
            self._scattered = (matrix, self._scatter(matrix))
        return self._scattered[1]

    def _scatter(self, matrix: FloatArray) -> Any:
        for _ in range(_SENDINGS):
            self._client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
            # The worker that receives the matrix may be about to end.
            with suppress(OSError, TimeoutError, KeyError, ValueError):
                return self._client.scatter(matrix, broadcast=True, hash=False)
        raise self._lost("no worker accepts the cohort")


class _Run:
    """The submitted tasks of one call, and the messages about them."""

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
            _serve,
            held, number, packed, self._code, self._time_limit, self._topic,
            key=f"{self._topic}-{self._n_submitted}", pure=False,
        )  # fmt: skip
        self.underway[number] = future
        self._watch(number, future)

    def _watch(self, number: int, future: Any) -> None:
        future.add_done_callback(lambda done: self.news.put((number, str(done.key), str(done.status))))

    def is_stale(self, number: int, key: str) -> bool:
        """Tell whether a message is about a task that is finished or was submitted again."""
        return number not in self.underway or key not in ("", str(self.underway[number].key))

    def take(self, number: int) -> bytes | None:
        """Return an answer, or None if its worker was lost before; a later message then reports the task."""
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

    def failure(self, number: int) -> Failure:
        """Return why Dask gave up a task; raises problems that are not those of one task."""
        problem = self.underway.pop(number).exception()
        if isinstance(problem, LeukotypeError):
            raise problem
        if isinstance(problem, ImportError):
            raise ClusterFailed(
                f"a worker cannot load leukotype: {problem}. Install the same version of it there."
            ) from problem
        if type(problem).__name__ == "KilledWorker":
            return Failure.of_lost_worker("reported by Dask", problem.allowed_failures + 1)
        return Failure.of(problem)

    def close(self) -> None:
        if self._time_limit is not None:
            with suppress(Exception):
                self._client.unsubscribe_topic(self._topic)
        if self.underway:
            with suppress(Exception):
                self._client.cancel(list(self.underway.values()), force=True)
        self.underway.clear()


def _check_keys(scheduler: str | None, keys: Any) -> None:
    """Refuse an address that does not fit Dask's configuration of TLS; Dask would hang or end with a traceback."""
    is_tls = scheduler is None or scheduler.startswith(("tls://", "wss://"))
    if is_tls and not (keys.tls_ca_file and keys.tls_client_cert):
        raise InputError(
            f"the scheduler {scheduler} needs TLS keys, and Dask's configuration names none. Set "
            "distributed.comm.tls; see docs/security.md."
        )
    if keys.require_encryption and not is_tls:
        raise InputError(
            f"Dask's configuration requires encryption, and the scheduler {scheduler} has none. Use a tls:// address."
        )


def _serve(
    matrix: FloatArray | str, number: int, packed: bytes, driver_code: str, limit: float | None, topic: str
) -> bytes:
    """Run a packed task on a Dask worker and return its outcome as bytes.

    matrix      : the matrix, or the path of its file if driver and worker share a machine
    driver_code : fingerprint of the driver's code and packages
    limit       : seconds after which the worker reports the task under `topic` and ends; None for no limit

    Raises ClusterFailed if the worker has other versions than the driver.
    """
    if versions.fingerprint() != driver_code:
        raise ClusterFailed(
            "a worker has another version of leukotype, NumPy, SciPy, scikit-learn or XGBoost than this process, "
            "so its results could differ. Install the same versions there."
        )
    here = mapped(matrix) if isinstance(matrix, str) else matrix
    with _TURN, _clock(number, limit, topic) as start:
        return attempt_packed(packed, number, here, start)


@contextmanager
def _clock(number: int, limit: float | None, topic: str) -> Iterator[Callable[[], None]]:
    """Yield a function that starts the time limit of a task."""
    if limit is None:
        yield lambda: None
        return
    from distributed import get_worker

    timer = threading.Timer(limit, _end_worker, (get_worker(), number, topic))
    timer.daemon = True
    try:
        yield timer.start
    finally:
        timer.cancel()


def _end_worker(dask_worker: object, number: int, topic: str) -> None:
    """End this worker, because a thread cannot be ended; Dask's nanny starts a new one."""
    dask_worker.log_event(topic, {"number": number})  # type: ignore[attr-defined]  # distributed is not imported here
    time.sleep(_GRACE_SECONDS)
    os._exit(1)


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]

"""Worker processes on this machine, each with one task at a time, so that a failure affects only its own task.

The processes are joblib's (loky): they start afresh, without a copy of the driver, and scripts need no main guard.
joblib's own pool fails as a whole when a worker dies, and does not know which task was the cause.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing import connection
from typing import Any

import cloudpickle
import numpy as np
from joblib.externals.loky.backend import get_context

from leukotype.arrays import FloatArray
from leukotype.errors import TasksFailed
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

# A worker that dies may not be the task's fault: the task is tried this often.
TRIES = 3
# Set before any linear algebra library is loaded; `attempt_packed` limits those that are loaded later.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
_READY, _BEGUN = b"ready", b"begun"


class Processes(Engine):
    """Worker processes that start with the first task."""

    def __init__(self, workers: int, time_limit: float | None = None) -> None:
        self.workers = workers
        self._time_limit = time_limit
        self._idle: list[_Worker] = []
        self._matrix = MatrixFile()

    def close(self) -> None:
        """End the processes and remove the matrix from the disk."""
        for worker in self._idle:
            worker.end()
        self._idle.clear()
        self._matrix.close()

    def outcomes(
        self, work: Callable[[FloatArray, TaskT], ResultT], matrix: FloatArray, tasks: Sequence[TaskT]
    ) -> Iterator[Outcome[ResultT]]:
        """Yield outcomes in the order of completion."""
        if not tasks:
            return
        path = self._matrix.path_of(matrix)
        waiting = deque((number, 1) for number in range(len(tasks)))
        busy: list[_Worker] = []
        n_failed_starts = 0
        try:
            while waiting or busy:
                while waiting and len(busy) < self.workers:
                    worker = self._idle.pop() if self._idle else _Worker()
                    number, tries = waiting.popleft()
                    worker.give(number, tries, (path, cloudpickle.dumps((work, tasks[number]))))
                    busy.append(worker)
                for worker in _wait(busy, self._time_limit):
                    busy.remove(worker)
                    if worker.answer is not None:
                        n_failed_starts = 0
                        self._idle.append(worker)
                        yield cloudpickle.loads(worker.answer)
                    elif not worker.has_died:
                        worker.kill()
                        yield Outcome(worker.number, None, Failure.of_time(self._time_limit or 0.0))
                    elif not worker.is_ready:
                        n_failed_starts += 1
                        if n_failed_starts > TRIES * self.workers:
                            raise TasksFailed(
                                f"worker processes end while starting ({worker.end_of_life()}). Use --engine serial."
                            )
                        worker.kill()
                        waiting.appendleft((worker.number, worker.tries))
                    elif worker.tries < TRIES:
                        worker.kill()
                        waiting.append((worker.number, worker.tries + 1))
                    else:
                        yield Outcome(
                            worker.number, None, Failure.of_lost_worker(worker.end_of_life(), TRIES)
                        )
        finally:
            for worker in busy:
                worker.kill()


class Helper:
    """A second process that does one task after the other. This process does not wait for it.

    The process starts with the first piece of work, and is replaced if it dies.
    """

    def __init__(self) -> None:
        # The thread only waits: it starts the process afresh, without a copy of this one.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="leukotype-helper")
        self._worker: _Worker | None = None
        self._is_closed = False

    def submit(
        self, work: Callable[[FloatArray, TaskT], ResultT], task: TaskT
    ) -> Future[Outcome[ResultT] | None]:
        """Begin `work(an empty matrix, task)`; the future gives its outcome, or None if no process can be started."""
        return self._thread.submit(self._ask, cloudpickle.dumps((work, task)))

    def _ask(self, packed: bytes) -> Outcome[Any] | None:
        how = ""
        for tries in range(1, TRIES + 1):
            if self._is_closed:
                return None
            try:
                self._worker = worker = self._worker or _Worker()
            except OSError:
                return None
            worker.give(0, tries, ("", packed))
            _wait([worker], None)
            if worker.answer is not None:
                outcome: Outcome[Any] = cloudpickle.loads(worker.answer)
                return outcome
            self._worker, how = None, worker.end_of_life()
            if not worker.is_ready:
                return None
        return Outcome(0, None, Failure.of_lost_worker(how, TRIES))

    def close(self) -> None:
        """End the process at once, also during its work."""
        self._is_closed = True
        if (worker := self._worker) is not None:
            worker.stop()
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._worker is not None:
            self._worker.kill()


def was_killed(outcome: Outcome[Any]) -> bool:
    """Tell whether every process that tried a task died."""
    return outcome.failure is not None and outcome.failure.kind == KILLED


class _Worker:
    """One process as the driver sees it.

    is_ready : whether the process has started
    has_died : whether it ended without an answer
    answer   : the outcome of its task as bytes, or None
    """

    def __init__(self) -> None:
        context = get_context("loky")
        # A pipe of its own: if the process dies while sending, no other answer is damaged.
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, os.getpid())
        self._process: Any = context.Process(target=_serve, args=arguments, daemon=True, env=_ONE_THREAD)
        self._process.start()
        theirs.close()
        self.is_ready = self.has_died = False
        self.number, self.tries = -1, 0
        self.answer: bytes | None = None
        self._task = ("", b"")
        self._since: float | None = None
        # What becomes ready when `update` has news.
        self.signals = (self._pipe, self._process.sentinel)

    def give(self, number: int, tries: int, task: tuple[str, bytes]) -> None:
        """Send a task (path of the matrix, packed task); a process that is still starting gets it when it is ready."""
        self.number, self.tries, self.answer, self._since, self._task = number, tries, None, None, task
        if self.is_ready:
            self._send()

    def _send(self) -> None:
        # `update` finds out if the process is dead.
        with suppress(OSError):
            self._pipe.send((self.number, *self._task))

    def update(self) -> None:
        """Receive all messages of the process."""
        is_alive = self._process.is_alive()
        try:
            while self._pipe.poll():
                message = self._pipe.recv_bytes()
                if message == _READY:
                    self.is_ready = True
                    self._send()
                elif message == _BEGUN:
                    self._since = time.monotonic()
                else:
                    self.answer = message
        except (EOFError, OSError):
            is_alive = False
        self.has_died = not is_alive and self.answer is None

    def seconds(self) -> float:
        """Return how long its task has run, without the time to load the code of the task."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def end(self) -> None:
        """Close the pipe, which ends the process, and wait for it."""
        self._pipe.close()
        self._process.join(5)
        self.kill()

    def kill(self) -> None:
        """End the process at once."""
        if self._process.is_alive():
            self.stop()
        self._process.join()
        self._pipe.close()

    def stop(self) -> None:
        """Send the process the signal to end at once; another thread may wait for it."""
        with suppress(OSError):
            os.kill(self._process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    def end_of_life(self) -> str:
        """Return the signal or exit code of a dead process."""
        self._process.join(1)
        self.kill()
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"signal {signal.Signals(-code).name}"
        return f"exit code {code}"


def _wait(busy: Sequence[_Worker], time_limit: float | None) -> list[_Worker]:
    """Wait for workers with an answer, dead workers, and workers over the time limit; return them."""
    while True:
        left = [time_limit - worker.seconds() for worker in busy] if time_limit is not None else []
        connection.wait([signal for worker in busy for signal in worker.signals], min(left, default=None))
        for worker in busy:
            worker.update()
        found = [
            worker
            for worker in busy
            if worker.has_died
            or worker.answer is not None
            or (time_limit is not None and worker.seconds() >= time_limit)
        ]
        if found:
            return found


def _serve(pipe: connection.Connection, driver: int) -> None:
    """Run tasks in a worker process until the driver, with this pid, closes the pipe."""
    # Ctrl-C reaches all processes of the terminal; only the driver reacts.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(driver,), daemon=True).start()
    with suppress(EOFError, OSError):
        pipe.send_bytes(_READY)
        while True:
            number, path, packed = pipe.recv()
            begun = partial(pipe.send_bytes, _BEGUN)
            matrix = mapped(path) if path else np.empty((0, 0))
            pipe.send_bytes(attempt_packed(packed, number, matrix, begun))


def _end_with(driver: int) -> None:
    """End this process, even during a task, if the driver was killed."""
    if not hasattr(os, "getppid") or os.getppid() != driver:
        return
    while os.getppid() == driver:
        time.sleep(0.5)
    os._exit(1)

"""Worker processes of this machine: each does one task at a time, so that whatever befalls it befalls that task alone.

The processes are joblib's (loky): they start anew, without a copy of the driver, and do not ask a script for a main
guard.  A pool of theirs breaks as a whole when one of them dies, and cannot tell of which task; hence this one.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import connection
from typing import Any

import numpy as np
from joblib.externals.loky.backend import get_context

from leukotype.arrays import FloatArray
from leukotype.errors import TasksFailed
from leukotype.execution import worker
from leukotype.execution.engine import Engine
from leukotype.execution.outcome import Failure, Outcome, Result, Task, pack, unpack

# A worker that dies takes its task with it; the task is tried again, unless it seems to be what kills.
TRIES = 3
# Before any library of linear algebra is loaded; `attempt_packed` holds those that come later.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


class Processes(Engine):
    """As many processes of this machine as there are workers; they start with the first task."""

    def __init__(self, workers: int, time_limit: float | None = None) -> None:
        self.workers = workers
        self._time_limit = time_limit
        self._idle: list[_Worker] = []
        self._folder = tempfile.TemporaryDirectory(prefix="leukotype-")
        self._on_disk: tuple[FloatArray, str] | None = None

    def close(self) -> None:
        """End the processes and remove the matrix from the disk."""
        for one in self._idle:
            one.end()
        self._idle.clear()
        self._on_disk = None
        self._folder.cleanup()

    def outcomes(
        self, work: Callable[[FloatArray, Task], Result], matrix: FloatArray, tasks: Sequence[Task]
    ) -> Iterator[Outcome[Result]]:
        """Yield outcomes as they come."""
        if not tasks:
            return
        path = self._file(matrix)
        waiting = deque((number, 1) for number in range(len(tasks)))
        busy: list[_Worker] = []
        n_stillborn = 0
        try:
            while waiting or busy:
                while waiting and len(busy) < self.workers:
                    one = self._idle.pop() if self._idle else _Worker()
                    number, tries = waiting.popleft()
                    one.give(path, number, tries, pack(work, number, tasks[number]))
                    busy.append(one)
                for one in _stirring(busy, self._time_limit):
                    busy.remove(one)
                    if one.answer is not None:
                        n_stillborn = 0
                        self._idle.append(one)
                        yield unpack(one.answer)
                    elif not one.has_died:
                        one.kill()
                        yield Outcome(one.number, None, Failure.of_time(self._time_limit or 0.0))
                    elif not one.is_ready:
                        n_stillborn += 1
                        if n_stillborn > TRIES * self.workers:
                            raise TasksFailed(
                                f"worker processes end before they begin ({one.fate()}). Try --engine serial."
                            )
                        one.kill()
                        waiting.appendleft((one.number, one.tries))
                    elif one.tries < TRIES:
                        one.kill()
                        waiting.append((one.number, one.tries + 1))
                    else:
                        yield Outcome(one.number, None, Failure.of_lost_worker(one.fate(), TRIES))
        finally:
            for one in busy:
                one.kill()

    def _file(self, matrix: FloatArray) -> str:
        if self._on_disk is None or self._on_disk[0] is not matrix:
            if self._on_disk is not None:
                with suppress(OSError):
                    os.unlink(self._on_disk[1])
            handle, path = tempfile.mkstemp(dir=self._folder.name, suffix=".npy")
            with os.fdopen(handle, "wb") as stream:
                np.save(stream, matrix)
            self._on_disk = (matrix, path)
        return self._on_disk[1]


class _Worker:
    """One process, the line to it, and what has come of its task so far.

    is_ready : whether the process has started
    has_died : whether it is no more
    answer   : the outcome of the task as bytes; None as long as there is none
    """

    def __init__(self) -> None:
        context = get_context("loky")
        self._line, theirs = context.Pipe()
        arguments = (theirs, os.getpid())
        self._process: Any = context.Process(target=worker.main, args=arguments, daemon=True, env=_ONE_THREAD)
        self._process.start()
        theirs.close()
        self.is_ready = self.has_died = False
        self.number, self.tries = -1, 0
        self.answer: bytes | None = None
        self._message: tuple[str, bytes] = ("", b"")
        self._since: float | None = None

    def give(self, path: str, number: int, tries: int, packed: bytes) -> None:
        """Send a task; a process that is still starting gets it when it is ready."""
        self.number, self.tries, self.answer, self._since = number, tries, None, None
        self._message = (path, packed)
        if self.is_ready:
            self._send()

    def _send(self) -> None:
        path, packed = self._message
        # That a process is dead is seen when it is looked at.
        with suppress(OSError):
            self._line.send((path, self.number))
            self._line.send_bytes(packed)

    def waits_for(self) -> list[Any]:
        """What becomes ready when there is something to look at."""
        return [self._line, self._process.sentinel]

    def look(self) -> None:
        """Take all that the process has said."""
        is_alive = self._process.is_alive()
        try:
            while self._line.poll():
                word = self._line.recv_bytes()
                if word == worker.READY:
                    self.is_ready = True
                    self._send()
                elif word == worker.BEGUN:
                    self._since = time.monotonic()
                else:
                    self.answer = word
        except (EOFError, OSError):
            is_alive = False
        self.has_died = not is_alive and self.answer is None

    def seconds(self) -> float:
        """Return how long its task has run; the time to load the code of the task is not counted."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def end(self) -> None:
        """Close the line, by which the process ends, and wait for it a moment."""
        self._line.close()
        self._process.join(5)
        self.kill()

    def kill(self) -> None:
        """End the process at once."""
        if self._process.is_alive():
            with suppress(OSError):
                os.kill(self._process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self._process.join()
        self._line.close()

    def fate(self) -> str:
        """Return how a process that has died ended."""
        self._process.join(1)
        self.kill()
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"signal {signal.Signals(-code).name}"
        return f"exit code {code}"


def _stirring(busy: Sequence[_Worker], time_limit: float | None) -> list[_Worker]:
    """Wait until processes have an answer, have died or are over their time; return them."""
    while True:
        left = [time_limit - one.seconds() for one in busy] if time_limit is not None else []
        connection.wait([line for one in busy for line in one.waits_for()], min(left, default=None))
        for one in busy:
            one.look()
        found = [
            one
            for one in busy
            if one.has_died
            or one.answer is not None
            or (time_limit is not None and one.seconds() >= time_limit)
        ]
        if found:
            return found

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

from leukotype.cohort import FloatArray
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
                    answer = one.answer()
                    if answer is not None:
                        n_stillborn = 0
                        self._idle.append(one)
                        yield unpack(answer)
                    elif one.is_alive() and one.seconds() >= (self._time_limit or np.inf):
                        one.kill()
                        yield Outcome(one.number, None, Failure.of_time(self._time_limit or 0.0))
                    else:
                        how = one.fate()
                        n_stillborn += not one.has_begun
                        if n_stillborn > TRIES * self.workers:
                            raise TasksFailed(
                                f"worker processes end before they begin ({how}). Try --jobs 1."
                            )
                        if not one.has_begun:
                            waiting.appendleft((one.number, one.tries))
                        elif one.tries < TRIES:
                            waiting.append((one.number, one.tries + 1))
                        else:
                            yield Outcome(one.number, None, Failure.of_lost_worker(how, TRIES))
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
    """One process and the line to it."""

    def __init__(self) -> None:
        context = get_context("loky")
        self._line, theirs = context.Pipe()
        arguments = (theirs, os.getpid())
        self._process: Any = context.Process(target=worker.main, args=arguments, daemon=True, env=_ONE_THREAD)
        self._process.start()
        theirs.close()
        self.has_begun = False
        self.number, self.tries = -1, 0
        self._packed: tuple[str, bytes] = ("", b"")
        self._since = time.monotonic()

    def give(self, path: str, number: int, tries: int, packed: bytes) -> None:
        """Send a task; one that is still starting gets it when it is ready."""
        self.number, self.tries, self._packed = number, tries, (path, packed)
        if self.has_begun:
            self._send()

    def waits_for(self) -> list[Any]:
        """What becomes ready when there is something to see."""
        return [self._line, self._process.sentinel]

    def answer(self) -> bytes | None:
        """Return the outcome of the task; None where there is none: the process died, or is too slow."""
        with suppress(EOFError, OSError):
            if self._line.poll():
                return bytes(self._line.recv_bytes())
        return None

    def greet(self) -> bool:
        """Take the first word of a process that has started; False where there is none."""
        if self.has_begun or self.answer() != worker.READY:
            return False
        self.has_begun = True
        self._send()
        return True

    def _send(self) -> None:
        self._since = time.monotonic()
        path, packed = self._packed
        # A process that is dead is found so when its answer is asked for.
        with suppress(OSError):
            self._line.send((path, self.number))
            self._line.send_bytes(packed)

    def seconds(self) -> float:
        """Return how long it has had its task."""
        return time.monotonic() - self._since if self.has_begun else 0.0

    def is_alive(self) -> bool:
        return bool(self._process.is_alive())

    def end(self) -> None:
        """Close the line, by which the process ends, and wait for it a moment."""
        self._line.close()
        self._process.join(5)
        if self.is_alive():
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        if self.is_alive():
            with suppress(OSError):
                os.kill(self._process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self._process.join()
        self._line.close()

    def fate(self) -> str:
        """Return how the process ended, once its line has."""
        self._process.join(1)
        self.kill()
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"signal {signal.Signals(-code).name}"
        return f"exit code {code}"


def _stirring(busy: Sequence[_Worker], time_limit: float | None) -> list[_Worker]:
    """Wait until workers have an answer, have died or are over their time; return them."""
    while True:
        left = [time_limit - one.seconds() for one in busy] if time_limit is not None else []
        wanted = {line: one for one in busy for line in one.waits_for()}
        ready = connection.wait(list(wanted), min(left, default=None))
        found = {
            id(one): one
            for one in {id(wanted[line]): wanted[line] for line in ready}.values()
            if not one.greet()
        }
        for one in busy:
            if time_limit is not None and one.seconds() >= time_limit:
                found[id(one)] = one
        if found:
            return list(found.values())

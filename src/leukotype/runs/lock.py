"""One driver per folder: a file names the process that holds it, and is void once that process is dead."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from leukotype import temporary
from leukotype.atomic import reading
from leukotype.errors import RunInProgress, UnreadableFile
from leukotype.temporary import start_of

# A process on another host cannot be checked, so each holder touches its file regularly; a file that is older than
# SILENT_SECONDS belongs to a dead process.
BEAT_SECONDS = 20.0
SILENT_SECONDS = 300.0


@dataclass(frozen=True)
class Holder:
    """A process: pid, host, and its start, because process ids are reused; `since` is the time of locking."""

    pid: int
    host: str
    started: str
    since: float

    @classmethod
    def this_process(cls) -> Holder:
        return cls(os.getpid(), socket.gethostname(), start_of(os.getpid()), time.time())

    def is_alive(self, path: Path, now: float) -> bool:
        """Tell whether the process lives, by its start on this host, else by the age of its file at `path`."""
        if self.host == socket.gethostname() and self.started:
            return start_of(self.pid) == self.started
        with suppress(OSError):
            return now - path.stat().st_mtime < SILENT_SECONDS
        return True


class Lock:
    """The lock of one folder, held until `release`."""

    def __init__(self, path: Path) -> None:
        """Take the lock at `path`; raises RunInProgress if a living process holds it."""
        self._path = path
        with _exclusive(path) as handle:
            holder = _read(handle)
            probe = path.with_name(temporary.name())
            probe.touch()
            # The clock of the disk, which may be on another machine.
            now = probe.stat().st_mtime
            probe.unlink()
            temporary.sweep(path.parent)
            if holder is not None and holder.is_alive(path, now):
                since = time.strftime("%H:%M on %d %B", time.localtime(holder.since))
                raise RunInProgress(
                    f"process {holder.pid} on {holder.host} has been using {path.parent} since {since}. "
                    f"Wait for it (leukotype status {path.parent}), or choose another folder with --out."
                )
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, json.dumps(asdict(Holder.this_process())).encode())
            os.fsync(handle)
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="leukotype-lock", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Remove the lock."""
        self._released.set()
        self._thread.join()
        with suppress(OSError):
            self._path.unlink()

    def _beat(self) -> None:
        while not self._released.wait(BEAT_SECONDS):
            with suppress(OSError):
                os.utime(self._path)


def holder_of(path: Path) -> Holder | None:
    """Return the living process that holds the lock at `path`, or None; the file is only read."""
    try:
        with reading(path) as stream:
            holder = _read(stream.fileno())
    except UnreadableFile:
        return None
    return holder if holder is not None and holder.is_alive(path, time.time()) else None


def _read(handle: int) -> Holder | None:
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        found = json.loads(os.read(handle, 4096))
        return Holder(int(found["pid"]), str(found["host"]), str(found["started"]), float(found["since"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        # Empty or incomplete: its writer died before it held the lock.
        return None


@contextmanager
def _exclusive(path: Path) -> Iterator[int]:
    """Yield the open file at `path`, locked by the system, so that two processes cannot both take it."""
    while True:
        # Without O_NONBLOCK, reading from a pipe of this name would wait for its writer.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o644)
        try:
            if sys.platform != "win32":
                import fcntl

                # Some network disks have no such locks; two processes may then collide within microseconds.
                with suppress(OSError):
                    fcntl.lockf(handle, fcntl.LOCK_EX)
            # The holder may have removed the file during the wait; then the handle is stale.
            is_current = False
            with suppress(FileNotFoundError):
                is_current = os.path.samestat(os.fstat(handle), os.stat(path))
            if is_current:
                yield handle
                return
        finally:
            os.close(handle)

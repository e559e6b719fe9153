"""One driver a folder: a file that names the process at work, given up when that process is no more."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from leukotype.errors import RunInProgress

# A driver on another machine cannot be asked whether it lives: it touches its file, and is taken for dead when it
# has not done so for a long while.
BEAT_SECONDS = 20.0
SILENT_SECONDS = 300.0


@dataclass(frozen=True)
class Holder:
    """A process: pid and host, and when it started, for pids come round again."""

    pid: int
    host: str
    started: str
    since: float

    @classmethod
    def this_process(cls) -> Holder:
        return cls(os.getpid(), socket.gethostname(), start_of(os.getpid()), time.time())


class Lock:
    """The lock of one folder, held until `release`."""

    def __init__(self, path: Path) -> None:
        """Take the lock at `path`; raises RunInProgress where a living process holds it."""
        self._path = path
        with _alone(path) as handle:
            holder = _read(handle)
            if holder is not None and _is_alive(holder, path, _now_at(path.parent)):
                since = time.strftime("%H:%M on %d %B", time.localtime(holder.since))
                raise RunInProgress(
                    f"process {holder.pid} on {holder.host} has been at work in {path.parent} since {since}. "
                    f"Wait for it (leukotype status {path.parent}), or choose another folder with --out."
                )
            _write(handle, json.dumps(asdict(Holder.this_process())))
        self._over = threading.Event()
        self._pulse = threading.Thread(target=self._beat, name="leukotype-lock", daemon=True)
        self._pulse.start()

    def release(self) -> None:
        """Let the folder go."""
        self._over.set()
        self._pulse.join()
        with suppress(OSError):
            self._path.unlink()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            with suppress(OSError):
                os.utime(self._path)


def holder_of(path: Path) -> Holder | None:
    """Return the living process that holds the lock at `path`, None where there is none; reads only."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        holder = _read(handle)
    finally:
        os.close(handle)
    return holder if holder is not None and _is_alive(holder, path, time.time()) else None


def start_of(pid: int) -> str:
    """Return when a process started, as text to compare; "" where there is no such process or none can tell."""
    try:
        # The name of the program may hold anything, brackets and blanks among it.
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if state in "ZX":
            return ""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {fields[18]}"
    except (OSError, ValueError, IndexError):
        pass
    if sys.platform in ("linux", "win32"):
        return ""
    with suppress(OSError):
        asked = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return asked.stdout.strip()
    return ""


def _is_alive(holder: Holder, path: Path, now: float) -> bool:
    if holder.host == socket.gethostname() and holder.started:
        return start_of(holder.pid) == holder.started
    with suppress(OSError):
        return now - path.stat().st_mtime < SILENT_SECONDS
    return True


def _now_at(folder: Path) -> float:
    """The time by the clock of the disk, which may be another machine's."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".leukotype-") as probe:
            return os.stat(probe.name).st_mtime
    except OSError:
        return time.time()


def _read(handle: int) -> Holder | None:
    try:
        found = json.loads(os.pread(handle, 4096, 0) if hasattr(os, "pread") else os.read(handle, 4096))
        return Holder(int(found["pid"]), str(found["host"]), str(found["started"]), float(found["since"]))
    except (ValueError, KeyError, TypeError):
        # Empty or half-written: whoever began it did not live to hold it.
        return None


def _write(handle: int, text: str) -> None:
    os.lseek(handle, 0, os.SEEK_SET)
    os.ftruncate(handle, 0)
    os.write(handle, text.encode())
    os.fsync(handle)


@contextmanager
def _alone(path: Path) -> Iterator[int]:
    """Yield the open file at `path` while no other process looks at it, so that two cannot both find it free."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if sys.platform != "win32":
                import fcntl

                # Some network disks have no such locks; what is left is a race of microseconds.
                with suppress(OSError):
                    fcntl.lockf(handle, fcntl.LOCK_EX)
            try:
                is_there = os.path.samestat(os.fstat(handle), os.stat(path))
            except FileNotFoundError:
                is_there = False
            if is_there:
                yield handle
                return
            # Its holder let go and removed it while this process waited.
        finally:
            os.close(handle)

"""Progress of a run, read from a copy of its store so that reading never blocks the run."""

from __future__ import annotations

import math
import shutil
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from leukotype import temporary
from leukotype.errors import UnreadableFile
from leukotype.runs import lock
from leukotype.runs.store import LOCK, LOG, NAME, connect, has_our_tables, is_marked, store_file

_TRIES = 20
# Sound stores answer within milliseconds.
_QUERY_SECONDS = 5.0
_LARGEST = 2**33


@dataclass(frozen=True)
class Progress:
    """Tasks of one cohort and model: planned, finished, and mean seconds per task."""

    cohort: str
    model: str
    planned: int
    finished: int
    seconds: float


@dataclass(frozen=True)
class FailedPart:
    """A task that failed in the latest session."""

    cohort: str
    model: str
    part: str
    error: str


@dataclass(frozen=True)
class Status:
    """Progress of the latest session of a run.

    state     : "running", "finished", or "stopped" (killed, interrupted or failed)
    driver    : the running process, e.g. "process 17 on node3"; "" if none
    elapsed   : duration of the session so far, in seconds
    computed  : tasks computed in this session; the other finished tasks are older
    rate      : tasks computed per minute; None before the first
    remaining : expected seconds until the end; None if unknown
    """

    path: Path
    state: str
    driver: str
    elapsed: float
    computed: int
    rate: float | None
    remaining: float | None
    progress: tuple[Progress, ...]
    failures: tuple[FailedPart, ...]

    @property
    def planned(self) -> int:
        return sum(row.planned for row in self.progress)

    @property
    def finished(self) -> int:
        return sum(row.finished for row in self.progress)


def read_status(folder: str | Path) -> Status:
    """Return the progress of the run in a folder, during or after the run; nothing is written or locked.

    Raises UnreadableFile if the folder has no run, or a damaged one.
    """
    path = store_file(folder)
    if not path.is_file():
        raise UnreadableFile(
            f"{folder} has no run: {NAME} is missing. Name the folder given to --out, or runs/NAME."
        )
    if path.stat().st_size > _LARGEST:
        raise UnreadableFile(f"{path} is larger than any store of leukotype. Name the folder of a run.")
    holder = lock.holder_of(path.parent / LOCK)
    with temporary.folder() as place:
        for _ in range(_TRIES):
            copy = _copied(path, place)
            if copy is None:
                time.sleep(0.05)
                continue
            try:
                with closing(connect(copy)) as connection:
                    connection.set_progress_handler(_Clock(_QUERY_SECONDS), 100_000)
                    if is_marked(connection) and has_our_tables(connection):
                        return _status(connection, path, holder)
                    break
            except (sqlite3.Error, ArithmeticError, TypeError, ValueError):
                # Damaged, or values that no run of leukotype wrote.
                continue
    raise UnreadableFile(
        f"{path} is damaged, or not a store of leukotype. Repeat the command of the run: it recovers finished tasks."
    )


class _Clock:
    """Tells SQLite, which asks during a query, whether the time is over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def __call__(self) -> bool:
        return time.monotonic() > self._end


def _copied(path: Path, place: Path) -> Path | None:
    """Copy the store and its log; None if the driver moved the log into the store meanwhile."""
    copy = place / NAME
    before = _signature(path)
    shutil.copyfile(path, copy)
    Path(f"{copy}{LOG}").unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        shutil.copyfile(f"{path}{LOG}", f"{copy}{LOG}")
    return copy if _signature(path) == before else None


def _signature(path: Path) -> tuple[object, ...]:
    """Return a value that changes when the log is moved into the store, but not when the log grows."""
    found = path.stat()
    head = b""
    with suppress(FileNotFoundError), Path(f"{path}{LOG}").open("rb") as handle:
        head = handle.read(32)
    return found.st_mtime_ns, found.st_size, head


def _status(connection: sqlite3.Connection, path: Path, holder: lock.Holder | None) -> Status:
    found = connection.execute(
        "SELECT id, started, ended, outcome FROM sessions ORDER BY id DESC LIMIT 1"
    ).fetchone()
    session, started, ended, outcome = found or (0, 0.0, 0.0, "finished")
    if not all(math.isfinite(moment) for moment in (started, ended or 0.0)):
        raise ValueError("the session has no start or end")
    mean = dict(connection.execute("SELECT model, avg(seconds) FROM tasks GROUP BY model"))
    progress = tuple(
        Progress(cohort, model, planned, finished, float(mean.get(model, 0.0)))
        for cohort, model, planned, finished in connection.execute(
            "SELECT plan.cohort, plan.model, count(*), count(tasks.key) FROM plan LEFT JOIN tasks USING (key)"
            " WHERE plan.session = ? GROUP BY plan.cohort, plan.model ORDER BY min(plan.rowid)",
            (session,),
        )
    )
    computed, spent, latest = connection.execute(
        "SELECT count(*), total(seconds), max(finished) FROM tasks WHERE session = ?", (session,)
    ).fetchone()
    failures = connection.execute(
        "SELECT cohort, model, part, error FROM failures WHERE session = ? ORDER BY at", (session,)
    ).fetchall()
    is_running = holder is not None and ended is None
    elapsed = (time.time() if is_running else ended or latest or started) - started
    worked = (latest or started) - started
    n_missing = sum(row.planned - row.finished for row in progress)
    remaining = None if n_missing else 0.0
    if n_missing and computed and spent > 0 and worked > 0:
        # A model without finished tasks is assumed average; `spent / worked` tasks ran at the same time.
        average = sum(mean.values()) / len(mean)
        work = sum((row.planned - row.finished) * mean.get(row.model, average) for row in progress)
        remaining = work / (spent / worked)
    remaining = remaining if remaining is not None and math.isfinite(remaining) else None
    return Status(
        path=path,
        state="running" if is_running else "finished" if outcome == "finished" else "stopped",
        driver=f"process {holder.pid} on {holder.host}" if holder is not None and is_running else "",
        elapsed=max(elapsed, 0.0),
        computed=computed,
        rate=60 * computed / worked if computed and worked > 0 else None,
        remaining=remaining,
        progress=progress,
        failures=tuple(FailedPart(*row) for row in failures),
    )

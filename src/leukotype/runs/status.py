"""How far a run has come, told from a copy of its store: whoever looks holds nobody up."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from leukotype.errors import UnreadableFile
from leukotype.runs import lock, rescue, schema
from leukotype.runs.store import LOCK, NAME, store_file

_LOG = "-wal"
_TRIES = 20


@dataclass(frozen=True)
class Progress:
    """Tasks of one cohort and model: planned, finished among these, and the seconds that one took, on average."""

    cohort: str
    model: str
    planned: int
    finished: int
    seconds: float


@dataclass(frozen=True)
class FailedPart:
    """A task that gave no result in the latest session."""

    cohort: str
    model: str
    part: str
    error: str


@dataclass(frozen=True)
class Status:
    """How far the latest session of a run has come.

    state     : "running", "finished", or "stopped": killed, interrupted or failed
    driver    : the process at work, e.g. "process 17 on node3"; "" where there is none
    elapsed   : seconds since the session began, or that it took
    computed  : tasks that were computed in it; the others were found finished
    rate      : tasks computed in a minute, None before the first
    remaining : seconds that the rest may take, None where it cannot be told
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
    """Return how far the run in a folder has come, while it runs or after; nothing there is written or locked.

    Raises UnreadableFile where the folder holds no run, or one that is damaged.
    """
    path = store_file(folder)
    if not path.is_file():
        raise UnreadableFile(
            f"{folder} holds no run: there is no {NAME} in it. Name the folder that --out named, or runs/NAME."
        )
    holder = lock.holder_of(path.parent / LOCK)
    with tempfile.TemporaryDirectory(prefix="leukotype-") as place:
        for _ in range(_TRIES):
            copy = _copied(path, Path(place))
            if copy is None:
                time.sleep(0.05)
                continue
            try:
                with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
                    if schema.number(connection, "application_id") == schema.APPLICATION_ID:
                        return _told(connection, path, holder)
                    break
            except sqlite3.DatabaseError as problem:
                if not rescue.is_damage(problem):
                    raise
    raise UnreadableFile(
        f"{path} is damaged, or no store of leukotype. The command of the run mends it and goes on with what is sound."
    )


def _copied(path: Path, place: Path) -> Path | None:
    """Copy the store and its log; None where the driver moved the log into the store meanwhile."""
    copy = place / NAME
    before = _signature(path)
    shutil.copyfile(path, copy)
    log = Path(f"{path}{_LOG}")
    Path(f"{copy}{_LOG}").unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        shutil.copyfile(log, f"{copy}{_LOG}")
    return copy if _signature(path) == before else None


def _signature(path: Path) -> tuple[object, ...]:
    """Return what changes when the log goes into the store, and not when the log grows."""
    now = path.stat()
    try:
        with Path(f"{path}{_LOG}").open("rb") as handle:
            head = handle.read(32)
    except FileNotFoundError:
        head = b""
    return now.st_mtime_ns, now.st_size, head


def _told(connection: sqlite3.Connection, path: Path, holder: lock.Holder | None) -> Status:
    asked = connection.execute(
        "SELECT id, started, ended, outcome FROM sessions ORDER BY id DESC LIMIT 1"
    ).fetchone()
    session, started, ended, outcome = asked or (0, 0.0, 0.0, "finished")
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
    remaining = None
    if not n_missing:
        remaining = 0.0
    elif computed and spent > 0 and worked > 0:
        # Models not seen yet are taken for average; `spent / worked` is how many tasks ran at once.
        average = sum(mean.values()) / len(mean)
        work = sum((row.planned - row.finished) * mean.get(row.model, average) for row in progress)
        remaining = work / (spent / worked)
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

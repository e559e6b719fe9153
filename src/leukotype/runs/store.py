"""The run store: every finished task of a run in one SQLite file, committed as soon as it is done."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukotype.errors import OutputRefused, StoreFailed
from leukotype.runs import codec, rescue, schema
from leukotype.runs.lock import Lock

NAME = "tasks.sqlite"
LOCK = "tasks.lock"


@dataclass(frozen=True)
class Item:
    """One task as people call it, under the key that says all its result depends on.

    key    : sha256, as hexadecimal digits
    part   : what of the cohort, e.g. "repeat 1, fold 2"
    """

    key: str
    cohort: str
    model: str
    part: str


class Store:
    """The finished tasks of one folder, held by this process alone until `close`.

    rescued : what was done about a damaged file, in one line; "" where there was none
    """

    def __init__(self, path: str | Path) -> None:
        """Open the store at `path`, made where it is not there; in a folder, the file `tasks.sqlite`.

        Raises RunInProgress where another process holds it, OutputRefused where the file is somebody else's,
        StoreFailed where the disk does not let it be.
        """
        self.path = store_file(path)
        self._lock = _lock(self.path)
        try:
            with self._no_fault():
                self._connection, self.rescued = _open(self.path)
            with self._writing() as write:
                self._session = write("INSERT INTO sessions (started) VALUES (?)", (time.time(),)).lastrowid
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.close("finished" if kind is None else "stopped")

    def close(self, outcome: str = "finished") -> None:
        """Let the folder go; `outcome` is what `leukotype status` says of this session."""
        try:
            with suppress(sqlite3.Error, StoreFailed), self._writing() as write:
                write(
                    "UPDATE sessions SET ended = ?, outcome = ? WHERE id = ?",
                    (time.time(), outcome, self._session),
                )
        finally:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._lock.release()

    def __len__(self) -> int:
        """Return the number of finished tasks."""
        return int(self._connection.execute("SELECT count(*) FROM tasks").fetchone()[0])

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the record of a finished task; None where it is not there, or its seal is broken."""
        with self._no_fault():
            row = self._connection.execute(
                "SELECT record, arrays, seal FROM tasks WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return None
        with suppress(ValueError, TypeError, AttributeError):
            if schema.seal(key, row[0], row[1]) == row[2]:
                return codec.decode(row[0], row[1])
        with self._writing() as write:
            write("DELETE FROM tasks WHERE key = ?", (key,))
        return None

    def put(self, item: Item, record: Mapping[str, Any], seconds: float) -> None:
        """Keep the record of a finished task; it is on disk when this returns.

        Raises StoreFailed where the disk is full, and then nothing that was kept before is lost.
        """
        text, arrays = codec.encode(record)
        values = (
            item.key,
            self._session,
            item.cohort,
            item.model,
            item.part,
            seconds,
            time.time(),
            text,
            arrays,
        )
        with self._writing() as write:
            write(
                "INSERT INTO tasks (key, session, cohort, model, part, seconds, finished, computed, record, arrays,"
                " seal) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET computed = computed + 1",
                (*values, schema.seal(item.key, text, arrays)),
            )
            write("DELETE FROM failures WHERE key = ?", (item.key,))

    def put_if_plain(self, item: Item, record: Mapping[str, Any], seconds: float) -> None:
        """Keep a record that comes back as it was; any other is let go."""
        if codec.is_plain(dict(record)):
            self.put(item, record, seconds)

    def fail(self, item: Item, error: str) -> None:
        """Record why a task gave no result; it is run again the next time."""
        with self._writing() as write:
            write(
                "INSERT OR REPLACE INTO failures (key, session, cohort, model, part, error, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (item.key, self._session, item.cohort, item.model, item.part, error, time.time()),
            )

    def plan(self, items: Sequence[Item]) -> None:
        """Say which tasks this session is about, for `leukotype status`; may be called again with more."""
        with self._writing() as write:
            for item in items:
                write(
                    "INSERT OR REPLACE INTO plan (key, session, cohort, model, part) VALUES (?, ?, ?, ?, ?)",
                    (item.key, self._session, item.cohort, item.model, item.part),
                )

    def fact(self, name: str) -> Any:
        """Return what was kept under a name by `keep_fact`; None where nothing was."""
        with self._no_fault():
            row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def keep_fact(self, name: str, value: Any) -> None:
        """Keep something that JSON can hold under a name."""
        with self._writing() as write:
            write("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, json.dumps(value)))

    def computed(self) -> dict[str, int]:
        """Return how often each finished task was computed, by key."""
        return dict(self._connection.execute("SELECT key, computed FROM tasks").fetchall())

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """Yield `execute` inside a transaction."""
        with self._no_fault():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection.execute
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _no_fault(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            raise StoreFailed(
                f"cannot keep finished tasks in {self.path}: {problem}. Free space on that disk or mend it, and give "
                "the same command again: it goes on with what was finished."
            ) from problem


def store_file(path: str | Path) -> Path:
    """Return the file of a store that is named by its folder or by itself."""
    path = Path(path)
    return path / NAME if path.is_dir() or not path.suffix else path


def is_store_file(name: str) -> bool:
    """Tell whether a name in a folder is that of a store, or of what belongs to one."""
    return name in (LOCK, NAME) or name.startswith((f"{NAME}-", f"{NAME}.damaged"))


def _lock(path: Path) -> Lock:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Lock(path.parent / (LOCK if path.name == NAME else f"{path.name}.lock"))
    except OSError as problem:
        raise StoreFailed(
            f"cannot keep finished tasks in {path}: {problem.strerror or problem}. Choose another folder with --out."
        ) from problem


def _open(path: Path) -> tuple[sqlite3.Connection, str]:
    said = ""
    try:
        connection = schema.connect(path)
        is_sound = rescue.is_sound(connection)
        if not is_sound:
            connection.close()
    except sqlite3.DatabaseError as problem:
        if not rescue.is_damage(problem):
            raise
        is_sound = False
    if not is_sound:
        aside, n_kept = rescue.rescue(path)
        tasks = "1 finished task is" if n_kept == 1 else f"{n_kept} finished tasks are"
        said = f"{path} was damaged; {tasks} sound and kept, and the damaged file is now {aside.name}."
        connection = schema.connect(path)
    try:
        _check(connection, path)
        schema.write_ahead(connection)
    except BaseException:
        connection.close()
        raise
    return connection, said


def _check(connection: sqlite3.Connection, path: Path) -> None:
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if is_empty:
        schema.create(connection)
    elif schema.number(connection, "application_id") != schema.APPLICATION_ID:
        raise OutputRefused(
            f"{path} is a database that leukotype did not write. Choose another folder with --out."
        )
    elif schema.number(connection, "user_version") != schema.FORMAT:
        found = schema.number(connection, "user_version")
        raise OutputRefused(
            f"{path} has format {found} of another version of leukotype, and {schema.FORMAT} is needed. "
            "Choose another folder with --out."
        )

"""The run store: the finished tasks of a run in one SQLite file, each committed as soon as it is done."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukotype.errors import OutputRefused, StoreFailed
from leukotype.runs import codec
from leukotype.runs.lock import Lock
from leukotype.wording import counted

NAME = "tasks.sqlite"
LOCK = "tasks.lock"
LOG = "-wal"

# "leuk": identifies our files among other SQLite databases.
APPLICATION_ID = 0x6C65756B
_FORMAT = 1
# Whatever a record with a right hash may raise, since anyone can compute a hash.
_BAD_RECORD = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    EOFError,
)
# Longest wait for another program that reads the file.
_PATIENCE_SECONDS = 60.0
_COLUMNS = "key, session, cohort, model, part, seconds, finished, computed, record, arrays, seal"
_INSERT = f"INSERT INTO tasks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TASKS = (
    "CREATE TABLE tasks (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, session INTEGER NOT NULL,"
    " cohort TEXT NOT NULL, model TEXT NOT NULL, part TEXT NOT NULL, seconds REAL NOT NULL, finished REAL NOT NULL,"
    " computed INTEGER NOT NULL, record TEXT NOT NULL, arrays BLOB NOT NULL, seal BLOB NOT NULL)"
)
_TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE sessions (id INTEGER PRIMARY KEY, started REAL NOT NULL, ended REAL, outcome TEXT)",
    "CREATE TABLE plan (key TEXT PRIMARY KEY, session INTEGER NOT NULL, cohort TEXT NOT NULL, model TEXT NOT NULL,"
    " part TEXT NOT NULL)",
    _TASKS,
    "CREATE TABLE failures (key TEXT PRIMARY KEY, session INTEGER NOT NULL, cohort TEXT NOT NULL,"
    " model TEXT NOT NULL, part TEXT NOT NULL, error TEXT NOT NULL, at REAL NOT NULL)",
)


@dataclass(frozen=True)
class Item:
    """One task: its key, and its name for users.

    key  : sha256 of everything its result depends on, as hexadecimal digits
    part : part of the cohort, e.g. "repeat 1, fold 2"
    """

    key: str
    cohort: str
    model: str
    part: str


class Store:
    """The finished tasks of one folder; only this process can open it until `close`.

    rescued : one line on the recovery of a damaged file; "" if the file was intact
    """

    def __init__(self, path: str | Path) -> None:
        """Open or create the store at `path`; in a folder, the file `tasks.sqlite`.

        Raises RunInProgress if another process holds it, OutputRefused if the file is not a store, StoreFailed if
        the disk cannot be written.
        """
        self.path = store_file(path)
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(
                self.path.parent / (LOCK if self.path.name == NAME else f"{self.path.name}.lock")
            )
        try:
            with self._explained():
                self._connection, self.rescued = _open(self.path)
            with self._writing() as execute:
                self._session = execute("INSERT INTO sessions (started) VALUES (?)", (time.time(),)).lastrowid
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.close("finished" if kind is None else "stopped")

    def close(self, outcome: str = "finished") -> None:
        """Close the store and release the folder; `leukotype status` shows `outcome`."""
        try:
            with suppress(sqlite3.Error, StoreFailed), self._writing() as execute:
                execute(
                    "UPDATE sessions SET ended = ?, outcome = ? WHERE id = ?",
                    (time.time(), outcome, self._session),
                )
        finally:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._lock.release()

    def __len__(self) -> int:
        """Return the number of finished tasks."""
        return number(self._connection, "SELECT count(*) FROM tasks")

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the record of a finished task, or None if there is none or its hash is wrong."""
        with self._explained():
            row = self._connection.execute(
                "SELECT record, arrays, seal FROM tasks WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return None
        with suppress(*_BAD_RECORD):
            if _seal(key, row[0], row[1]) == row[2]:
                return codec.decode(row[0], row[1])
        with self._writing() as execute:
            execute("DELETE FROM tasks WHERE key = ?", (key,))
        return None

    def put(self, item: Item, record: Mapping[str, Any], seconds: float) -> None:
        """Keep the record of a finished task; it is on disk when this returns.

        Raises StoreFailed if the disk is full; earlier tasks are not lost.
        """
        text, arrays = codec.encode(record)
        names = (item.key, self._session, item.cohort, item.model, item.part)
        seal = _seal(item.key, text, arrays)
        with self._writing() as execute:
            execute(
                f"{_INSERT} ON CONFLICT (key) DO UPDATE SET computed = computed + 1",
                (*names, seconds, time.time(), 1, text, arrays, seal),
            )
            execute("DELETE FROM failures WHERE key = ?", (item.key,))

    def put_if_plain(self, item: Item, record: Mapping[str, Any], seconds: float) -> None:
        """Keep a record if the store can restore it exactly."""
        if codec.is_exact(dict(record)):
            self.put(item, record, seconds)

    def fail(self, item: Item, error: str) -> None:
        """Record why a task failed; the next session runs it again."""
        with self._writing() as execute:
            execute(
                "INSERT OR REPLACE INTO failures (key, session, cohort, model, part, error, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (item.key, self._session, item.cohort, item.model, item.part, error, time.time()),
            )

    def plan(self, items: Sequence[Item]) -> None:
        """Add tasks to those of this session, for `leukotype status`."""
        with self._writing() as execute:
            for item in items:
                execute(
                    "INSERT OR REPLACE INTO plan (key, session, cohort, model, part) VALUES (?, ?, ?, ?, ?)",
                    (item.key, self._session, item.cohort, item.model, item.part),
                )

    def fact(self, name: str) -> Any:
        """Return the value stored by `keep_fact`, or None."""
        with self._explained():
            row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        with suppress(*_BAD_RECORD):
            return None if row is None else json.loads(row[0])
        return None

    def keep_fact(self, name: str, value: Any) -> None:
        """Store a JSON value under a name."""
        with self._writing() as execute:
            execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, json.dumps(value)))

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """Yield `execute` inside a transaction."""
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection.execute
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            raise StoreFailed(
                f"cannot keep finished tasks in {self.path}: {problem}. Free space on that disk and repeat the "
                "command, which resumes with the finished tasks, or choose another folder with --out."
            ) from problem


def store_file(path: str | Path) -> Path:
    """Return the file of the store in a folder, or `path` itself if it is a file."""
    path = Path(path)
    return path / NAME if path.is_dir() or not path.suffix else path


def is_store_file(name: str) -> bool:
    """Tell whether a file name in a folder belongs to a store."""
    return name in (LOCK, NAME) or name.startswith((f"{NAME}-", f"{NAME}.damaged"))


def number(connection: sqlite3.Connection, query: str) -> int:
    """Return the single number that a query or pragma gives."""
    return int(connection.execute(query).fetchone()[0])


def connect(path: Path, *, is_read_only: bool = False) -> sqlite3.Connection:
    """Return a connection that runs no code of the file, and gives damaged text with replacement characters."""
    place = f"{path.absolute().as_uri()}?mode=ro" if is_read_only else str(path)
    connection = sqlite3.connect(place, uri=is_read_only, isolation_level=None, timeout=_PATIENCE_SECONDS)
    connection.text_factory = lambda text: text.decode("utf-8", errors="replace")
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def is_marked(connection: sqlite3.Connection) -> bool:
    """Tell whether a database has the mark of a store."""
    return number(connection, "PRAGMA application_id") == APPLICATION_ID


def has_our_tables(connection: sqlite3.Connection) -> bool:
    """Tell whether a database has exactly the tables of a store.

    Other programs may put a view of the same name in place of a table, and reading a view may never end.
    """
    found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return sorted(row[0] for row in found) == sorted(_TABLES)


def is_damage(problem: sqlite3.Error) -> bool:
    """Tell a damaged file from a full disk, a lock and other errors.

    Our queries are right, so that a wrong query means other tables.
    """
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    return code in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_FORMAT,
    )


def _open(path: Path) -> tuple[sqlite3.Connection, str]:
    """Return the connection to the store at `path`, and a line on the recovery of a damaged one."""
    if path.exists() and not path.is_file():
        raise OutputRefused(f"{path} is no regular file. Remove it, or choose another folder with --out.")
    rescued = "" if _is_sound(path) else _rescue(path)
    connection = connect(path)
    try:
        if number(connection, "SELECT count(*) FROM sqlite_master") == 0:
            _create(connection)
        found = number(connection, "PRAGMA user_version")
        is_ours = is_marked(connection)
        if not is_ours or found != _FORMAT:
            what = f"has format {found}; {_FORMAT} is needed" if is_ours else "was not written by leukotype"
            raise OutputRefused(f"{path} {what}. Choose another folder with --out.")
        # With a write-ahead log a commit is one write at the end of a file, complete or absent after a kill, and
        # does not wait for the disk.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection, rescued


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table in _TABLES:
        connection.execute(table)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_FORMAT}")
    connection.execute("COMMIT")


def _is_sound(path: Path) -> bool:
    """Tell whether SQLite can read every page of the database, and a store has its tables; an empty file is sound."""
    try:
        with closing(connect(path)) as connection:
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                return False
            with suppress(FileNotFoundError), path.open("rb") as stream:
                # The versions for writing and reading; SQLite takes others for those of its future, and only reads.
                if set(stream.read(20)[18:]) - {1, 2}:
                    return False
            return not is_marked(connection) or has_our_tables(connection)
    except UnicodeDecodeError:
        # SQLite quotes damaged text in its message.
        return False
    except sqlite3.DatabaseError as problem:
        if not is_damage(problem):
            raise
        return False


def _rescue(path: Path) -> str:
    """Move a damaged store aside and start a new one with its readable tasks; return a line that says so."""
    aside, n_aside = path.with_name(f"{path.name}.damaged"), 1
    while aside.exists():
        n_aside += 1
        aside = path.with_name(f"{path.name}.damaged{n_aside}")
    os.replace(path, aside)
    for ending in (LOG, "-shm"):
        with suppress(FileNotFoundError):
            os.replace(f"{path}{ending}", f"{aside}{ending}")
    with closing(connect(path)) as connection:
        _create(connection)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"{_INSERT} ON CONFLICT DO NOTHING", _readable_rows(aside))
        connection.execute("COMMIT")
        n_recovered = number(connection, "SELECT count(*) FROM tasks")
    return (
        f"{path} was damaged and moved to {aside.name}; {counted(n_recovered, 'finished task')} recovered, the others "
        "are computed again."
    )


def _readable_rows(damaged: Path) -> Iterator[tuple[Any, ...]]:
    """Yield the finished tasks that SQLite can still read and whose hash is right; the file is not changed."""
    # SQLite stops at the first damaged page.  A scan from each end finds all rows outside the damaged region.
    for direction in ("ASC", "DESC"):
        with (
            suppress(sqlite3.Error, UnicodeDecodeError),
            closing(connect(damaged, is_read_only=True)) as connection,
        ):
            if (_TASKS,) not in connection.execute("SELECT sql FROM sqlite_master WHERE name = 'tasks'"):
                return
            for row in connection.execute(f"SELECT {_COLUMNS} FROM tasks ORDER BY id {direction}"):
                with suppress(TypeError, AttributeError):
                    if _seal(row[0], row[8], row[9]) == row[10]:
                        yield row


def _seal(key: str, record: str, arrays: bytes) -> bytes:
    """Return the sha256 of a finished task and its key."""
    digest = hashlib.sha256(f"{key}\n{len(record)}\n{record}".encode())
    digest.update(arrays)
    return digest.digest()

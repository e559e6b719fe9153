"""A damaged store: moved aside, and what is sound in it carried over."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from leukotype.runs import schema

COLUMNS = (
    "key", "session", "cohort", "model", "part", "seconds", "finished", "computed", "record", "arrays", "seal",
)  # fmt: skip
_LOG = "-wal"


def is_sound(connection: sqlite3.Connection) -> bool:
    """Tell whether SQLite can read every page of the database."""
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as problem:
        if not is_damage(problem):
            raise
        return False
    return bool(found[0] == "ok")


def is_damage(problem: sqlite3.Error) -> bool:
    """Tell a damaged file from a full disk, a lock and the like."""
    return getattr(problem, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or (
        "malformed" in str(problem) or "not a database" in str(problem)
    )


def rescue(path: Path) -> tuple[Path, int]:
    """Move the store at `path` aside and begin a new one with its sound tasks.

    Returns where the damaged file lies, and how many tasks were carried over.
    """
    aside = _free_name(path)
    os.replace(path, aside)
    for ending in (_LOG, "-shm"):
        with suppress(FileNotFoundError):
            os.replace(f"{path}{ending}", f"{aside}{ending}")
    rows = sound_rows(aside)
    with closing(schema.connect(path)) as connection:
        schema.create(connection)
        connection.execute("BEGIN IMMEDIATE")
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(
            f"INSERT OR IGNORE INTO tasks ({', '.join(COLUMNS)}) VALUES ({marks})", rows.values()
        )
        connection.execute("COMMIT")
    return aside, len(rows)


def sound_rows(damaged: Path) -> dict[str, tuple[object, ...]]:
    """Return the finished tasks of a damaged store whose seals hold, by key; the file stays as it is."""
    rows: dict[str, tuple[object, ...]] = {}
    with tempfile.TemporaryDirectory(prefix="leukotype-") as folder:
        for number, prepare in enumerate((_as_it_is, _without_log, _with_new_head)):
            copy = Path(folder) / f"{number}.sqlite"
            prepare(damaged, copy)
            for row in _readable_rows(copy):
                key, record, arrays, seal = row[0], row[8], row[9], row[10]
                if not (isinstance(key, str) and isinstance(record, str) and isinstance(arrays, bytes)):
                    continue
                if schema.seal(key, record, arrays) == seal:
                    rows.setdefault(key, row)
    return rows


def _as_it_is(damaged: Path, copy: Path) -> None:
    shutil.copyfile(damaged, copy)
    with suppress(FileNotFoundError):
        shutil.copyfile(f"{damaged}{_LOG}", f"{copy}{_LOG}")


def _without_log(damaged: Path, copy: Path) -> None:
    shutil.copyfile(damaged, copy)


def _with_new_head(damaged: Path, copy: Path) -> None:
    """The first page says where every table begins, and is the same in every store."""
    with closing(schema.connect(copy)) as connection:
        schema.create(connection)
    head = copy.read_bytes()[: schema.PAGE_SIZE]
    shutil.copyfile(damaged, copy)
    with copy.open("r+b") as handle:
        handle.write(head)
        # The number of pages; SQLite believes it as the counter of changes beside it agrees.
        handle.seek(28)
        handle.write(max(damaged.stat().st_size // schema.PAGE_SIZE, 1).to_bytes(4, "big"))


def _readable_rows(path: Path) -> Iterator[tuple[object, ...]]:
    """Every row that a page in order still holds, found one by one so that a bad page costs its own rows alone."""
    try:
        connection = sqlite3.connect(path, isolation_level=None)
    except sqlite3.Error:
        return
    with closing(connection):
        # Text that is no text is looked at by its seal.
        connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
        wanted = f"SELECT {', '.join(COLUMNS)} FROM tasks NOT INDEXED"
        last = _last_number(connection, path)
        for number in range(1, last + 1):
            try:
                row = connection.execute(f"{wanted} WHERE id = ?", (number,)).fetchone()
            except sqlite3.Error:
                continue
            if row is not None:
                yield row


def _last_number(connection: sqlite3.Connection, path: Path) -> int:
    with suppress(sqlite3.Error):
        return int(connection.execute("SELECT max(id) FROM tasks NOT INDEXED").fetchone()[0] or 0)
    # No task takes less than a hundred bytes.
    size = path.stat().st_size
    with suppress(OSError):
        size += Path(f"{path}{_LOG}").stat().st_size
    return size // 100


def _free_name(path: Path) -> Path:
    for number in range(1, 1000):
        ending = ".damaged" if number == 1 else f".damaged{number}"
        aside = path.with_name(path.name + ending)
        if not aside.exists():
            return aside
    return aside

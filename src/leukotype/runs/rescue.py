"""A damaged store: moved aside, and what is sound in it carried over.

SQLite gives a table up where one of its inner pages is bad.  The rows stand in the leaves, so these are read one by
one, whatever became of the pages above them; that a row is whole is told by its seal.

The format of the pages: https://www.sqlite.org/fileformat2.html, of the log beside them: section 4 there.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from leukotype.runs import schema

COLUMNS = (
    "key", "session", "cohort", "model", "part", "seconds", "finished", "computed", "record", "arrays", "seal",
)  # fmt: skip
_LOG = "-wal"
_SIZE = schema.PAGE_SIZE
_LEAF = 0x0D
# Bytes that serial types 0 to 9 take.
_WIDTHS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)

Pages = dict[int, bytes]
Row = tuple[object, ...]


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
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


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
        connection.executemany(f"INSERT INTO tasks ({', '.join(COLUMNS)}) VALUES ({marks})", rows.values())
        connection.execute("COMMIT")
    return aside, len(rows)


def sound_rows(damaged: Path) -> dict[str, Row]:
    """Return the finished tasks of a damaged store whose seals hold, by key; the file is only read."""
    pages = _pages(damaged)
    rows: dict[str, Row] = {}
    for page in pages.values():
        for payload in _payloads(page, pages):
            with suppress(ValueError, IndexError, struct.error):
                row = tuple(_values(payload))[1:]
                if _is_whole(row):
                    rows[str(row[0])] = row
    return rows


def _is_whole(row: Row) -> bool:
    if len(row) != len(COLUMNS):
        return False
    key, record, arrays, seal = row[0], row[8], row[9], row[10]
    if not (isinstance(key, str) and isinstance(record, str) and isinstance(arrays, bytes)):
        return False
    return schema.seal(key, record, arrays) == seal


def _pages(path: Path) -> Pages:
    """Every page of the database by its number, as the log has it where the log is newer."""
    content = path.read_bytes()
    pages = {1 + start // _SIZE: content[start : start + _SIZE] for start in range(0, len(content), _SIZE)}
    with suppress(FileNotFoundError):
        log = Path(f"{path}{_LOG}").read_bytes()
        for start in range(32, len(log) - 24 - _SIZE + 1, 24 + _SIZE):
            # Frames of an earlier round of the log bear another salt.
            if log[start + 8 : start + 16] == log[16:24]:
                pages[int.from_bytes(log[start : start + 4])] = log[start + 24 : start + 24 + _SIZE]
    return pages


def _payloads(page: bytes, pages: Pages) -> Iterator[bytes]:
    """Yield the rows of a page as they are stored, if it is a leaf of a table."""
    if len(page) < _SIZE or page[0] != _LEAF:
        return
    n_cells = int.from_bytes(page[3:5])
    for number in range(min(n_cells, _SIZE // 4)):
        with suppress(IndexError, KeyError, ValueError):
            place = int.from_bytes(page[8 + 2 * number : 10 + 2 * number])
            length, place = _varint(page, place)
            _, place = _varint(page, place)
            yield _payload(page, place, length, pages)


def _payload(page: bytes, place: int, length: int, pages: Pages) -> bytes:
    """Return a payload that may go on in overflow pages; raises KeyError where one of them is not there."""
    most, least = _SIZE - 35, (_SIZE - 12) * 32 // 255 - 23
    local = length
    if length > most:
        local = least + (length - least) % (_SIZE - 4)
        local = local if local <= most else least
    parts = [page[place : place + local]]
    left = length - local
    following = int.from_bytes(page[place + local : place + local + 4]) if left else 0
    if left > len(pages) * _SIZE:
        raise ValueError("longer than the file")
    while left > 0:
        further = pages[following]
        parts.append(further[4 : 4 + min(left, _SIZE - 4)])
        left -= _SIZE - 4
        following = int.from_bytes(further[:4])
    return b"".join(parts)


def _values(payload: bytes) -> Iterator[object]:
    """Yield the columns of a row."""
    head, place = _varint(payload, 0)
    types = []
    while place < head:
        kind, place = _varint(payload, place)
        types.append(kind)
    for kind in types:
        width = _WIDTHS[kind] if kind < len(_WIDTHS) else (kind - 12) // 2
        raw = payload[place : place + width]
        if width < 0 or len(raw) != width:
            raise ValueError("a value that is cut off")
        place += width
        if kind == 0:
            yield None
        elif kind < 7:
            yield int.from_bytes(raw, signed=True)
        elif kind == 7:
            yield struct.unpack(">d", raw)[0]
        elif kind in (8, 9):
            yield kind - 8
        else:
            yield raw.decode() if kind % 2 else raw


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of one to nine bytes, and where the next thing begins."""
    value = 0
    for number in range(9):
        byte = data[place + number]
        if number == 8:
            return value << 8 | byte, place + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + number + 1
    return value, place + 9


def _free_name(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged{number}")
    return aside

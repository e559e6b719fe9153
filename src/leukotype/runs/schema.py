"""The tables of a run store, and the seal of each finished task."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

# "leuk": tells our files from other people's databases.
APPLICATION_ID = 0x6C65756B
FORMAT = 1
PAGE_SIZE = 4096
# A write waits so long for a reader of another program.
PATIENCE_SECONDS = 60.0

TABLES = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE sessions (id INTEGER PRIMARY KEY, started REAL NOT NULL, ended REAL, outcome TEXT)",
    "CREATE TABLE plan (key TEXT PRIMARY KEY, session INTEGER NOT NULL, cohort TEXT NOT NULL, model TEXT NOT NULL,"
    " part TEXT NOT NULL)",
    "CREATE TABLE tasks (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, session INTEGER NOT NULL,"
    " cohort TEXT NOT NULL, model TEXT NOT NULL, part TEXT NOT NULL, seconds REAL NOT NULL, finished REAL NOT NULL,"
    " computed INTEGER NOT NULL, record TEXT NOT NULL, arrays BLOB NOT NULL, seal BLOB NOT NULL)",
    "CREATE TABLE failures (key TEXT PRIMARY KEY, session INTEGER NOT NULL, cohort TEXT NOT NULL,"
    " model TEXT NOT NULL, part TEXT NOT NULL, error TEXT NOT NULL, at REAL NOT NULL)",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the database at `path`, made where it is not there; nothing is written yet."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_SECONDS)
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    return connection


def write_ahead(connection: sqlite3.Connection) -> None:
    """Make a commit one write at the end of a log: whole after a kill, and without a wait for the disk."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def create(connection: sqlite3.Connection) -> None:
    """Lay out an empty store."""
    connection.execute("BEGIN IMMEDIATE")
    for table in TABLES:
        connection.execute(table)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def number(connection: sqlite3.Connection, pragma: str) -> int:
    """Return the value of a pragma that is a number."""
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def seal(key: str, record: str, arrays: bytes) -> bytes:
    """Sha256 of a finished task under its key."""
    digest = hashlib.sha256(f"{key}\n{len(record)}\n{record}".encode())
    digest.update(arrays)
    return digest.digest()

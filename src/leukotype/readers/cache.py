"""What a parse yielded, kept beside the user's other caches: keyed by content, never trusted when in doubt."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from leukotype.cohort import FloatArray
from leukotype.readers.raw import RawTable

# Part of the key: raise it with every change of what a parse yields.
FORMAT = 1


def key(sha256: str, options: object) -> str:
    """Return the name of an entry: content of the source and whatever steers its parsing."""
    return hashlib.sha256(f"{FORMAT} {sha256} {options!r}".encode()).hexdigest()[:40]


def load(folder: Path, name: str) -> RawTable | None:
    """Return the table kept under `name`, or None where there is none that is whole."""
    try:
        described = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        values = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        whole = (
            described["format"] == FORMAT
            and list(values.shape) == described["shape"]
            and values.dtype == np.float64
            and _digest(values) == described["digest"]
        )
        if not whole:
            return None
        return RawTable(
            dict(described["text"]), values, described["probes"], described["ids"], tuple(described["steps"])
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def store(folder: Path, name: str, table: RawTable) -> None:
    """Keep a table under `name`; a folder that cannot be written is no reason to fail."""
    described = {
        "format": FORMAT,
        "shape": list(table.values.shape),
        "digest": _digest(table.values),
        "text": table.text,
        "probes": table.probes,
        "ids": table.ids,
        "steps": list(table.steps),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The description goes last: without it the matrix is never looked at.
        _replace(folder / f"{name}.npy", lambda handle: np.save(handle, table.values, allow_pickle=False))
        _replace(folder / f"{name}.json", lambda handle: handle.write(json.dumps(described).encode()))
    except OSError:
        return


def _digest(values: FloatArray) -> str:
    return hashlib.sha256(memoryview(np.ascontiguousarray(values)).cast("B")).hexdigest()


def _replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

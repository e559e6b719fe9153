"""Cache of parsed tables, keyed by file content; a damaged entry is ignored and written again."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import orjson

from leukotype.arrays import FloatArray
from leukotype.readers.raw import Options, RawTable

# Part of the key: increase it whenever parsing gives another result.
FORMAT = 5


def key(sha256: str, options: Options) -> str:
    """Return the name of an entry: a hash of the file's content and the options that affect parsing."""
    steering = (options.label, options.donor, options.samples, sorted(options.label_samples))
    return hashlib.sha256(f"{FORMAT} {sha256} {steering!r}".encode()).hexdigest()[:40]


def load(folder: Path, name: str) -> RawTable | None:
    """Return the table stored under `name`, or None if there is no intact one."""
    try:
        described = orjson.loads((folder / f"{name}.json").read_bytes())
        seal = described.pop("seal")
        values = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        intact = (
            seal == _seal(described)
            and described["format"] == FORMAT
            and list(values.shape) == described["shape"]
            and values.dtype == np.float64
            and _checksum(values) == described["checksum"]
        )
        if not intact:
            return None
        return RawTable(
            dict(described["text"]), values, described["probes"], described["ids"], tuple(described["steps"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return None


def store(folder: Path, name: str, table: RawTable) -> None:
    """Store a table under `name`; if the folder cannot be written, nothing is stored."""
    described: dict[str, object] = {
        "format": FORMAT,
        "shape": list(table.values.shape),
        "checksum": _checksum(table.values),
        "text": table.text,
        "probes": table.probes,
        "ids": table.ids,
        "steps": list(table.steps),
    }
    content = orjson.dumps({**described, "seal": _seal(described)})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The description comes last: without it the matrix is never read.
        _replace(folder / f"{name}.npy", lambda handle: np.save(handle, table.values, allow_pickle=False))
        _replace(folder / f"{name}.json", lambda handle: handle.write(content))
    except OSError:
        return


def _seal(described: dict[str, object]) -> str:
    return hashlib.sha256(orjson.dumps(described)).hexdigest()


def _checksum(values: FloatArray) -> int:
    """Return a checksum that detects damage (not forgery)."""
    return zlib.adler32(np.ascontiguousarray(values).data)


def _replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    # Streams the matrix, unlike `atomic.put`, which needs all bytes in memory.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

"""Cache of parsed tables, keyed by file content; a damaged entry is ignored and written again."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import numpy as np
import orjson

from leukotype import atomic
from leukotype.arrays import FloatArray
from leukotype.errors import OutputRefused
from leukotype.readers.raw import Options, RawTable

# Part of the key: increase it whenever parsing gives another result.
FORMAT = 6


def key(sha256: str, options: Options) -> str:
    """Return the name of an entry: a hash of the file's content and the options that affect parsing."""
    steering = (
        options.label, options.donor, options.samples, sorted(options.labels or ()), options.covariates,
        options.expression, options.samples_in,
    )  # fmt: skip
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
        with atomic.writing(folder / f"{name}.npy") as stream:
            np.save(stream, table.values, allow_pickle=False)
        atomic.put(folder / f"{name}.json", content)
    except (OSError, OutputRefused):
        return


def _seal(described: dict[str, object]) -> str:
    return hashlib.sha256(orjson.dumps(described)).hexdigest()


def _checksum(values: FloatArray) -> int:
    """Return a checksum that detects damage (not forgery)."""
    return zlib.adler32(np.ascontiguousarray(values).data)

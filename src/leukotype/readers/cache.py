"""Cache of parsed tables, keyed by file content; a damaged entry is ignored and written again.

An entry is used only if its description has its own sha256 and the values have the sha256 in the description, so damage
is detected.  Forgery is not: a person who can write to the folder can replace an entry together with its hashes.  The
folder is therefore readable and writable by its owner alone.  The cache trusts this owner and executes nothing.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
from pathlib import Path

import numpy as np
import orjson

from leukotype import atomic
from leukotype.arrays import FloatArray
from leukotype.errors import OutputRefused, UnreadableFile
from leukotype.readers.raw import Options, RawTable
from leukotype.readers.text import read_bytes

# Part of the key: increase it whenever parsing gives another result.
FORMAT = 7
_TYPE = np.dtype("<f8")


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
        described = orjson.loads(read_bytes(folder / f"{name}.json"))
        seal = described.pop("seal")
        if seal != _seal(described) or described["format"] != FORMAT:
            return None
        values = _mapped(folder / f"{name}.npy", tuple(described["shape"]))
        if values is None or _sha256(values) != described["sha256"]:
            return None
        return RawTable(
            dict(described["text"]), values, described["probes"], described["ids"], tuple(described["steps"])
        )
    except (
        OSError,
        UnreadableFile,
        MemoryError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OverflowError,
    ):
        return None


def store(folder: Path, name: str, table: RawTable) -> None:
    """Store a table under `name`; if the folder cannot be written, nothing is stored."""
    described: dict[str, object] = {
        "format": FORMAT,
        "shape": list(table.values.shape),
        "sha256": _sha256(table.values),
        "text": table.text,
        "probes": table.probes,
        "ids": table.ids,
        "steps": list(table.steps),
    }
    content = orjson.dumps({**described, "seal": _seal(described)})
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        # The description comes last: without it the matrix is never read.
        with atomic.writing(folder / f"{name}.npy") as stream:
            np.save(stream, np.ascontiguousarray(table.values, dtype=_TYPE), allow_pickle=False)
        atomic.put(folder / f"{name}.json", content)
    except (OSError, OutputRefused):
        return


def _seal(described: dict[str, object]) -> str:
    return hashlib.sha256(orjson.dumps(described)).hexdigest()


def _mapped(path: Path, shape: tuple[int, ...]) -> FloatArray | None:
    """Return the matrix in a file; None unless the file is exactly as `store` writes a matrix of this shape."""
    # NumPy's reader fails in many ways on a damaged header; a header that is known needs no reader.
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": _TYPE.str, "fortran_order": False, "shape": shape})
    with atomic.reading(path) as stream:
        n_bytes = os.fstat(stream.fileno()).st_size
        expected = head.tell() + math.prod(shape) * _TYPE.itemsize
        if n_bytes != expected or stream.read(head.tell()) != head.getvalue():
            return None
        return np.memmap(stream, dtype=_TYPE, mode="r", offset=head.tell(), shape=shape)


def _sha256(values: FloatArray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values, dtype=_TYPE).data).hexdigest()

"""Arrays of a few plain types in NumPy's npy format 1.0; the reader accepts nothing else."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukotype.bundle.strict import refuse

TYPES = ("<f8", "<f4", "<i8", "<i4", "<i2", "|i1", "<u4", "<u2", "|u1")
MOST_DIMENSIONS = 4
LONGEST = 2**31 - 1

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    r"\{'descr': '([<|][a-z]\d)', 'fortran_order': False, 'shape': \(((?:\d{1,10}, ?)*(?:\d{1,10})?)\), \} *\n"
)
# The format starts the data at a multiple of this.
_ALIGNMENT = 64


def plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array as stored: C order, little-endian; raises TypeError for a type not in TYPES."""
    stored = np.asarray(array, order="C")
    stored = stored.astype(stored.dtype.newbyteorder("<"), copy=False)
    if stored.dtype.str not in TYPES:
        raise TypeError(f"an array of type {array.dtype} cannot be stored; use one of {', '.join(TYPES)}.")
    return stored


def dumps(array: NDArray[Any]) -> bytes:
    """Return the npy file of an array from `plain`."""
    shape = ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "")
    header = f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': ({shape}), }}"
    length = len(_MAGIC) + 2 + len(header) + 1
    header += " " * (-length % _ALIGNMENT) + "\n"
    return _MAGIC + len(header).to_bytes(2, "little") + header.encode("ascii") + array.tobytes()


def loads(content: bytes, name: str) -> NDArray[Any]:
    """Return the array in an npy file, read-only and without a copy; raises BadBundle for any other content."""
    start = len(_MAGIC) + 2
    if len(content) < start or not content.startswith(_MAGIC):
        refuse(f"array {name} is not in npy format 1.0")
    end = start + int.from_bytes(content[start - 2 : start], "little")
    header = content[start : min(end, start + 1024)].decode("ascii", errors="replace")
    match = _HEADER.fullmatch(header)
    if match is None or end > len(content):
        refuse(f"array {name} does not have the header of a plain numeric array in C order")
    kind, dimensions = match.groups()
    shape = tuple(int(length) for length in dimensions.replace(",", " ").split())
    if kind not in TYPES or len(shape) > MOST_DIMENSIONS or max(shape, default=0) > LONGEST:
        refuse(f"array {name} has type {kind} and shape {shape}, which is not allowed")
    dtype = np.dtype(kind)
    if math.prod(shape) * dtype.itemsize != len(content) - end:
        refuse(f"array {name} has shape {shape} but {len(content) - end:,} bytes of data")
    return np.frombuffer(content, dtype=dtype, offset=end).reshape(shape)

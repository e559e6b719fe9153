"""Results as JSON and NumPy's own array format: readable by anything, and never a program as a pickle is."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

_ARRAY, _TUPLE, _TEXT = "__array__", "__tuple__", "__text__"


class Named(str):
    """What an object was called that JSON has no form for; it prints as the object did."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def encode(record: Mapping[str, Any]) -> tuple[str, bytes]:
    """Return the JSON text and the bytes of the arrays of a record.

    Numbers, text, None, lists, tuples, mappings with text for keys, and numeric arrays come back as they were; NumPy's
    numbers come back as Python's, and other objects as the text they print.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    text = json.dumps(_plain(record, arrays), ensure_ascii=False, separators=(",", ":"))
    stream = io.BytesIO()
    for array in arrays:
        np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)
    return text, stream.getvalue()


def is_plain(value: Any) -> bool:
    """Tell whether a value comes back as it was, types and all, but for NumPy's numbers."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biufcU"
    if type(value) in (tuple, list):
        return all(is_plain(part) for part in value)
    if type(value) is dict:
        return all(type(name) is str and is_plain(part) for name, part in value.items())
    return value is None or type(value) in (bool, int, float, str) or isinstance(value, np.generic)


def decode(text: str, data: bytes) -> dict[str, Any]:
    """Return the record; raises ValueError where the two do not hold one."""
    stream = io.BytesIO(data)

    def revive(found: dict[str, Any]) -> Any:
        if _ARRAY in found:
            return np.lib.format.read_array(stream, allow_pickle=False)
        if _TUPLE in found:
            return tuple(found[_TUPLE])
        return Named(found[_TEXT]) if _TEXT in found else found

    record = json.loads(text, object_hook=revive)
    if not isinstance(record, dict) or stream.read(1):
        raise ValueError("not a record")
    return record


def _plain(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcU":
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if type(value) is tuple:
        return {_TUPLE: [_plain(part, arrays) for part in value]}
    if type(value) is list:
        return [_plain(part, arrays) for part in value]
    if isinstance(value, Mapping) and all(type(name) is str for name in value):
        return {name: _plain(part, arrays) for name, part in value.items()}
    return {_TEXT: str(value)}

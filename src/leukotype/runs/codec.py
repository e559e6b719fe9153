"""Records as JSON and arrays in NumPy's npy format: readable by any program, and never executable like a pickle."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

_ARRAY, _TUPLE, _TEXT, _DICT = _MARKS = ("__array__", "__tuple__", "__text__", "__dict__")
_KINDS = "biufcU"


class Printed(str):
    """The printed form of an object that JSON cannot hold; prints without quotes, like the object."""

    def __repr__(self) -> str:
        return str(self)


def encode(record: Mapping[str, Any]) -> tuple[str, bytes]:
    """Return the JSON text of a record and the bytes of its arrays.

    Numbers, text, None, lists, tuples, mappings with text keys, and arrays of numbers or text are restored exactly,
    arrays with their type, shape and memory order (C or Fortran).  NumPy's scalars become Python's, and other objects
    their printed form.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    text = json.dumps(_encoded(record, arrays), ensure_ascii=False, separators=(",", ":"))
    stream = io.BytesIO()
    for array in arrays:
        np.lib.format.write_array(stream, array, allow_pickle=False)
    return text, stream.getvalue()


def is_exact(value: Any) -> bool:
    """Tell whether a value is restored exactly, apart from NumPy's scalars."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in _KINDS
    if type(value) in (tuple, list):
        return all(map(is_exact, value))
    if type(value) is dict:
        return all(type(name) is str and is_exact(part) for name, part in value.items())
    return value is None or type(value) in (bool, int, float, str) or isinstance(value, np.generic)


def decode(text: str, data: bytes) -> dict[str, Any]:
    """Return the record; raises ValueError if text and data do not hold one."""
    stream = io.BytesIO(data)

    def revived(found: dict[str, Any]) -> Any:
        if _ARRAY in found:
            return np.lib.format.read_array(stream, allow_pickle=False)
        if _TUPLE in found:
            return tuple(found[_TUPLE])
        if _DICT in found:
            return dict(found[_DICT])
        return Printed(found[_TEXT]) if _TEXT in found else found

    record = json.loads(text, object_hook=revived)
    if not isinstance(record, dict) or stream.read(1):
        raise ValueError("not a record")
    return record


def _encoded(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if type(value) is tuple:
        return {_TUPLE: [_encoded(part, arrays) for part in value]}
    if type(value) is list:
        return [_encoded(part, arrays) for part in value]
    if isinstance(value, Mapping) and all(type(name) is str for name in value):
        found = {name: _encoded(part, arrays) for name, part in value.items()}
        # A mapping with a key of our own would be revived as something else.
        return {_DICT: list(found.items())} if found.keys() & set(_MARKS) else found
    return {_TEXT: str(value)}

"""What a file says of a rule, taken only once it is proven to be what it must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from leukotype.arrays import FloatArray, IntArray
from leukotype.errors import BadBundle

# No number of a fitted rule comes near it, and sums, squares and products of such numbers stay finite.
LARGEST = 1e30
MOST_CLASSES = 256
MOST_PROBES = 10_000_000

_REMEDY = "The file is damaged or not from leukotype: get a new copy."


class Fields:
    """The entries of a rule, read one by one; `finish` refuses those that nobody asked for.

    spec   : JSON values
    arrays : by name

    Every method raises BadBundle, in one line, for what is absent or other than it must be.
    """

    def __init__(self, spec: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        self._spec = dict(spec)
        self._arrays = dict(arrays)

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        value = self._entry(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            refuse(f"{name} is {_short(value)}, and must be a whole number from {least} to {most}")
        return value

    def number(self, name: str, least: float, most: float, *, or_none: bool = False) -> float | None:
        """A number from `least` to `most`, or null where that may stand."""
        value = self._entry(name)
        if value is None and or_none:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            refuse(f"{name} is {_short(value)}, and must be a number from {least:g} to {most:g}")
        return float(value)

    def choice(self, name: str, among: Sequence[str]) -> str:
        """One of some words."""
        value = self._entry(name)
        if not isinstance(value, str) or value not in among:
            refuse(f"{name} is {_short(value)}, and must be one of {', '.join(among)}")
        return value

    def floats(
        self, name: str, shape: tuple[int | None, ...], least: float = -LARGEST, most: float = LARGEST
    ) -> FloatArray:
        """An array of doubles from `least` to `most`; None in `shape` stands for any length."""
        array = self._array(name, "f", shape)
        # NaN fails every comparison.
        if array.size and not (array.min() >= least and array.max() <= most):
            refuse(f"array {name} holds values that are not numbers from {least:g} to {most:g}")
        return np.ascontiguousarray(array, dtype=np.float64)

    def wholes(self, name: str, shape: tuple[int | None, ...], least: int, most: int) -> IntArray:
        """An array of whole numbers from `least` to `most`."""
        array = self._array(name, "iu", shape)
        if array.size and not (int(array.min()) >= least and int(array.max()) <= most):
            refuse(f"array {name} holds numbers that are not from {least} to {most}")
        return np.ascontiguousarray(array, dtype=np.intp)

    def finish(self) -> None:
        """Refuse entries and arrays that the rule does not know."""
        for name in (*self._spec, *self._arrays):
            refuse(f"it holds {_short(name)}, which a rule of its kind does not have")

    def _entry(self, name: str) -> Any:
        if name not in self._spec:
            refuse(f"it has no {name}")
        return self._spec.pop(name)

    def _array(self, name: str, kinds: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        if name not in self._arrays:
            refuse(f"it has no array {name}")
        array = self._arrays.pop(name)
        if array.dtype.kind not in kinds:
            wanted = "floating-point" if kinds == "f" else "whole"
            refuse(f"array {name} is of type {array.dtype}, and {wanted} numbers are needed")
        fits = array.ndim == len(shape) and all(
            wanted is None or length == wanted for length, wanted in zip(array.shape, shape, strict=True)
        )
        if not fits:
            wanted = " x ".join("any" if length is None else str(length) for length in shape)
            found = " x ".join(map(str, array.shape)) or "a single number"
            refuse(f"array {name} is {found}, and {wanted} is needed")
        return array


def refuse(found: str) -> NoReturn:
    """Raise BadBundle for what was found in a rule."""
    raise BadBundle(f"the classifier cannot be used: {found}. {_REMEDY}")


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."

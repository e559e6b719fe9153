"""The entries of a stored rule, each checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from leukotype.arrays import FloatArray, IntArray
from leukotype.errors import BadBundle

# Fitted rules stay far below this, and sums, squares and products of such numbers stay finite.
LARGEST = 1e30
MOST_CLASSES = 256
MOST_PROBES = 10_000_000

_REMEDY = "The file is damaged or not from leukotype: get a new copy."


class Fields:
    """The entries of a rule, read one by one; `finish` refuses entries that were never read.

    spec   : JSON values
    arrays : by name

    Every method raises BadBundle with a one-line message if its entry is missing or invalid.
    """

    def __init__(self, spec: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        self._spec = dict(spec)
        self._arrays = dict(arrays)

    def whole(self, name: str, least: int, most: int) -> int:
        """An integer from `least` to `most`."""
        value = self._entry(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            refuse(f"{name} is {_short(value)}, and must be an integer from {least} to {most}")
        return value

    def number(self, name: str, least: float, most: float, *, or_none: bool = False) -> float | None:
        """A number from `least` to `most`, or null if `or_none`."""
        value = self._entry(name)
        if value is None and or_none:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            refuse(f"{name} is {_short(value)}, and must be a number from {least:g} to {most:g}")
        return float(value)

    def choice(self, name: str, among: Sequence[str]) -> str:
        """One of the strings in `among`."""
        value = self._entry(name)
        if not isinstance(value, str) or value not in among:
            refuse(f"{name} is {_short(value)}, and must be one of {', '.join(among)}")
        return value

    def floats(
        self, name: str, shape: tuple[int | None, ...], least: float = -LARGEST, most: float = LARGEST
    ) -> FloatArray:
        """An array of doubles from `least` to `most`; None in `shape` allows any length."""
        array = self._array(name, "f", shape)
        # NaN fails every comparison.
        if array.size and not (array.min() >= least and array.max() <= most):
            refuse(f"array {name} has values outside {least:g} to {most:g}")
        return np.ascontiguousarray(array, dtype=np.float64)

    def wholes(self, name: str, shape: tuple[int | None, ...], least: int, most: int) -> IntArray:
        """An array of integers from `least` to `most`."""
        array = self._array(name, "iu", shape)
        if array.size and not (int(array.min()) >= least and int(array.max()) <= most):
            refuse(f"array {name} has values outside {least} to {most}")
        return np.ascontiguousarray(array, dtype=np.intp)

    def octets(self, name: str, shape: tuple[int | None, ...]) -> NDArray[np.uint8]:
        """An array of bytes."""
        array = self._array(name, "u", shape)
        if array.dtype.itemsize != 1:
            refuse(f"array {name} has type {array.dtype}, and must hold bytes")
        return np.ascontiguousarray(array, dtype=np.uint8)

    def shares(self, n_classes: int, least: float = 0.0) -> FloatArray:
        """(n_classes,) array `shares` of class shares from `least` to 1 whose sum is 1."""
        shares = self.floats("shares", (n_classes,), least, 1.0)
        # Sums of few numbers in another order differ by less.
        if abs(shares.sum() - 1.0) > 1e-9:
            refuse("its class shares do not sum to 1")
        return shares

    def link(self, among: Sequence[str], n_classes: int) -> str:
        """One of the links in `among` that fits the number of classes."""
        link = self.choice("link", among)
        if link == "logistic" and n_classes != 2:
            refuse(f"its logistic link needs 2 classes, and it has {n_classes}")
        return link

    def finish(self) -> None:
        """Refuse entries and arrays that the rule does not have."""
        for name in (*self._spec, *self._arrays):
            refuse(f"it has an unknown entry {_short(name)}")

    def _entry(self, name: str) -> Any:
        if name not in self._spec:
            refuse(f"it has no {name}")
        return self._spec.pop(name)

    def _array(self, name: str, kinds: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        if name not in self._arrays:
            refuse(f"it has no array {name}")
        array = self._arrays.pop(name)
        if array.dtype.kind not in kinds:
            wanted = "floating-point numbers" if kinds == "f" else "integers"
            refuse(f"array {name} has type {array.dtype}, and must hold {wanted}")
        fits = array.ndim == len(shape) and all(
            wanted is None or length == wanted for length, wanted in zip(array.shape, shape, strict=True)
        )
        if not fits:
            wanted = " x ".join("any" if length is None else str(length) for length in shape)
            found = " x ".join(map(str, array.shape)) or "scalar"
            refuse(f"array {name} has shape {found}, and must have shape {wanted}")
        return array


def refuse(found: str) -> NoReturn:
    """Raise BadBundle; `found` describes the invalid entry."""
    raise BadBundle(f"the classifier cannot be used: {found}. {_REMEDY}")


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."

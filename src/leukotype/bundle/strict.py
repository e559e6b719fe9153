"""Strict JSON and text, without anything that could harm a program or a terminal."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from leukotype.errors import BadBundle

LARGEST_JSON = 2**23
LARGEST_TEXT = 2**20
DEEPEST = 32
_MOST_DIGITS = 300
# Control characters can control terminals; lone surrogates cannot be encoded.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def refuse(found: str) -> NoReturn:
    """Raise BadBundle for what was found in a file."""
    raise BadBundle(f"the classifier file cannot be used: {found}. Get a new copy of it.")


class _Found(ValueError):
    """What is wrong in well-formed JSON."""


def loads(content: bytes, name: str) -> Any:
    """Return JSON values; raises BadBundle for anything but strict JSON of limited size and depth."""
    if len(content) > LARGEST_JSON:
        refuse(f"{name} has {len(content):,} bytes; at most {LARGEST_JSON:,} are allowed")
    try:
        value = json.loads(
            content.decode("utf-8"),
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
            object_pairs_hook=_once_each,
        )
        check(value)
    except _Found as found:
        refuse(f"{name} contains {found}")
    except RecursionError:
        refuse(f"{name} is nested more than {DEEPEST} levels deep")
    except ValueError:
        refuse(f"{name} is not JSON in UTF-8")
    return value


def dumps(value: Any, name: str) -> bytes:
    """Return JSON in UTF-8 with sorted keys; raises ValueError or TypeError for what `loads` would refuse."""
    content = json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    ).encode()
    if len(content) > LARGEST_JSON:
        raise ValueError(f"{name} has {len(content):,} bytes; at most {LARGEST_JSON:,} can be stored.")
    check(value)
    return content


def text(content: bytes, name: str) -> str:
    """Return text; raises BadBundle unless it is UTF-8 of limited size without control characters."""
    if len(content) > LARGEST_TEXT:
        refuse(f"text {name} has {len(content):,} bytes; at most {LARGEST_TEXT:,} are allowed")
    try:
        decoded = content.decode("utf-8")
    except UnicodeDecodeError:
        refuse(f"text {name} is not in UTF-8")
    if _UNPRINTABLE.search(decoded):
        refuse(f"text {name} contains control characters")
    return decoded


def check(value: Any) -> None:
    """Raise ValueError for JSON values nested too deeply, or with control characters in a string."""
    level: Iterable[Any] = [value]
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for each in level:
            if isinstance(each, str):
                if _UNPRINTABLE.search(each):
                    raise _Found(f"control characters in {each[:40]!a}")
            elif isinstance(each, dict):
                below.extend(each)
                below.extend(each.values())
            elif isinstance(each, (list, tuple)):
                below.extend(each)
        if not below:
            return
        level = below
    raise _Found(f"values nested more than {DEEPEST} levels deep")


def _no_constant(word: str) -> Any:
    raise _Found(f"{word}, which is not a number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Found(f"{digits[:40]}, which is too large a number")
    return number


def _whole(digits: str) -> int:
    # Larger numbers fit no float, and take long to read.
    if len(digits) > _MOST_DIGITS:
        raise _Found(f"{digits[:40]}..., which is too large a number")
    return int(digits)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise _Found("a repeated key")
    return entries

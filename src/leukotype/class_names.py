"""Class names that probably mean the same."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import combinations

from leukotype.wording import listed

# A separator between two letters or digits.
_JOINT = re.compile(r"(?<=\w)[ _-]+(?=\w)|_+")
# Cyrillic and Greek letters that look like Latin ones.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеоѕіјрсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧο‐‑‒–—−", "ABESIJKMHOPCTYXaeosijpcyxABEZHIKMNOPTYXo------"
)
# Letters of a word in which one other letter is rather a spelling than another name.
LONG_WORD = 6


def similar_classes(labels: Iterable[str]) -> tuple[str, ...]:
    """Return a warning for each group of class names that probably mean the same."""
    counts = Counter(labels)
    return tuple(
        f"Classes {listed([f'{name!a} ({counts[name]})' for name in group])} differ only in "
        f"{'case, spaces or letters that look alike' if equal else 'one letter'}, and count as different classes. "
        "Correct the names if they mean the same."
        for group, equal in similar_names(counts)
    )


def similar_names(names: Iterable[str]) -> list[tuple[tuple[str, ...], bool]]:
    """Return the groups of names that probably mean the same, and whether their visible letters are equal.

    Equal: they differ only in case, spaces, Unicode form, or letters that look alike, such as "AML" and "aml", "AML"
    with a Cyrillic А, "1" and "1.0".  "CD4+" and "CD4-" are different names.  Else they differ in one letter of a word
    of at least six letters, not the first or last, such as "tumor" and "tumour", or in an "s" at the end.  "AML" and
    "ALL" are different names.
    """
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(_skeleton(name), []).append(name)
    found = [(tuple(group), True) for group in groups.values() if len(group) > 1]
    firsts = [group[0] for group in groups.values()]
    return found + [(pair, False) for pair in combinations(firsts, 2) if _one_letter(*pair)]


def _one_letter(one: str, two: str) -> bool:
    """Tell whether two names differ in one letter of one long word: another letter, one more, or two exchanged."""
    words = [re.split(r"[\W_]+", name.casefold()) for name in (one, two)]
    if len(words[0]) != len(words[1]):
        return False
    different = [pair for pair in zip(*words, strict=True) if pair[0] != pair[1]]
    if len(different) != 1:
        return False
    short, long = sorted(different[0], key=len)
    if len(long) < LONG_WORD or not (short + long).isalpha() or short[:1] != long[:1]:
        return False
    start = next((k for k, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    # "subtypeA" and "subtypeB", "stageI" and "stageII" are different names.
    if start == len(long) - 1:
        return len(short) < len(long) and long[-1] == "s"
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    swapped = long[:start] + long[start : start + 2][::-1] + long[start + 2 :]
    return short[start + 1 :] == long[start + 1 :] or short == swapped


def _skeleton(name: str) -> str:
    visible = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    text = _JOINT.sub("", " ".join(visible.split()).translate(_LOOKALIKES).casefold()).strip()
    try:
        return repr(float(text)) if text.isascii() and text[-1:].isdigit() else text
    except ValueError:
        return text

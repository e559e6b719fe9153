"""Changed classifier files with correct hashes: everything but the rule, invalid or barely valid."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable

import numpy as np

from bundle_forgeries import bad_array_of, resealed, saved
from bundle_mutants import ODD_VALUES, Members, Random, one_of

_TEXTS = ("", "AML", "a" * 1001, "a" * 999, "\u202e", "é", "=cmd", None, 3, ["AML"], {"a": 1}, True)
_FACTORS = (-1.0, 0.0, 1e-300, 1e-12, 1e-6, 0.5, 2.0, 1e6, 1e15, 1e29)


def _array(members: Members, name: str) -> np.ndarray:
    return np.load(io.BytesIO(members[f"arrays/{name}.npy"])).copy()


def _names(members: Members) -> list[str]:
    found = [
        name.removeprefix("arrays/").removesuffix(".npy") for name in sorted(members) if "arrays/" in name
    ]
    return [name for name in found if "rule." not in name]


def _with(members: Members, **arrays: np.ndarray) -> bytes:
    return resealed(members | {f"arrays/{name}.npy": saved(array) for name, array in arrays.items()})


def _document(members: Members) -> dict:
    return json.loads(members["document.json"])


def _forged(members: Members, document: dict) -> bytes:
    return resealed({**members, "document.json": json.dumps(document).encode()})


def bad_own_array(rng: Random, raw: bytes, members: Members) -> bytes:
    """Other values, types or shapes in any array but those of rules."""
    return bad_array_of(rng, members, [f"arrays/{name}.npy" for name in _names(members)])


def stretched(rng: Random, raw: bytes, members: Members) -> bytes:
    """Scaled arrays in valid order: those that pass are extreme."""
    changed = {}
    for name in rng.choice(_names(members), int(rng.integers(1, 4)), replace=False).tolist():
        array = _array(members, name)
        if array.dtype.kind != "f":
            array = rng.integers(0, max(int(array.max(initial=0)), 0) + 2, array.shape).astype(array.dtype)
        else:
            array = np.clip(array * one_of(rng, _FACTORS), -1e30, 1e30)
            if rng.random() < 0.5 and array.size:
                array.flat[int(rng.integers(array.size))] = one_of(rng, (1e30, -1e30, 0.0, 1e-12, 1.0, 2.0))
            if name.endswith(("reference", "held_out")):
                array = np.sort(array)
        changed[name] = array
    return _with(members, **changed)


def exchanged_alike(rng: Random, raw: bytes, members: Members) -> bytes:
    """Two exchanged arrays of the same type and shape."""
    arrays = {name: _array(members, name) for name in _names(members)}
    alike = [
        (one, two)
        for one in arrays
        for two in arrays
        if one < two and arrays[one].dtype == arrays[two].dtype and arrays[one].shape == arrays[two].shape
    ]
    one, two = one_of(rng, alike)
    return _with(members, **{one: arrays[two], two: arrays[one]})


def resized(rng: Random, raw: bytes, members: Members) -> bytes:
    """Other lengths of sets, distances and curve, alone or together."""
    n = one_of(rng, (0, 1, 2, 1000, 100_000))
    kind = int(rng.integers(3))
    if kind == 0 and "arrays/sets.scores.npy" in members:
        sets = {name: _array(members, name) for name in ("sets.scores", "sets.labels", "sets.folds")}
        which = list(sets) if rng.random() < 0.7 else [one_of(rng, list(sets))]
        return _with(members, **{name: np.resize(sets[name], n) for name in which})
    if kind == 1:
        return _with(
            members, **{"unlike.held_out": np.sort(np.resize(_array(members, "unlike.held_out"), n))}
        )
    return _with(members, **{"missing.curve": np.resize(_array(members, "missing.curve"), (n, 2))})


def added_or_removed(rng: Random, raw: bytes, members: Members) -> bytes:
    changed = dict(members)
    name = one_of(rng, _names(members))
    if rng.random() < 0.5:
        del changed[f"arrays/{name}.npy"]
    else:
        copied = one_of(rng, (f"{name}.more", f"fold9.{name}", f"rule.{name}", f"own.{name}", "code"))
        changed[f"arrays/{copied}.npy"] = members[f"arrays/{name}.npy"]
    return resealed(changed)


def bad_facts(rng: Random, raw: bytes, members: Members) -> bytes:
    document = _document(members)
    facts = document["classifier"]
    kind = int(rng.integers(4))
    name = str(rng.choice(sorted(facts)))
    if kind == 0:
        facts[name] = one_of(rng, ODD_VALUES)
    elif kind == 1:
        facts.pop(name)
    elif kind == 2:
        facts["calibration"] = one_of(rng, ("raw", "temperature", "sigmoid", "isotonic", "RAW"))
    else:
        name = one_of(rng, ("unlike_level", "missing_limit"))
        facts[name] = one_of(
            rng, (0, 1, 0.0, 1.0, -0.0, 1e-320, 1.0000001, -1e-9, 1e308, "0.5", True, None, [0.5])
        )
    return _forged(members, document)


def bad_names(rng: Random, raw: bytes, members: Members) -> bytes:
    document = _document(members)
    facts = document["classifier"]
    which = one_of(rng, ("classes", "probes", "symbols"))
    names = list(facts[which])
    kind = int(rng.integers(8))
    place = int(rng.integers(len(names)))
    if kind == 0:
        names[place] = one_of(rng, _TEXTS)
    elif kind == 1:
        names.pop(place)
    elif kind == 2:
        names.append("more")
    elif kind == 3:
        names[place] = names[place - 1]
    elif kind == 4:
        names = [names[k] for k in rng.permutation(len(names))]
    elif kind == 5:
        names = names * 1000
    elif kind == 6:
        names = [f"x{number}" for number in range(len(names))]
    else:
        names = one_of(rng, ODD_VALUES)
    facts[which] = names
    return _forged(members, document)


def bad_scorer(rng: Random, raw: bytes, members: Members) -> bytes:
    document = _document(members)
    scorers = [document["scorer"], *document["folds"]]
    spec = one_of(rng, scorers)
    kind = int(rng.integers(5))
    if kind == 0:
        spec["temperature"] = one_of(rng, (*ODD_VALUES, 1e-30, 1e30, 1e-31, -1.0, 1e-320, "1"))
    elif kind == 1:
        spec["align"] = one_of(rng, ("none", "quantile", "rank", "loess", None, 3, ["none"]))
    elif kind == 2:
        spec.pop(str(rng.choice(sorted(spec))))
    elif kind == 3:
        spec["more"] = one_of(rng, ODD_VALUES)
    else:
        # The same in all, as in a valid file.
        align, temperature = one_of(rng, ("none", "quantile", "rank")), one_of(rng, (None, 1e-30, 1.0, 1e30))
        for one in scorers:
            one["align"], one["temperature"] = align, temperature
    return _forged(members, document)


def bad_folds(rng: Random, raw: bytes, members: Members) -> bytes:
    document = _document(members)
    folds = document["folds"]
    kind = int(rng.integers(7))
    if kind == 0:
        folds.pop()
    elif kind == 1:
        folds.append(copy.deepcopy(folds[0]))
    elif kind == 2:
        document["folds"] = []
    elif kind == 3:
        document["folds"] = folds[::-1]
    elif kind == 4:
        document["folds"] = folds * 40
    elif kind == 5:
        document["folds"] = one_of(rng, ODD_VALUES)
    else:
        folds[0] = one_of(rng, (*ODD_VALUES, document["scorer"]))
    changed = dict(members)
    if rng.random() < 0.5:
        # Without the arrays too: a file without folds has no sets.
        kept = len(document["folds"]) if isinstance(document["folds"], list) else 0
        gone = [
            name for name in members if name.startswith(tuple(f"arrays/fold{k}." for k in range(kept, 9)))
        ]
        gone += [name for name in members if name.startswith("arrays/sets.")] if not kept else []
        changed = {name: content for name, content in members.items() if name not in gone}
    return _forged(changed, document)


def bad_record(rng: Random, raw: bytes, members: Members) -> bytes:
    """Any JSON in the record, which calls do not depend on."""
    document = _document(members)
    record = document["record"]
    kind = int(rng.integers(5))
    if kind == 0:
        document["record"] = one_of(rng, ({}, *ODD_VALUES))
    elif kind == 1:
        record[str(rng.choice(sorted(record)))] = one_of(rng, ODD_VALUES)
    elif kind == 2:
        record.pop(str(rng.choice(sorted(record))))
    elif kind == 3:
        entry = record[one_of(rng, [name for name in sorted(record) if isinstance(record[name], dict)])]
        entry[str(rng.choice([*sorted(entry), "more"]))] = one_of(rng, ODD_VALUES)
    else:
        changed = {name: content for name, content in members.items() if not name.startswith("texts/")}
        text = one_of(
            rng, (b"", b"# <script>alert(1)</script>\n", b"\x00", b"\xff", b"x" * 2**20, b"x" * (2**20 + 1))
        )
        if rng.random() < 0.8:
            changed[one_of(rng, ("texts/card.md", "texts/other.md"))] = text
        return resealed(changed)
    return _forged(members, document)


_LEAVES = (
    *ODD_VALUES,
    10**290,
    10**400,
    -(10**299),
    1e308,
    -0.0,
    [[1]] * 3,
    {"value": None},
    {"": {}},
    "[/x]",
    "<b>",
    "\u202e",
)


def bad_leaves(rng: Random, raw: bytes, members: Members) -> bytes:
    """Any JSON anywhere in the record, at one place or at several."""
    document = _document(members)
    for _ in range(int(rng.integers(1, 4))):
        at, key = document, "record"
        while isinstance(at[key], dict | list) and len(at[key]) and rng.random() < 0.8:
            at = at[key]
            key = one_of(rng, sorted(at)) if isinstance(at, dict) else int(rng.integers(len(at)))
        at[key] = copy.deepcopy(one_of(rng, _LEAVES))
    return _forged(members, document)


def bad_top(rng: Random, raw: bytes, members: Members) -> bytes:
    document = _document(members)
    name = str(rng.choice(sorted(document)))
    kind = int(rng.integers(3))
    if kind == 0:
        document[name] = one_of(rng, ODD_VALUES)
    elif kind == 1:
        document.pop(name)
    else:
        document["more"] = one_of(rng, ODD_VALUES)
    return _forged(members, document)


def several(rng: Random, raw: bytes, members: Members) -> bytes:
    """Thresholds, calibration, range and centre at once, each within its bounds."""
    changed = {
        "thresholds": rng.choice([0.0, 0.5, 1.0, 2.0], _array(members, "thresholds").shape),
        "scale.range": rng.choice([0.0, -1e30, 1e30, 1e-320, 5.0], 5),
        "own.centre": rng.choice([0.0, -1e30, 1e30, 1e-320, 7.0], _array(members, "own.centre").shape),
        "unlike.scale": rng.choice([1e-12, 1e30, 1.0], _array(members, "unlike.scale").shape),
        "unlike.means": rng.choice([1e30, -1e30, 0.0, 7.0], _array(members, "unlike.means").shape),
        "calibration.slope": rng.choice([0.0, 1e6, 1e-320, 1.0], _array(members, "calibration.slope").shape),
        "calibration.offset": rng.choice([1e6, -1e6, 0.0], _array(members, "calibration.offset").shape),
    }
    which = rng.choice(sorted(changed), int(rng.integers(1, 8)), replace=False).tolist()
    return _with(members, **{name: changed[name] for name in which})


# Repeated entries are more frequent.
OWN_FORGERIES: tuple[Callable[..., bytes], ...] = (
    bad_own_array,
    bad_own_array,
    stretched,
    stretched,
    exchanged_alike,
    resized,
    added_or_removed,
    bad_facts,
    bad_names,
    bad_scorer,
    bad_folds,
    bad_record,
    bad_leaves,
    bad_leaves,
    bad_top,
    several,
)

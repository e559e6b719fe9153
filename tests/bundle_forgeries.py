"""Forged classifier files with correct hashes; one that is accepted holds a valid, but different, rule."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable

import numpy as np

from bundle_mutants import ODD_VALUES, Members, Random, one_of, packed
from leukotype import bundle
from leukotype.bundle import npy

_NUMBERS = (0, -1, 1, 2, 3, 255, 256, 2**31 - 1, -(2**31), 2**63 - 1, 1e308, -1e308, 1e-320, 0.5)
_FLOATS = (*_NUMBERS, float("nan"), float("inf"), -float("inf"))


def resealed(members: Members) -> bytes:
    """Pack the members with a correct manifest, as a forger would."""
    described = {}
    for name, content in members.items():
        if name == "manifest.json":
            continue
        described[name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        if name.endswith(".npy"):
            try:
                array = np.load(io.BytesIO(content), allow_pickle=False)
                described[name] |= {"dtype": array.dtype.str, "shape": list(array.shape)}
            except Exception:  # NumPy's reader raises many types for damaged headers
                described[name] |= {"dtype": "<f8", "shape": [1]}
    manifest = {"format": bundle.FORMAT, "format_version": 1, "members": described}
    return packed({"manifest.json": json.dumps(manifest).encode(), **members_but_manifest(members)})


def members_but_manifest(members: Members) -> Members:
    return {name: content for name, content in members.items() if name != "manifest.json"}


def saved(array: np.ndarray) -> bytes:
    target = io.BytesIO()
    np.lib.format.write_array(target, array, allow_pickle=True)
    return target.getvalue()


def bad_array(rng: Random, raw: bytes, members: Members) -> bytes:
    return bad_array_of(rng, members, [name for name in sorted(members) if name.startswith("arrays/rule")])


def bad_array_of(rng: Random, members: Members, names: list[str]) -> bytes:
    """Return the file with other values, length, type or shape of one of these arrays."""
    changed = dict(members)
    name = str(rng.choice(names))
    array = np.load(io.BytesIO(changed[name])).copy()
    kind = int(rng.integers(8))
    if kind < 4 and array.size:
        whole = array.dtype.kind in "iu"
        low, high = (np.iinfo(array.dtype).min, np.iinfo(array.dtype).max) if whole else (0, 0)
        values = [v for v in _FLOATS if not whole or (v == v and low <= v <= high and v == int(v))]
        for _ in range(int(rng.integers(1, 4))):
            array.flat[int(rng.integers(array.size))] = one_of(rng, values)
    elif kind == 4:
        array = array[: int(rng.integers(len(array) + 1))]
    elif kind == 5:
        array = array.astype(
            one_of(rng, ("<f4", "<i8", "|u1", ">f8", "<c16", "|b1", "<U3", "<M8[s]", "<f2", "|O"))
        )
    elif kind == 6:
        array = one_of(rng, (array[None], array.ravel(), np.asfortranarray(array), array[..., None], array.T))
    else:
        array = array.ravel()[rng.permutation(array.size)].reshape(array.shape)
    return resealed({**changed, name: saved(array)})


def bad_trees(rng: Random, raw: bytes, members: Members) -> bytes:
    """Return trees with cycles, shared nodes or invalid roots; for files without trees, a bad array."""
    if "arrays/rule.left.npy" not in members:
        return bad_array(rng, raw, members)
    changed = dict(members)
    name = (
        f"arrays/rule.{one_of(rng, ('left', 'right', 'column', 'roots', 'cover', 'threshold', 'value'))}.npy"
    )
    array = np.load(io.BytesIO(changed[name])).copy()
    for _ in range(int(rng.integers(1, 4))):
        one, two = rng.integers(0, array.size, 2)
        if rng.random() < 0.5:
            array.flat[one] = array.flat[two]
        else:
            array.flat[one] += one_of(rng, (-2, -1, 1, 2, 7, 1000))
    changed[name] = npy.dumps(array)
    return resealed(changed)


def exchanged(rng: Random, raw: bytes, members: Members) -> bytes:
    changed = dict(members)
    one, two = rng.choice([name for name in sorted(changed) if name.startswith("arrays/")], 2, replace=False)
    changed[one], changed[two] = changed[two], changed[one]
    return resealed(changed)


def bad_header(rng: Random, raw: bytes, members: Members) -> bytes:
    changed = dict(members)
    name = str(rng.choice([name for name in sorted(changed) if name.startswith("arrays/")]))
    content = changed[name]
    headers = (
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000), }\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 2147483647), }\n",
        "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }\n",
        "{'descr': '<f8', 'fortran_order': True, 'shape': (3,), }\n",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1), }\n",
        "__import__('os').system('false')\n",
        "(" * 5000 + "\n",
    )
    header = one_of(rng, headers).encode()
    kind = int(rng.integers(3))
    if kind == 0:
        content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content[128:]
    elif kind == 1:
        version = one_of(rng, (b"\x02\x00", b"\x03\x00", b"\x01\x01", b"\x00\x00"))
        content = content[:6] + version + content[8:]
    else:
        changed_bytes = bytearray(content)
        changed_bytes[int(rng.integers(0, 128)) % len(content)] = int(rng.integers(256))
        content = bytes(changed_bytes)
    return resealed({**changed, name: content})


def bad_document(rng: Random, raw: bytes, members: Members) -> bytes:
    document = json.loads(members["document.json"])
    spec = document["rule"]
    kind = int(rng.integers(5))
    if kind == 0:
        spec[str(rng.choice(sorted(spec)))] = one_of(rng, ODD_VALUES)
    elif kind == 1:
        spec.pop(str(rng.choice(sorted(spec))))
    elif kind == 2:
        spec["more"] = one_of(rng, ODD_VALUES)
    elif kind == 3:
        document["rule"] = one_of(rng, ODD_VALUES)
    else:
        numbers = [name for name in spec if isinstance(spec[name], int)]
        name = str(rng.choice(numbers))
        spec[name] += int(rng.integers(-3, 4))
    return resealed({**members, "document.json": json.dumps(document).encode()})


FORGERIES: tuple[Callable[..., bytes], ...] = (
    bad_array,
    bad_trees,
    bad_trees,
    exchanged,
    bad_header,
    bad_document,
)

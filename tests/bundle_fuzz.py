"""Mutated classifier files: what each may do is be refused in one line, or call as before.

Run as a program, `python bundle_fuzz.py FIRST LAST`, it tries the mutants of those numbers in one process that holds
none of the learning libraries, and prints how many were refused, the longest time, and the most memory.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import resource
import stat
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from leukotype import bundle
from leukotype.bundle import npy
from leukotype.errors import InputError

KEPT = Path(__file__).parent / "kept"
FILES = sorted(KEPT.glob("*.leuko"))
_NUMBERS = (0, -1, 1, 2, 3, 255, 256, 2**31 - 1, -(2**31), 2**63 - 1, 1e308, -1e308, 1e-320, 0.5)
_FLOATS = (*_NUMBERS, float("nan"), float("inf"), -float("inf"))
_JSON = (
    None,
    True,
    -1,
    0,
    1,
    3,
    10**6,
    10**30,
    0.5,
    "",
    "linear",
    "trees",
    "a" * 10_000,
    [],
    [[]],
    {},
    {"a": 1},
)

Members = dict[str, bytes]
Random = np.random.Generator


@cache
def original(file: Path) -> tuple[bytes, Members, bundle.Bundle]:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return file.read_bytes(), members, bundle.read(file)


def packed(members: Members, **options) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def resealed(members: Members) -> bytes:
    """Pack with a manifest that is true of the members: what whoever forges a file would do."""
    described = {}
    for name, content in members.items():
        if name == "manifest.json":
            continue
        described[name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        if name.endswith(".npy"):
            try:
                array = np.load(io.BytesIO(content), allow_pickle=False)
                described[name] |= {"dtype": array.dtype.str, "shape": list(array.shape)}
            except Exception:  # NumPy's reader fails on damaged headers in a dozen ways
                described[name] |= {"dtype": "<f8", "shape": [1]}
    manifest = {"format": bundle.FORMAT, "format_version": 1, "members": described}
    return packed({"manifest.json": json.dumps(manifest).encode(), **members_but_manifest(members)})


def members_but_manifest(members: Members) -> Members:
    return {name: content for name, content in members.items() if name != "manifest.json"}


def saved(array: np.ndarray) -> bytes:
    target = io.BytesIO()
    np.lib.format.write_array(target, array, allow_pickle=True)
    return target.getvalue()


def one_of(rng: Random, among):
    return among[int(rng.integers(len(among)))]


# The file's bytes, as chance or a bad disk changes them: nothing of it may go through changed.


def flipped(rng: Random, raw: bytes, members: Members) -> bytes:
    changed = bytearray(raw)
    for place in rng.integers(0, len(raw), rng.integers(1, 9)):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def flipped_in_headers(rng: Random, raw: bytes, members: Members) -> bytes:
    """Flip bits where zip archives keep their numbers."""
    changed = bytearray(raw)
    starts = [place for place in range(len(raw) - 4) if raw[place : place + 2] == b"PK"]
    place = one_of(rng, starts) + int(rng.integers(0, 46))
    changed[min(place, len(raw) - 1)] = int(rng.integers(256))
    return bytes(changed)


def cut(rng: Random, raw: bytes, members: Members) -> bytes:
    return raw[: int(rng.integers(0, len(raw)))]


def spliced(rng: Random, raw: bytes, members: Members) -> bytes:
    start, stop = sorted(rng.integers(0, len(raw), 2).tolist())
    other = int(rng.integers(0, len(raw)))
    choices = (
        raw[:start] + raw[stop:],
        raw[:other] + raw[start:stop] + raw[other:],
        raw + raw[start:stop],
        raw[start:stop] + raw,
        raw[:start] + rng.bytes(stop - start) + raw[stop:],
        rng.bytes(stop - start),
    )
    return one_of(rng, choices)


def swapped(rng: Random, raw: bytes, members: Members) -> bytes:
    changed = dict(members)
    one, two = rng.choice(sorted(changed), 2, replace=False)
    changed[one], changed[two] = changed[two], changed[one]
    return packed(changed)


def renamed(rng: Random, raw: bytes, members: Members) -> bytes:
    """Names that lead out of the folder, that no system agrees on, or that are not in the manifest."""
    names = ("../evil.txt", "/etc/passwd", "arrays/../../x.npy", "C:\\x", "arrays\\x.npy", "arrays/x.npy/", "", ".",
             "a" * 300, "arrays/rule.reads.npy ", "ARRAYS/RULE.READS.NPY", "é.json", "code.py", "texts/.bashrc",
             "arrays//x.npy", "x\x00y", "rule.pkl")  # fmt: skip
    changed = dict(members)
    if rng.random() < 0.5:
        changed[one_of(rng, names)] = changed.pop(str(rng.choice(sorted(changed))))
    else:
        changed[one_of(rng, names)] = b"new"
    return packed(changed)


def hostile_zip(rng: Random, raw: bytes, members: Members) -> bytes:
    target = io.BytesIO(raw if rng.random() < 0.3 else b"")
    kind = int(rng.integers(8))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items() if not target.getvalue() else ():
            archive.writestr(name, content)
        if kind == 0:
            for number in range(int(rng.integers(257, 3000))):
                archive.writestr(f"texts/t{number}.md", b"")
        elif kind == 1:
            link = zipfile.ZipInfo("texts/link")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
        elif kind == 2:
            archive.comment = rng.bytes(int(rng.integers(1, 60_000)))
        elif kind == 3:
            archive.writestr("arrays/bomb.npy", bytes(2**24 * int(rng.integers(1, 3))))
        elif kind == 4:
            with archive.open("texts/large.md", "w", force_zip64=True) as member:
                member.write(b"x")
        elif kind == 5:
            archive.writestr(zipfile.ZipInfo("arrays/"), b"")
        elif kind == 6:
            archive.writestr("texts/bz.md", b"x" * 100, zipfile.ZIP_BZIP2)
        else:
            extra = zipfile.ZipInfo("texts/extra.md")
            extra.extra = struct.pack("<HH4s", 0x7075, 4, b"abcd")
            archive.writestr(extra, b"x")
    return target.getvalue()


def huge_claims(rng: Random, raw: bytes, members: Members) -> bytes:
    """Sizes, offsets, counts and flags that are not true, in the list of members."""
    changed = bytearray(raw)
    central = [place for place in range(len(raw) - 46) if raw[place : place + 4] == b"PK\x01\x02"]
    claim = struct.pack("<L", one_of(rng, (0, 1, 2**20, 2**28, 2**31, 2**32 - 1)))
    kind = int(rng.integers(4))
    if kind == 0:
        end = len(raw) - 22
        place = end + one_of(rng, (8, 10, 12, 16))
        changed[place : place + 4] = claim
        return bytes(changed[: len(raw)])
    place = one_of(rng, central)
    if kind == 1:
        changed[place + 24 : place + 28] = claim
    elif kind == 2:
        changed[place + 20 : place + 24] = claim
        changed[place + 24 : place + 28] = claim
    else:
        changed[place + 8] |= one_of(rng, (1, 8, 32, 64))
        local = struct.unpack_from("<L", raw, place + 42)[0]
        changed[local + 6] = changed[place + 8]
    return bytes(changed)


def bad_manifest(rng: Random, raw: bytes, members: Members) -> bytes:
    manifest = json.loads(members["manifest.json"])
    kind = int(rng.integers(6))
    if kind == 0:
        manifest["format_version"] = one_of(rng, (2, 10**9, 10**400, 0, -1, 1.0, "1", None, True))
    elif kind == 1:
        name = str(rng.choice(sorted(manifest["members"])))
        manifest["members"][name] = one_of(rng, _JSON)
    elif kind == 2:
        name = str(rng.choice(sorted(manifest["members"])))
        entry = manifest["members"][name]
        entry[str(rng.choice(sorted(entry)))] = one_of(rng, _JSON)
    elif kind == 3:
        manifest[one_of(rng, ("format", "members", "more"))] = one_of(rng, _JSON)
    elif kind == 4:
        manifest["members"].pop(str(rng.choice(sorted(manifest["members"]))))
    texts = (
        json.dumps(manifest).encode(),
        b"[" * int(rng.integers(1, 2**17)),
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'{"format": NaN}',
        b'{"format": 1e999}',
        b'{"format": "leukotype-classifier", "format": 1}',
        b'"\\ud800"',
        b'{"format": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe",
        b"",
    )
    return packed({**members, "manifest.json": texts[0] if kind < 5 else one_of(rng, texts[1:])})


ACCIDENTS: tuple[Callable[..., bytes], ...] = (
    flipped, flipped_in_headers, cut, spliced, swapped, renamed, hostile_zip, huge_claims, bad_manifest,
)  # fmt: skip


# Forgeries, with true hashes: what goes through is a rule in good order, though another one.


def bad_array(rng: Random, raw: bytes, members: Members) -> bytes:
    changed = dict(members)
    name = str(rng.choice([name for name in sorted(changed) if name.startswith("arrays/rule")]))
    array = np.load(io.BytesIO(changed[name])).copy()
    kind = int(rng.integers(8))
    if kind < 4 and array.size:
        values = [
            v for v in _FLOATS if array.dtype.kind == "f" or (v == v and abs(v) < 2**31 and v == int(v))
        ]
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
    """Trees with circles, twice-used nodes, strange roots; of files without trees, any array."""
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
        spec[str(rng.choice(sorted(spec)))] = one_of(rng, _JSON)
    elif kind == 1:
        spec.pop(str(rng.choice(sorted(spec))))
    elif kind == 2:
        spec["more"] = one_of(rng, _JSON)
    elif kind == 3:
        document["rule"] = one_of(rng, _JSON)
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
ALL = (*ACCIDENTS, *FORGERIES)


def mutant(number: int) -> tuple[Path, Callable[..., bytes], bytes]:
    """The file mutated, the way, and the bytes: the same ones for the same number."""
    rng = np.random.default_rng([2026, number])
    file, way = FILES[number // len(ALL) % len(FILES)], ALL[number % len(ALL)]
    raw, members, _ = original(file)
    return file, way, way(rng, raw, copy.copy(members))


def outcome(number: int, folder: Path) -> str:
    """'refused', 'same' or, for a forgery in good order, 'other'; anything else is an exception."""
    file, way, content = mutant(number)
    path = folder / "mutant.leuko"
    path.write_bytes(content)
    kept = original(file)[2]
    samples, expected = kept.arrays["check.samples"], kept.arrays["check.outputs"]
    try:
        read = bundle.read(path)
        rule = bundle.rule_of(read)
        x = np.resize(samples, (len(samples), rule.n_read)) if way in FORGERIES else samples[:, rule.reads]
        found = rule.output(x)
        explained = rule.contributions(x[:1], 0).values if way in FORGERIES else x
    except InputError as refused:
        line = str(refused)
        assert "\n" not in line, line
        assert 20 < len(line) < 400, line
        return "refused"
    assert np.isfinite(found).all()
    assert np.isfinite(explained).all()
    assert found.shape == (len(x), rule.n_classes)
    if way in FORGERIES:
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)
        return (
            "same" if found.shape == expected.shape and np.allclose(found, expected, atol=1e-12) else "other"
        )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert read.document == kept.document
    assert read.texts == kept.texts
    return "same"


def main(first: int, last: int) -> None:
    # Whatever asks for more than this much address space fails at once.
    resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
    counts: dict[str, int] = {}
    longest, slowest = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, last):
            started = time.process_time()
            try:
                found = outcome(number, Path(folder))
            except Exception as error:
                raise AssertionError(f"mutant {number}, {mutant(number)[1].__name__}") from error
            spent = time.process_time() - started
            if spent > longest:
                longest, slowest = spent, number
            name = f"{'accident' if mutant(number)[1] in ACCIDENTS else 'forgery'} {found}"
            counts[name] = counts.get(name, 0) + 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    heavy = sorted({"sklearn", "scipy", "pandas", "xgboost"} & set(sys.modules))
    print(json.dumps({"counts": counts, "longest": longest, "slowest": slowest, "MiB": peak, "heavy": heavy}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

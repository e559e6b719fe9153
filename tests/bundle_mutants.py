"""Mutations of a classifier file that the hashes or the zip checks must detect."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable

import numpy as np

from leukotype import bundle

ODD_VALUES = (
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


def packed(members: Members, **options) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def one_of(rng: Random, among):
    return among[int(rng.integers(len(among)))]


# Random damage of the bytes; no changed content may be accepted.


def flipped(rng: Random, raw: bytes, members: Members) -> bytes:
    changed = bytearray(raw)
    for place in rng.integers(0, len(raw), rng.integers(1, 9)):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def flipped_in_headers(rng: Random, raw: bytes, members: Members) -> bytes:
    """Change a byte in a zip header."""
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
    """Use names that leave the folder, differ between systems, or are not in the manifest."""
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
    """Put wrong sizes, offsets, counts and flags into the list of members."""
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
        manifest["format_version"] = one_of(
            rng, (bundle.FORMAT_VERSION + 1, 10**9, 10**400, 0, -1, 1.0, "1", None, True)
        )
    elif kind == 1:
        name = str(rng.choice(sorted(manifest["members"])))
        manifest["members"][name] = one_of(rng, ODD_VALUES)
    elif kind == 2:
        name = str(rng.choice(sorted(manifest["members"])))
        entry = manifest["members"][name]
        entry[str(rng.choice(sorted(entry)))] = one_of(rng, ODD_VALUES)
    elif kind == 3:
        manifest[one_of(rng, ("format", "members", "more"))] = one_of(rng, ODD_VALUES)
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

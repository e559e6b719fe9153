"""Zip files in one strict form, checked completely before anything is decompressed.

Each member starts where the previous one ends, its two headers agree, and the file holds nothing else, so that all
zip readers see the same content.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

from leukotype.bundle.strict import refuse

MOST_MEMBERS = 256
LARGEST_FILE = 2**28
LARGEST_CONTENT = 2**28
_LONGEST_NAME = 100

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
# Compression level and UTF-8 names: flags that do not affect reading.
_HARMLESS_FLAGS = 0b0000_1000_0000_0110
_ENCRYPTED = 1
# The highest compression ratio of deflate.
_BEST_RATIO = 1032


class Member(NamedTuple):
    """Place and size of a member's bytes, and size and checksum of its content."""

    name: str
    start: int
    packed: int
    size: int
    method: int
    crc: int


def pack(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip file of the members in the given order; equal members give equal bytes for one version of zlib."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content, compresslevel=6)
    return target.getvalue()


def index(file: BinaryIO) -> list[Member]:
    """Return the members of a zip file in file order; raises BadBundle unless it has the strict form."""
    size = file.seek(0, os.SEEK_END)
    if size > LARGEST_FILE:
        refuse(f"it has {size / 2**20:,.0f} MiB; at most {LARGEST_FILE / 2**20:,.0f} are allowed")
    file.seek(0)
    if file.read(4) != b"PK\x03\x04" or size < _END.size:
        refuse("it is not a classifier file: it does not start like a zip archive with members")
    file.seek(size - _END.size)
    mark, disk, first_disk, here, n_members, length, start, comment = _END.unpack(file.read(_END.size))
    if mark != b"PK\x05\x06" or comment:
        refuse("the end of the zip archive is wrong: it is truncated, or has appended bytes")
    if disk or first_disk or here != n_members or not n_members:
        refuse("the zip archive is part of a series, or has no members")
    if n_members > MOST_MEMBERS:
        refuse(f"the zip archive has {n_members:,} members; at most {MOST_MEMBERS} are allowed")
    if start + length + _END.size != size or length > n_members * (_CENTRAL.size + _LONGEST_NAME):
        refuse("the zip archive's list of members is misplaced or too long")
    file.seek(start)
    members = _central(file.read(length), n_members)
    _check_locals(file, members, start)
    return [member for member, _ in members]


def inflate(file: BinaryIO, member: Member) -> bytes:
    """Return the content of a member; raises BadBundle unless it matches its header."""
    file.seek(member.start)
    packed = file.read(member.packed)
    content, complete = packed, True
    if member.method != _STORED:
        stream = zlib.decompressobj(-15)
        try:
            content = stream.decompress(packed, member.size + 1)
        except zlib.error as error:
            refuse(f"member {member.name} cannot be decompressed ({error})")
        complete = stream.eof and not stream.unused_data and not stream.unconsumed_tail
    if not complete or len(content) != member.size:
        refuse(f"member {member.name} does not have the stated size of {member.size:,} bytes")
    if zlib.crc32(content) != member.crc:
        refuse(f"the checksum of member {member.name} is wrong")
    return content


def _central(listed: bytes, n_members: int) -> list[tuple[Member, tuple[object, ...]]]:
    members: list[tuple[Member, tuple[object, ...]]] = []
    seen: set[str] = set()
    place = total = content = 0
    for _ in range(n_members):
        if place + _CENTRAL.size > len(listed):
            refuse("the zip archive's list of members is truncated")
        (mark, _, needed, flags, method, time, date, crc, packed, size, n_name, n_extra, n_comment,
         disk, _, attributes, offset) = _CENTRAL.unpack_from(listed, place)  # fmt: skip
        place += _CENTRAL.size
        name = _name(listed[place : place + n_name])
        place += n_name
        if mark != b"PK\x01\x02" or n_extra or n_comment or disk:
            refuse("the zip archive's list of members has entries that a classifier file does not have")
        if flags & _ENCRYPTED:
            refuse(f"member {name} is encrypted")
        if flags & ~_HARMLESS_FLAGS or method not in (_STORED, _DEFLATED):
            refuse(f"member {name} uses a compression that classifier files do not use")
        if stat.S_IFMT(attributes >> 16) not in (0, stat.S_IFREG) or attributes & 0x10:
            refuse(f"member {name} is a link or a folder; members must be plain files")
        if name.casefold() in seen:
            refuse(f"member {name} appears twice")
        if size > _BEST_RATIO * packed or (method == _STORED and size != packed):
            refuse(f"member {name} states {size:,} bytes compressed to {packed:,}, which is impossible")
        content += size
        if content > LARGEST_CONTENT:
            refuse(f"its members state more than the {LARGEST_CONTENT / 2**20:,.0f} MiB that are allowed")
        if offset != total:
            refuse(f"member {name} does not start where the previous one ends")
        seen.add(name.casefold())
        start = offset + _LOCAL.size + n_name
        total = start + packed
        header = (needed, flags, method, time, date, crc, packed, size, n_name, 0)
        members.append((Member(name, start, packed, size, method, crc), header))
    if place != len(listed):
        refuse("the zip archive's list of members is longer than its members")
    return members


def _name(raw: bytes) -> str:
    # ASCII names that stay in the folder mean the same on every system.
    text = raw.decode("ascii", errors="replace")
    plain = all(part and part[0].isalnum() and part.isascii() for part in text.split("/"))
    letters = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/")
    if not plain or not set(text) <= letters or len(text) > _LONGEST_NAME or ".." in text:
        refuse(
            f"a member is called {text[:40]!a}; names may have letters, digits, '_', '-', '.' and '/' only"
        )
    return text


def _check_locals(
    file: BinaryIO, members: list[tuple[Member, tuple[object, ...]]], end_of_members: int
) -> None:
    end = 0
    for member, header in members:
        file.seek(end)
        n_local = member.start - end
        raw = file.read(n_local)
        if len(raw) < n_local or raw[:4] != b"PK\x03\x04":
            refuse(f"member {member.name} does not start at its stated place")
        if _LOCAL.unpack_from(raw)[1:] != header or raw[_LOCAL.size :] != member.name.encode("ascii"):
            refuse(f"the two headers of member {member.name} differ")
        end = member.start + member.packed
    if end != end_of_members:
        refuse("the zip archive has bytes that belong to no member")

"""Each fault of a classifier file, alone in an otherwise valid file, is refused for its own reason."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import warnings
import zipfile

import numpy as np
import pytest

from leukotype import bundle
from leukotype.bundle import npy
from leukotype.errors import BadBundle, InputError

DOCUMENT = b'{"a":1}'
ARRAY = npy.dumps(np.arange(3.0))


def described(members):
    entries = {}
    for name, content in members.items():
        entries[name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        if name.startswith("arrays/"):
            entries[name] |= {"dtype": "<f8", "shape": [3]}
    return {"format": bundle.FORMAT, "format_version": 1, "members": entries}


def packed(members, *, change=lambda info: info, twice=(), method=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w") as archive:
        warnings.simplefilter("ignore")
        for name, content in [*members.items(), *((name, members[name]) for name in twice)]:
            archive.writestr(change(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))), content, method)
    return target.getvalue()


def sealed(members=None, manifest=None, **options):
    """Return a file of these members, with a correct manifest or the given one."""
    members = {"document.json": DOCUMENT, "arrays/a.npy": ARRAY} if members is None else members
    stated = json.dumps(described(members) if manifest is None else manifest).encode()
    return packed({"manifest.json": stated, **members}, **options)


def with_document(text):
    return sealed({"document.json": text if isinstance(text, bytes) else text.encode()})


def with_array(content):
    return sealed({"document.json": DOCUMENT, "arrays/a.npy": content})


def with_manifest(**entries):
    return sealed(manifest={**described({"document.json": DOCUMENT, "arrays/a.npy": ARRAY}), **entries})


def patched(raw, mark, offset, number, form="<H", all_of_them=False):
    """Overwrite a number `offset` bytes after the start of the last record (or all records) with `mark`."""
    changed = bytearray(raw)
    places = [place for place in range(len(raw)) if raw[place : place + 4] == mark]
    for place in places if all_of_them else places[-1:]:
        struct.pack_into(form, changed, place + offset, number)
    return bytes(changed)


LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def link(info):
    if info.filename == "arrays/a.npy":
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def extra(info):
    info.extra = b"\x99\x99\x00\x00"
    return info


def unlisted():
    """Return a file with a member that is not in the list of members."""
    raw = sealed()
    start = struct.unpack_from("<L", raw, len(raw) - 6)[0]
    hidden = packed({"x.md": b"x"})[:40]
    return patched(raw[:start] + hidden + raw[start:], END, 16, start + len(hidden), "<L")


def encrypted():
    return patched(patched(sealed(), LOCAL, 6, 1, all_of_them=True), CENTRAL, 8, 1, all_of_them=True)


def header(text, data=b""):
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + data


HEADER = "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }\n"

REFUSED = {
    "nothing": (b"", "does not start like a zip archive"),
    "text": (b"sample,label\na,b\n" * 9, "does not start like a zip archive"),
    "no members": (packed({}), "does not start like a zip archive"),
    "cut off": (sealed()[:-5], "end of the zip archive is wrong"),
    "bytes before": (b"PK\x03\x04" + sealed(), "list of members is misplaced"),
    "bytes after": (sealed() + b"x", "end of the zip archive is wrong"),
    "bytes between": (unlisted(), "bytes that belong to no member"),
    "many members": (sealed({f"texts/t{i}.md": b"" for i in range(300)}), "has 301 members; at most 256"),
    "parts": (patched(sealed(), END, 4, 1), "part of a series"),
    "a member twice": (sealed(twice=["arrays/a.npy"]), r"member arrays/a\.npy appears twice"),
    "a link": (sealed(change=link), r"arrays/a\.npy is a link or a folder"),
    "extra fields": (sealed(change=extra), "entries that a classifier file does not have"),
    "encrypted": (encrypted(), r"manifest\.json is encrypted"),
    "bzip2": (sealed(method=zipfile.ZIP_BZIP2), "uses a compression"),
    "a bomb": (
        patched(sealed(), CENTRAL, 24, 2**27, "<L"),
        "states 134,217,728 bytes .*, which is impossible",
    ),
    "large": (
        patched(patched(sealed(), CENTRAL, 20, 2**30, "<L"), CENTRAL, 24, 2**30, "<L"),
        "state more than the 256 MiB",
    ),
    "overlapping": (patched(sealed(), CENTRAL, 42, 0, "<L"), "does not start where the previous one ends"),
    "two headers": (patched(sealed(), LOCAL, 10, 7), "headers of member .* differ"),
    "a checksum": (
        patched(patched(sealed(), LOCAL, 14, 7, "<L"), CENTRAL, 16, 7, "<L"),
        r"checksum of member arrays/a\.npy is wrong",
    ),
    "a path out of the folder": (sealed({"../a.npy": ARRAY}), "names may have letters"),
    "an absolute name": (sealed({"/a.npy": ARRAY}), "names may have letters"),
    "a drive": (sealed({"C:/a.npy": ARRAY}), "names may have letters"),
    "a backslash": (sealed({"arrays\\a.npy": ARRAY}), "names may have letters"),
    "a folder": (sealed({"arrays/": b""}), "names may have letters|is a link or a folder"),
    "code": (
        sealed({"document.json": DOCUMENT, "run.py": b"1"}),
        r"run\.py is not part of format 2",
    ),
    "a pickle": (
        sealed({"document.json": DOCUMENT, "arrays/a.pkl": b"1"}),
        "is not part of format 2",
    ),
    "no manifest": (packed({"document.json": DOCUMENT}), r"it has no manifest\.json"),
    "no document": (sealed({"arrays/a.npy": ARRAY}), r"document\.json is missing"),
    "a list": (with_document("[1]"), r"document\.json is missing, or is not an object"),
    "not listed": (sealed(manifest=described({"document.json": DOCUMENT})), "not in the manifest"),
    "not there": (
        sealed({"document.json": DOCUMENT}, described({"document.json": DOCUMENT, "arrays/a.npy": ARRAY})),
        "is missing",
    ),
    "a hash": (
        sealed(manifest=described({"document.json": b'{"a":2}', "arrays/a.npy": ARRAY})),
        "does not match the manifest",
    ),
    "another format": (with_manifest(format="zip"), "does not have the format 'leukotype-classifier'"),
    "no version": (with_manifest(format_version="1"), "has no format version"),
    "a newer format": (
        with_manifest(format_version=bundle.FORMAT_VERSION + 1),
        rf"has format {bundle.FORMAT_VERSION + 1}; this version of leukotype reads formats up to ",
    ),
    "more in the manifest": (with_manifest(code="x"), "unknown entries"),
    "NaN": (with_document('{"a": NaN}'), "contains NaN"),
    "infinity": (with_document('{"a": 1e999}'), "1e999, which is too large"),
    "a repeated key": (with_document('{"a": 1, "a": 2}'), "a repeated key"),
    "deep": (with_document('{"a": ' + "[" * 40 + "]" * 40 + "}"), "nested more than 32 levels deep"),
    "very deep": (with_document("[" * 200_000), "nested more than 32 levels deep"),
    "a lone surrogate": (with_document('{"a": "\\ud800"}'), "control characters"),
    "terminal codes": (with_document('{"\\u001b[2J": 1}'), "control characters"),
    "no JSON": (with_document("{"), "is not JSON in UTF-8"),
    "not UTF-8": (with_document(b'{"a": "\xff"}'), "is not JSON in UTF-8"),
    "a long document": (with_document('{"a": "' + "x" * 2**23 + '"}'), "at most 8,388,608 are allowed"),
    "a long number": (with_document('{"a": ' + "9" * 10_000 + "}"), "too large a number"),
    "a long text": (
        sealed({"document.json": DOCUMENT, "texts/card.md": b"x" * (2**20 + 1)}),
        "at most 1,048,576 are allowed",
    ),
    "a text of codes": (
        sealed({"document.json": DOCUMENT, "texts/card.md": b"\x1b[2J"}),
        "control characters",
    ),
    "objects": (
        with_array(header(HEADER % ("|O", "False", "3,"), bytes(24))),
        "header of a plain numeric array",
    ),
    "dates": (with_array(header(HEADER % ("<m8", "False", "3,"), bytes(24))), "has type <m8"),
    "columns first": (
        with_array(header(HEADER % ("<f8", "True", "3,"), bytes(24))),
        "header of a plain numeric array",
    ),
    "a shape": (with_array(header(HEADER % ("<f8", "False", "4,"), bytes(24))), "has shape"),
    "a huge shape": (with_array(header(HEADER % ("<f8", "False", "9999999999, 9999999999"))), "not allowed"),
    "npy 2.0": (with_array(ARRAY.replace(b"NUMPY\x01", b"NUMPY\x02")), "not in npy format 1.0"),
    "code in a header": (
        with_array(header("__import__('os').system('true')\n")),
        "header of a plain numeric array",
    ),
}


def test_valid_file_is_read(tmp_path):
    (tmp_path / "a.leuko").write_bytes(sealed())
    read = bundle.read(tmp_path / "a.leuko")
    assert (read.document, read.arrays["a"].tolist()) == ({"a": 1}, [0.0, 1.0, 2.0])
    (tmp_path / "a.leuko").write_bytes(sealed(method=zipfile.ZIP_STORED))
    assert bundle.read(tmp_path / "a.leuko").document == {"a": 1}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_for_its_own_reason(what, tmp_path):
    content, reason = REFUSED[what]
    path = tmp_path / "a.leuko"
    path.write_bytes(content)
    with pytest.raises(BadBundle, match=reason) as refused:
        bundle.read(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)
    assert isinstance(refused.value, InputError)


def test_file_without_a_rule_is_refused(tmp_path):
    (tmp_path / "a.leuko").write_bytes(sealed())
    with pytest.raises(BadBundle, match="its document has no rule"):
        bundle.rule_of(bundle.read(tmp_path / "a.leuko"))

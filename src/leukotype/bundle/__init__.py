"""Classifier files: zip archives of JSON, plain arrays and text, without code; the format is in docs/bundle.md."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from leukotype import atomic
from leukotype.bundle import npy, strict, zipped
from leukotype.bundle.strict import refuse
from leukotype.errors import BadBundle, NotPortable
from leukotype.rules import Rule, assemble

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "Bundle",
    "content_of",
    "dumps",
    "read",
    "rule_members",
    "rule_of",
    "write",
]

FORMAT = "leukotype-classifier"
FORMAT_VERSION = 2

_MANIFEST, _DOCUMENT = "manifest.json", "document.json"
_RULE = "rule"
_NAMES = re.compile(r"arrays/([a-z][a-z0-9_.-]{0,63})\.npy|texts/([A-Za-z][A-Za-z0-9_.-]{0,63})")


@dataclass(frozen=True, eq=False)
class Bundle:
    """Content of a classifier file.

    document    : JSON values
    arrays      : by name; read-only
    texts       : by file name
    fingerprint : sha256 of the manifest, which has the sha256 of every other member
    """

    document: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    texts: dict[str, str]
    fingerprint: str


def write(
    path: str | Path,
    document: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    texts: Mapping[str, str],
) -> None:
    """Write a classifier file; see `dumps`.  Raises OutputRefused too if the file cannot be written."""
    atomic.put(Path(path), dumps(document, arrays, texts))


def dumps(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> bytes:
    """Return the bytes of a classifier file; equal content gives equal bytes.

    document : JSON values; keys are sorted
    arrays   : of the types in `npy.TYPES`; names of lower-case letters, digits, '_', '-' and '.'
    texts    : by file name, such as "card.md"

    Raises NotPortable if the arrays are too large, and ValueError or TypeError for content that the format cannot hold.
    """
    members, described = [(_DOCUMENT, strict.dumps(dict(document), _DOCUMENT))], {}
    plain = {f"arrays/{name}.npy": npy.plain(array) for name, array in sorted(arrays.items())}
    total = sum(array.nbytes for array in plain.values())
    if total > zipped.LARGEST_CONTENT - 2 * strict.LARGEST_JSON:
        raise NotPortable(
            f"the classifier has {total / 2**20:,.0f} MiB of numbers; a file can hold at most "
            f"{zipped.LARGEST_CONTENT / 2**20:,.0f}. Restrict it to a panel of probes, or use another model."
        )
    members += [(name, npy.dumps(array)) for name, array in plain.items()]
    members += [(f"texts/{name}", text.encode("utf-8")) for name, text in sorted(texts.items())]
    for name, content in members:
        if name != _DOCUMENT and not _NAMES.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid member name.")
        if name.startswith("texts/"):
            try:
                strict.text(content, name)
            except BadBundle as refused:
                raise ValueError(f"the text cannot be stored: {refused}") from None
        described[name] = _described(content, plain.get(name))
    if len(members) >= zipped.MOST_MEMBERS:
        raise ValueError(f"{len(members)} members; at most {zipped.MOST_MEMBERS - 1} are allowed.")
    manifest = {"format": FORMAT, "format_version": FORMAT_VERSION, "members": described}
    return zipped.pack([(_MANIFEST, strict.dumps(manifest, _MANIFEST)), *members])


def content_of(path: str | Path) -> bytes:
    """Return the bytes of a file that may be a classifier file, unchecked; raises BadBundle if it is too large."""
    with atomic.reading(path) as file:
        content = file.read(zipped.LARGEST_FILE + 1)
    if len(content) > zipped.LARGEST_FILE:
        raise BadBundle(f"{path}: the file is too large for a classifier file. Name a .leuko file.")
    return content


def read(path: str | Path, content: bytes | None = None) -> Bundle:
    """Read a classifier file after checking all of it.

    content : of the file, if it is known; the file is then not opened

    Any file takes less than a gigabyte of memory, and nothing in it is executed.  Raises BadBundle if it is not a
    classifier file, is damaged or has a newer format; UnreadableFile if there is no file.
    """
    try:
        with atomic.reading(path) if content is None else io.BytesIO(content) as file:
            return _read(file)
    except BadBundle as refused:
        raise BadBundle(f"{path}: {refused}") from None


def rule_members(rule: Rule) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the entries of a rule for the document and the arrays of a file."""
    spec, arrays = rule.parts()
    return {_RULE: spec}, {f"{_RULE}.{name}": array for name, array in arrays.items()}


def rule_of(bundle: Bundle) -> Rule:
    """Return the rule in a file; raises BadBundle if there is none or if it is invalid."""
    spec = bundle.document.get(_RULE)
    if not isinstance(spec, dict):
        refuse("its document has no rule")
    start = f"{_RULE}."
    own = {name.removeprefix(start): array for name, array in bundle.arrays.items() if name.startswith(start)}
    return assemble(spec, own)


def _read(file: BinaryIO) -> Bundle:
    index = {member.name: member for member in zipped.index(file)}
    if _MANIFEST not in index:
        refuse(f"it has no {_MANIFEST}")
    if index[_MANIFEST].size > strict.LARGEST_JSON:
        refuse(f"{_MANIFEST} states {index[_MANIFEST].size:,} bytes, which is too large")
    stated = zipped.inflate(file, index.pop(_MANIFEST))
    described = _members(strict.loads(stated, _MANIFEST))
    for name in sorted(index.keys() ^ described.keys()):
        refuse(f"member {name} is {'not in the manifest' if name in index else 'missing'}")
    document: dict[str, Any] | None = None
    arrays, texts = {}, {}
    for name, member in index.items():
        names = _NAMES.fullmatch(name)
        if names is None and name != _DOCUMENT:
            refuse(f"member {name} is not part of format {FORMAT_VERSION}")
        content, array = zipped.inflate(file, member), None
        if names is None:
            document = strict.loads(content, name)
        elif names[1]:
            array = arrays[names[1]] = npy.loads(content, names[1])
        else:
            texts[names[2]] = strict.text(content, names[2])
        if _described(content, array) != described[name]:
            refuse(f"member {name} does not match the manifest: its hash, size, type or shape differs")
    if not isinstance(document, dict):
        refuse(f"{_DOCUMENT} is missing, or is not an object")
    return Bundle(document, arrays, texts, hashlib.sha256(stated).hexdigest())


def _members(manifest: Any) -> dict[str, Any]:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        refuse(f"its manifest does not have the format {FORMAT!r}")
    version = manifest.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        refuse("its manifest has no format version")
    if version > FORMAT_VERSION:
        raise BadBundle(
            f"the file has format {str(version)[:20]}; this version of leukotype reads formats up to {FORMAT_VERSION}. "
            "Install a newer version."
        )
    members = manifest.get("members")
    if set(manifest) != {"format", "format_version", "members"} or not isinstance(members, dict):
        refuse("its manifest has unknown entries, or no members")
    return members


def _described(content: bytes, array: NDArray[Any] | None) -> dict[str, Any]:
    described: dict[str, Any] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    if array is not None:
        described |= {"dtype": array.dtype.str, "shape": list(array.shape)}
    return described

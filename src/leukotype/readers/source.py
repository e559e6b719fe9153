"""The bytes of a file, unpacked and decoded, whatever its name says."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from leukotype.errors import UnreadableFile

_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x89HDF", "an HDF5 file"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
)


@dataclass(frozen=True)
class Source:
    """A file as it was found: its path as given, its bytes, and their sha256."""

    path: str
    data: bytes
    sha256: str


def load(path: str | Path) -> Source:
    """Return the bytes of a file; raises UnreadableFile where there is none to read."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise UnreadableFile(
            f"no file {path}. Check the path; relative paths start at {Path.cwd()}."
        ) from None
    except IsADirectoryError:
        raise UnreadableFile(f"{path} is a folder, and a file is needed. Name the table inside it.") from None
    except OSError as problem:
        raise UnreadableFile(f"cannot read {path}: {problem.strerror}. Check its permissions.") from problem
    if not data:
        raise UnreadableFile(f"{path} is empty. Fetch or export it again.")
    return Source(str(path), data, hashlib.sha256(data).hexdigest())


def text_of(source: Source) -> str:
    """Return the text of a plain or gzipped file; raises UnreadableFile for anything else."""
    data = source.data
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, zlib.error, OSError) as problem:
            raise UnreadableFile(
                f"{source.path} is a gzip file that ends early or is damaged ({problem}). Fetch it again."
            ) from problem
    for magic, kind in _STRANGERS:
        if data.startswith(magic):
            raise UnreadableFile(
                f"{source.path} is {kind}, and a table of text is needed. Export it as CSV or tab-separated text."
            )
    if b"\x00" in data[:65536]:
        raise UnreadableFile(
            f"{source.path} holds binary data, and a table of text in UTF-8 is needed. Export it as CSV."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise UnreadableFile(
            f"{source.path}: line {line} holds byte 0x{data[problem.start]:02x}, which is not UTF-8. "
            "Save the file in one encoding, UTF-8."
        ) from problem
    if not text.strip():
        raise UnreadableFile(f"{source.path} holds nothing but blank lines. Fetch or export it again.")
    if text.lstrip()[:1] == "<":
        raise UnreadableFile(
            f"{source.path} is a web page or XML, not a table: a download may have answered with an error page. "
            "Fetch it again."
        )
    return text

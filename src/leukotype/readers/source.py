"""The bytes of a file, unpacked and decoded, whatever its name says."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
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
    """A file as it was found: its path as given, and its bytes."""

    path: str
    data: bytes

    @property
    def sha256(self) -> str:
        """The hash of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


def load(path: str | Path) -> Source:
    """Return the bytes of a file; raises UnreadableFile where there is none to read."""
    with _explained(path):
        return Source(str(path), Path(path).read_bytes())


def digest(path: str | Path) -> str:
    """Return the sha256 of a file without holding its bytes; raises UnreadableFile as `load` does."""
    with _explained(path), Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _explained(path: str | Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise UnreadableFile(
            f"no file {path}. Check the path; relative paths start at {Path.cwd()}."
        ) from None
    except IsADirectoryError:
        raise UnreadableFile(f"{path} is a folder, and a file is needed. Name the table inside it.") from None
    except OSError as problem:
        raise UnreadableFile(f"cannot read {path}: {problem.strerror}. Check its permissions.") from problem


def text_of(source: Source) -> str:
    """Return the text of a plain or gzipped file; raises UnreadableFile for anything else."""
    data = source.data
    if not data:
        raise UnreadableFile(f"{source.path} is empty. Fetch or export it again.")
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
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile(
            f"{source.path} is text in UTF-16, and UTF-8 is needed. Save it as CSV in UTF-8."
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
    if not text or text.isspace():
        raise UnreadableFile(f"{source.path} holds nothing but blank lines. Fetch or export it again.")
    if text[:4096].lstrip()[:1] == "<":
        raise UnreadableFile(
            f"{source.path} is a web page or XML, not a table: a download may have answered with an error page. "
            "Fetch it again."
        )
    return text

"""Files: only regular ones are read; they are written in one step, so that readers never see a part."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from leukotype import temporary
from leukotype.errors import OutputRefused, UnreadableFile
from leukotype.wording import cut, printable


def put(path: Path, content: bytes) -> None:
    """Write a file in one step; raises OutputRefused if it cannot be written."""
    with writing(path) as stream:
        stream.write(content)


@contextmanager
def reading(path: str | Path) -> Iterator[BufferedReader]:
    """Yield a file to read from; raises UnreadableFile if it cannot be read.

    Only regular files are read: a pipe or a device may never end.
    """
    name = str(path)
    if printable(name) != name:
        raise UnreadableFile(
            f"the name '{cut(printable(name), 150)}' contains a control character or a byte that is not UTF-8. "
            "Rename the file."
        )
    try:
        # Without O_NONBLOCK, opening a pipe waits for its writer.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UnreadableFile(
                    f"{path} is a pipe, device or socket; a regular file is needed. Save the data in a file."
                )
            yield stream
    except FileNotFoundError:
        raise UnreadableFile(
            f"no file {path}. Check the path; relative paths start at {Path.cwd()}."
        ) from None
    except IsADirectoryError:
        raise UnreadableFile(f"{path} is a folder; a file is needed. Name the table in it.") from None
    except OSError as problem:
        raise UnreadableFile(f"cannot read {path}: {problem.strerror}. Check its permissions.") from problem


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file in the same folder, and rename it to `path` at the end.

    Raises OutputRefused if the file cannot be written; no temporary file remains.
    """
    part = path.with_name(temporary.name())
    temporary.sweep(path.parent)
    try:
        try:
            with part.open("wb") as stream:
                yield stream
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise OutputRefused(
            f"cannot write {path}: {problem.strerror or problem}. Choose a file in a folder you may write to."
        ) from problem


def check_new(path: Path, *, overwrite: bool, read: Iterable[Path] = ()) -> None:
    """Refuse an output file that exists or cannot be written, before anything is computed.

    read : input files, which must not be replaced

    Raises OutputRefused.
    """
    try:
        is_folder, is_there = path.is_dir(), path.exists()
        is_read = is_there and any(other.exists() and path.samefile(other) for other in read)
    except OSError as problem:
        raise OutputRefused(
            f"cannot write {path}: {problem.strerror or problem}. Choose another name with --out."
        ) from problem
    if is_read:
        raise OutputRefused(f"{path} is an input file and would be lost. Choose another name with --out.")
    if is_folder:
        raise OutputRefused(f"{path} is a folder, but a file is needed. Choose another name with --out.")
    if path.is_symlink() and not is_there:
        raise OutputRefused(f"{path} is a link to nothing. Remove it, or choose another name with --out.")
    if is_there and not path.is_file():
        raise OutputRefused(
            f"{path} is a device or a pipe, but a file is needed. Choose another name with --out."
        )
    if is_there and not overwrite:
        raise OutputRefused(
            f"{path} exists already. Use --overwrite to replace it, or choose another name with --out."
        )
    if not path.parent.is_dir():
        raise OutputRefused(
            f"the folder {path.parent} does not exist. Create it, or choose another with --out."
        )
    trial = path.with_name(temporary.name())
    try:
        trial.touch()
        trial.unlink()
    except OSError as problem:
        raise OutputRefused(
            f"cannot write {path}: {problem.strerror or problem}. Choose a writable folder with --out."
        ) from problem

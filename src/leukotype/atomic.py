"""Write a file in one step, so that readers see the old content or the new content, never a part."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from leukotype import temporary
from leukotype.errors import OutputRefused


def put(path: Path, content: bytes) -> None:
    """Write a file in one step; raises OutputRefused if it cannot be written."""
    with writing(path) as stream:
        stream.write(content)


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

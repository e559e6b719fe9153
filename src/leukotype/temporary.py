"""Temporary files and folders: named after the process that owns them, and removed once that process is dead."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

PREFIX = ".leukotype-"
# In the folder for temporary files a hidden name would hide what is left.
SHOWN_PREFIX = "leukotype-"
# Ending of a folder with the former content, while that of its partner without the ending replaces it.
FORMER = "-former"
_NAME = re.compile(rf"\.?{SHOWN_PREFIX}([0-9a-f]{{8}})-(\d+)-([0-9a-f]{{8}})-[0-9a-f]{{12}}")
# Names of earlier versions do not tell their owner.
_OLDER_NAME = re.compile(r"\.leukotype-[0-9a-f]{12}")
# Processes on another machine cannot be checked.
_ABANDONED_SECONDS = 24 * 3600.0
_UNKNOWN = "0" * 8


def name(prefix: str = PREFIX) -> str:
    """Return a new name for a temporary file or folder of this process."""
    return f"{prefix}{_machine()}-{os.getpid()}-{_short(start_of(os.getpid()))}-{secrets.token_hex(6)}"


@contextmanager
def folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield a temporary folder, made as by `make_folder`; it is removed at the end."""
    place = make_folder(parent)
    try:
        yield place
    finally:
        remove(place)


def make_folder(parent: Path | None = None) -> Path:
    """Return a new temporary folder that only this user can read, and sweep its parent; `remove` it after use.

    parent : by default the folder for temporary files
    """
    sweep(parent)
    place = Path(tempfile.gettempdir()) / name(SHOWN_PREFIX) if parent is None else parent / name()
    place.mkdir(mode=0o700)
    return place


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there and as far as the system permits."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def sweep(place: Path | None = None) -> None:
    """Remove what dead processes left in a folder, by default in the folder for temporary files."""
    place = Path(tempfile.gettempdir()) if place is None else place
    with suppress(OSError):
        for entry in os.listdir(place):
            if is_stale(place / entry) and not (place / f"{entry}{FORMER}").exists():
                remove(place / entry)


def is_ours(file_name: str) -> bool:
    """Tell whether a name is that of a temporary file or folder of leukotype."""
    plain = file_name.removesuffix(FORMER)
    return bool(_NAME.fullmatch(plain) or _OLDER_NAME.fullmatch(plain))


def is_stale(path: Path) -> bool:
    """Tell whether a path has the name of a temporary file or folder whose process is dead."""
    found = _NAME.fullmatch(path.name)
    if found is not None and found[1] == _machine() and found[3] != _UNKNOWN:
        return _short(start_of(int(found[2]))) != found[3]
    with suppress(OSError):
        if found is not None or _OLDER_NAME.fullmatch(path.name):
            return time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS
    return False


def start_of(pid: int) -> str:
    """Return the start of a process as text to compare; "" if there is no such process or its start is unknown."""
    try:
        # The program name may contain brackets and blanks; the fields follow its last bracket.
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if state in "ZX":
            return ""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {fields[18]}"
    except (OSError, ValueError, IndexError):
        pass
    if sys.platform not in ("linux", "win32"):
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        with suppress(OSError):
            return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return ""


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return this machine, as processes see each other: containers have process ids of their own."""
    namespace = ""
    with suppress(OSError):
        namespace = os.readlink("/proc/self/ns/pid")
    return _short(f"{socket.gethostname()} {namespace}")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8] if text else _UNKNOWN

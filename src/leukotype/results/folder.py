"""The folder of a result: refused early, filled aside, put in place in one step, and never a stranger's."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from leukotype.cohort import Cohort
from leukotype.errors import OutputRefused
from leukotype.results import manifest
from leukotype.runs import is_store_file

_ASIDE = ".leukotype-"
# What file managers strew about; nobody misses it, and it is left where it is.
_STREWN = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def folder_name(cohort: Cohort) -> str:
    """A name for the folder of a cohort's results that every file system takes."""
    return plain_name(cohort.name)


def plain_name(name: str) -> str:
    """What every file system takes of a name."""
    plain = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.")
    return plain[:80].rstrip("-.") or "study"


def check_output(out: str | Path, *, overwrite: bool = False, resume: bool = False) -> None:
    """Refuse a folder that cannot be written or that holds something else, before anything is computed.

    overwrite : whether a result of leukotype may be replaced; anything else is refused all the same
    resume    : whether an unfinished run may stand there

    Raises OutputRefused.
    """
    try:
        place = Path(out).resolve()
        if not place.exists():
            nearest = next(parent for parent in place.parents if parent.exists())
            if not nearest.is_dir():
                raise OutputRefused(
                    f"cannot make the folder {out}: {nearest} is a file. Choose another folder with --out."
                )
            _probe(nearest)
        elif not place.is_dir():
            raise OutputRefused(f"{out} is a file, and a folder is needed. Choose another name with --out.")
        else:
            _check_content(place, str(out), overwrite, resume)
            _probe(place)
    except (OSError, RuntimeError) as problem:  # RuntimeError: a loop of symbolic links
        why = getattr(problem, "strerror", None) or problem
        raise OutputRefused(
            f"cannot write to {out}: {why}. Choose a folder you may write to with --out."
        ) from problem


@contextmanager
def staged(out: str | Path, *, overwrite: bool = False, resume: bool = False) -> Iterator[Path]:
    """Yield an empty folder; what is put there becomes `out` when the block ends well, and vanishes if not.

    The store of a run stays where it is.

    Raises OutputRefused as `check_output` does.
    """
    check_output(out, overwrite=overwrite, resume=resume)
    target = Path(out).resolve()
    is_new = not target.exists()
    parents = _make_parents(target) if is_new else []
    # A folder that is there is filled from within: the one around it may be another disk, or not writable.
    aside = (target.parent if is_new else target) / f"{_ASIDE}{secrets.token_hex(6)}"
    try:
        aside.mkdir()
        yield aside
        if is_new:
            _settle(aside, target, out)
        else:
            _check_content(target, str(out), overwrite, resume)
            _swap(aside, target)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        for parent in reversed(parents):
            with suppress(OSError):
                parent.rmdir()
        raise


def _probe(folder: Path) -> None:
    """Write and remove: permissions alone do not tell of a read-only disk."""
    trial = folder / f"{_ASIDE}{secrets.token_hex(6)}"
    trial.mkdir()
    trial.rmdir()


def _check_content(folder: Path, name: str, overwrite: bool, resume: bool) -> None:
    everything = sorted(_files(folder))
    held = [file for file in everything if not is_store_file(file)]
    if not held and everything and not (resume or overwrite):
        raise OutputRefused(
            f"{name} holds an unfinished run. Give its own command to go on with it, say --overwrite to put something "
            "else in its place, or choose another folder with --out."
        )
    if not held:
        return
    ours = manifest.files_of(folder)
    if ours is None:
        raise OutputRefused(
            f"{name} holds {held[0]!r}, which leukotype did not write, and an empty or new folder is needed. "
            "Choose another folder with --out."
        )
    strangers = [file for file in held if file not in ours]
    if strangers:
        raise OutputRefused(
            f"{name} holds {strangers[0]!r} beside an earlier result, and leukotype did not write it "
            f"({len(strangers)} such files). Move it away, or choose another folder with --out."
        )
    if not overwrite:
        raise OutputRefused(
            f"{name} holds an earlier result. Say --overwrite to replace it, or choose another folder with --out."
        )


def _files(folder: Path) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        here = Path(path)
        folders[:] = [name for name in folders if not name.startswith(_ASIDE)]
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*files, *links):
            if name not in _STREWN:
                yield (here / name).relative_to(folder).as_posix()


def _make_parents(target: Path) -> list[Path]:
    """Make the folders around `target`; return those that were not there, the outermost first."""
    missing = [parent for parent in target.parents if not parent.exists()][::-1]
    target.parent.mkdir(parents=True, exist_ok=True)
    return missing


def _settle(aside: Path, target: Path, name: str | Path) -> None:
    try:
        os.rename(aside, target)
    except OSError as problem:
        if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise OutputRefused(
            f"{name} was filled by something else meanwhile. Choose another folder with --out."
        ) from problem


def _swap(aside: Path, target: Path) -> None:
    """Put the content of `aside` in the place of what `target` holds; all of it, or none."""
    old = target / f"{_ASIDE}{secrets.token_hex(6)}"
    old.mkdir()
    moves = [
        (path, old / path.name)
        for path in target.iterdir()
        if not path.name.startswith(_ASIDE) and path.name not in _STREWN and not is_store_file(path.name)
    ]
    # The manifest comes last: a folder without one counts as no result.
    new = sorted(aside.iterdir(), key=lambda path: path.name == manifest.NAME)
    moves += [(path, target / path.name) for path in new]
    done: list[tuple[Path, Path]] = []
    try:
        for source, destination in moves:
            os.rename(source, destination)
            done.append((source, destination))
    except BaseException:
        for source, destination in reversed(done):
            os.rename(destination, source)
        old.rmdir()
        raise
    shutil.rmtree(old)
    aside.rmdir()

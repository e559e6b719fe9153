"""The folder of a result: checked early, replaced in one step, with the store of an unfinished run."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from leukotype import manifest, temporary
from leukotype.cohort import Cohort
from leukotype.errors import Interrupted, OutputRefused
from leukotype.models import Model
from leukotype.resampling import Folds
from leukotype.runs import NAME, Store, is_store_file
from leukotype.wording import counted

# Files of file managers, which are left in place.
_IGNORED = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
# Facts of a store, by their names in stores of earlier versions.
_REQUEST, _STATE = "wish", "state"


def plain_name(name: str) -> str:
    """Return a name reduced to what is valid on every file system."""
    plain = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.")
    return plain[:80].rstrip("-.") or "study"


def check_output(out: str | Path, *, overwrite: bool = False, resume: bool = False) -> None:
    """Refuse a folder that can't be written or holds other files, before anything is computed.

    overwrite : whether a result of leukotype may be replaced; other files are never replaced
    resume    : whether the folder may hold an unfinished run

    Raises OutputRefused.
    """
    try:
        place = Path(out).resolve()
        _recover(place)
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
            f"cannot write to {out}: {why}. Choose a writable folder with --out."
        ) from problem


@contextmanager
def staged(out: str | Path, *, overwrite: bool = False, resume: bool = False) -> Iterator[Path]:
    """Yield an empty folder; its content becomes `out` if the block succeeds, and is deleted if it fails.

    The store of a run stays in place.

    Raises OutputRefused as `check_output` does.
    """
    check_output(out, overwrite=overwrite, resume=resume)
    target = Path(out).resolve()
    is_new = not target.exists()
    made = [parent for parent in target.parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    # An existing folder is filled from within: its parent may be another disk, or not writable.
    staging = (target.parent if is_new else target) / temporary.name()
    try:
        staging.mkdir()
        yield staging
        if is_new:
            _rename(staging, target, out)
        else:
            _check_content(target, str(out), overwrite, resume)
            _swap(staging, target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        _remove_empty(made)
        raise


@contextmanager
def keeping(
    out: str | Path,
    request: Mapping[str, Any],
    *,
    kind: str = "study",
    overwrite: bool = False,
    resume: bool = False,
    is_temporary: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[Store]:
    """Yield the store of finished tasks in the folder `out`; an unfinished run of the same request is resumed.

    request   : all options of the run, by the names that a user knows: numbers, text and lists
    kind      : name of the run, e.g. "benchmark"
    overwrite : whether a run with another request may take the folder; finished tasks of both are not run again
    resume    : whether a finished result of the same request may be written again from its tasks
    is_temporary : whether the folder holds the store alone, for any request, and is deleted when the run finishes
    say       : called with a line on what the folder holds

    If no task finished, the folder is left as it was.  Raises OutputRefused for another request, RunInProgress if
    another process uses the folder, Interrupted instead of KeyboardInterrupt, StoreFailed.
    """
    folder = Path(out).resolve()
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    is_empty = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Store(folder) as store:
            if store.rescued:
                say(store.rescued)
            n_before = len(store)
            is_empty = not n_before
            if not (overwrite or is_temporary):
                _check_request(store, str(out), dict(request), kind, resume, say)
            if n_before:
                say(
                    f"{out} holds {counted(n_before, 'finished task')}; those still needed are not run again."
                )
            store.keep_fact(_REQUEST, dict(request))
            store.keep_fact(_STATE, "unfinished")
            try:
                yield store
            except KeyboardInterrupt as problem:
                raise Interrupted(_interrupted(len(store), str(out))) from problem
            finally:
                is_empty = not len(store)
            store.keep_fact(_STATE, "finished")
        if is_temporary:
            shutil.rmtree(folder)
    except BaseException:
        if is_empty:
            (folder / NAME).unlink(missing_ok=True)
        _remove_empty(made)
        raise


def request(cohort: Cohort, folds: Folds, models: Sequence[Model], **others: Any) -> dict[str, Any]:
    """Return all options of a study, which distinguish it from another; `others` by name."""
    return {
        "cohort": cohort.name,
        "values": cohort.fingerprint,
        "models": [model.name for model in models],
        **asdict(folds.design),
        "folds": folds.fingerprint,
        **others,
    }


def _check_request(
    store: Store, out: str, request: dict[str, Any], kind: str, resume: bool, say: Callable[[str], None]
) -> None:
    earlier, state = store.fact(_REQUEST), store.fact(_STATE)
    if earlier == request and (resume or state == "unfinished"):
        return
    if earlier is None or state == "finished":
        if (Path(out) / manifest.NAME).exists():
            raise OutputRefused(
                f"{out} holds the result of another run, so there is nothing to resume. Use --overwrite to replace it, "
                "or choose another folder with --out."
            )
        if resume:
            say(f"{out} holds no unfinished {kind}; a new one starts.")
        return
    name = next(name for name in (*request, *earlier) if request.get(name) != earlier.get(name))
    theirs, ours = (_shown(found.get(name)) for found in (earlier, request))
    differ = f"{name}: {theirs} there, {ours} here" if theirs != ours else f"another {name}"
    raise OutputRefused(
        f"{out} holds an unfinished run with other options ({differ}). Repeat its command to resume it, use "
        f"--overwrite to replace it by this {kind}, or choose another folder with --out."
    )


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _interrupted(n_finished: int, out: str) -> str:
    if not n_finished:
        return "interrupted; nothing was written."
    return f"interrupted; {counted(n_finished, 'finished task')} kept in {out}. Repeat the command to resume."


def _probe(folder: Path) -> None:
    """Write and remove a folder: permissions alone do not reveal a read-only disk."""
    trial = folder / temporary.name()
    trial.mkdir()
    trial.rmdir()


def _check_content(folder: Path, name: str, overwrite: bool, resume: bool) -> None:
    # The files of a store are at the top.  Of other files one suffices: a folder such as / holds millions.
    has_store = any(is_store_file(path.name) for path in folder.iterdir())
    held = (file for file in _files(folder) if not is_store_file(file))
    first = next(held, None)
    if first is None and has_store and not (resume or overwrite):
        raise OutputRefused(
            f"{name} holds an unfinished run. Repeat its command to resume it, use --overwrite to replace it, or "
            "choose another folder with --out."
        )
    if first is None:
        return
    ours = manifest.files_of(folder)
    if ours is None:
        raise OutputRefused(
            f"{name} holds {first!r}, which leukotype did not write, and an empty or new folder is needed. "
            "Choose another folder with --out."
        )
    others = sorted(file for file in (first, *held) if file not in ours)
    if others:
        raise OutputRefused(
            f"{name} holds an earlier result and {counted(len(others), 'file')} that leukotype did not write, such as "
            f"{others[0]!r}. Move them away, or choose another folder with --out."
        )
    if not overwrite:
        raise OutputRefused(
            f"{name} holds an earlier result. Use --overwrite to replace it, or choose another folder with --out."
        )


def _files(folder: Path) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        here = Path(path)
        folders[:] = [name for name in folders if not temporary.is_ours(name)]
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*files, *links):
            if name not in _IGNORED and not temporary.is_ours(name):
                yield (here / name).relative_to(folder).as_posix()


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders that are empty, the innermost first."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _rename(staging: Path, target: Path, name: str | Path) -> None:
    try:
        os.rename(staging, target)
    except OSError as problem:
        if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise OutputRefused(
            f"another program wrote into {name} in the meantime. Choose another folder with --out."
        ) from problem


def _swap(staging: Path, target: Path) -> None:
    """Replace the content of `target` by that of `staging`, completely or not at all."""
    former = target / f"{staging.name}{temporary.FORMER}"
    former.mkdir()
    moves = [
        (path, former / path.name)
        for path in target.iterdir()
        if not (temporary.is_ours(path.name) or path.name in _IGNORED or is_store_file(path.name))
    ]
    # The manifest comes last: a folder without one is no result.
    new = sorted(staging.iterdir(), key=lambda path: path.name == manifest.NAME)
    moves += [(path, target / path.name) for path in new]
    try:
        for source, destination in moves:
            os.rename(source, destination)
    except BaseException:
        _restore(target, staging, [path.name for path in new])
        raise
    shutil.rmtree(former)
    staging.rmdir()


def _restore(target: Path, staging: Path, new: Iterable[str]) -> None:
    """Undo an interrupted replacement, after any of its steps, or of these.

    new : names of the files and folders that come from `staging`
    """
    for name in new:
        if not (staging / name).exists() and (target / name).exists():
            os.rename(target / name, staging / name)
    former = target / f"{staging.name}{temporary.FORMER}"
    for path in former.iterdir():
        os.rename(path, target / path.name)
    former.rmdir()


def _recover(target: Path) -> None:
    """Undo a replacement that was killed, and remove what dead processes left in the folder or next to it."""
    for former in target.glob(f"{temporary.PREFIX}*{temporary.FORMER}"):
        staging = former.with_name(former.name.removesuffix(temporary.FORMER))
        if not temporary.is_stale(staging):
            continue
        new = manifest.files_of(staging)
        if new is not None:
            _restore(target, staging, {name.partition("/")[0] for name in new})
        # Without its manifest, which is moved last, the replacement was complete.
        temporary.remove(former)
    for place in (target, target.parent):
        temporary.sweep(place)

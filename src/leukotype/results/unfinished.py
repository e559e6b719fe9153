"""A run that may be killed and gone on with: its store stands in the folder of its result, and stays there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from leukotype.cohort import Cohort
from leukotype.errors import Interrupted, OutputRefused
from leukotype.models import Model
from leukotype.resampling import Folds
from leukotype.results import manifest
from leukotype.runs import NAME, Store

_WISH, _STATE = "wish", "state"


def wish(cohort: Cohort, folds: Folds, models: Sequence[Model], **others: Any) -> dict[str, Any]:
    """Return what a study is asked for, in words that tell it from another study; `others` by name."""
    design = asdict(folds.design)
    return {
        "cohort": cohort.name,
        "values": cohort.fingerprint,
        "models": [model.name for model in models],
        **design,
        "folds": folds.fingerprint,
        **others,
    }


def _silent(line: str) -> None:
    """Say nothing."""


@contextmanager
def keeping(
    out: str | Path,
    wish: Mapping[str, Any],
    *,
    kind: str = "study",
    overwrite: bool = False,
    resume: bool = False,
    say: Callable[[str], None] = _silent,
) -> Iterator[Store]:
    """Yield the store of finished tasks in the folder `out`, where an unfinished run of the same wish is gone on with.

    wish      : all that was asked for, by the name a user knows it by: JSON's numbers, text and lists
    kind      : what the run is called, e.g. "benchmark"
    overwrite : whether a run with another wish may take the folder; finished tasks that both need are not run again
    resume    : whether a finished result of this very wish may be made again from its tasks
    say       : called with a line on what was found there

    Where nothing was finished, nothing is left behind.  Raises OutputRefused for another wish, RunInProgress where
    another process is at work there, Interrupted in place of KeyboardInterrupt, StoreFailed.
    """
    folder = Path(out).resolve()
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    is_empty = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Store(folder) as store:
            if store.rescued:
                say(store.rescued)
            n_before = len(store)
            is_empty = not n_before
            if not overwrite:
                _check(store, str(out), dict(wish), kind, resume, say)
            if n_before:
                say(f"{out} holds {_count(n_before)}; those that this {kind} needs are not run again.")
            store.keep_fact(_WISH, dict(wish))
            store.keep_fact(_STATE, "unfinished")
            try:
                yield store
            except KeyboardInterrupt as problem:
                raise Interrupted(_in_the_end(len(store), str(out))) from problem
            finally:
                is_empty = not len(store)
            store.keep_fact(_STATE, "finished")
    except BaseException:
        if is_empty:
            (folder / NAME).unlink(missing_ok=True)
        for place in missing:
            with suppress(OSError):
                place.rmdir()
        raise


def _check(
    store: Store, out: str, wish: dict[str, Any], kind: str, resume: bool, say: Callable[[str], None]
) -> None:
    earlier, state = store.fact(_WISH), store.fact(_STATE)
    if earlier == wish and (resume or state == "unfinished"):
        return
    if earlier is None or state == "finished":
        if (Path(out) / manifest.NAME).exists():
            raise OutputRefused(
                f"{out} holds the result of another run, so there is nothing to resume. Say --overwrite to replace "
                "it, or choose another folder with --out."
            )
        if resume:
            say(f"{out} holds no unfinished {kind}: this one begins at the beginning.")
        return
    name = next(name for name in (*wish, *earlier) if wish.get(name) != earlier.get(name))
    theirs, ours = (_shown(found.get(name)) for found in (earlier, wish))
    differ = f"{name}: {theirs} there, {ours} here" if theirs != ours else f"another {name}"
    raise OutputRefused(
        f"{out} holds an unfinished run with other wishes ({differ}). Give its own command to go on with it, say "
        f"--overwrite to put this {kind} in its place, or choose another folder with --out."
    )


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _count(number: int) -> str:
    return "1 finished task" if number == 1 else f"{number} finished tasks"


def _in_the_end(n_finished: int, out: str) -> str:
    if not n_finished:
        return "interrupted; nothing was written."
    return f"interrupted; {_count(n_finished)} are kept in {out}, and the same command goes on with them."

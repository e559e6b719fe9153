"""The guard around every command: closed streams, signals to end, and errors that no code foresees."""

from __future__ import annotations

import errno
import os
import platform
import re
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from types import FrameType, TracebackType

from leukotype import console
from leukotype.errors import InputError, LeukotypeError
from leukotype.wording import cut, printable

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
# Errors of the system that another name or folder avoids.
_BAD_NAME = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.EINVAL)
_QUOTED = re.compile(r"""(["'])(?:(?!\1).)*\1""")


def check(arguments: Sequence[str]) -> None:
    """Refuse control characters and undecodable bytes in arguments; they would end up in reports and terminals."""
    for number, argument in enumerate(arguments, start=1):
        if printable(argument) != argument:
            raise InputError(
                f"argument {number}, '{cut(printable(argument), 120)}', contains a control character or a byte that is "
                "not UTF-8. Rename the file, or correct the argument."
            )


@contextmanager
def streams() -> Iterator[None]:
    """Replace closed standard streams, and print characters that a stream cannot encode as escapes."""
    missing = [name for name in ("stdout", "stderr") if getattr(sys, name) is None]
    for name in missing:
        # No "with": the stream lives as long as the process.
        setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    with suppress(AttributeError, ValueError):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # tests replace the stream
    yield


@contextmanager
def endings() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP like Ctrl-C, so that temporary files are removed and finished tasks are kept."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        # Once: a second signal must not interrupt the removal of temporary files.
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    # A signal that the parent ignores, as under nohup, stays ignored.
    before = {each: signal.getsignal(each) for each in _ENDING}
    for each, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(each, end)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler if handler is not None else signal.SIG_DFL)


def flush(code: int) -> int:
    """Write what is left to standard output; return the exit code, 1 if that fails."""
    try:
        sys.stdout.flush()
    except OSError as problem:
        return output_lost(problem)
    return code


def output_lost(problem: OSError) -> int:
    """End quietly if the reader of standard output is gone, such as `head`; else say why it cannot be written."""
    if not isinstance(problem, BrokenPipeError):
        console.fail(f"cannot write to standard output: {problem.strerror or problem}. Free space there.")
    # The interpreter writes the rest of its buffer at the end, which must not fail again.
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return LeukotypeError.exit_code


def is_output_lost() -> bool:
    """Tell whether standard output cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def of_system(problem: OSError | MemoryError) -> int:
    """Report an error of the system as one line; return the exit code."""
    if isinstance(problem, OSError) and problem.errno in _BAD_NAME:
        name = f" {problem.filename}" if problem.filename else ""
        console.fail(f"cannot use{name}: {problem.strerror}. Check the names of files and folders.")
        return InputError.exit_code
    words = f"{type(problem).__name__}: {problem}".rstrip(": ")
    console.fail(f"{words}. Free space or memory, or choose another folder.")
    return LeukotypeError.exit_code


def unforeseen(problem: BaseException, arguments: Sequence[str]) -> int:
    """Report an error of the program as one line that names a file with its traceback; return the exit code."""
    frames = traceback.extract_tb(problem.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    try:
        handle, name = tempfile.mkstemp(prefix="leukotype-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(bug_report(problem, arguments))
        remedy = f"Please report it with the file {name}, which holds no expression values."
    except OSError:
        remedy = "Please report it with the command and this line."
    console.fail(f"an error in leukotype ({type(problem).__name__}{place}). {remedy}")
    return LeukotypeError.exit_code


def bug_report(problem: BaseException, arguments: Sequence[str]) -> str:
    """Return the traceback without any data: no values, no quoted text, and of the arguments only the options."""
    options = " ".join(
        word.partition("=")[0] for word in arguments if re.fullmatch(r"--?[a-z-]+(=.*)?", word)
    )
    command = next((word for word in arguments if re.fullmatch(r"[a-z-]+", word)), "")
    lines = [
        f"leukotype {version('leukotype')}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {command} {options}".rstrip(),
    ]
    seen: set[int] = set()
    link: BaseException | None = problem
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        lines += ["", *_frames(link.__traceback__), f"{type(link).__name__}: {_without_data(str(link))}"]
        link = link.__cause__ or link.__context__
    return "\n".join(lines) + "\n"


def _frames(found: TracebackType | None) -> list[str]:
    # The deepest frames tell the most; a recursion has thousands.
    frames = traceback.extract_tb(found)[-50:]
    return [f"  {frame.filename}, line {frame.lineno}, in {frame.name}\n    {frame.line}" for frame in frames]


def _without_data(message: str) -> str:
    """Return a message without its numbers and quoted text, which may come from the data."""
    plain = re.sub(r"\d", "#", _QUOTED.sub("'...'", message))
    return printable(cut(plain, 500))

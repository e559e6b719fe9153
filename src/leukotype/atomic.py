"""A file written in one step: all of it, or nothing."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from leukotype.errors import OutputRefused


def put(path: Path, content: bytes) -> None:
    """Write a file beside its place, then rename it; what stood there before stays until then.

    Raises OutputRefused where it cannot be written, and leaves nothing behind.
    """
    beside = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    try:
        try:
            beside.write_bytes(content)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as problem:
        raise OutputRefused(
            f"cannot write {path}: {problem.strerror or problem}. Choose a file in a folder you may write to."
        ) from problem

"""Write a file in one step, so that readers see the old content or the new content, never a part."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from leukotype.errors import OutputRefused


def put(path: Path, content: bytes) -> None:
    """Write a temporary file in the same folder, then rename it to `path`.

    Raises OutputRefused if the file cannot be written; no temporary file remains.
    """
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    try:
        try:
            temporary.write_bytes(content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as problem:
        raise OutputRefused(
            f"cannot write {path}: {problem.strerror or problem}. Choose a file in a folder you may write to."
        ) from problem

"""The manifest of a result: every file with its hash, and what it takes to make them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from leukotype import __version__
from leukotype.models import versions

NAME = "manifest.json"
_AUTHOR = "leukotype"


def write(folder: Path, *, command: str, facts: Mapping[str, Any], varying: Iterable[str] = ()) -> None:
    """Describe every file in `folder`.

    varying : files whose bytes hold run times; all others depend on input, settings and versions alone
    """
    varying = set(varying)
    files = {
        path.relative_to(folder).as_posix(): _describe(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = {
        "schema": 1,
        "written_by": _AUTHOR,
        "version": __version__,
        "command": command,
        **facts,
        "platform": versions.platform_facts(),
        "packages": versions.packages(),
        "reproducible": [name for name in files if name not in varying],
        "files": files,
    }
    (folder / NAME).write_bytes(json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n")


def files_of(folder: Path) -> set[str] | None:
    """Names of the files that leukotype wrote into `folder`, itself included; None where it wrote nothing."""
    try:
        manifest = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(manifest, dict) or manifest.get("written_by") != _AUTHOR:
        return None
    files = manifest.get("files")
    return {NAME, *files} if isinstance(files, dict) else None


def _describe(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

"""The manifest of a result folder: every file with its hash, and what is needed to reproduce it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from leukotype.errors import UnreadableFile
from leukotype.models import versions
from leukotype.readers import read_bytes

NAME = "manifest.json"
_AUTHOR = "leukotype"


def write(folder: Path, *, command: str, facts: Mapping[str, Any], varying: Iterable[str] = ()) -> None:
    """Describe every file in `folder`.

    facts   : "kind", the kind of result, and what identifies it
    varying : files that hold run times; all others depend on input, settings and versions alone
    """
    varying = set(varying)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files = {path.relative_to(folder).as_posix(): _describe(path.read_bytes()) for path in paths}
    manifest = {
        "schema": 1,
        "written_by": _AUTHOR,
        "version": metadata.version("leukotype"),
        "command": command,
        **facts,
        "platform": versions.platform_facts(),
        "packages": versions.packages(),
        "reproducible": [name for name in files if name not in varying],
        "files": files,
    }
    (folder / NAME).write_bytes(json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n")


def files_of(folder: Path) -> set[str] | None:
    """Names of the files that leukotype wrote into `folder`, the manifest included; None if it wrote none."""
    files = _read(folder).get("files")
    return {NAME, *files} if isinstance(files, dict) else None


def kind_of(folder: Path) -> str:
    """Kind of the result in `folder`, e.g. "study"; empty if it holds no result of leukotype."""
    return "" if files_of(folder) is None else str(_read(folder).get("kind", ""))


def _read(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(read_bytes(folder / NAME))
    except (UnreadableFile, ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) and manifest.get("written_by") == _AUTHOR else {}


def _describe(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

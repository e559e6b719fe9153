"""What code of leukotype, and of the packages below it, the results of models are made by."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

# Rooms that decide what a model gives on a fold, and packages whose arithmetic it is made of.
ROOMS = ("wide", "models")
PACKAGES = ("numpy", "scipy", "scikit-learn", "xgboost")


@cache
def fingerprint(rooms: tuple[str, ...] = ROOMS) -> str:
    """Sha256 of the sources of rooms and of the versions of `PACKAGES`."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for room in rooms:
        sources = sorted((root / room).rglob("*.py"))
        if not sources:
            # Installed without its sources.
            digest.update(f"{room} {metadata.version('leukotype')}\n".encode())
        for source in sources:
            digest.update(f"{source.relative_to(root).as_posix()}\n".encode() + source.read_bytes() + b"\x1e")
    for package in PACKAGES:
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()

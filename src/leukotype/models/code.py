"""What code of leukotype, and of the packages below it, the results of models are made by."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

from leukotype import __version__

# Rooms that decide what a model gives on a fold, and packages whose arithmetic it is made of.
ROOMS = ("wide", "models")
PACKAGES = ("numpy", "scipy", "scikit-learn", "xgboost")


@cache
def fingerprint() -> str:
    """Sha256 of the sources of `ROOMS` and of the versions of `PACKAGES`."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for room in ROOMS:
        sources = sorted((root / room).rglob("*.py"))
        if not sources:
            # Installed without its sources.
            digest.update(f"{room} {__version__}\n".encode())
        for source in sources:
            digest.update(f"{source.relative_to(root).as_posix()}\n".encode() + source.read_bytes() + b"\x1e")
    for package in PACKAGES:
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()

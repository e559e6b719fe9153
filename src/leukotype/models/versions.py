"""The code and the packages that the results depend on."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

# The rooms that decide the predictions of a model on a fold, and the packages whose arithmetic they use.
ROOMS = ("wide", "rules", "models")
_ARITHMETIC = ("numpy", "scipy", "scikit-learn", "xgboost")
_REPORTED = (
    *("numpy", "scipy", "pandas", "scikit-learn", "xgboost", "joblib", "threadpoolctl"),
    *("altair", "vl-convert-python", "jinja2"),
)


@cache
def fingerprint(rooms: tuple[str, ...] = ROOMS) -> str:
    """Sha256 of the source files of `rooms` and of the versions of the numerical packages."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for room in rooms:
        sources = sorted((root / room).rglob("*.py"))
        if not sources:
            # Installed without source files.
            digest.update(f"{room} {metadata.version('leukotype')}\n".encode())
        for source in sources:
            digest.update(f"{source.relative_to(root).as_posix()}\n".encode() + source.read_bytes() + b"\x1e")
    for package in _ARITHMETIC:
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()


@cache
def _version(package: str) -> str | None:
    # Reports ask for it hundreds of times.
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def packages() -> dict[str, str]:
    """Versions of the installed packages that affect the results."""
    found = {name: _version(name) for name in _REPORTED}
    return {name: version for name, version in found.items() if version is not None}


def platform_facts() -> dict[str, str]:
    """Python and the machine, between which the last digits of floating-point results may differ."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
    }

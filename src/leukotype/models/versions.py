"""What the numbers were computed with."""

from __future__ import annotations

import platform
from importlib import metadata

_PACKAGES = (
    *("numpy", "scipy", "pandas", "scikit-learn", "xgboost", "joblib", "threadpoolctl"),
    *("altair", "vl-convert-python", "jinja2"),
)


def packages() -> dict[str, str]:
    """Version of every package that has a say in the results; those not installed are left out."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def platform_facts() -> dict[str, str]:
    """Language and machine type: floating point may differ in the last digits between them."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
    }

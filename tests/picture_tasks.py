"""Work for a process that draws; apart from the tests, so that it loads nothing else."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from leukotype import pictures


def die_once(_: object, task: tuple[Any, ...]) -> pictures.Pictures:
    """Draw a chart; the first process that gets one with a marker dies."""
    spec, version, with_png = task
    marker = spec.get("usermeta", {}).get("marker")
    if marker and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return pictures.draw(spec, version, with_png=with_png)


def always_die(_: object, task: object) -> pictures.Pictures:
    """End the process."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def loaded(_: object, task: object) -> list[str]:
    """Return the names of the modules that are loaded."""
    return sorted(sys.modules)

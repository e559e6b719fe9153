"""The lock file: the same versions for every Python, with hashes, and nothing of NVIDIA's."""

from __future__ import annotations

import re
import tomllib
from itertools import product
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = (("linux", "Linux"), ("darwin", "Darwin"), ("win32", "Windows"))
MACHINES = ("x86_64", "aarch64")


def requirements(lock: Path) -> list[Requirement]:
    lines = re.findall(r"^[A-Za-z0-9][^\\\n]*", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return [Requirement(line.strip()) for line in lines]


def installed(
    locked: list[Requirement], python: str, system: tuple[str, str], machine: str
) -> list[Requirement]:
    environment = default_environment() | {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system[0],
        "platform_system": system[1],
        "platform_machine": machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    return [one for one in locked if one.marker is None or one.marker.evaluate(environment)]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_lock_has_no_nvidia_package_on_any_python(lock: Path, python: str) -> None:
    locked = requirements(lock)
    assert len(locked) > 50
    for system, machine in product(SYSTEMS, MACHINES):
        here = [canonicalize_name(one.name) for one in installed(locked, python, system, machine)]
        assert not [name for name in here if name.startswith(("nvidia", "cuda"))]
        assert len(set(here)) == len(here), "a package has two versions"
        assert {"numpy", "scipy", "scikit-learn", "xgboost"} <= set(here)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_all_pythons_get_the_same_versions(lock: Path) -> None:
    """Predictions then do not depend on the Python that is there."""
    names = [canonicalize_name(one.name) for one in requirements(lock)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_lock_has_hashes_and_names_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert all("==" in block.splitlines()[0] for block in blocks)
    assert not re.search(r"://|--(extra-)?index-url|--find-links", text)


def test_lock_holds_what_the_project_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = {canonicalize_name(one.name): one for one in requirements(ROOT / "requirements.lock")}
    groups = project["optional-dependencies"].values()
    for line in [*project["dependencies"], *(each for group in groups for each in group)]:
        needed = Requirement(line)
        [pin] = locked[canonicalize_name(needed.name)].specifier
        assert pin.operator == "=="
        assert needed.specifier.contains(pin.version), line

"""The generated pages, the picture and the list of rooms are up to date; the scripts of benchmarks import."""

from __future__ import annotations

import importlib.util
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_audits_page():
    reference = script("make_reference")
    page = reference.AUDITS_TARGET.read_text(encoding="utf-8")
    assert page == reference.audits(), "run python docs/make_reference.py"


def test_picture_and_list_of_rooms():
    rooms = script("make_rooms")
    remedy = "run python docs/make_rooms.py"
    assert rooms.PICTURE.read_text(encoding="utf-8") == rooms.picture(), remedy
    page = rooms.PAGE.read_text(encoding="utf-8")
    assert page == rooms.filled(page), remedy


def test_every_module_of_the_package_has_a_layer():
    modules = {path.stem for path in (ROOT / "src" / "leukotype").iterdir() if path.stem[0] not in "_."}
    assert modules <= {room for layer in script("make_rooms").layers() for room in layer}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "benchmarks").rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_benchmark_scripts_import_what_exists(path, monkeypatch):
    monkeypatch.syspath_prepend(str(path.parent))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    runpy.run_path(str(path), run_name="imported")

"""The generated pages, the picture and the list of rooms are up to date; the scripts of benchmarks import."""

from __future__ import annotations

import runpy

import pytest

import scripts
from scripts import ROOT


def test_audits_page():
    reference = scripts.load("docs/make_reference.py")
    page = reference.AUDITS_TARGET.read_text(encoding="utf-8")
    assert page == reference.audits(), "run python docs/make_reference.py"


def test_picture_and_list_of_rooms():
    rooms = scripts.load("docs/make_rooms.py")
    remedy = "run python docs/make_rooms.py"
    assert rooms.PICTURE.read_text(encoding="utf-8") == rooms.picture(), remedy
    page = rooms.PAGE.read_text(encoding="utf-8")
    assert page == rooms.filled(page), remedy


def test_every_module_of_the_package_has_a_layer():
    modules = {path.stem for path in (ROOT / "src" / "leukotype").iterdir() if path.stem[0] not in "_."}
    assert modules <= {room for layer in scripts.load("docs/make_rooms.py").layers() for room in layer}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "benchmarks").rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_benchmark_scripts_import_what_exists(path, monkeypatch):
    monkeypatch.syspath_prepend(str(path.parent))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    runpy.run_path(str(path), run_name="imported")

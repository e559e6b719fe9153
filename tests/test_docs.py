"""What the documentation says is true today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import scripts
from leukotype.metrics import intervals

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_reference_is_what_the_tables_say():
    module = scripts.load("docs/make_reference.py")
    assert module.TARGET.read_text(encoding="utf-8") == module.reference(), (
        "run python docs/make_reference.py"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_options_named_in_the_documentation_exist():
    from leukotype import cli

    source = "".join(page.read_text(encoding="utf-8") for page in Path(cli.__file__).parent.glob("*.py"))
    known = {f"--{name.replace('_', '-')}" for name in re.findall(r"^    (\w+): ", source, re.MULTILINE)}
    known |= set(re.findall(r'"(--[\w-]+)"', source)) | {"--help"}
    for page in (ROOT / "README.md", ROOT / "docs" / "tutorial.md"):
        for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", page.read_text(encoding="utf-8")):
            assert option in known, f"{page.name}: {option}"


def test_the_interval_in_the_readme_is_that_of_the_package():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    [(correct, n, low, high)] = re.findall(r"(\d+) of (\d+) correct gives (\d+) % to (\d+) %", text)
    expected = intervals.clopper_pearson(int(correct), int(n))
    assert [round(100 * end) for end in expected] == [int(low), int(high)]

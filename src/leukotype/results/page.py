"""One page builder: a page is sections of blocks, written as one HTML file that fetches nothing.

Importing this module loads no drawing library: the page of a batch of calls has no figures.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from leukotype import __version__
from leukotype.cohort import Provenance

if TYPE_CHECKING:
    from leukotype.audits import Severity
    from leukotype.results.rendered import RenderedFigure

# Each kind has a macro of the same name in page.html.j2, which states the content it takes.
# fmt: off
Kind = Literal[
    "text", "note", "prose", "points", "facts", "tiles", "notices", "heading", "table", "figure", "subfigure",
    "details", "models", "glossary", "samples",
]
# fmt: on


@dataclass(frozen=True)
class Paragraph:
    """A title and its text; code : whether the text is set in a fixed-width font."""

    title: str
    text: str
    code: bool = False


@dataclass(frozen=True)
class Tile:
    """One number at the top of a page, with a title and a detail."""

    title: str
    value: str
    detail: str


@dataclass(frozen=True)
class Notice:
    """A warning for the reader.

    level  : "error": the results are invalid; "warning": it may change the conclusion; "note": for information
    figure : name of the figure that shows it; empty if there is none
    """

    level: Severity
    title: str
    text: str
    figure: str = ""


@dataclass(frozen=True)
class Block:
    """One element of a section; its kind says how `content` is drawn."""

    kind: Kind
    content: Any = None


@dataclass(frozen=True)
class Section:
    """A section with its anchor and heading."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def links(self) -> Iterator[tuple[str, str]]:
        """Anchor and title of the headings and figures in this section."""
        for block in self.blocks:
            if block.kind == "heading":
                yield block.content
            elif block.kind == "figure":
                yield f"figure-{block.content.name}", block.content.title


@dataclass(frozen=True)
class Page:
    """A page.

    kind  : what the page is, ends in a preposition: "Study of"
    name  : of what
    facts : shown below the title
    """

    kind: str
    name: str
    facts: tuple[str, ...]
    sections: tuple[Section, ...]
    simulated: bool = False

    def html(self, scripts: Sequence[str] = ("report.js",)) -> str:
        """Return the page as HTML; the same content gives the same text.

        scripts : assets that may run; nothing runs on a page without scripts
        """
        code = [_script(_asset(name)) for name in scripts]
        figures = self.figures
        if scripts and any(figure.json for figure in figures):
            from leukotype.results.rendered import vega

            code.insert(0, _script(vega()))
        return _environment().get_template("page.html.j2").render(
            page=self,
            drawn={figure.name for figure in figures},
            version=__version__,
            css=Markup(_asset("report.css")),
            scripts=[Markup(text) for text in code],
            policy=_policy(code),
        )  # fmt: skip

    @property
    def figures(self) -> list[RenderedFigure]:
        """The figures on the page."""
        blocks = (block for section in self.sections for block in section.blocks)
        return [block.content for block in blocks if block.kind in ("figure", "subfigure")]


def section(anchor: str, title: str, *blocks: Block | Iterable[Block]) -> Section:
    """Return a section of some blocks; lists of blocks are joined."""
    joined: list[Block] = []
    for block in blocks:
        joined += [block] if isinstance(block, Block) else block
    return Section(anchor, title, tuple(joined))


def heading(anchor: str, title: str) -> Block:
    return Block("heading", (anchor, title))


def table(content: Any) -> Block:
    return Block("table", content)


def details(summary: str, *blocks: Block) -> Block:
    """Return blocks that are folded away below a summary."""
    return Block("details", (summary, blocks))


def notices(found: Iterable[Notice]) -> Section:
    """Return the section of notices, most severe first."""
    return section("notices", "Warnings and notes", Block("notices", by_severity(found)))


def by_severity(found: Iterable[Notice]) -> list[Notice]:
    """Return the notices, most severe first."""
    order = ("error", "warning", "note")
    return sorted(found, key=lambda notice: order.index(notice.level))


def file_facts(fingerprint: str, signed_by: str) -> list[Paragraph]:
    """Return what identifies the file of a classifier: its fingerprint, and the trusted key that signed it."""
    found = [Paragraph("SHA-256 of its manifest", fingerprint or "not saved", code=True)]
    if signed_by:
        found.append(Paragraph("Signed by the trusted key", signed_by, code=True))
    return found


def provenance(
    source: Provenance,
    *,
    first: Sequence[Paragraph] = (),
    extra: Sequence[Paragraph] = (),
    command: str = "",
    software: str = "",
) -> Section:
    """Return the section on the origin of the data.

    first, extra : facts before and after those of the data
    """
    facts = [
        *first,
        Paragraph("Source", source.source),
        Paragraph("SHA-256 of the file", source.sha256, code=True),
        Paragraph("Processing", " ".join(source.steps) or "None."),
        *extra,
        Paragraph("Citation", source.citation),
        Paragraph("Licence", source.licence),
        Paragraph("Command", command, code=True),
        Paragraph("Software", software),
    ]
    return section("provenance", "Provenance", Block("facts", [fact for fact in facts if fact.text]))


def _policy(scripts: Sequence[str]) -> str:
    """Content policy: no address may be fetched, and only these scripts may run."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(["script-src", *(f"'sha256-{digest}'" for digest in hashes)]) + "; " if hashes else ""
    # Vega sets styles of its own on the tooltip and the marks.
    return f"default-src 'none'; {allowed}style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def _script(text: str) -> str:
    # Browsers normalise line ends before they compute the hash.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError("this script would end its own element.")
    return text


def _asset(name: str) -> str:
    return resources.files("leukotype.results").joinpath("assets", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("leukotype.results", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["json_element"] = json_element
    return environment


def json_element(text: str) -> Markup:
    r"""Escape JSON for a script element: `<`, `>` and `&` as \u escapes."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)

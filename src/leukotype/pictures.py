"""Pictures of Vega-Lite charts, made without browser or network: in this process or in a second one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert

from leukotype.errors import DrawingFailed
from leukotype.execution import available_cores
from leukotype.execution.processes import Helper, was_killed

PNG_SCALE = 2.0
# Address space that the converter reserves: 64 GiB and its own.
_ADDRESSES = 70 * 10**9
_DEFINED = re.compile(r'(?<= )id="((?:gradient_|clip)\d+)"')
_USED = re.compile(r"url\(#(\w+)\)")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# Height in px that Vega gives to a title above a subtitle, in the letters of `figures.theme`.
_TITLE_HEIGHT = 17
# Distance in px from the top of the title to the subtitle below it. A subtitle alone is a pixel closer to the chart.
_SUBTITLE_AT = 28
_ATTRIBUTES = r'(?:[^>"]|"[^"]*")*'
_TITLE = re.compile(
    rf'<g class="mark-text role-title-text"{_ATTRIBUTES}><text{_ATTRIBUTES}>[^<]*</text></g>'
    rf'(?P<subtitle><g class="mark-text role-title-subtitle"{_ATTRIBUTES}>)'
    rf'(?P<text><text text-anchor="start" transform="translate\(0,){_SUBTITLE_AT}\)"'
)
_FRAME = re.compile(
    r' width="(?P<width>\d+)" height="(?P<height>\d+)" viewBox="0 0 (?P=width) (?P=height)"',
)


@dataclass(frozen=True)
class Pictures:
    """One chart as pictures.

    svg      : as SVG
    untitled : as SVG without the title, for a page that prints it; empty if it must be drawn on its own
    png      : as PNG, with two pixels per unit; empty if it was not asked for
    """

    svg: str
    untitled: str
    png: bytes = b""


def svg_of(spec: Mapping[str, Any], version: str | None = None) -> str:
    """Return a Vega-Lite chart as an SVG document; raises DrawingFailed if the address space is limited.

    version : of Vega-Lite; None is the converter's newest
    """
    if (lacking := lack_of_memory()) is not None:
        raise DrawingFailed(lacking)
    # No address is allowed, since all data is inside the chart.
    text = str(vl_convert.vegalite_to_svg(dict(spec), vl_version=version, allowed_base_urls=[]))
    # XML allows no control characters, but sample ids do.
    return _renamed(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def png_of(svg: str) -> bytes:
    """Return an SVG document as PNG."""
    return bytes(vl_convert.svg_to_png(svg, scale=PNG_SCALE))


def draw(spec: Mapping[str, Any], version: str | None = None, *, with_png: bool = True) -> Pictures:
    """Return the pictures of a chart; the same bytes for the same chart, in any process."""
    svg = svg_of(spec, version)
    return Pictures(svg, _without_title(svg), png_of(svg) if with_png else b"")


class Renderer:
    """Draws charts: after `start` in a second process, which ends with `close`; else in this one.

    The converter keeps Python from doing anything else, so threads do not help.
    """

    def __init__(self) -> None:
        self._helper: Helper | None = None

    def start(self) -> None:
        """Start the process, and load the converter in it; does nothing the second time, or on one core."""
        if self._helper is None and available_cores() > 1 and lack_of_memory() is None:
            self._helper = Helper()
            self._helper.submit(_draw_task, ({"data": {"values": [{}]}, "mark": "point"}, None, True))

    def draw(
        self, spec: Mapping[str, Any], version: str | None = None, *, with_png: bool = True
    ) -> Callable[[], Pictures]:
        """Begin to draw a chart; return a function that waits for its pictures, as `draw` returns them.

        That function raises DrawingFailed if the process died in each of several tries, and whatever `draw` raises.
        """
        if self._helper is None:
            drawn = draw(spec, version, with_png=with_png)
            return lambda: drawn
        future = self._helper.submit(_draw_task, (spec, version, with_png))

        def wait() -> Pictures:
            outcome = future.result()
            if outcome is not None and outcome.failure is None and outcome.result is not None:
                return outcome.result
            if outcome is not None and was_killed(outcome):
                raise DrawingFailed(
                    f"a figure cannot be drawn: {outcome.failure}. Free memory, then repeat the command."
                )
            # No process can be started here, or drawing fails here too, with the right exception.
            return draw(spec, version, with_png=with_png)

        return wait

    def close(self) -> None:
        """End the process at once."""
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()


def _draw_task(_: object, task: tuple[Mapping[str, Any], str | None, bool]) -> Pictures:
    spec, version, with_png = task
    return draw(spec, version, with_png=with_png)


@cache
def lack_of_memory() -> str | None:
    """Return why nothing can be drawn in this process; None if it can.

    The converter reserves addresses, not memory, and aborts the process if they are limited.  It does so once, so this
    is asked before the first drawing.
    """
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError, ValueError):
        return None
    if limit == resource.RLIM_INFINITY or limit - pages * resource.getpagesize() >= _ADDRESSES:
        return None
    return (
        f"drawing needs {_ADDRESSES / 1e9:.0f} GB of address space, but this process may use {limit / 1e9:.3g} GB. "
        "Remove the limit (ulimit -v unlimited)."
    )


def _without_title(svg: str) -> str:
    """Return the SVG without its title, cut to the rest; empty if the title is not where it is expected."""
    frame = _FRAME.search(svg, 0, 500)
    untitled, count = _TITLE.subn(rf"\g<subtitle>\g<text>{_SUBTITLE_AT - 1})" + '"', svg)
    if frame is None or count != 1:
        return ""
    width, height = int(frame["width"]), int(frame["height"]) - _TITLE_HEIGHT
    cut = f' width="{width}" height="{height}" viewBox="0 {_TITLE_HEIGHT} {width} {height}"'
    return untitled[: frame.start()] + cut + untitled[frame.end() :]


def _renamed(text: str) -> str:
    """Give gradients and clip paths ids that depend on the content only and are unique in a page.

    The converter numbers them over the life of the process.
    """
    names = list(dict.fromkeys(_DEFINED.findall(text)))
    digest = hashlib.sha256(_DEFINED.sub("", _USED.sub("", text)).encode()).hexdigest()[:8]
    renamed = {name: f"{name.rstrip('0123456789')}{digest}_{k}" for k, name in enumerate(names)}
    text = _DEFINED.sub(lambda match: f'id="{renamed[match[1]]}"', text)
    return _USED.sub(lambda match: f"url(#{renamed.get(match[1], match[1])})", text)

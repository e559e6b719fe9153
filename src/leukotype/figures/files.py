"""SVG and PNG files of drawings, made without browser or network."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from leukotype.errors import DrawingFailed, OutputRefused
from leukotype.figures.figure import Drawing

PNG_SCALE = 2.0
# Address space that the converter reserves: 64 GiB and its own.
_ADDRESSES = 70 * 10**9
_DEFINED = re.compile(r'(?<= )id="((?:gradient_|clip)\d+)"')
_USED = re.compile(r"url\(#(\w+)\)")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


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


def svg(drawing: Drawing) -> str:
    """Return the drawing as an SVG document; the same text for the same numbers."""
    return svg_of(drawing.spec)


def svg_of(spec: Mapping[str, Any]) -> str:
    """Return a Vega-Lite chart as an SVG document; raises DrawingFailed if the address space is limited."""
    if (lacking := lack_of_memory()) is not None:
        raise DrawingFailed(lacking)
    # No address is allowed, since all data is inside the chart.
    text = str(vl_convert.vegalite_to_svg(dict(spec), vl_version=vegalite_version(), allowed_base_urls=[]))
    # XML allows no control characters, but sample ids do.
    return _renamed(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _renamed(text: str) -> str:
    """Give gradients and clip paths ids that depend on the content only and are unique in a page.

    The converter numbers them over the life of the process.
    """
    names = list(dict.fromkeys(_DEFINED.findall(text)))
    digest = hashlib.sha256(_DEFINED.sub("", _USED.sub("", text)).encode()).hexdigest()[:8]
    renamed = {name: f"{name.rstrip('0123456789')}{digest}_{k}" for k, name in enumerate(names)}
    text = _DEFINED.sub(lambda match: f'id="{renamed[match[1]]}"', text)
    return _USED.sub(lambda match: f"url(#{renamed.get(match[1], match[1])})", text)


def vegalite_version() -> str | None:
    """Return Altair's version of Vega-Lite if the converter has it, else None for its newest."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return version if version in vl_convert.get_vegalite_versions() else None


def save(drawing: Drawing, folder: str | Path, stem: str) -> tuple[Path, Path]:
    """Write `stem.svg` and `stem.png` (two pixels per unit) into `folder`; return their paths.

    Writes both completely or neither.  Raises OutputRefused if the folder can't be written.
    """
    folder = Path(folder)
    text = svg(drawing)
    contents = {
        folder / f"{stem}.svg": text.encode(),
        folder / f"{stem}.png": bytes(vl_convert.svg_to_png(text, scale=PNG_SCALE)),
    }
    temporary: dict[Path, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            handle, temporary[path] = tempfile.mkstemp(dir=folder, prefix=f".{stem}-", suffix=path.suffix)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(temporary[path], 0o644)
        for path, written in temporary.items():
            os.replace(written, path)
    except OSError as problem:
        for written in temporary.values():
            Path(written).unlink(missing_ok=True)
        raise OutputRefused(
            f"cannot write {stem} into {folder}: {problem.strerror or problem}. Choose another folder with --out."
        ) from problem
    svg_path, png_path = contents
    return svg_path, png_path

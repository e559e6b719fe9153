"""A drawing on disk: SVG and PNG, made without browser or network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import altair as alt
import vl_convert

from leukotype.errors import OutputRefused
from leukotype.figures.figure import Drawing

PNG_SCALE = 2.0
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def svg(drawing: Drawing) -> str:
    """The drawing as an SVG document; the same text for the same numbers."""
    return str(vl_convert.vegalite_to_svg(drawing.chart().to_dict(), vl_version=VEGA_LITE, allowed_base_urls=[]))


def save(drawing: Drawing, folder: str | Path, stem: str) -> tuple[Path, Path]:
    """Write `stem.svg` and `stem.png` (two pixels a unit) into `folder`; return their paths.

    Either both are written whole, or neither.  Raises OutputRefused where the folder cannot be written.
    """
    folder = Path(folder)
    text = svg(drawing)
    contents = {
        folder / f"{stem}.svg": text.encode(),
        folder / f"{stem}.png": bytes(vl_convert.svg_to_png(text, scale=PNG_SCALE)),
    }
    beside: dict[Path, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            handle, beside[path] = tempfile.mkstemp(dir=folder, prefix=f".{stem}-", suffix=path.suffix)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(beside[path], 0o644)
        for path, temporary in beside.items():
            os.replace(temporary, path)
    except OSError as problem:
        for temporary in beside.values():
            Path(temporary).unlink(missing_ok=True)
        raise OutputRefused(
            f"cannot write {stem} into {folder}: {problem.strerror or problem}. Choose another folder with --out."
        ) from problem
    svg_path, png_path = contents
    return svg_path, png_path

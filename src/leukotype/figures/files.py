"""SVG and PNG files of drawings."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import altair as alt
import vl_convert

from leukotype import pictures
from leukotype.errors import OutputRefused
from leukotype.figures.figure import Drawing
from leukotype.pictures import Pictures


def svg(drawing: Drawing) -> str:
    """Return the drawing as an SVG document; the same text for the same numbers."""
    return pictures.svg_of(drawing.spec, vegalite_version())


def vegalite_version() -> str | None:
    """Return Altair's version of Vega-Lite if the converter has it, else None for its newest."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return version if version in vl_convert.get_vegalite_versions() else None


def save(drawing: Drawing | Pictures, folder: str | Path, stem: str) -> tuple[Path, Path]:
    """Write `stem.svg` and `stem.png` (two pixels per unit) into `folder`; return their paths.

    drawing : or its pictures

    Writes both completely or neither.  Raises OutputRefused if the folder can't be written.
    """
    folder = Path(folder)
    drawn = drawing if isinstance(drawing, Pictures) else pictures.draw(drawing.spec, vegalite_version())
    contents = {folder / f"{stem}.svg": drawn.svg.encode(), folder / f"{stem}.png": drawn.png}
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

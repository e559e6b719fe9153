"""Draw docs/images/rooms.svg and list the rooms in CONTRIBUTING.md: `python docs/make_rooms.py`.

The layers come from [tool.importlinter] in pyproject.toml, which `make lint` enforces.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
PAGE = ROOT / "CONTRIBUTING.md"
START, END = "<!-- rooms -->\n", "<!-- end -->"

# Tints of the Okabe-Ito colours, which are distinguishable with any colour vision; each floor also has a label.
FLOORS = {
    "use": ("Input and output", "#CFE8F7"),
    "results": ("Results", "#FBE3B5"),
    "work": ("Procedure and tasks", "#EAD9EF"),
    "models": ("Models and numbers", "#CDEBDD"),
    "data": ("Data", "#FAD8C4"),
    "base": ("Foundations", "#E6E6E6"),
}
ROOMS = {
    "cli": ("use", "arguments and routes, no logic"),
    "console": ("use", "terminal output"),
    "results": ("use", "output folders, report pages, tables, reporting sheets, JSON"),
    "benchmark": ("results", "many cohorts × many models → leaderboard"),
    "figures": ("results", "FIGURES: each has table() and chart()"),
    "pictures": ("results", "SVG and PNG of a chart, drawn in a second process"),
    "studies": ("results", "Study = evaluation + inference + audits"),
    "audits": ("results", "AUDITS: coded findings about data and results"),
    "classifier": ("results", "Classifier and Calls: train, predict, validate"),
    "inference": ("results", "comparisons, selection bias, permutations, learning curve"),
    "evaluation": ("results", "Evaluation = out-of-fold predictions of every recipe, and auto"),
    "recipes": ("work", "Recipe = model, alignment, panel, tuning criterion; fits one split"),
    "bundle": ("work", "the classifier file"),
    "runs": ("work", "finished tasks on disk"),
    "execution": ("work", "where tasks run"),
    "manifest": ("work", "the files of a result with their hashes"),
    "models": ("models", "MODELS: one entry per model; plug-ins; tuning"),
    "metrics": ("models", "METRICS: one entry per metric; intervals"),
    "resampling": ("models", "Design → Folds"),
    "wide": ("models", "numerical core for more probes than samples: arrays in, arrays out"),
    "rules": ("models", "portable rules: arrays that predict"),
    "datasets": ("data", "catalogue, downloads, simulation"),
    "readers": ("data", "READERS: file → Cohort or Batch"),
    "genes": ("data", "probe → gene symbol"),
    "cohort": ("data", "Cohort = expression, labels, donors, provenance"),
    "atomic": ("base", "open regular files; write, then rename"),
    "class_names": ("base", "class names that probably mean the same"),
    "signing": ("base", "signatures of files"),
    "temporary": ("base", "temporary files, removed once their process is dead"),
    "claims": ("base", "is a published score possible?"),
    "wording": ("base", "numbers in text"),
    "csv_text": ("base", "tables as CSV"),
    "arrays": ("base", "array types"),
    "errors": ("base", "errors with a remedy"),
}

WIDTH, LEFT, ROW, GAP, TOP = 860, 150, 34, 6, 64
INDENT = 84  # from the name of a room to its description
FONT = "font-family='Helvetica, Arial, sans-serif'"


def layers() -> list[list[str]]:
    """Return the rooms of each layer, top layer first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = next(c for c in settings["tool"]["importlinter"]["contracts"] if c["type"] == "layers")["layers"]
    rooms = [[room.strip(" ()") for room in layer.replace(":", "|").split("|")] for layer in found]
    known, listed = set(ROOMS), {room for layer in rooms for room in layer}
    if known != listed:
        raise SystemExit(
            f"Describe every room of pyproject.toml in ROOMS. Different: {sorted(known ^ listed)}."
        )
    return rooms


def picture() -> str:
    """Return the picture as SVG."""
    rows = layers()
    height = TOP + len(rows) * (ROW + GAP) + 6
    title = "The rooms of leukotype"
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"viewBox='0 0 {WIDTH} {height}' role='img' aria-labelledby='title desc'>",
        f"<title id='title'>{title}</title>",
        "<desc id='desc'>"
        + escape("; ".join(", ".join(row) for row in rows))
        + ", from top to bottom</desc>",
        f"<rect width='{WIDTH}' height='{height}' fill='white'/>",
        f"<text x='12' y='26' {FONT} font-size='18' font-weight='bold'>{title}</text>",
        f"<text x='12' y='47' {FONT} font-size='13' fill='#333333'>A room imports only from rooms below it. "
        "Rooms in one row do not import each other.</text>",
        *_floors(rows),
    ]
    for number, row in enumerate(rows):
        width = (WIDTH - LEFT - 12 - GAP * (len(row) - 1)) / len(row)
        for place, room in enumerate(row):
            lines += _room(room, LEFT + place * (width + GAP), _top(number), width)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _top(number: int) -> int:
    return TOP + number * (ROW + GAP)


def _floors(rows: list[list[str]]) -> Iterator[str]:
    """Yield a bar and a label next to each run of layers of one floor."""
    floors = [ROOMS[row[0]][0] for row in rows]
    first = 0
    for number, floor in enumerate(floors):
        if number + 1 < len(floors) and floors[number + 1] == floor:
            continue
        label, colour = FLOORS[floor]
        y, height = _top(first), _top(number) + ROW - _top(first)
        yield f"<rect x='{LEFT - 12}' y='{y}' width='6' height='{height}' fill='{colour}' stroke='#555555'/>"
        yield (
            f"<text x='{LEFT - 18}' y='{y + height / 2 + 4:g}' {FONT} font-size='12' text-anchor='end'>"
            f"{label}</text>"
        )
        first = number + 1


def _room(room: str, x: float, y: float, width: float) -> Iterator[str]:
    floor, text = ROOMS[room]
    box = f"x='{x:.1f}' y='{y}' width='{width:.1f}' height='{ROW}' rx='4'"
    yield f"<rect {box} fill='{FLOORS[floor][1]}' stroke='#555555'/>"
    words = f"y='{y + ROW / 2 + 4:g}' {FONT} font-size='12'"
    yield f"<text x='{x + 10:.1f}' {words} font-weight='bold'>{room}</text>"
    yield f"<text x='{x + 10 + INDENT:.1f}' {words}>{escape(text)}</text>"


def listing() -> str:
    """Return the rooms as a Markdown table, one layer per row."""
    rows = [
        (", ".join(f"`{room}`" for room in layer), "; ".join(ROOMS[room][1] for room in layer))
        for layer in layers()
    ]
    return "\n".join(["| rooms | content |", "|---|---|", *(f"| {names} | {text} |" for names, text in rows)])


def filled(page: str) -> str:
    """Return a page with the list of rooms between its marks."""
    before, rest = page.split(START)
    return f"{before}{START}{listing()}\n{END}{rest.split(END, 1)[1]}"


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

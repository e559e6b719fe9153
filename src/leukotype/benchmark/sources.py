"""Cohorts of a benchmark: collections of the catalogue, folders, files and names of datasets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukotype import datasets, manifest, readers
from leukotype.cohort import Cohort
from leukotype.errors import UnknownName
from leukotype.wording import printable

# Files that are not tables; a folder may hold them next to cohorts.
_NO_TABLES = frozenset(
    {
        *(".md", ".rst", ".html", ".htm", ".pdf", ".png", ".svg", ".jpg", ".py", ".r", ".ipynb", ".log"),
        *(".json", ".toml", ".yaml", ".yml", ".xml", ".sqlite", ".db", ".npy", ".npz", ".pickle", ".pkl"),
        *(".partial", ".lock", ".chip", ".cls", ".gmt"),
    }
)
# A search through more would take long; nobody has so many cohorts.
MOST_ENTRIES = 20_000
_PACKED = (".gz", ".bz2", ".xz", ".zip")
_ENDINGS = (".csv", ".tsv", ".txt", ".tab", ".gct", ".res", ".arff", ".h5ad")


@dataclass(frozen=True)
class CohortSource:
    """A cohort that has not been read yet.

    name : in the benchmark
    path : its file; None for a dataset of the catalogue
    """

    name: str
    path: Path | None = None

    def read(self, **options: Any) -> Cohort:
        """Read the cohort; raises the errors of `leukotype.read` and `leukotype.load`."""
        if self.path is None:
            return datasets.load(self.name, **options)
        return readers.read(self.path, name=self.name, **options)


@dataclass(frozen=True)
class LeftOut:
    """A cohort that is not in the benchmark, and the reason."""

    name: str
    reason: str


def _silent(line: str) -> None:
    """Report nothing."""


def find(
    wanted: Sequence[str],
    *,
    connections: int = datasets.MOST_CONNECTIONS,
    say: Callable[[str], None] = _silent,
) -> tuple[list[CohortSource], list[LeftOut]]:
    """Find the cohorts and download missing datasets.

    wanted : collections (cumida), names of datasets, files, and folders, which are searched recursively
    say    : called with the name of each download

    Returns the available cohorts and the unavailable ones.  Raises UnknownName for any other text.
    """
    sources: dict[str, CohortSource] = {}
    missing: list[LeftOut] = []
    listed = []
    for name in wanted:
        place = Path(name)
        if place.is_dir():
            files = sorted(_tables(place))
            if not files:
                raise UnknownName(
                    f"the folder {name} holds no table. Choose a folder with expression matrices."
                )
            for path in files:
                _add(sources, path, place)
        elif place.is_file():
            _add(sources, place, place.parent)
        elif datasets.of_collection(name):
            listed += datasets.of_collection(name)
        else:
            listed.append(_dataset(name))
    unique = list({entry.name: entry for entry in listed}.values())
    for fetched in datasets.fetch_many(unique, connections=connections, on_done=lambda one: say(one.name)):
        if fetched.path is None:
            missing.append(LeftOut(fetched.name, fetched.reason))
        else:
            sources.setdefault(fetched.name, CohortSource(fetched.name))
    return list(sources.values()), missing


def _dataset(name: str) -> datasets.Dataset:
    try:
        return datasets.by_name(name)
    except UnknownName as problem:
        near = ", ".join(datasets.near(name))
        raise UnknownName(
            f"{name} is not a file, folder, collection (cumida) or dataset. The nearest datasets are {near}; "
            "see leukotype datasets list."
        ) from problem


def _add(sources: dict[str, CohortSource], path: Path, folder: Path) -> None:
    if any(source.path is not None and _same(source.path, path) for source in sources.values()):
        return
    name, full = printable(_stem(path)), path
    # The names of their folders distinguish files of one name.
    while name in sources:
        full = full.parent
        if not full.name:
            name = f"{name}_{sum(known.startswith(name) for known in sources) + 1}"
            continue
        name = f"{printable(full.name)}_{name}"
    sources[name] = CohortSource(name, path)


def _same(one: Path, other: Path) -> bool:
    # Path.resolve raises an error for a loop of links.
    return os.path.realpath(one) == os.path.realpath(other)


def _tables(folder: Path) -> Iterator[Path]:
    n_seen = 0
    for place, folders, files in os.walk(folder):
        n_seen += 1 + len(files)
        if n_seen > MOST_ENTRIES:
            raise UnknownName(
                f"the folder {folder} holds more than {MOST_ENTRIES:,} files. Name the folder of the cohorts."
            )
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if manifest.files_of(Path(place)) is not None:
            # A result of leukotype is not a cohort.
            folders[:] = []
            continue
        for name in files:
            if not name.startswith(".") and Path(_unpacked(name)).suffix.lower() not in _NO_TABLES:
                yield Path(place) / name


def _unpacked(name: str) -> str:
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return name


def _stem(path: Path) -> str:
    name = _unpacked(path.name)
    for ending in _ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name

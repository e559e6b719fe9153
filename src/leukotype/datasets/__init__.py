"""Datasets by name: catalogue, download, simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from leukotype import readers
from leukotype.cohort import Cohort
from leukotype.datasets import download
from leukotype.datasets.catalogue import (
    Dataset,
    Fingerprint,
    Line,
    by_name,
    catalogue,
    near,
    of_collection,
    of_type,
)
from leukotype.datasets.many import MOST_CONNECTIONS, Fetched, fetch_many
from leukotype.errors import DownloadFailed, FingerprintMismatch, UnknownName

__all__ = [
    "DEFAULT",
    "MOST_CONNECTIONS",
    "Dataset",
    "Fetched",
    "Fingerprint",
    "by_name",
    "catalogue",
    "check",
    "fetch",
    "fetch_many",
    "load",
    "near",
    "of_collection",
    "of_type",
    "parse_cache",
    "resolve",
]

DEFAULT = "Leukemia_GSE9476"
# Options that speak of the columns of a file, and so of no simulated cohort.
_OF_A_FILE = ("label", "labels", "donor", "samples")


def fetch(name: str, *, progress: bool = False) -> Path:
    """Return the path of a dataset's file, downloaded where need be.

    Raises UnknownName, DownloadFailed, or FingerprintMismatch where the file is not what it is named after.
    """
    return download.fetch(by_name(name), progress=progress)


def load(name: str, *, progress: bool = False, **options: Any) -> Cohort:
    """Return a dataset of the catalogue as a cohort; options are those of `leukotype.read`."""
    dataset = by_name(name)
    path = download.fetch(dataset, progress=progress)
    cohort = readers.read(path, **{"name": name, **options})
    provenance = replace(cohort.provenance, citation=dataset.citation, licence=dataset.licence)
    return replace(
        cohort, provenance=provenance.then(f"The dataset {name} of the catalogue ({dataset.url}).")
    )


def resolve(
    data: str | Path | None, *, say: Callable[[str], None], progress: bool = False, **options: Any
) -> Cohort:
    """Return the cohort that DATA on the command line means.

    data : a file, the name of a dataset, or None for the default dataset.  Only None may end in a simulated
           cohort, and `say` is then told in one line; a named dataset is never replaced, nor is one whose
           columns or scale the options describe.
    """
    if data is None:
        try:
            return load(DEFAULT, progress=progress, **options)
        except DownloadFailed as problem:
            if any(options.get(name) for name in _OF_A_FILE) or options.get("scale") == "linear":
                raise
            from leukotype.datasets import simulate

            say(f"Running on a SIMULATED cohort of the shape of {DEFAULT}, which is not here: {problem}")
            simulated = simulate.default().drop_classes(tuple(options.get("drop_class", ())))
            return simulated if options.get("keep_controls") else simulated.drop_controls()
    # A folder of that name, such as an earlier study left, is no file to read.
    if str(data) in catalogue() and not Path(data).is_file():
        return load(str(data), progress=progress, **options)
    if not Path(data).exists() and not _looks_like_a_path(str(data)):
        raise UnknownName(
            f"{data} is neither a file in {Path.cwd()} nor a dataset. There is {', '.join(near(str(data)))}; "
            "see leukotype datasets list."
        )
    return readers.read(data, **options)


def check(path: str | Path, name: str | None = None) -> list[Line]:
    """Compare a file with a dataset's fingerprint, line by line.

    name : the dataset; found by the file's name where not given
    """
    if name is None:
        stem = Path(path).name.split(".")[0]
        name = next((known for known in catalogue() if known.lower() == stem.lower()), None)
        if name is None:
            raise UnknownName(
                f"{Path(path).name} is not named after a dataset. Say which it should be with --name."
            )
    lines = by_name(name).fingerprint.lines(readers.read(path, scale="log2", keep_controls=True))
    if not lines:
        raise FingerprintMismatch(
            f"nothing is known of what {name} holds, so no file can be checked against it."
        )
    return lines


def parse_cache() -> Path:
    """Return the folder where parsed tables are kept."""
    return download.cache_folder() / "parsed"


def _looks_like_a_path(text: str) -> bool:
    return any(mark in text for mark in ("/", "\\", ".csv", ".tsv", ".txt", ".gz"))

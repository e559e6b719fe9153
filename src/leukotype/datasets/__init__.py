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
    MEAN_OF_NINE,
    Dataset,
    Line,
    by_name,
    catalogue,
    near,
    of_collection,
    of_type,
)
from leukotype.datasets.download import MOST_CONNECTIONS, Fetched, fetch_many
from leukotype.errors import DownloadFailed, FingerprintMismatch, UnknownName

__all__ = [
    "MEAN_OF_NINE",
    "MOST_CONNECTIONS",
    "Dataset",
    "Fetched",
    "by_name",
    "catalogue",
    "fetch_many",
    "near",
    "of_collection",
    "of_type",
]

DEFAULT = "Leukemia_GSE9476"
# Options about the columns of a file, which a simulated cohort does not have.
_OF_A_FILE = ("label", "labels", "donor", "samples", "covariates", "expression", "samples_in")


def fetch(name: str, *, progress: bool = False) -> Path:
    """Return the path of a dataset's file; download it if needed.

    Raises UnknownName, DownloadFailed, or FingerprintMismatch if the file is not the dataset.
    """
    return download.fetch(by_name(name), progress=progress)


def load(name: str, *, progress: bool = False, **options: Any) -> Cohort:
    """Return a dataset of the catalogue as a cohort; options as in `leukotype.read`."""
    dataset = by_name(name)
    path = download.fetch(dataset, progress=progress)
    cohort = readers.read(path, **{"name": name, **options})
    provenance = replace(cohort.provenance, citation=dataset.citation, licence=dataset.licence)
    return replace(cohort, provenance=provenance.then(f"Dataset {name} of the catalogue ({dataset.url})."))


def resolve(
    data: str | Path | None, *, say: Callable[[str], None], progress: bool = False, **options: Any
) -> Cohort:
    """Return the cohort for DATA on the command line.

    data : a file, the name of a dataset, or None for the default dataset.  If the default dataset is unavailable,
           a simulated cohort replaces it, unless an option refers to the columns or the scale of the file.
    say  : called with one line if the cohort is simulated
    """
    if data is None:
        try:
            return load(DEFAULT, progress=progress, **options)
        except DownloadFailed as problem:
            if any(options.get(name) for name in _OF_A_FILE) or options.get("scale") == "linear":
                raise
            from leukotype.datasets import simulate

            say(f"Using a SIMULATED cohort shaped like {DEFAULT}, which is not available: {problem}")
            simulated = simulate.default().drop_classes(tuple(options.get("drop_class", ())))
            return simulated if options.get("keep_controls") else simulated.drop_controls()
    # A folder with the name of a dataset, such as an earlier result, is not a file to read.
    if str(data) in catalogue() and not Path(data).is_file():
        return load(str(data), progress=progress, **options)
    if not Path(data).exists() and not _looks_like_a_path(str(data)):
        raise UnknownName(
            f"{data} is neither a file in {Path.cwd()} nor a dataset. Similar datasets: "
            f"{', '.join(near(str(data)))}; for all, run leukotype datasets list."
        )
    return readers.read(data, **options)


def check(path: str | Path, name: str | None = None) -> list[Line]:
    """Compare a file with a dataset's fingerprint, line by line.

    name : the dataset; by default the one that the file is named after

    Raises UnknownName if the name matches no dataset, FingerprintMismatch if the dataset has no fingerprint.
    """
    if name is None:
        stem = Path(path).name.split(".")[0]
        name = next((known for known in catalogue() if known.lower() == stem.lower()), None)
        if name is None:
            raise UnknownName(
                f"{Path(path).name} is not named after a dataset. Name the dataset with --name."
            )
    lines = by_name(name).fingerprint.lines(readers.read(path, scale="log2", keep_controls=True))
    if not lines:
        raise FingerprintMismatch(
            f"the catalogue has no facts about {name}, so no file can be checked against it."
        )
    return lines


def parse_cache() -> Path:
    """Return the folder of parsed tables."""
    return download.cache_folder() / "parsed"


def script_cache() -> Path:
    """Return the folder of scripts that reports contain."""
    return download.cache_folder() / "scripts"


def _looks_like_a_path(text: str) -> bool:
    return any(mark in text for mark in ("/", "\\", ".csv", ".tsv", ".txt", ".gz"))

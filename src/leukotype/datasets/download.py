"""Downloads: to a temporary name, checked by content, then moved; remembered by hash ever after."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from leukotype.datasets.catalogue import Dataset
from leukotype.datasets.transfer import Interrupted, Transfer
from leukotype.errors import DownloadFailed, FingerprintMismatch, InputError
from leukotype.readers import read

CONNECT_SECONDS = 4.0
READ_SECONDS = 30.0
RETRIES = 2
_AT_WORK = ".fetching-"
_ABANDONED_SECONDS = 24 * 3600.0


def cache_folder() -> Path:
    """Return the folder for downloads and parsed tables: LEUKOTYPE_CACHE, or the user's cache."""
    return Path(
        os.environ.get("LEUKOTYPE_CACHE") or platformdirs.user_cache_dir("leukotype", appauthor=False)
    )


def fetch(
    dataset: Dataset,
    *,
    cache: Path | None = None,
    progress: bool = False,
    timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    retries: int = RETRIES,
) -> Path:
    """Return the path of a dataset's file: from LEUKOTYPE_DATA, the cache, or the network, in this order.

    timeout : seconds to connect, and seconds without a byte
    retries : how often a failed transfer is taken up again, from where it broke off

    Raises DownloadFailed where the file cannot be had or something else is served in its place, and
    FingerprintMismatch where a file that is here is not what it should be.
    """
    given = _given(dataset)
    if given is not None:
        return given
    folder = cache_folder() if cache is None else cache
    for path in _cached(dataset, folder):
        _check_remembered(dataset, path)
        return path
    path = folder / f"{dataset.name}.csv"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _download(dataset, path, progress, timeout, retries)
    except OSError as problem:
        raise DownloadFailed(
            f"cannot write {dataset.name} to {folder}: {problem}. Free space, or set LEUKOTYPE_CACHE to another folder."
        ) from problem
    return path


def is_here(dataset: Dataset) -> bool:
    """Tell whether a file of that name is at hand, genuine or not, so that nothing need be downloaded."""
    return (
        next(_places(dataset), None) is not None or next(_cached(dataset, cache_folder()), None) is not None
    )


def _given(dataset: Dataset) -> Path | None:
    """Return the file of the folder that LEUKOTYPE_DATA names, if it is there and genuine."""
    path = next(_places(dataset), None)
    if path is not None:
        dataset.fingerprint.check(
            read(path, scale="log2", keep_controls=True),
            str(path),
            "Move it out of LEUKOTYPE_DATA, or put the whole file there.",
        )
    return path


def _places(dataset: Dataset) -> Iterator[Path]:
    folder = os.environ.get("LEUKOTYPE_DATA")
    for place in (Path(folder), Path(folder) / "cumida") if folder else ():
        for path in (place / f"{dataset.name}.csv", place / f"{dataset.name}.csv.gz"):
            if path.is_file():
                yield path


def _cached(dataset: Dataset, folder: Path) -> Iterator[Path]:
    for path in (folder / f"{dataset.name}.csv", folder / f"{dataset.name}.csv.gz"):
        if path.exists():
            yield path


def _check_remembered(dataset: Dataset, path: Path) -> None:
    found = _sha256(path)
    try:
        remembered = json.loads(_memory(path).read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        # A file put there by hand is believed for its content, once, and remembered.
        dataset.fingerprint.check(
            read(path, scale="log2", keep_controls=True),
            str(path),
            f"Remove it and fetch {dataset.name} again.",
        )
        # Where the cache cannot be written, content is looked at each time.
        with contextlib.suppress(OSError):
            _remember(path, found, dataset.url)
        return
    if found != remembered:
        raise FingerprintMismatch(
            f"{path} has changed since it was first seen (sha256 {found[:12]}..., then {remembered[:12]}...). "
            f"Remove it and fetch {dataset.name} again."
        )


def _download(
    dataset: Dataset, path: Path, progress: bool, timeout: tuple[float, float], retries: int
) -> None:
    import pooch

    # Pooch tells every download and its hash; one line of ours is enough.
    pooch.get_logger().setLevel("WARNING")
    partial = path.with_name(path.name + ".partial")
    mirror = f" (it is also at {dataset.mirror})" if dataset.mirror else ""
    by_hand = f"or put the file by hand at {path}{mirror}."
    if not dataset.url:
        raise DownloadFailed(f"cannot download {dataset.name}: {_no_address(dataset)} {by_hand.capitalize()}")
    _sweep(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=_AT_WORK) as folder:
        transfer = Transfer(partial, Path(folder) / "partial", timeout, retries, progress)
        try:
            fetched = pooch.retrieve(dataset.url, None, fname=path.name, path=folder, downloader=transfer)
        except Interrupted as problem:
            raise DownloadFailed(
                f"cannot download {dataset.name} from {dataset.url}: {problem}. Try again with a network, {by_hand}"
            ) from problem
        try:
            dataset.fingerprint.check(
                read(fetched, scale="log2", keep_controls=True), "the answer", f"Try again later, {by_hand}"
            )
        except InputError as problem:
            raise DownloadFailed(
                f"what {dataset.url} answered is not {dataset.name}: {str(problem).replace(str(fetched), 'it')} "
                f"Try again later, {by_hand}"
            ) from problem
        except FingerprintMismatch as problem:
            raise DownloadFailed(f"cannot download {dataset.name} from {dataset.url}: {problem}") from problem
        _remember(path, _sha256(Path(fetched)), dataset.url)
        os.replace(fetched, path)


def _no_address(dataset: Dataset) -> str:
    return dataset.note or "the address of its file is not known."


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed long ago left behind."""
    for left in folder.glob(f"{_AT_WORK}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left)


def _memory(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _remember(path: Path, sha256: str, url: str) -> None:
    memory = _memory(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".remembering-")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump({"url": url, "sha256": sha256}, stream)
    os.replace(temporary, memory)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

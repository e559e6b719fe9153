"""Download datasets: to a temporary file, checked by content, then moved; later recognised by hash."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from leukotype import atomic, temporary
from leukotype.datasets.catalogue import Dataset
from leukotype.datasets.transfer import Transfer, TransferFailed, Unreachable
from leukotype.errors import DownloadFailed, FingerprintMismatch, InputError, LeukotypeError, OutputRefused
from leukotype.readers import digest, read

CONNECT_SECONDS = 4.0
READ_SECONDS = 30.0
RETRIES = 2
MOST_CONNECTIONS = 4
# Seconds between the starts of two downloads, over all connections.
PAUSE = 1.0
# After so many unreachable datasets in a row the rest is not tried.
_MOST_UNREACHABLE = 4
_NOT_TRIED = "not tried, because the server could not be reached for the others. Check the network."


def cache_folder() -> Path:
    """Return the folder for downloads and parsed tables: LEUKOTYPE_CACHE, or the user's cache folder."""
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
    """Return the path of a dataset's file: from LEUKOTYPE_DATA, the cache or the network, in this order.

    timeout : seconds to connect, and seconds without a byte
    retries : how often a failed transfer is resumed

    Raises DownloadFailed if the file is unavailable or the server sent something else, FingerprintMismatch if
    a local file is not the dataset.
    """
    for path in _in_data_folder(dataset):
        _verify(dataset, path, "Move it out of LEUKOTYPE_DATA, or put the complete file there.")
        return path
    folder = cache_folder() if cache is None else cache
    for path in _in_cache(dataset, folder):
        _check_cached(dataset, path)
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


@dataclass(frozen=True)
class Fetched:
    """Outcome of one download: the path of the file, or the reason why it is unavailable."""

    name: str
    path: Path | None = None
    reason: str = ""


def fetch_many(
    datasets: Sequence[Dataset],
    *,
    connections: int = MOST_CONNECTIONS,
    on_done: Callable[[Fetched], object] = lambda fetched: None,
) -> list[Fetched]:
    """Fetch datasets, at most four at once, and continue after failures; outcomes in the given order.

    connections : at most this many at once, 1 to 4
    on_done     : called with each outcome, one call at a time

    After four unreachable datasets in a row the others are not tried.  Raises InputError for other numbers of
    connections.
    """
    if not 1 <= connections <= MOST_CONNECTIONS:
        raise InputError(
            f"{connections} connections requested; use 1 to {MOST_CONNECTIONS}, to limit the load on a public server."
        )
    state = _Connections(on_done)
    pool = ThreadPoolExecutor(connections)
    try:
        return list(pool.map(state.fetch, datasets))
    finally:
        # On Ctrl-C no new download starts; the current ones finish and are kept.
        pool.shutdown(cancel_futures=True)


class _Connections:
    """State that the connections share: start of the next download, and unreachable datasets in a row."""

    def __init__(self, on_done: Callable[[Fetched], object]) -> None:
        self._lock = threading.Lock()
        self._report_lock = threading.Lock()
        self._on_done = on_done
        self._next_start = 0.0
        self._n_unreachable = 0

    def fetch(self, dataset: Dataset) -> Fetched:
        fetched = self._fetch(dataset)
        with self._report_lock:
            self._on_done(fetched)
        return fetched

    def _fetch(self, dataset: Dataset) -> Fetched:
        try:
            if not any((*_in_data_folder(dataset), *_in_cache(dataset, cache_folder()))):
                if self._n_unreachable >= _MOST_UNREACHABLE:
                    return Fetched(dataset.name, reason=_NOT_TRIED)
                self._wait()
            return Fetched(dataset.name, fetch(dataset))
        except LeukotypeError as problem:
            with self._lock:
                unreachable = isinstance(problem.__cause__, Unreachable)
                self._n_unreachable = self._n_unreachable + 1 if unreachable else 0
            return Fetched(dataset.name, reason=str(problem))

    def _wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next_start)
            self._next_start = start + PAUSE
        time.sleep(start - now)


def _in_data_folder(dataset: Dataset) -> Iterator[Path]:
    folder = os.environ.get("LEUKOTYPE_DATA")
    for place in (Path(folder), Path(folder) / "cumida") if folder else ():
        yield from _in_cache(dataset, place)


def _in_cache(dataset: Dataset, folder: Path) -> Iterator[Path]:
    for path in (folder / f"{dataset.name}.csv", folder / f"{dataset.name}.csv.gz"):
        if path.is_file():
            yield path


def _verify(dataset: Dataset, path: Path, remedy: str, file: str = "") -> None:
    """Raise FingerprintMismatch with the first difference unless the file holds the dataset."""
    cohort = read(path, scale="log2", keep_controls=True)
    wrong = [line for line in dataset.fingerprint.lines(cohort) if not line.ok]
    if wrong:
        others = f" ({len(wrong) - 1} more differences)" if len(wrong) > 1 else ""
        raise FingerprintMismatch(
            f"{file or path} is not the dataset it is named after: {wrong[0].what} is {wrong[0].found}, expected "
            f"{wrong[0].expected}{others}. {remedy}"
        )


def _check_cached(dataset: Dataset, path: Path) -> None:
    found = digest(path)
    remedy = f"Remove it and fetch {dataset.name} again."
    try:
        known = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        # A file that the user put there: its content is checked once, then its hash is stored.
        _verify(dataset, path, remedy)
        # In a read-only cache the content is checked each time.
        with suppress(OutputRefused):
            _remember(path, found, dataset.url)
        return
    if found != known:
        raise FingerprintMismatch(
            f"{path} has changed since it was stored (sha256 {found[:12]}..., before {known[:12]}...). {remedy}"
        )


def _download(
    dataset: Dataset, path: Path, progress: bool, timeout: tuple[float, float], retries: int
) -> None:
    import pooch

    # Pooch logs every download and its hash; our own messages suffice.
    pooch.get_logger().setLevel("WARNING")
    partial = path.with_name(path.name + ".partial")
    mirror = f" (also available at {dataset.mirror})" if dataset.mirror else ""
    place = f"the file as {path}{mirror}."
    by_hand = f"or save {place}"
    if not dataset.url:
        reason = dataset.note or "the address of its file is unknown."
        raise DownloadFailed(f"cannot download {dataset.name}: {reason} Save {place}")
    with temporary.folder(path.parent) as folder:
        transfer = Transfer(partial, folder / "partial", timeout, retries, progress)
        try:
            fetched = pooch.retrieve(dataset.url, None, fname=path.name, path=folder, downloader=transfer)
        except TransferFailed as problem:
            raise DownloadFailed(
                f"cannot download {dataset.name} from {dataset.url}: {problem}. Try again with a network, {by_hand}"
            ) from problem
        try:
            _verify(dataset, Path(fetched), f"Try again later, {by_hand}", "the file")
        except InputError as problem:
            raise DownloadFailed(
                f"{dataset.url} sent a file that is not {dataset.name}: {str(problem).replace(str(fetched), 'it')} "
                f"Try again later, {by_hand}"
            ) from problem
        except FingerprintMismatch as problem:
            raise DownloadFailed(f"cannot download {dataset.name} from {dataset.url}: {problem}") from problem
        _remember(path, digest(fetched), dataset.url)
        os.replace(fetched, path)


def _remember(path: Path, sha256: str, url: str) -> None:
    atomic.put(path.with_name(f"{path.name}.json"), json.dumps({"url": url, "sha256": sha256}).encode())

"""Many downloads: few at a time, with pauses, and on past those that fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from leukotype.datasets import download
from leukotype.datasets.catalogue import Dataset
from leukotype.datasets.transfer import Unreachable
from leukotype.errors import InputError, LeukotypeError

MOST_CONNECTIONS = 4
# Seconds between the beginnings of two downloads, whoever makes them.
PAUSE = 1.0
# So many in a row that found no way to the server, and the rest need not try.
_ENOUGH = 4
_NOT_TRIED = "not tried, since there was no way to the server for the others. See whether there is a network."


@dataclass(frozen=True)
class Fetched:
    """What became of one dataset: where its file is, or why it could not be had."""

    name: str
    path: Path | None = None
    reason: str = ""


def _silent(fetched: Fetched) -> None:
    """Say nothing."""


def fetch_many(
    datasets: Sequence[Dataset],
    *,
    connections: int = MOST_CONNECTIONS,
    on_done: Callable[[Fetched], None] = _silent,
) -> list[Fetched]:
    """Fetch datasets, at most four at once, and go on past those that fail; the outcomes in the given order.

    connections : at most, from 1 to 4
    on_done     : called with each outcome as it comes, one call at a time

    After four downloads in a row for which there was no way to the server, the others are not tried.
    Raises InputError for a number of connections that is no courtesy.
    """
    if not 1 <= connections <= MOST_CONNECTIONS:
        raise InputError(
            f"{connections} connections were asked for, and 1 to {MOST_CONNECTIONS} is what a public server is owed."
        )
    turns = _Turns(on_done)
    pool = ThreadPoolExecutor(connections)
    try:
        return list(pool.map(turns.take, datasets))
    finally:
        # At the keyboard's word nothing new begins; what is on its way ends, and is kept.
        pool.shutdown(cancel_futures=True)


class _Turns:
    """What the connections share: when the next may begin, and whether there is a way at all."""

    def __init__(self, on_done: Callable[[Fetched], None]) -> None:
        self._gate = threading.Lock()
        self._tell = threading.Lock()
        self._on_done = on_done
        self._next = 0.0
        self._no_way = 0

    def take(self, dataset: Dataset) -> Fetched:
        fetched = self._fetch(dataset)
        with self._tell:
            self._on_done(fetched)
        return fetched

    def _fetch(self, dataset: Dataset) -> Fetched:
        try:
            if not download.is_here(dataset):
                if self._no_way >= _ENOUGH:
                    return Fetched(dataset.name, reason=_NOT_TRIED)
                self._wait()
            path = download.fetch(dataset)
        except LeukotypeError as problem:
            with self._gate:
                self._no_way = self._no_way + 1 if isinstance(problem.__cause__, Unreachable) else 0
            return Fetched(dataset.name, reason=str(problem))
        return Fetched(dataset.name, path)

    def _wait(self) -> None:
        with self._gate:
            now = time.monotonic()
            begin = max(now, self._next)
            self._next = begin + PAUSE
        time.sleep(begin - now)

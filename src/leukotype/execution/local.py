"""A Dask cluster of processes on this machine that nobody else can use.

Dask runs whatever code a message contains, and every user of a machine can reach its loopback ports.  All messages
therefore use TLS with keys made for the run, which exist only in these processes, and no process serves HTTP.
"""

from __future__ import annotations

import logging
from typing import Any

from distributed import Nanny, Scheduler, Security, SpecCluster, Worker

from leukotype.errors import MissingPackage

_HOST = "127.0.0.1"


class ClosedScheduler(Scheduler):
    """A scheduler without an HTTP port."""

    def start_http_server(self, *routes: object, **options: object) -> None:
        """Start no HTTP server: it has no authentication."""


class ClosedWorker(Worker):
    """A worker without an HTTP port."""

    def start_http_server(self, *routes: object, **options: object) -> None:
        """Start no HTTP server: it has no authentication."""


def make_keys() -> Any:
    """Return new TLS keys, for one run; raises MissingPackage if no package can make them."""
    try:
        return Security.temporary()  # type: ignore[no-untyped-call]  # typed in part
    except ImportError as problem:
        raise MissingPackage(
            "a local Dask cluster needs the package cryptography, which makes its keys. Run pip install "
            "'leukotype[dask]', or use --engine processes."
        ) from problem


def start(jobs: int, folder: str, keys: Any) -> Any:
    """Return a running cluster of `jobs` processes; only clients with its keys can use it.

    folder : for temporary files of the workers
    keys   : from `make_keys`
    """
    shared = {"host": _HOST, "protocol": "tls://", "security": keys}
    worker = {
        "cls": Nanny,
        "options": shared
        | {
            "worker_class": ClosedWorker,
            "nthreads": 1,
            # Dask would count the shared matrix as memory of each worker.
            "memory_limit": None,
            "local_directory": folder,
            "silence_logs": logging.CRITICAL,
            "dashboard": False,
        },
    }
    return SpecCluster(  # type: ignore[no-untyped-call]  # typed in part
        scheduler={"cls": ClosedScheduler, "options": shared | {"port": 0, "dashboard": False}},
        worker=worker,
        workers=dict.fromkeys(range(jobs), worker),
        security=keys,
        silence_logs=logging.CRITICAL,
    )

"""A local run can be used by nobody else on the machine."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import urllib.request

import numpy as np
import psutil
import pytest

from leukotype.errors import InputError, MissingPackage
from leukotype.execution import open_engine
from run_tasks import fate

MATRIX = np.arange(6.0).reshape(2, 3)


def listening() -> list[tuple[str, int]]:
    """Return the addresses at which this process and its descendants accept connections."""
    this = psutil.Process()
    found = [
        each.laddr
        for process in (this, *this.children(recursive=True))
        for each in process.net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    ]
    return sorted({(place.ip, place.port) for place in found})


def ask_without_keys(place: tuple[str, int]) -> str:
    """Return what a scheduler, worker or nanny answers to a message without keys."""
    from distributed.comm import connect

    async def ask() -> str:
        comm = await connect(f"tcp://{place[0]}:{place[1]}", timeout=1)
        try:
            await comm.write({"op": "identity", "reply": True})
            return str(await comm.read())
        finally:
            comm.abort()

    return asyncio.run(asyncio.wait_for(ask(), 1.5))


def ask_http(place: tuple[str, int]) -> int:
    with urllib.request.urlopen(f"http://{place[0]}:{place[1]}/health", timeout=1) as answer:
        return answer.status


def strangers() -> list[ssl.SSLContext]:
    """Return TLS clients that accept any server, one without keys and one with keys of another run."""
    distributed = pytest.importorskip("distributed")
    without = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    without.check_hostname = False
    other = distributed.Security.temporary().get_connection_args("client")["ssl_context"]
    for context in (without, other):
        context.verify_mode = ssl.CERT_NONE
    return [without, other]


def say_hello(context: ssl.SSLContext, place: tuple[str, int]) -> None:
    with socket.create_connection(place, timeout=10) as raw, context.wrap_socket(raw) as wrapped:
        if not wrapped.recv(1):
            raise ConnectionError("closed without an answer")


def test_local_dask_cluster_refuses_clients_without_keys() -> None:
    distributed = pytest.importorskip("distributed")
    before = listening()
    with open_engine("dask", jobs=1) as engine:
        found = sorted(engine.outcomes(fate, MATRIX, ["a", "raise", "bb"]), key=lambda one: one.number)
        places = [place for place in listening() if place not in before]
        # Scheduler, nanny and worker: none of them has an HTTP port as well.
        assert len(places) == 3
        for place in places:
            assert place[0] == "127.0.0.1"
            with pytest.raises(OSError):  # noqa: PT011  # refused in any way
                ask_without_keys(place)
            with pytest.raises(OSError):  # noqa: PT011
                ask_http(place)
            for context in strangers():
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    say_hello(context, place)
        address = engine._cluster.scheduler_address
        assert address.startswith("tls://")
        for security in (None, distributed.Security.temporary()):
            with pytest.raises((OSError, TypeError, RuntimeError)):
                distributed.Client(address, security=security, timeout=1, set_as_default=False)
        [again] = engine.outcomes(fate, MATRIX, ["a"])
    assert [one.result for one in found] == [16.0, None, 17.0]
    assert again.result == 16.0
    assert [place for place in listening() if place not in before] == []


def test_the_attack_of_this_test_succeeds_on_an_open_cluster() -> None:
    distributed = pytest.importorskip("distributed")
    before = listening()
    with distributed.LocalCluster(
        n_workers=1, processes=False, protocol="tcp://", dashboard_address="127.0.0.1:0"
    ):
        answers = 0
        for place in listening():
            if place not in before:
                try:
                    answers += "Scheduler" in ask_without_keys(place)
                except OSError:
                    assert ask_http(place) == 200
    assert answers


def test_worker_processes_have_no_ports() -> None:
    before = listening()
    with open_engine("processes", jobs=2) as engine:
        list(engine.outcomes(fate, MATRIX, ["a", "bb"]))
        assert listening() == before


def test_address_that_does_not_fit_the_keys_is_refused() -> None:
    pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    with pytest.raises(InputError, match="needs TLS keys"):
        open_engine(scheduler="tls://127.0.0.1:9")
    with (
        dask.config.set({"distributed.comm.require-encryption": True}),
        pytest.raises(InputError, match="requires encryption"),
    ):
        open_engine(scheduler="tcp://127.0.0.1:9")


def test_missing_cryptography_is_reported_with_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingPackage, match=r"pip install 'leukotype\[dask\]'") as raised:
        open_engine("dask", jobs=1)
    assert "cryptography" in str(raised.value)
    assert "\n" not in str(raised.value)

"""The datasets of CuMiDa, and simultaneous downloads."""

from __future__ import annotations

import csv
import dataclasses
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from csv_files import write_csv
from http_server import Service, serving
from leukotype import datasets
from leukotype.cli import run
from leukotype.datasets import download, simulate
from leukotype.datasets.catalogue import Dataset, Fingerprint, catalogue, of_collection, of_type
from leukotype.errors import FingerprintMismatch, InputError, UnknownName


@pytest.fixture(autouse=True)
def alone(request, monkeypatch, tmp_path):
    """No folder of real data, a temporary cache, short waits."""
    if "data_folder" not in request.fixturenames:
        monkeypatch.delenv("LEUKOTYPE_DATA", raising=False)
    monkeypatch.setenv("LEUKOTYPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("leukotype.datasets.transfer.PATIENCE", 0.01)
    monkeypatch.setattr(download, "PAUSE", 0.0)


@pytest.fixture(scope="module")
def cohort():
    return simulate.simulate({"AML": 8, "PB": 6}, 60, seed=3).cohort


@pytest.fixture(scope="module")
def body(cohort, tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("body") / "file.csv"
    write_csv(cohort, path)
    return path.read_bytes()


def entry(name: str, url: str, **known) -> Dataset:
    return Dataset(name, name, "Test", name, "", url, "", "", "", Fingerprint(**known))


@dataclasses.dataclass
class Traffic:
    """Requests to a server: most open at once, start times, user agents."""

    url: str = ""
    most: int = 0
    starts: list[float] = dataclasses.field(default_factory=list)
    agents: list[str] = dataclasses.field(default_factory=list)


@contextmanager
def library(files: dict[str, bytes | int], *, seconds: float = 0.05):
    """Serve files by name; a number in place of bytes is an HTTP status."""
    traffic, lock = Traffic(), threading.Lock()
    open_now = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal open_now
            with lock:
                open_now += 1
                traffic.most = max(traffic.most, open_now)
                traffic.starts.append(time.monotonic())
                traffic.agents.append(self.headers["User-Agent"])
            time.sleep(seconds)
            content = files[self.path.strip("/")]
            status, content = (200, content) if isinstance(content, bytes) else (content, b"")
            # Before the last byte: the client may then request the next file at once.
            with lock:
                open_now -= 1
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    traffic.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield traffic
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_at_most_four_downloads_at_once_and_failures_do_not_stop_the_rest(body):
    files = {f"good{k}": body for k in range(9)} | {"gone": 404, "page": b"<html>sorry</html>"}
    with library(files) as traffic:
        wanted = [entry(name, f"{traffic.url}/{name}") for name in files]
        reported = []
        outcomes = download.fetch_many(wanted, on_done=reported.append)
    assert [one.name for one in outcomes] == list(files)
    assert {one.name for one in outcomes if one.path is None} == {"gone", "page"}
    assert "404" in outcomes[9].reason
    assert sorted(reported, key=lambda one: one.name) == sorted(outcomes, key=lambda one: one.name)
    assert all(one.path.read_bytes() == body for one in outcomes if one.path)
    assert 2 <= traffic.most <= 4
    assert all(agent.startswith("leukotype/") for agent in traffic.agents)


def test_one_connection_downloads_one_file_at_a_time(body):
    files = {f"good{k}": body for k in range(4)}
    with library(files, seconds=0.02) as traffic:
        download.fetch_many([entry(n, f"{traffic.url}/{n}") for n in files], connections=1)
    assert traffic.most == 1


def test_downloads_are_spaced_and_cached_files_do_not_wait(body, monkeypatch):
    files = {f"good{k}": body for k in range(4)}
    monkeypatch.setattr(download, "PAUSE", 0.15)
    with library(files, seconds=0.0) as traffic:
        wanted = [entry(name, f"{traffic.url}/{name}") for name in files]
        download.fetch_many(wanted)
        gaps = [b - a for a, b in zip(traffic.starts, traffic.starts[1:], strict=False)]
        assert min(gaps) > 0.1
        monkeypatch.setattr(download, "PAUSE", 60.0)
        again = download.fetch_many(wanted)
    assert len(traffic.starts) == 4
    assert all(one.path for one in again)


def test_rest_is_not_tried_if_the_server_is_unreachable(monkeypatch):
    tried = []
    real = download.fetch
    monkeypatch.setattr(download, "fetch", lambda dataset: tried.append(dataset) or real(dataset))
    wanted = [entry(f"set{k}", "http://127.0.0.1:9/none.csv") for k in range(40)]
    outcomes = download.fetch_many(wanted)
    assert len(outcomes) == 40
    assert all(one.path is None for one in outcomes)
    assert 4 <= len(tried) <= 8
    assert "refused" in outcomes[0].reason
    assert "not tried" in outcomes[-1].reason


def test_missing_files_do_not_stop_the_rest(body):
    files = {**{f"gone{k}": 404 for k in range(9)}, "good": body}
    with library(files, seconds=0.0) as traffic:
        outcomes = download.fetch_many([entry(name, f"{traffic.url}/{name}") for name in files])
    assert outcomes[-1].path is not None
    assert len(traffic.starts) == 10


@pytest.mark.parametrize("connections", [0, 5, -1])
def test_other_numbers_of_connections_are_refused(connections):
    with pytest.raises(InputError, match="1 to 4"):
        download.fetch_many([], connections=connections)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_of_a_busy_server_is_respected(status, monkeypatch):
    waits = []
    with library({"busy": status}, seconds=0.0) as traffic, monkeypatch.context() as patched:
        patched.setattr("leukotype.datasets.transfer.time", SimpleNamespace(sleep=waits.append))
        [outcome] = download.fetch_many([entry("busy", f"{traffic.url}/busy")])
    assert str(status) in outcome.reason
    assert waits == [7.0, 7.0]


def test_file_with_a_partial_fingerprint_is_checked(cohort, body, tmp_path):
    sizes = tuple(sorted(cohort.class_counts.values(), reverse=True))
    with serving(Service(body)) as service:
        good = entry("good", service.url, n_samples=14, n_probes=60, n_classes=2, sizes=sizes)
        assert download.fetch(good, cache=tmp_path).read_bytes() == body
        for wrong in ({"n_samples": 14, "n_probes": 61}, {"n_classes": 3}, {"sizes": (9, 5)}):
            [outcome] = download.fetch_many([entry("wrong", service.url, **wrong)])
            assert outcome.path is None
            assert "not" in outcome.reason


def test_catalogue_has_the_78_sets_of_cumida():
    known = of_collection("CuMiDa")
    assert len(known) == 78
    assert len({one.name for one in known}) == 78
    assert next(iter(catalogue())) == "Leukemia_GSE9476"
    assert catalogue()["Leukemia_GSE9476"].fingerprint.cells
    assert catalogue()["Throat_GSE12452"].url.endswith("/Throat/GSE12452/Throat_GSE12452.csv")
    assert sum(one.fingerprint.n_samples is None for one in known) == 5
    assert sum(not one.url for one in known) == 2


def test_catalogue_agrees_with_the_collected_table(data_folder):
    with (data_folder / "cumida" / "catalogue.csv").open(encoding="utf-8") as stream:
        rows = {row["name"] or row["accession"]: row for row in csv.DictReader(stream)}
    known = catalogue()
    assert set(rows) == {one.name for one in of_collection("cumida")}
    for name, row in rows.items():
        ours = known[name]
        assert (ours.type, ours.accession, ours.platform) == (row["type"], row["accession"], row["platform"])
        for field in ("n_samples", "n_probes"):
            assert str(getattr(ours.fingerprint, field) or "") == row[field]
        # Breast_GSE26304: the index says 5 classes, the file has 4.
        assert str(ours.n_classes or "") == row["n_classes"] or name == "Breast_GSE26304"
        counts = json.loads(row["class_counts"] or "{}")
        if "_sizes" in counts:
            assert list(ours.sizes) == sorted(counts["_sizes"], reverse=True)
        means = json.loads(row["scores"] or "{}")
        assert ours.published.get("mean of nine") == means.pop("mean_of_9", None)
        assert {k: v for k, v in ours.published.items() if k != "mean of nine"} == means


def test_types_are_found_by_name_in_cumida_or_prefix():
    assert {one.name for one in of_type("throat")} == {one.name for one in of_type("Head/Neck")}
    assert len(of_type("leukemia")) == 9
    with pytest.raises(UnknownName, match="Bladder"):
        of_type("nose")


def test_command_line_lists_by_type(capsys):
    assert run(["datasets", "list", "--type", "Brain", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in facts] == ["Brain_GSE15824", "Brain_GSE50161"]
    assert facts[1]["class_sizes"] == [46, 34, 22, 15, 13]
    assert run(["datasets", "list"]) == 0
    assert capsys.readouterr().out.count("GSE") >= 156


def test_command_line_reports_failed_downloads(body, monkeypatch, capsys):
    with library({"a": body, "b": 404}) as traffic:
        known = {name: entry(name, f"{traffic.url}/{name}") for name in ("a", "b")}
        monkeypatch.setattr("leukotype.datasets.by_name", known.__getitem__)
        assert run(["datasets", "fetch", "a", "b", "--json"]) == 1
        out, err = capsys.readouterr()
        assert [bool(one["path"]) for one in json.loads(out)] == [True, False]
        assert "b: " in err
        assert "1 of 2 datasets" in err
        assert "Traceback" not in err


@pytest.mark.parametrize("arguments", [[], ["--all", "--type", "Brain"], ["Brain_GSE15824", "--all"]])
def test_command_line_needs_exactly_one_choice_of_datasets(arguments, capsys):
    assert run(["datasets", "fetch", *arguments]) == 2
    assert "--all" in capsys.readouterr().err


def test_dataset_without_an_address_is_reported(capsys):
    assert run(["datasets", "fetch", "GSE8511"]) == 1
    assert "Its type is unknown" in capsys.readouterr().err


def test_dataset_without_a_fingerprint_cannot_be_checked(tmp_path, body):
    (tmp_path / "file.csv").write_bytes(body)
    with pytest.raises(FingerprintMismatch, match="no facts about"):
        datasets.check(tmp_path / "file.csv", "Prostate_GSE38241")

"""Datasets by name: catalogue, fingerprint, download, and the meaning of DATA on the command line."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import json
import os
import socket
import threading
from contextlib import contextmanager, suppress

import pytest
import requests

from csv_files import write_csv
from http_server import Service, serving
from leukotype import datasets, temporary
from leukotype.datasets import download, simulate, transfer
from leukotype.datasets.catalogue import Dataset, Fingerprint, by_name, catalogue
from leukotype.errors import (
    DownloadFailed,
    FingerprintMismatch,
    OutputRefused,
    UnknownName,
    UnreadableFile,
)

NAME = "Test_GSE1"
QUICK = {"timeout": (0.5, 0.5), "retries": 1}


@pytest.fixture(autouse=True)
def alone(request, monkeypatch, tmp_path):
    """No folder of real data, a temporary cache, short waits."""
    if "data_folder" not in request.fixturenames:
        monkeypatch.delenv("LEUKOTYPE_DATA", raising=False)
    monkeypatch.setenv("LEUKOTYPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("leukotype.datasets.transfer.PATIENCE", 0.01)


@pytest.fixture(scope="module")
def cohort():
    return simulate.simulate({"AML": 8, "PB": 6}, 60, seed=3).cohort


@pytest.fixture(scope="module")
def body(cohort, tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("body") / "file.csv"
    write_csv(cohort, path)
    return path.read_bytes()


def dataset_of(cohort, url: str = "http://127.0.0.1:9/none.csv") -> Dataset:
    cells = ((str(cohort.samples[2]), str(cohort.probes[5]), round(float(cohort.expression[2, 5]), 6)),)
    fingerprint = Fingerprint(
        14, 60, str(cohort.probes[0]), str(cohort.probes[-1]), cohort.class_counts, cells
    )
    return Dataset(
        NAME,
        "A test",
        "Test",
        "GSE1",
        "GPL0",
        url,
        "http://mirror.example/",
        "None 2020",
        "none",
        fingerprint,
    )


def left_behind(cache) -> set[str]:
    return {path.name for path in cache.iterdir()} if cache.exists() else set()


def test_file_is_downloaded_once(cohort, body, tmp_path):
    with serving(Service(body)) as service:
        dataset = dataset_of(cohort, service.url)
        path = download.fetch(dataset, cache=tmp_path)
        assert path.read_bytes() == body
        assert download.fetch(dataset, cache=tmp_path) == path
        assert len(service.requests) == 1
    assert left_behind(tmp_path) == {f"{NAME}.csv", f"{NAME}.csv.json"}


def test_truncated_download_is_not_stored_and_the_second_run_resumes(cohort, body, tmp_path):
    half = len(body) // 2
    with serving(Service(body, cut=half, n_cuts=1)) as service:
        dataset = dataset_of(cohort, service.url)
        with pytest.raises(DownloadFailed, match=f"ended after {half} of {len(body)} bytes"):
            download.fetch(dataset, cache=tmp_path, timeout=(1, 1), retries=0)
        assert f"{NAME}.csv" not in left_behind(tmp_path)
        path = download.fetch(dataset, cache=tmp_path, timeout=(1, 1), retries=0)
        assert path.read_bytes() == body
        assert service.requests == [None, f"bytes={half}-"]
        assert service.sent == [half, len(body) - half]
    assert left_behind(tmp_path) == {f"{NAME}.csv", f"{NAME}.csv.json"}


def test_broken_transfer_is_resumed_within_a_run(cohort, body, tmp_path):
    with serving(Service(body, cut=1000, n_cuts=2)) as service:
        path = download.fetch(dataset_of(cohort, service.url), cache=tmp_path, timeout=(1, 1), retries=2)
        assert path.read_bytes() == body
        assert service.requests == [None, "bytes=1000-", "bytes=2000-"]


def test_download_restarts_if_the_server_has_no_ranges(cohort, body, tmp_path):
    with serving(Service(body, cut=1000, n_cuts=1, ranges=False)) as service:
        path = download.fetch(dataset_of(cohort, service.url), cache=tmp_path, **QUICK)
        assert path.read_bytes() == body
        assert service.sent == [1000, len(body)]


def test_interrupted_download_is_resumed(cohort, body, tmp_path, monkeypatch):
    monkeypatch.setattr("leukotype.datasets.transfer.CHUNK", 1000)
    with serving(Service(body)) as service, monkeypatch.context() as patched:
        dataset = dataset_of(cohort, service.url)
        patched.setattr("leukotype.datasets.transfer.Transfer._bar", _at_the_second_chunk)
        with pytest.raises(KeyboardInterrupt):
            download.fetch(dataset, cache=tmp_path, **QUICK)
        assert left_behind(tmp_path) == {f"{NAME}.csv.partial", f"{NAME}.csv.partial.json"}
        patched.undo()
        assert download.fetch(dataset, cache=tmp_path, **QUICK).read_bytes() == body
        assert service.requests == [None, "bytes=2000-"]


def test_wrong_range_is_discarded(cohort, body, tmp_path):
    with serving(Service(body, cut=1000, n_cuts=1, off_by=7)) as service:
        path = download.fetch(dataset_of(cohort, service.url), cache=tmp_path, timeout=(1, 1), retries=2)
        assert path.read_bytes() == body
        assert service.requests == [None, "bytes=1000-", None]


def test_compressed_answer_is_decompressed(cohort, body, tmp_path):
    with serving(Service(body, packed=True)) as service:
        path = download.fetch(dataset_of(cohort, service.url), cache=tmp_path, **QUICK)
        assert path.read_bytes() == body
        assert len(service.requests) == 1


def test_cached_file_has_the_usual_permissions(cohort, body, tmp_path):
    (tmp_path / "usual").write_text("")
    with serving(Service(body)) as service:
        path = download.fetch(dataset_of(cohort, service.url), cache=tmp_path / "cache")
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_files_of_killed_runs_are_removed(cohort, body, tmp_path):
    names = [temporary.name() for _ in range(2)]
    # The first one is of a process that is dead.
    names[0] = names[0].replace(f"-{os.getpid()}-", "-999999999-")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "partial").write_bytes(b"x")
    with serving(Service(body)) as service:
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path)
    assert {name for name in left_behind(tmp_path) if name.startswith(".")} == {names[1]}


def test_partial_file_of_another_version_is_not_resumed(cohort, body, tmp_path):
    with serving(Service(b"x" * len(body), cut=1000)) as old:
        dataset = dataset_of(cohort, old.url)
        with pytest.raises(DownloadFailed):
            download.fetch(dataset, cache=tmp_path, timeout=(1, 1), retries=0)
    with serving(Service(body, tag='"v2"')) as new:
        path = download.fetch(dataclasses.replace(dataset, url=new.url), cache=tmp_path, **QUICK)
        assert path.read_bytes() == body


@pytest.mark.parametrize(
    "wrong",
    [b"<html><body>Sorry</body></html>", b"a,b\n1,2\n", b"\x00\x01" * 50, b""],
    ids=["page", "table", "bytes", "nothing"],
)
def test_wrong_content_is_not_stored(cohort, wrong, tmp_path):
    with (
        serving(Service(wrong)) as service,
        pytest.raises(DownloadFailed, match=f"sent a file that is not {NAME}") as caught,
    ):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path, **QUICK)
    assert service.url in str(caught.value)
    assert left_behind(tmp_path) == set()


def test_another_cohort_is_not_stored(cohort, tmp_path):
    other = simulate.simulate({"AML": 8, "PB": 6}, 60, seed=4).cohort
    write_csv(other, tmp_path / "other.csv")
    with (
        serving(Service((tmp_path / "other.csv").read_bytes())) as service,
        pytest.raises(DownloadFailed, match=r"sample 3, probe .* Try again later"),
    ):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path / "cache", **QUICK)
    assert left_behind(tmp_path / "cache") == set()


def test_404_is_reported_and_not_retried(cohort, body, tmp_path):
    with (
        serving(Service(body, status=404)) as service,
        pytest.raises(DownloadFailed, match="answers 404") as caught,
    ):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path, **QUICK)
    assert len(service.requests) == 1
    for needed in (service.url, str(tmp_path / f"{NAME}.csv"), "http://mirror.example/"):
        assert needed in str(caught.value)
    assert "\n" not in str(caught.value)
    assert left_behind(tmp_path) == set()


def test_500_is_retried(cohort, body, tmp_path):
    with serving(Service(body, status=500)) as service, pytest.raises(DownloadFailed, match="answers 500"):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path, **QUICK)
    assert len(service.requests) == 2


def test_slow_server_times_out(cohort, body, tmp_path):
    with (
        serving(Service(body, delay=1.0)) as service,
        pytest.raises(DownloadFailed, match="no answer in time"),
    ):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path, timeout=(0.2, 0.2), retries=0)


def test_connection_refused(cohort, tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with pytest.raises(DownloadFailed, match="refused"):
        download.fetch(dataset_of(cohort, f"http://127.0.0.1:{port}/x.csv"), cache=tmp_path, **QUICK)


def test_connection_timeout_is_not_retried(cohort, tmp_path, monkeypatch):
    calls = []

    def time_out(*arguments, **options):
        calls.append(options["timeout"])
        raise requests.ConnectTimeout

    monkeypatch.setattr(requests, "get", time_out)
    with pytest.raises(DownloadFailed, match="the connection timed out"):
        download.fetch(dataset_of(cohort), cache=tmp_path)
    assert calls == [(download.CONNECT_SECONDS, download.READ_SECONDS)]
    assert download.CONNECT_SECONDS < 5


def test_proxies_are_used(cohort, body, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    dataset = dataset_of(cohort, "http://cumida.invalid/file.csv")
    with serving(Service(body)) as service:
        monkeypatch.setenv("http_proxy", service.url.removesuffix("/file.csv"))
        assert download.fetch(dataset, cache=tmp_path / "one", **QUICK).read_bytes() == body
    with pytest.raises(DownloadFailed, match="the proxy refused the connection"):
        download.fetch(dataset, cache=tmp_path / "two", **QUICK)


def test_unknown_host(cohort, tmp_path):
    with pytest.raises(DownloadFailed, match=r"cannot be resolved|connection broke|answers"):
        download.fetch(dataset_of(cohort, "http://no-such-host.invalid/x.csv"), cache=tmp_path, **QUICK)


def test_changed_cached_file_is_refused(cohort, body, tmp_path):
    with serving(Service(body)) as service:
        dataset = dataset_of(cohort, service.url)
        path = download.fetch(dataset, cache=tmp_path)
    path.write_bytes(body + b"\n")
    with pytest.raises(FingerprintMismatch, match="has changed since it was stored"):
        download.fetch(dataset, cache=tmp_path)


def test_file_saved_by_hand_is_checked_once(cohort, body, tmp_path):
    path = tmp_path / f"{NAME}.csv"
    path.write_bytes(body)
    assert download.fetch(dataset_of(cohort), cache=tmp_path) == path
    assert len(json.loads((tmp_path / f"{NAME}.csv.json").read_text())["sha256"]) == 64
    path.write_bytes(body.replace(b"AML", b"BML"))
    with pytest.raises(FingerprintMismatch):
        download.fetch(dataset_of(cohort), cache=tmp_path)


def test_read_only_cache_is_read(cohort, body, tmp_path, monkeypatch):
    (tmp_path / f"{NAME}.csv").write_bytes(body)
    monkeypatch.setattr("leukotype.datasets.download.atomic.put", _refuse)
    for _ in range(2):
        assert download.fetch(dataset_of(cohort), cache=tmp_path) == tmp_path / f"{NAME}.csv"


def test_wrong_file_saved_by_hand_is_refused(cohort, body, tmp_path):
    (tmp_path / f"{NAME}.csv").write_bytes(body.replace(b"AML", b"BML"))
    with pytest.raises(FingerprintMismatch, match="classes is BML 8"):
        download.fetch(dataset_of(cohort), cache=tmp_path)


@pytest.mark.parametrize("place", [".", "cumida"])
def test_data_folder_is_searched_first(cohort, body, tmp_path, monkeypatch, place):
    folder = tmp_path / "data" / place
    folder.mkdir(parents=True)
    (folder / f"{NAME}.csv").write_bytes(body)
    monkeypatch.setenv("LEUKOTYPE_DATA", str(tmp_path / "data"))
    assert download.fetch(dataset_of(cohort), cache=tmp_path / "cache") == folder / f"{NAME}.csv"
    assert not (tmp_path / "cache").exists()


def test_wrong_file_in_the_data_folder_is_refused(cohort, body, tmp_path, monkeypatch):
    (tmp_path / f"{NAME}.csv").write_bytes(body.replace(b"AML", b"BML"))
    monkeypatch.setenv("LEUKOTYPE_DATA", str(tmp_path))
    with pytest.raises(FingerprintMismatch, match="LEUKOTYPE_DATA"):
        download.fetch(dataset_of(cohort), cache=tmp_path / "cache")


def test_simultaneous_downloads_all_get_the_complete_file(cohort, body, tmp_path):
    with serving(Service(body, delay=0.05)) as service:
        dataset = dataset_of(cohort, service.url)
        threads = [
            threading.Thread(target=download.fetch, args=(dataset,), kwargs={"cache": tmp_path})
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (tmp_path / f"{NAME}.csv").read_bytes() == body
    assert left_behind(tmp_path) == {f"{NAME}.csv", f"{NAME}.csv.json"}


def test_unwritable_cache_is_reported(cohort, body, tmp_path):
    (tmp_path / "file").write_text("")
    with serving(Service(body)) as service, pytest.raises(DownloadFailed, match="LEUKOTYPE_CACHE"):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path / "file" / "cache")


def test_catalogue_entries_are_complete():
    for name, entry in catalogue().items():
        assert entry.name == name
        assert entry.url.endswith(f"/{name}.csv") if entry.type else entry.note
        assert entry.citation
        assert entry.licence
        if entry.sizes:
            assert sum(entry.sizes) == entry.fingerprint.n_samples
            assert len(entry.sizes) == entry.n_classes
        assert set(entry.facts()) >= {"name", "url", "citation", "classes"}


def test_unknown_name_gets_suggestions():
    with pytest.raises(UnknownName, match="Leukemia_GSE9476"):
        by_name("Leukemia_GSE947")


def test_simulated_cohort_is_announced_without_data_and_network(monkeypatch):
    monkeypatch.setattr(download, "fetch", _never)
    messages = []
    cohort = datasets.resolve(None, say=messages.append)
    assert cohort.provenance.simulated
    assert (cohort.n_samples, cohort.n_probes) == (64, 22283 - 68)
    assert cohort.provenance.steps[-1].startswith("68 control probes")
    assert datasets.resolve(None, say=messages.append, keep_controls=True).n_probes == 22283
    assert len(set(messages)) == 1
    assert "SIMULATED" in messages[0]
    assert "no network" in messages[0]
    assert "\n" not in messages[0]


def test_web_page_in_place_of_the_default_is_announced_too(cohort, tmp_path, monkeypatch):
    messages = []
    with serving(Service(b"<html>We have moved</html>")) as service:
        monkeypatch.setattr(datasets, "by_name", lambda name: dataset_of(cohort, service.url))
        assert datasets.resolve(None, say=messages.append).provenance.simulated
    assert service.url in messages[0]
    assert str(tmp_path / "cache") in messages[0]
    assert "\n" not in messages[0]


def test_damaged_default_is_not_replaced(cohort, body, tmp_path, monkeypatch):
    with serving(Service(body)) as service:
        dataset = dataset_of(cohort, service.url)
        monkeypatch.setattr(datasets, "by_name", lambda name: dataset)
        assert not datasets.resolve(None, say=_say_nothing).provenance.simulated
    path = tmp_path / "cache" / f"{NAME}.csv"
    path.write_bytes(body.replace(b"AML", b"BML"))
    with pytest.raises(FingerprintMismatch, match="has changed"):
        datasets.resolve(None, say=_say_nothing)


@pytest.mark.parametrize("option", [{"label": "type"}, {"donor": "patient"}, {"scale": "linear"}])
def test_no_simulation_if_options_describe_a_file(option, monkeypatch):
    monkeypatch.setattr(download, "fetch", _never)
    with pytest.raises(DownloadFailed):
        datasets.resolve(None, say=_say_nothing, **option)


def test_classes_can_be_dropped_from_the_simulated_cohort(monkeypatch):
    monkeypatch.setattr(download, "fetch", _never)
    cohort = datasets.resolve(None, say=lambda line: None, drop_class=("PB",), scale="auto", impute=None)
    assert "PB" not in cohort.classes


def test_loaded_dataset_names_its_source(cohort, body, monkeypatch):
    with serving(Service(body)) as service:
        dataset = dataset_of(cohort, service.url)
        monkeypatch.setattr(datasets, "by_name", lambda name: dataset)
        loaded = datasets.load(NAME)
    assert loaded.name == NAME
    assert loaded.fingerprint == cohort.fingerprint
    assert loaded.provenance.citation == dataset.citation
    assert loaded.provenance.licence == dataset.licence
    assert any(service.url in step for step in loaded.provenance.steps)
    assert len(loaded.provenance.sha256) == 64


def test_named_dataset_is_never_replaced(monkeypatch):
    monkeypatch.setattr(download, "fetch", _never)
    with pytest.raises(DownloadFailed):
        datasets.resolve("Leukemia_GSE9476", say=_say_nothing)


def test_folder_with_the_name_of_a_dataset_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Leukemia_GSE9476").mkdir()
    monkeypatch.setattr(download, "fetch", _never)
    with pytest.raises(DownloadFailed):
        datasets.resolve("Leukemia_GSE9476", say=_say_nothing)


@pytest.mark.parametrize("name", ["Leukemia", "GSE9476", "leukemia_gse9476", "something else"])
def test_unknown_data_is_refused(name):
    with pytest.raises(UnknownName, match=r"neither a file in .* nor a dataset.*Leukemia_GSE9476"):
        datasets.resolve(name, say=_say_nothing)


def test_missing_path_is_a_missing_file():
    with pytest.raises(UnreadableFile):
        datasets.resolve("runs/mine.csv", say=_say_nothing)


def test_check_compares_line_by_line(cohort, tmp_path):
    write_csv(cohort, tmp_path / "Leukemia_GSE9476.csv")
    lines = datasets.check(tmp_path / "Leukemia_GSE9476.csv")
    assert lines[0].found == "14 × 60"
    assert lines[0].expected == "64 × 22283"
    assert not any(line.ok for line in lines)
    write_csv(cohort, tmp_path / "mine.csv")
    with pytest.raises(UnknownName, match="--name"):
        datasets.check(tmp_path / "mine.csv")


def test_fingerprint_includes_control_probes(cohort, tmp_path, monkeypatch):
    names = cohort.probes.astype("<U20")
    names[[5, -1]] = "AFFX-BioB-5_at", "AFFX-TrpnX-M_at"
    cohort = dataclasses.replace(cohort, probes=names)
    write_csv(cohort, tmp_path / "file.csv")
    with serving(Service((tmp_path / "file.csv").read_bytes())) as service:
        dataset = dataset_of(cohort, service.url)
        monkeypatch.setattr(datasets, "by_name", lambda name: dataset)
        loaded = datasets.load(NAME)
        again = datasets.load(NAME, keep_controls=True)
    assert loaded.n_probes == 58
    assert any(step.startswith("2 control probes") for step in loaded.provenance.steps)
    assert again.probes.tolist() == names.tolist()
    assert all(line.ok for line in datasets.check(tmp_path / "file.csv", NAME))
    # A file saved in the cache by hand is checked in the same way.
    (tmp_path / "cache" / f"{NAME}.csv.json").unlink()
    assert datasets.load(NAME).n_probes == 58


def test_first_and_last_probe_match_the_real_probe_list(data_folder):
    with gzip.open(data_folder / "cumida" / "Leukemia_GSE9476_probe_stats.csv.gz", "rt") as stream:
        probes = [row["probe_id"] for row in csv.DictReader(stream)]
    fingerprint = by_name("Leukemia_GSE9476").fingerprint
    assert (len(probes), probes[0], probes[-1]) == (
        fingerprint.n_probes,
        fingerprint.first_probe,
        fingerprint.last_probe,
    )


def test_fingerprint_cells_match_the_published_file(data_folder):
    with (data_folder / "cumida" / "Leukemia_GSE9476_head.csv").open() as stream:
        rows = {row["samples"]: row for row in csv.DictReader(stream)}
    for sample, probe, value in by_name("Leukemia_GSE9476").fingerprint.cells:
        assert float(rows[sample][probe]) == value


def _never(*arguments, **options):
    raise DownloadFailed("no network")


@contextmanager
def _at_the_second_chunk(transfer, start, total):
    class Bar:
        seen = 0

        def update(self, n):
            self.seen += 1
            if self.seen == 2:
                raise KeyboardInterrupt

    yield Bar()


def _refuse(*arguments, **options):
    raise OutputRefused("read-only")


def _say_nothing(line: str) -> None:
    raise AssertionError(line)


# Hostile servers


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "abc"},
        {"Content-Length": "-5"},
        {"Content-Length": "9" * 400},
        {"Content-Length": "99999999999"},
        {"Content-Length": "²"},
        {"ETag": "\x1b[31m"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
        {"Content-Range": "bytes x"},
    ],
)
def test_odd_headers_are_survived_or_refused(headers, cohort, body, tmp_path):
    with serving(Service(body, headers=headers)) as service:
        dataset = dataset_of(cohort, service.url)
        with suppress(DownloadFailed):
            path = download.fetch(dataset, cache=tmp_path, retries=0, timeout=(1, 1))
            assert path.read_bytes() == body
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    "location",
    [
        "http://[bad",
        "http://\x1b[31m/",
        "ftp://x/",
        "file:///etc/passwd",
        "//",
        "http://a b/",
        "http://x:99999/",
        "?" * 9000,
    ],
)
def test_odd_redirections_are_refused_in_one_line(location, cohort, body, tmp_path):
    with (
        serving(Service(body, status=302, headers={"Location": location})) as service,
        pytest.raises(DownloadFailed) as refused,
    ):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path, retries=0, timeout=(1, 1))
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_redirections_without_end_are_refused(cohort, body, tmp_path):
    with (
        serving(Service(body, status=302, headers={"Location": "/again"})) as service,
        pytest.raises(DownloadFailed),
    ):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path, retries=0)


@pytest.mark.parametrize("packed", [False, True])
def test_endless_body_is_cut_and_nothing_is_kept(packed, cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "LARGEST", 3_000_000)
    with (
        serving(Service(b"0," * 50_000, endless=True, packed=packed)) as service,
        pytest.raises(DownloadFailed, match="more than the"),
    ):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path, retries=2)
    assert len(service.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_announced_size_over_the_limit_is_refused_at_once(cohort, body, tmp_path):
    with (
        serving(Service(body, headers={"Content-Length": str(10**12)})) as service,
        pytest.raises(DownloadFailed, match="1,000"),
    ):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path, retries=2)
    assert list(tmp_path.iterdir()) == []

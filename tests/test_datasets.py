"""Datasets by name: catalogue, fingerprint, download, and what DATA on the command line means."""

from __future__ import annotations

import csv
import dataclasses
import json
import socket
import threading

import pytest

from http_server import Service, serving
from leukotype import datasets
from leukotype.datasets import download, simulate
from leukotype.datasets.catalogue import Dataset, Fingerprint, by_name, catalogue
from leukotype.datasets.files import write_csv
from leukotype.errors import DownloadFailed, FingerprintMismatch, UnknownName

NAME = "Test_GSE1"
QUICK = {"timeout": (0.5, 0.5), "retries": 1}


@pytest.fixture(autouse=True)
def alone(request, monkeypatch, tmp_path):
    """No folder of real data, a cache of its own, no patience."""
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


def test_good_file_is_fetched_once(cohort, body, tmp_path):
    with serving(Service(body)) as service:
        dataset = dataset_of(cohort, service.url)
        path = download.fetch(dataset, cache=tmp_path)
        assert path.read_bytes() == body
        assert download.fetch(dataset, cache=tmp_path) == path
        assert len(service.requests) == 1
    assert left_behind(tmp_path) == {f"{NAME}.csv", f"{NAME}.csv.json"}


def test_truncated_file_is_no_file_and_the_second_run_goes_on(cohort, body, tmp_path):
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


def test_a_broken_transfer_is_taken_up_within_a_run(cohort, body, tmp_path):
    with serving(Service(body, cut=1000, n_cuts=2)) as service:
        path = download.fetch(dataset_of(cohort, service.url), cache=tmp_path, timeout=(1, 1), retries=2)
        assert path.read_bytes() == body
        assert service.requests == [None, "bytes=1000-", "bytes=2000-"]


def test_a_server_without_ranges_starts_anew(cohort, body, tmp_path):
    with serving(Service(body, cut=1000, n_cuts=1, ranges=False)) as service:
        path = download.fetch(dataset_of(cohort, service.url), cache=tmp_path, **QUICK)
        assert path.read_bytes() == body
        assert service.sent == [1000, len(body)]


def test_a_file_that_changed_meanwhile_is_not_mixed(cohort, body, tmp_path):
    with serving(Service(b"x" * len(body), cut=1000)) as old:
        dataset = dataset_of(cohort, old.url)
        with pytest.raises(DownloadFailed):
            download.fetch(dataset, cache=tmp_path, timeout=(1, 1), retries=0)
    with serving(Service(body, tag='"v2"')) as new:
        path = download.fetch(dataclasses.replace(dataset, url=new.url), cache=tmp_path, **QUICK)
        assert path.read_bytes() == body


@pytest.mark.parametrize("wrong", [b"<html><body>Sorry</body></html>", b"a,b\n1,2\n", b"\x00\x01" * 50])
def test_wrong_content_is_not_kept(cohort, wrong, tmp_path):
    with (
        serving(Service(wrong)) as service,
        pytest.raises(FingerprintMismatch, match=f"is not {NAME}") as caught,
    ):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path, **QUICK)
    assert service.url in str(caught.value)
    assert left_behind(tmp_path) == set()


def test_another_cohort_is_not_kept(cohort, tmp_path):
    other = simulate.simulate({"AML": 8, "PB": 6}, 60, seed=4).cohort
    write_csv(other, tmp_path / "other.csv")
    with (
        serving(Service((tmp_path / "other.csv").read_bytes())) as service,
        pytest.raises(FingerprintMismatch, match="sample 3, probe"),
    ):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path / "cache", **QUICK)
    assert left_behind(tmp_path / "cache") == set()


def test_404_is_said_and_not_retried(cohort, body, tmp_path):
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


def test_a_slow_server_is_given_up(cohort, body, tmp_path):
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


def test_a_host_that_does_not_exist(cohort, tmp_path):
    with pytest.raises(DownloadFailed, match=r"cannot be resolved|connection broke|answers"):
        download.fetch(dataset_of(cohort, "http://no-such-host.invalid/x.csv"), cache=tmp_path, **QUICK)


def test_a_cached_file_that_changed_is_refused(cohort, body, tmp_path):
    with serving(Service(body)) as service:
        dataset = dataset_of(cohort, service.url)
        path = download.fetch(dataset, cache=tmp_path)
    path.write_bytes(body + b"\n")
    with pytest.raises(FingerprintMismatch, match="has changed since it was first seen"):
        download.fetch(dataset, cache=tmp_path)


def test_a_file_put_there_by_hand_is_checked_and_remembered(cohort, body, tmp_path):
    path = tmp_path / f"{NAME}.csv"
    path.write_bytes(body)
    assert download.fetch(dataset_of(cohort), cache=tmp_path) == path
    assert len(json.loads((tmp_path / f"{NAME}.csv.json").read_text())["sha256"]) == 64
    path.write_bytes(body.replace(b"AML", b"BML"))
    with pytest.raises(FingerprintMismatch):
        download.fetch(dataset_of(cohort), cache=tmp_path)


def test_a_wrong_file_put_there_by_hand_is_refused(cohort, body, tmp_path):
    (tmp_path / f"{NAME}.csv").write_bytes(body.replace(b"AML", b"BML"))
    with pytest.raises(FingerprintMismatch, match="classes is BML 8"):
        download.fetch(dataset_of(cohort), cache=tmp_path)


@pytest.mark.parametrize("place", [".", "cumida"])
def test_the_data_folder_is_searched_first(cohort, body, tmp_path, monkeypatch, place):
    folder = tmp_path / "data" / place
    folder.mkdir(parents=True)
    (folder / f"{NAME}.csv").write_bytes(body)
    monkeypatch.setenv("LEUKOTYPE_DATA", str(tmp_path / "data"))
    assert download.fetch(dataset_of(cohort), cache=tmp_path / "cache") == folder / f"{NAME}.csv"
    assert not (tmp_path / "cache").exists()


def test_two_at_once_both_end_with_the_whole_file(cohort, body, tmp_path):
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


def test_an_unwritable_cache_is_said(cohort, body, tmp_path):
    (tmp_path / "file").write_text("")
    with serving(Service(body)) as service, pytest.raises(DownloadFailed, match="LEUKOTYPE_CACHE"):
        download.fetch(dataset_of(cohort, service.url), cache=tmp_path / "file" / "cache")


def test_every_entry_of_the_catalogue_is_whole():
    for name, entry in catalogue().items():
        assert entry.name == name
        assert entry.url.startswith("https://")
        assert entry.citation
        assert entry.licence
        assert sum(entry.fingerprint.classes.values()) == entry.fingerprint.n_samples
        assert set(entry.facts()) >= {"name", "url", "citation", "classes"}


def test_an_unknown_name_is_told_what_comes_near():
    with pytest.raises(UnknownName, match="Leukemia_GSE9476"):
        by_name("Leukemia_GSE947")


def test_without_data_and_network_the_simulated_cohort_is_announced(monkeypatch):
    monkeypatch.setattr(download, "fetch", _never)
    said = []
    cohort = datasets.resolve(None, say=said.append)
    assert cohort.provenance.simulated
    assert (cohort.n_samples, cohort.n_probes) == (64, 22283)
    assert len(said) == 1
    assert "SIMULATED" in said[0]
    assert "\n" not in said[0]


def test_a_named_dataset_is_never_replaced(monkeypatch):
    monkeypatch.setattr(download, "fetch", _never)
    with pytest.raises(DownloadFailed):
        datasets.resolve("Leukemia_GSE9476", say=_say_nothing)


def test_neither_file_nor_dataset():
    with pytest.raises(UnknownName, match="neither a file nor a dataset"):
        datasets.resolve("Leukemia", say=_say_nothing)


def test_check_compares_line_by_line(cohort, tmp_path):
    write_csv(cohort, tmp_path / "Leukemia_GSE9476.csv")
    lines = datasets.check(tmp_path / "Leukemia_GSE9476.csv")
    assert lines[0].found == "14 × 60"
    assert lines[0].expected == "64 × 22283"
    assert not any(line.ok for line in lines)
    write_csv(cohort, tmp_path / "mine.csv")
    with pytest.raises(UnknownName, match="--name"):
        datasets.check(tmp_path / "mine.csv")


def test_written_and_read_again_is_the_same(cohort, tmp_path):
    from leukotype.readers import read

    write_csv(cohort, tmp_path / "c.csv")
    assert read(tmp_path / "c.csv").fingerprint == cohort.fingerprint


def test_golden_cells_are_those_of_the_published_head(data_folder):
    with (data_folder / "cumida" / "Leukemia_GSE9476_head.csv").open() as stream:
        rows = {row["samples"]: row for row in csv.DictReader(stream)}
    for sample, probe, value in by_name("Leukemia_GSE9476").fingerprint.cells:
        assert float(rows[sample][probe]) == value


def _never(*arguments, **options):
    raise DownloadFailed("no network")


def _say_nothing(line: str) -> None:
    raise AssertionError(line)

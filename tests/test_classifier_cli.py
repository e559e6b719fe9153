"""The commands train, predict and inspect, end to end, and their refusals."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import leukotype as lt
from leukotype import cli
from leukotype.atomic import check_new

CLASSES = ("AML", "Bone_Marrow", "PB")
QUICK = ("--outer", 3, "--inner", 2, "--repeats", 1, "--jobs", 1, "--no-cache")


def frame(per_class: int, seed: int) -> pd.DataFrame:
    """Samples of three classes, three markers each, in the CuMiDa layout."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(CLASSES, per_class)
    values = rng.normal(7, 1, (len(labels), 30))
    for number, name in enumerate(CLASSES):
        values[labels == name, 3 * number : 3 * number + 3] += 3
    table = pd.DataFrame(values.round(4), columns=[f"{200000 + i}_at" for i in range(30)])
    table.insert(0, "type", labels)
    table.insert(0, "samples", [f"s{i + 1}" for i in range(len(labels))])
    return table


def run(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a cohort, new samples, an annotation, and a classifier trained by the command."""
    folder = tmp_path_factory.mktemp("lab")
    frame(10, 1).to_csv(folder / "cohort.csv", index=False)
    frame(4, 2).drop(columns="type").to_csv(folder / "new.csv", index=False)
    genes = "".join(f"{200000 + i}_at\tGENE{i}\n" for i in range(30))
    (folder / "array.chip").write_text("Probe Set ID\tGene Symbol\n" + genes)
    (folder / "not.txt").write_text("not a table\n")
    assert (
        run("train", folder / "cohort.csv", *QUICK, "--annotation", folder / "array.chip", "--out",
            folder / "a.leuko") == 0
    )  # fmt: skip
    return folder


@pytest.fixture(autouse=True)
def _own_place(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUKOTYPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_train_prints_the_estimate(place, tmp_path, capsys):
    assert run("train", place / "cohort.csv", *QUICK, "--out", "b.leuko") == 0
    said = capsys.readouterr()
    assert "Balanced accuracy, out of fold" in said.out
    assert "correct among called" in said.out
    assert "b.leuko" in said.out
    assert run("train", place / "cohort.csv", *QUICK, "--out", "c.leuko", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["record"] == lt.load_classifier("b.leuko").record
    # The same cohort, seed and versions give the same file.
    assert Path("b.leuko").read_bytes() == Path("c.leuko").read_bytes()


def test_predict_writes_calls_and_evidence(place, capsys):
    assert run("predict", place / "a.leuko", place / "new.csv", "--out", "calls.csv") == 0
    said = capsys.readouterr()
    assert "of 12 samples called" in said.out
    table = pd.read_csv("calls.csv")
    assert table["sample"].tolist() == [f"s{i + 1}" for i in range(12)]
    truth = np.repeat(CLASSES, 4)
    p = table[[f"p[{name}]" for name in CLASSES]].to_numpy()
    assert (np.array(CLASSES)[p.argmax(axis=1)] == truth).mean() > 0.9
    np.testing.assert_allclose(p.sum(axis=1), 1)
    page = Path("calls.html").read_text()
    assert "200000_at" in page
    assert "GENE0" in page
    assert "esearch use only" in page
    capsys.readouterr()
    assert run("predict", place / "a.leuko", place / "new.csv") == 0
    assert capsys.readouterr().out == Path("calls.csv").read_text()
    assert run("predict", place / "a.leuko", place / "new.csv", "--json", "--level", 0.8) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["level"] == 0.8
    assert [one["sample"] for one in told["samples"]] == table["sample"].tolist()


def test_predict_matches_by_gene_in_any_order(place, capsys):
    genes = pd.read_csv(place / "new.csv").rename(columns={f"{200000 + i}_at": f"GENE{i}" for i in range(30)})
    genes[["samples", *sorted(genes.columns[1:], reverse=True)]].to_csv("genes.csv", index=False)
    assert run("predict", place / "a.leuko", "genes.csv", "--out", "g.csv", "--no-page") == 0
    assert "30 of 30 probes matched by gene symbol" in capsys.readouterr().err
    assert not Path("g.html").exists()
    assert run("predict", place / "a.leuko", place / "new.csv", "--out", "p.csv", "--no-page") == 0
    assert Path("g.csv").read_text() == Path("p.csv").read_text()


def test_each_sample_of_a_file_has_its_own_scale(place):
    table = pd.read_csv(place / "new.csv")
    probes = table.columns[1:]
    assert run("predict", place / "a.leuko", place / "new.csv", "--out", "log.csv", "--no-page") == 0
    table.loc[3, probes] = 2 ** table.loc[3, probes]
    table.to_csv("mixed.csv", index=False)
    assert run("predict", place / "a.leuko", "mixed.csv", "--out", "mixed-calls.csv", "--no-page") == 0
    logged, mixed = pd.read_csv("log.csv"), pd.read_csv("mixed-calls.csv")
    assert mixed["scale"].str.startswith("linear").tolist() == [row == 3 for row in range(12)]
    p = [f"p[{name}]" for name in CLASSES]
    np.testing.assert_allclose(mixed[p], logged[p], atol=1e-9)
    others = np.arange(12) != 3
    pd.testing.assert_frame_equal(mixed[others], logged[others])


def test_an_empty_sample_does_not_change_the_other_calls(place):
    table = pd.read_csv(place / "new.csv")
    assert run("predict", place / "a.leuko", place / "new.csv", "--out", "all.csv", "--no-page") == 0
    table.iloc[2, 1:] = np.nan
    table.to_csv("failed.csv", index=False)
    assert run("predict", place / "a.leuko", "failed.csv", "--out", "rest.csv") == 0
    whole, rest = Path("all.csv").read_text().splitlines(), Path("rest.csv").read_text().splitlines()
    assert [line for k, line in enumerate(rest) if k != 3] == [line for k, line in enumerate(whole) if k != 3]
    assert rest[3].startswith("s3,abstained,too many probes missing")
    assert rest[3].endswith("no value at all")


def test_train_takes_the_best_model_of_a_study(place, capsys):
    study = ("study", place / "cohort.csv", "--models", "centroids,majority", "--outer", 3, "--inner", 2)
    assert run(*study, "--jobs", 1, "--no-cache", "--out", "study") == 0
    told = json.loads(Path("study/study.json").read_text())["best"]
    rest = ("--jobs", 1, "--no-cache", "--repeats", 1, "--out", "s.leuko")
    assert run("train", place / "cohort.csv", "--from-study", "study", *rest) == 0
    record = lt.load_classifier("s.leuko").record
    assert record["model"]["name"] == told["model"]
    assert record["design"]["outer"] == 3
    assert record["chosen"] == {
        "metric": "balanced_accuracy", "n_models": 2,
        "value": told["value"], "low": told["low"], "high": told["high"],
    }  # fmt: skip
    assert "best of 2" in lt.load_classifier("s.leuko").card
    capsys.readouterr()
    frame(10, 5).to_csv("other.csv", index=False)
    assert run("train", "other.csv", "--from-study", "study", "--out", "t.leuko") == 2
    assert "another cohort" in capsys.readouterr().err
    assert not Path("t.leuko").exists()


def test_a_panel_is_read_from_a_file_or_chosen(place, capsys):
    Path("panel.txt").write_text("200000_at\nGENE3\nGENE6\n# a remark\nGENE999\n")
    panel = ("--probes", "panel.txt", "--annotation", place / "array.chip")
    assert run("train", place / "cohort.csv", *QUICK, *panel, "--out", "p.leuko") == 0
    assert "3 of 30 probes kept" in capsys.readouterr().err
    found = lt.load_classifier("p.leuko")
    assert found.probes == ("200000_at", "200003_at", "200006_at")
    assert "GENE999" in " ".join(found.record["cohort"]["steps"])
    assert run("train", place / "cohort.csv", *QUICK, "--max-probes", 9, "--out", "k.leuko") == 0
    assert "with all probes" in capsys.readouterr().out
    chosen = lt.load_classifier("k.leuko")
    assert set(chosen.probes) == {f"{200000 + i}_at" for i in range(9)}  # the markers, which are nine
    assert chosen.sets is None
    assert [other["max_probes"] for other in chosen.record["without"]] == [None]


def test_inspect_shows_the_card(place, capsys):
    assert run("inspect", place / "a.leuko") == 0
    out = capsys.readouterr().out
    assert "Research use only" in out
    assert "## Performance" in out
    assert lt.load_classifier(place / "a.leuko").fingerprint in out
    assert run("inspect", place / "a.leuko", "--json") == 0
    assert json.loads(capsys.readouterr().out)["record"]["schema"] == 1


TRAIN = {
    "no such model": ("--model", "nope"),
    "several models": ("--model", "all"),
    "a list of models": ("--model", "logistic,knn"),
    "no such alignment": ("--align", "nope"),
    "an empty panel": ("--max-probes", 0),
    "a negative panel": ("--max-probes", -3),
    "a target above 1": ("--target-accuracy", 1.5),
    "a target of 0": ("--target-coverage", 0),
    "a target that is no number": ("--target-coverage", "nan"),
    "two targets": ("--target-accuracy", 0.9, "--target-coverage", 0.9),
    "no file of probes": ("--probes", "nope.txt"),
    "probes of another array": ("--probes", "{place}/not.txt"),
    "an annotation that is none": ("--annotation", "{place}/not.txt"),
    "no study": ("--from-study", "nope"),
    "a study and a model": ("--from-study", "nope", "--model", "knn"),
    "a study and a seed": ("--from-study", "nope", "--seed", 0),
    "no folds": ("--outer", 0),
    "no repeats": ("--repeats", 0),
    "a negative seed": ("--seed", -1),
    "too many folds": ("--outer", 11),
    "no such criterion": ("--tune-by", "nope"),
    "no workers": ("--jobs", 0),
    "no such engine": ("--engine", "nope"),
    "no such column": ("--label", "nope"),
    "no such class": ("--drop-class", "nope"),
    "one class left": ("--drop-class", "AML", "--drop-class", "PB"),
    "a folder that is not there": ("--out", "nope/a.leuko"),
    "a folder for a file": ("--out", "."),
    "a file that is there": ("--out", "{place}/a.leuko"),
}  # fmt: skip
PREDICT = {
    "no classifier": ("nope.leuko", "{place}/new.csv"),
    "a table for a classifier": ("{place}/new.csv", "{place}/new.csv"),
    "a classifier for samples": ("{place}/a.leuko", "{place}/a.leuko"),
    "no samples": ("{place}/a.leuko", "nope.csv"),
    "samples without numbers": ("{place}/a.leuko", "{place}/not.txt"),
    "an annotation for samples": ("{place}/a.leuko", "{place}/array.chip"),
    "no such sample column": ("{place}/a.leuko", "{place}/new.csv", "--samples", "nope"),
    "no such scale": ("{place}/a.leuko", "{place}/new.csv", "--scale", "nope"),
    "a level of 1": ("{place}/a.leuko", "{place}/new.csv", "--level", 1),
    "a level that is no number": ("{place}/a.leuko", "{place}/new.csv", "--level", "nan"),
    "less than no evidence": ("{place}/a.leuko", "{place}/new.csv", "--why", -1),
    "a folder that is not there": ("{place}/a.leuko", "{place}/new.csv", "--out", "nope/calls.csv"),
    "no name": ("{place}/a.leuko", "{place}/new.csv", "--out", ""),
    "the name of the page": ("{place}/a.leuko", "{place}/new.csv", "--out", "calls.html"),
    "a file that is there": ("{place}/a.leuko", "{place}/new.csv", "--out", "{place}/new.csv"),
}  # fmt: skip


@pytest.mark.parametrize("case", TRAIN)
def test_train_refuses(case, place, tmp_path, capsys):
    extra = [str(part).format(place=place) for part in TRAIN[case]]
    out = () if "--out" in extra else ("--out", "x.leuko")
    own = extra[::2]
    rest = [part for k in range(0, len(QUICK) - 1, 2) if QUICK[k] not in own for part in QUICK[k : k + 2]]
    if "--from-study" in own:
        rest = ["--jobs", 1]
    refused(("train", place / "cohort.csv", *rest, "--no-cache", *extra, *out), tmp_path, capsys)


@pytest.mark.parametrize("case", PREDICT)
def test_predict_refuses(case, place, tmp_path, capsys):
    extra = [str(part).format(place=place) for part in PREDICT[case]]
    out = () if "--out" in extra else ("--out", "x.csv")
    refused(("predict", *extra, *out), tmp_path, capsys)


@pytest.mark.parametrize(
    "how", ["nothing", "another probe set", "twice the sample", "no value", "cut", "newer"]
)
def test_predict_refuses_content(how, place, tmp_path, capsys):
    table = pd.read_csv(place / "new.csv")
    content = (place / "a.leuko").read_bytes()
    if how == "another probe set":
        table.columns = ["samples", *(f"X{i}" for i in range(30))]
    elif how == "twice the sample":
        table.loc[1, "samples"] = "s1"
    elif how == "nothing":
        table = table.iloc[:0]
    else:
        content = content[: len(content) // 2]
    table.to_csv(tmp_path / "odd.csv", index=False)
    (tmp_path / "odd.leuko").write_bytes(content)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert run("predict", "odd.leuko", "odd.csv", "--out", "x.csv") == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def refused(command, folder, capsys):
    before = sorted(path.name for path in folder.iterdir())
    assert run(*command) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert len(errors[0]) > 30
    assert sorted(path.name for path in folder.iterdir() if path.name != "cache") == before


def test_a_failed_write_leaves_nothing(place, monkeypatch, capsys):
    check_new(Path("x.csv"), overwrite=False)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert run("predict", place / "a.leuko", place / "new.csv", "--out", "x.csv", "--no-page") == 2
    assert "No space left" in capsys.readouterr().err
    assert list(Path().iterdir()) == []


@pytest.mark.slow
def test_the_first_wide_sample_takes_a_second_and_each_other_milliseconds(tmp_path):
    cohort = lt.simulate(dict.fromkeys(CLASSES, 12), 22283, seed=1).cohort
    classifier = lt.train(cohort, design=lt.Design(5, 3, 1), jobs=2)
    classifier.save(tmp_path / "wide.leuko")
    one = pd.DataFrame(cohort.expression[:1].round(6), columns=cohort.probes)
    one.insert(0, "samples", ["s1"])
    one.to_csv(tmp_path / "one.csv", index=False)
    command = [sys.executable, "-m", "leukotype", "predict", "wide.leuko", "one.csv"]
    seconds = []
    for _ in range(3):
        # Processor time, because other tests run at the same time.
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        seconds.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    assert min(seconds) < 1.5
    batch = lt.Batch.of(cohort)
    single = lt.Batch.of(cohort.take([0], "one"))
    each = []
    for _ in range(3):
        start = time.process_time()
        classifier.predict(single)
        middle = time.process_time()
        classifier.predict(batch)
        each.append((time.process_time() - middle - (middle - start)) / (cohort.n_samples - 1))
    # 4 ms alone; other test processes share the caches.
    assert min(each) < 0.02


def test_train_prints_errors_of_the_audits_and_puts_them_on_the_card(capsys):
    table = frame(10, 1)
    codes = table["type"].map({name: 6.25 + k / 4 for k, name in enumerate(CLASSES)})
    table = table.assign(code=codes)
    table.loc[:3, "type"] = "aml"
    table.loc[:3, "code"] = 7.75
    table.to_csv("coded.csv", index=False)
    assert run("train", "coded.csv", "--model", "knn", "--out", "a.leuko") == 2
    assert "--expression code" in capsys.readouterr().err
    options = ["--expression", "code", "--outer", "2", "--inner", "2", "--repeats", "1", "--jobs", "1"]
    assert run("train", "coded.csv", "--model", "knn", "--out", "a.leuko", *options) == 0
    printed = capsys.readouterr().err
    assert "LT005 error: " in printed
    assert "Warning: Classes 'aml'" in printed
    card = lt.load_classifier("a.leuko").card
    assert "(LT005)" in card
    assert "**Warning:** Classes" in card

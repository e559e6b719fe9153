"""The benchmark: its cohorts, its files, and cohorts that are left out."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress

import pandas as pd
import pytest

from benchmark_cases import FAILING, SIZES, write_cohorts
from csv_files import write_csv
from leukotype import benchmark, cli, datasets, results
from leukotype.benchmark import CohortSource, LeftOut, published
from leukotype.datasets import simulate
from leukotype.datasets.catalogue import catalogue
from leukotype.errors import UnknownName
from leukotype.evaluation import evaluate
from leukotype.models import select
from leukotype.resampling import Design, too_small
from leukotype.results import json_report
from leukotype.results.benchmark_page import benchmark_page

MODELS = ("centroids", "knn", "majority")
DESIGN = Design(3, 2)


@pytest.fixture(autouse=True)
def alone(request, monkeypatch, tmp_path_factory):
    """Use a separate cache, and the folder of real data only in tests that request it."""
    if "data_folder" not in request.fixturenames:
        monkeypatch.delenv("LEUKOTYPE_DATA", raising=False)
    monkeypatch.setenv("LEUKOTYPE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("cohorts")
    write_cohorts(place)
    (place / "notes.md").write_text("# notes\n")
    (place / "broken.csv").write_text("a,b\n1\n")
    return place


@pytest.fixture(scope="module")
def found(folder):
    sources, missing = benchmark.find([str(folder)])
    return benchmark.run(sources, select(MODELS), DESIGN, missing=missing, jobs=1)


def run(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def page(found: benchmark.Benchmark) -> str:
    """The page without figures."""
    return benchmark_page(found, ()).html()


def test_a_folder_is_searched_for_tables(folder):
    sources, missing = benchmark.find([str(folder)])
    assert [source.name for source in sources] == ["broken", "set0", "set1", "set2"]
    assert missing == []


def test_files_of_one_name_have_distinct_names_and_none_is_used_twice(tmp_path):
    [first] = write_cohorts(tmp_path / "a", 1)
    [second] = write_cohorts(tmp_path / "b", 1)
    (tmp_path / ".hidden").mkdir()
    shutil.copy(first, tmp_path / ".hidden" / "x.csv")
    sources, _ = benchmark.find([str(first), str(tmp_path)])
    assert [source.name for source in sources] == ["set0", "b_set0"]
    assert [source.path for source in sources] == [first, second]


def test_results_of_earlier_runs_are_not_cohorts(tmp_path):
    [path] = write_cohorts(tmp_path, 1)
    done = tmp_path / "runs" / "out"
    done.mkdir(parents=True)
    (done / "manifest.json").write_text(json.dumps({"written_by": "leukotype", "files": {"a.csv": {}}}))
    shutil.copy(path, done / "a.csv")
    assert [source.name for source in benchmark.find([str(tmp_path)])[0]] == ["set0"]


def test_an_unavailable_collection_is_listed_completely(monkeypatch):
    def fetch_many(entries, connections, on_done):
        return [datasets.Fetched(entry.name, reason="no network") for entry in entries]

    monkeypatch.setattr("leukotype.datasets.fetch_many", fetch_many)
    sources, missing = benchmark.find(["cumida"])
    assert sources == []
    assert len(missing) == 78
    assert missing[0] == LeftOut("Leukemia_GSE9476", "no network")


def test_unknown_names_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(UnknownName, match="not a file, folder, collection"):
        benchmark.find(["nothing"])
    with pytest.raises(UnknownName, match="holds no table"):
        benchmark.find([str(tmp_path)])


def test_each_cohort_has_the_results_of_a_study_of_it_alone(found, folder):
    assert [result.name for result in found.cohorts] == ["set0", "set1", "set2"]
    for result in found.cohorts:
        cohort = CohortSource(result.name, folder / f"{result.name}.csv").read()
        alone = evaluate(cohort, MODELS, design=DESIGN, jobs=1)
        expected = alone.summary(["balanced_accuracy"]).set_index("model")["value"]
        values = result.values("balanced_accuracy")["value"]
        assert values.to_dict() == expected.to_dict()
        assert "auto" in values.index
        assert result.folds == alone.folds.fingerprint
        assert result.best.value <= result.best.uncorrected
        assert list(result.predictions)[:6] == ["sample", "label", "model", "repeat", "fold", "predicted"]


def test_unreadable_files_are_listed_with_the_reason(found):
    [one] = found.left_out
    assert one.name == "broken"
    assert "broken.csv" in one.reason


def test_the_leaderboard_uses_the_scores(found):
    scores = found.leaderboard.scores
    assert list(scores.index) == ["set0", "set1", "set2"]
    assert list(scores.columns) == list(MODELS)
    assert found.table.set_index("model").loc["majority", "mean"] == 0.5
    assert found.times["seconds"].min() > 0
    assert list(found.times.columns) == ["cohort", "model", "seconds"]
    assert len(found.times) == len(MODELS) * 3


def test_the_same_cohort_twice_counts_once(folder, tmp_path):
    shutil.copy(folder / "set0.csv", tmp_path / "again.csv")
    sources, _ = benchmark.find([str(folder / "set0.csv"), str(tmp_path / "again.csv")])
    found = benchmark.run(sources, select(["majority"]), DESIGN, jobs=1)
    assert [result.name for result in found.cohorts] == ["set0"]
    assert found.left_out == (
        LeftOut(
            "again", "it has the same values, samples and labels as set0, which is already in the benchmark."
        ),
    )


def test_duplicated_samples_have_a_warning(folder, tmp_path):
    table = pd.read_csv(folder / "set0.csv")
    table.iloc[:, :40].to_csv(tmp_path / "fewer.csv", index=False)
    sources, _ = benchmark.find(
        [str(folder / "set0.csv"), str(folder / "set1.csv"), str(tmp_path / "fewer.csv")]
    )
    found = benchmark.run(sources, select(["majority", "knn"]), DESIGN, jobs=1)
    assert ("set0", "fewer") in found.same_samples
    assert "Duplicated samples" in page(found)


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    """A cohort with a class of two."""
    place = tmp_path_factory.mktemp("rare")
    write_csv(simulate.simulate({**SIZES, "MPAL": 2}, 60, seed=9).cohort, place / "rare.csv")
    return place / "rare.csv"


def test_small_classes_are_refused_or_dropped_and_reported(rare):
    cohort = CohortSource("rare", rare).read()
    assert too_small(cohort, Design(5, 3)) == ["MPAL"]
    assert too_small(cohort, Design(2, 2)) == ["MPAL"]
    assert too_small(cohort.drop_classes(["MPAL"]), Design(5, 3)) == []
    source = [CohortSource("rare", rare)]
    refused = benchmark.run(source, select(["majority"]), DESIGN, jobs=1)
    assert refused.cohorts == ()
    assert "'MPAL'" in refused.left_out[0].reason
    assert "--drop-small" in refused.left_out[0].reason
    dropped = benchmark.run(source, select(["majority"]), DESIGN, jobs=1, drop_small=True)
    [result] = dropped.cohorts
    assert result.dropped == ("MPAL",)
    assert result.facts["classes"] == SIZES
    assert any("MPAL" in step for step in result.facts["steps"])
    assert "without MPAL" in page(dropped)


def test_dropping_never_leaves_a_single_class(tmp_path):
    write_csv(simulate.simulate({"AML": 12, "PB": 2}, 60, seed=9).cohort, tmp_path / "two.csv")
    found = benchmark.run(
        [CohortSource("two", tmp_path / "two.csv")], select(["majority"]), DESIGN, jobs=1, drop_small=True
    )
    assert "'PB'" in found.left_out[0].reason


def test_the_page_is_complete_and_fetches_nothing(found, tmp_path):
    text, again = (results.write_report(found, tmp_path / name).read_text() for name in ("a.html", "b.html"))
    assert text == again
    assert "default-src &#39;none&#39;" in text
    for word in ("set0", "set2", "broken.csv", "Critical-difference diagram", "Corrected best", "auto"):
        assert word in text
    assert "No accuracies were published for these cohorts" in text
    assert 'src="http' not in text
    assert "NaN" not in text.split("<script>")[0]


def test_names_of_cohorts_are_never_markup(found, tmp_path):
    evil = dataclasses.replace(found.cohorts[0], name="<script>alert(1)</script>")
    changed = dataclasses.replace(found, cohorts=(evil, *found.cohorts[1:]))
    assert "<script>alert" not in results.write_report(changed, tmp_path / "r.html").read_text()


def test_the_json_is_plain_and_complete(found):
    content = json.loads(json.dumps(json_report.benchmark_json(found), allow_nan=False))
    assert [model["model"] for model in content["models"]] == list(found.leaderboard.mean_ranks.index)
    assert content["tests"]["n_cohorts"] == 3
    assert 0 < content["tests"]["permutation_p"] <= 1
    assert len(content["tests"]["pairs"]) == 3
    assert [one["name"] for one in content["cohorts"]] == ["set0", "set1", "set2"]
    one = content["cohorts"][0]
    assert (
        one["models"]["knn"]["metrics"]["accuracy"]["value"]
        == found.cohorts[0].values("accuracy").loc["knn", "value"]
    )
    assert one["auto"]["balanced_accuracy"]["low"] <= one["auto"]["balanced_accuracy"]["value"]
    assert one["corrected_best"]["model"] in MODELS
    assert content["left_out"][0]["cohort"] == "broken"


def test_published_accuracies_are_compared_for_the_same_file_only(found):
    entry = catalogue()["Breast_GSE26304"]
    facts = {**found.cohorts[0].facts, "n_samples": entry.fingerprint.n_samples}
    named = dataclasses.replace(found.cohorts[0], name=entry.name, facts=facts)
    changed = dataclasses.replace(found, cohorts=(named, *found.cohorts[1:]))
    rows = published.rows(changed)
    assert [(row[1], row[2], row[3]) for row in rows] == [("ZeroR", 0.36, "majority"), ("KNN", 0.30, "knn")]
    assert rows[0][4] == named.values("accuracy").loc["majority", "value"]
    assert published.means(changed) == {"Breast_GSE26304": 0.3333}
    text = page(changed)
    assert "is no target" in text
    other = dataclasses.replace(named, facts=found.cohorts[0].facts)
    assert published.known(dataclasses.replace(found, cohorts=(other,))) == []


def test_the_command_writes_its_files(folder, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [
        "benchmark",
        folder,
        "--models",
        "knn,majority",
        "--outer",
        3,
        "--inner",
        2,
        "--jobs",
        1,
        "--out",
        out,
    ]
    assert run(*arguments) == 0
    printed, err = capsys.readouterr()
    assert "Excluded broken: " in err
    assert "mean rank" in printed
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert names >= {
        *(
            "leaderboard.html",
            "leaderboard.json",
            "leaderboard.csv",
            "cohorts.csv",
            "pairs.csv",
            "left_out.csv",
        ),
        *("failures.csv", "manifest.json", "predictions/set0.csv", "figures/critical-difference.svg"),
        *("figures/scores.png", "figures/scores.csv"),
    }
    cohorts = pd.read_csv(out / "cohorts.csv")
    assert set(cohorts["model"]) == {"knn", "majority", "auto"}
    assert set(cohorts["cohort"]) == {"set0", "set1", "set2"}
    assert (cohorts["low"] <= cohorts["value"] + 1e-12).all()
    board = pd.read_csv(out / "leaderboard.csv")
    assert board["model"].tolist() == ["knn", "majority"]


def test_a_benchmark_without_cohorts_fails_and_writes_nothing(folder, tmp_path, capsys):
    assert run("benchmark", folder / "broken.csv", "--out", tmp_path / "out") == 1
    err = capsys.readouterr().err
    assert "Excluded broken" in err
    assert "none of 1 cohorts gave a result" in err
    assert not (tmp_path / "out" / "leaderboard.html").exists()


REFUSED = {
    "no model": (["--models", "nothing"], "no model 'nothing'"),
    "no metric": (["--metric", "nothing"], "nothing"),
    "a metric of classes": (["--metric", "recall"], "one number per class"),
    "no criterion": (["--tune-by", "luck"], "unknown criterion 'luck'"),
    "no protocol": (["--protocol", "kaggle"], "unknown protocol 'kaggle'"),
    "two designs": (["--protocol", "cumida", "--outer", "5"], "--outer is 5, but the protocol"),
    "no folds": (["--outer", "1"], "outer is 1"),
    "a plug-in that is none": (["--plugin", "nothing.py"], "cannot read the plug-in"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_usage_is_refused_in_one_line_before_anything_runs(case, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("leukotype.evaluation.evaluate", None)
    arguments, expected = REFUSED[case]
    assert run("benchmark", folder, *arguments, "--out", tmp_path / "out") == 2
    err = capsys.readouterr().err
    assert expected in err
    assert err.count("\n") == 1


def test_the_protocol_of_cumida_has_three_folds(folder, tmp_path):
    out = tmp_path / "out"
    arguments = ["--models", "majority,knn", "--protocol", "cumida", "--inner", 2, "--jobs", 1, "--out", out]
    assert run("benchmark", folder / "set0.csv", *arguments) == 0
    design = json.loads((out / "leaderboard.json").read_text())["design"]
    assert (design["outer"], design["protocol"]) == (3, "cumida")


def test_one_cohort_is_freed_before_the_next_is_read(folder, monkeypatch):
    import gc
    import weakref

    alive: list[weakref.ref] = []
    real = CohortSource.read

    def read(self, **options):
        gc.collect()
        # A task in the driver process keeps the last cohort until the next task.
        assert sum(reference() is not None for reference in alive) <= 1
        cohort = real(self, **options)
        alive.append(weakref.ref(cohort))
        return cohort

    monkeypatch.setattr(CohortSource, "read", read)
    sources, _ = benchmark.find([str(folder / f"set{k}.csv") for k in range(3)])
    benchmark.run(sources, select(["majority"]), DESIGN, jobs=1)
    assert len(alive) == 3
    gc.collect()
    assert not [reference for reference in alive if reference() is not None]


@pytest.fixture
def fragile(tmp_path):
    path = tmp_path / "fragile.py"
    path.write_text(FAILING)
    return path


def test_a_model_that_fails_does_not_affect_others(folder, fragile, tmp_path, capsys):
    write_cohorts(tmp_path / "more", 2, {"AML": 14, "PB": 12})
    out = tmp_path / "out"
    (tmp_path / "more" / "set0.csv").rename(tmp_path / "more" / "big0.csv")
    (tmp_path / "more" / "set1.csv").rename(tmp_path / "more" / "big1.csv")
    arguments = [
        *(
            "benchmark",
            folder / "set0.csv",
            tmp_path / "more",
            "--plugin",
            fragile,
            "--models",
            "knn,fragile,majority",
        ),
        *("--outer", 3, "--inner", 2, "--jobs", 1, "--out", out),
    ]
    assert run(*arguments) == 1
    err = capsys.readouterr().err
    assert "No result of fragile on set0: " in err
    assert "a probe that is not there" in err
    assert "Traceback" not in err
    content = json.loads((out / "leaderboard.json").read_text())
    by_name = {one["name"]: one for one in content["cohorts"]}
    assert set(by_name["set0"]["models"]) == {"knn", "majority"}
    assert set(by_name["big0"]["models"]) == {"knn", "fragile", "majority"}
    assert [(one["cohort"], one["model"]) for one in content["failures"]] == [("set0", "fragile")]
    assert content["tests"]["n_cohorts"] == 2
    assert "fragile failed on set0" in (out / "leaderboard.html").read_text()
    alone = evaluate(CohortSource("set0", folder / "set0.csv").read(), ["knn"], design=DESIGN, jobs=1)
    value = by_name["set0"]["models"]["knn"]["metrics"]["balanced_accuracy"]["value"]
    assert value == alone.summary(["balanced_accuracy"])["value"].iloc[0]


def test_a_cohort_on_which_every_model_fails_is_an_error(folder, fragile, capsys, tmp_path):
    out = tmp_path / "out"
    arguments = ["--plugin", fragile, "--models", "fragile", "--outer", 3, "--jobs", 1, "--out", out]
    assert run("benchmark", folder / "set0.csv", *arguments) == 1
    assert "none of 1 cohorts gave a result" in capsys.readouterr().err
    assert not (out / "leaderboard.json").exists()


def counts(out) -> dict[tuple[str, str], int]:
    """Number of times that tasks were computed, by cohort and model."""
    with sqlite3.connect(f"file:{out / 'tasks.sqlite'}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT cohort, model, sum(computed) FROM tasks GROUP BY cohort, model"
        ).fetchall()
    return {(cohort, model): number for cohort, model, number in rows}


def test_only_new_models_and_cohorts_are_computed(folder, tmp_path, capsys):
    out = tmp_path / "out"
    common = ["--outer", 3, "--inner", 2, "--jobs", 1, "--out", out]
    assert run("benchmark", folder / "set0.csv", "--models", "knn,majority", *common) == 0
    assert counts(out) == {("set0", "knn"): 3, ("set0", "majority"): 3}
    first = json.loads((out / "leaderboard.json").read_text())
    assert run("benchmark", folder, "--models", "knn,majority,centroids", *common) == 0
    assert counts(out) == {
        (f"set{k}", model): 3 for k in range(3) for model in ("knn", "majority", "centroids")
    }
    second = json.loads((out / "leaderboard.json").read_text())
    assert second["cohorts"][0]["models"]["knn"] == first["cohorts"][0]["models"]["knn"]
    assert run("benchmark", folder, "--models", "knn,majority,centroids", *common) == 0
    assert set(counts(out).values()) == {3}
    assert json.loads((out / "leaderboard.json").read_text()) == second


def test_a_result_of_another_kind_is_not_replaced(folder, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").write_text(
        json.dumps({"written_by": "leukotype", "kind": "study", "files": {}})
    )
    assert run("benchmark", folder, "--models", "majority", "--out", tmp_path / "out") == 2
    assert "earlier result" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_benchmark_resumes_to_the_same_result(folder, tmp_path):
    arguments = ["--models", "knn,centroids,majority", "--outer", "3", "--inner", "2", "--jobs", "1"]
    command = [sys.executable, "-m", "leukotype", "benchmark", str(folder), *arguments]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    assert subprocess.run([*command, "--out", whole], capture_output=True).returncode == 0
    process = subprocess.Popen(
        [*command, "--out", killed], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(sqlite3.Error):
            if len(counts(killed)) >= 3:
                break
        time.sleep(0.02)
    process.kill()
    process.wait()
    before = sum(counts(killed).values())
    assert before > 0
    assert not (killed / "leaderboard.json").exists() or before == 27
    again = subprocess.run([*command, "--out", killed], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "not run again" in again.stderr
    assert set(counts(killed).values()) == {3}
    manifest = json.loads((whole / "manifest.json").read_text())
    assert set(manifest["files"]) - set(manifest["reproducible"]) == {"times.csv"}
    assert {"leaderboard.json", "leaderboard.csv", "leaderboard.html", "cohorts.csv"} <= set(
        manifest["files"]
    )
    for name in manifest["reproducible"]:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name


def test_all_real_cohorts_in_one_command(data_folder, tmp_path):
    out = tmp_path / "out"
    arguments = [
        "--models",
        "knn,majority",
        "--outer",
        3,
        "--inner",
        2,
        "--drop-small",
        "--jobs",
        1,
        "--out",
        out,
    ]
    assert run("benchmark", data_folder / "cumida", data_folder / "golub", *arguments) == 0
    content = json.loads((out / "leaderboard.json").read_text())
    assert [one["name"] for one in content["cohorts"]] == [
        "Leukemia_GSE9476_genes2000",
        "Leukemia_GSE9476_slice",
        "golub_3class_cumida_layout",
    ]
    assert content["same_samples"] == [["Leukemia_GSE9476_genes2000", "Leukemia_GSE9476_slice"]]
    ranks = {model["model"]: model["mean_rank"] for model in content["models"]}
    assert ranks == {"knn": 1.0, "majority": 2.0}

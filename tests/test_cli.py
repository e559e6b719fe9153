"""The command line end to end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leukotype import cli

PYTHON = sys.executable
COMMANDS = (["study"], ["explore"], ["datasets", "list"], ["datasets", "fetch"], ["datasets", "check"])


@pytest.fixture(scope="module")
def cohort_file(tmp_path_factory) -> Path:
    """A file in the CuMiDa layout: 36 samples × 50 probes, three classes, two markers each."""
    rng = np.random.default_rng(5)
    labels = np.repeat(["AML", "Bone_Marrow", "PB"], [14, 12, 10])
    values = rng.normal(7, 1, (36, 50))
    for number, name in enumerate(("AML", "Bone_Marrow", "PB")):
        values[labels == name, 2 * number : 2 * number + 2] += 3
    table = pd.DataFrame(values.round(4), columns=[f"{200000 + i}_at" for i in range(50)])
    table.insert(0, "type", labels)
    table.insert(0, "samples", np.arange(1, 37))
    path = tmp_path_factory.mktemp("cohort") / "mine.csv"
    table.to_csv(path, index=False)
    return path


def run(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def finished(cohort_file, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "study"
    assert run("study", cohort_file, "--models", "logistic,knn,majority", "--jobs", 1, "--out", out) == 0
    return out


def test_study_leaves_the_promised_files(finished):
    names = {path.name for path in finished.iterdir()}
    assert {"study.json", "predictions.csv", "report.html", "figures", "manifest.json"} <= names
    assert list((finished / "figures").glob("*.svg"))
    study = json.loads((finished / "study.json").read_text())
    assert study["schema"] == 1
    assert study["cohort"]["n_samples"] == 36
    assert study["cohort"]["classes"] == {"AML": 14, "Bone_Marrow": 12, "PB": 10}
    assert set(study["models"]) == {"logistic", "knn", "majority", "auto"}
    assert study["best"]["value"] <= study["best"]["uncorrected"]
    assert study["permutation"] is study["leaks"] is study["learning"] is None
    value = study["models"]["logistic"]["metrics"]["balanced_accuracy"]
    assert 0 < value["low"] <= value["value"] <= value["high"] <= 1


def test_predictions_are_out_of_fold_and_complete(finished):
    table = pd.read_csv(finished / "predictions.csv")
    assert list(table.columns[:6]) == ["sample", "label", "model", "repeat", "fold", "predicted"]
    assert len(table) == 36 * 4  # three models and the automatic choice
    assert table.groupby("model")["sample"].nunique().eq(36).all()


def test_same_command_same_bytes_with_any_number_of_jobs(cohort_file, finished, tmp_path):
    out = tmp_path / "two"
    assert run("study", cohort_file, "--models", "logistic,knn,majority", "--jobs", 2, "--out", out) == 0
    assert (out / "predictions.csv").read_bytes() == (finished / "predictions.csv").read_bytes()


def test_another_seed_gives_other_folds(cohort_file, finished, tmp_path):
    out = tmp_path / "seed"
    assert run("study", cohort_file, "--models", "majority", "--seed", 1, "--jobs", 1, "--out", out) == 0
    theirs = json.loads((finished / "study.json").read_text())["design"]["fingerprint"]
    assert json.loads((out / "study.json").read_text())["design"]["fingerprint"] != theirs


def test_json_is_all_of_standard_output(cohort_file, tmp_path, capsys):
    out = tmp_path / "json"
    assert run("study", cohort_file, "--models", "majority", "--jobs", 1, "--out", out, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["out"] == str(out)
    assert printed["models"]["majority"]["metrics"]["balanced_accuracy"]["value"] == pytest.approx(1 / 3)


def test_quiet_when_not_a_terminal(cohort_file, tmp_path, capsys):
    out = tmp_path / "quiet"
    assert run("study", cohort_file, "--models", "majority", "--jobs", 1, "--out", out) == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "━" not in captured.err
    assert "report.html" in captured.out


def test_explore_needs_no_model(cohort_file, tmp_path, capsys):
    out = tmp_path / "look"
    assert run("explore", cohort_file, "--out", out) == 0
    assert (out / "report.html").exists()
    assert not (out / "predictions.csv").exists()
    assert "36 samples" in capsys.readouterr().out


def test_control_probes_are_left_out_unless_kept(cohort_file, tmp_path, capsys):
    file = tmp_path / "controls.csv"
    file.write_text(cohort_file.read_text().replace("200049_at", "AFFX-BioB-5_at"))
    said = "1 control probe (AFFX-BioB-5_at) left out of the features."
    assert run("explore", file, "--out", tmp_path / "without") == 0
    assert f"  {said}\n" in capsys.readouterr().err
    found = json.loads((tmp_path / "without" / "cohort.json").read_text())["cohort"]
    assert (found["n_probes"], found["steps"]) == (49, [said])
    assert said in (tmp_path / "without" / "report.html").read_text()
    arguments = ("--models", "majority", "--jobs", 1, "--keep-controls", "--out", tmp_path / "with")
    assert run("study", file, *arguments) == 0
    assert "control probe (" not in capsys.readouterr().err
    assert json.loads((tmp_path / "with" / "study.json").read_text())["cohort"]["n_probes"] == 50


def test_explore_works_with_one_class(cohort_file, tmp_path):
    out = tmp_path / "one"
    arguments = ("--drop-class", "PB", "--drop-class", "AML", "--out", out)
    assert run("explore", cohort_file, *arguments) == 0


def test_datasets_list(capsys):
    assert run("datasets", "list", "--json") == 0
    entries = json.loads(capsys.readouterr().out)
    assert any(entry["name"] == "Leukemia_GSE9476" for entry in entries)
    assert run("datasets", "list") == 0
    assert "Leukemia_GSE9476" in capsys.readouterr().out


def test_datasets_check_says_what_differs(cohort_file, capsys):
    assert run("datasets", "check", cohort_file, "--name", "Leukemia_GSE9476") == 1
    assert "DIFFERS" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("study", "FILE", "--models", "lasso"), "no model 'lasso'"),
        (("study", "FILE", "--outer", "1"), "outer is 1"),
        (("study", "FILE", "--outer", "many"), "--outer"),
        (("study", "FILE", "--tune-by", "auc"), "unknown criterion 'auc'"),
        (("study", "FILE", "--jobs", "0"), "--jobs is 0"),
        (("study", "FILE", "--bogus"), "--bogus"),
        (("study", "Leukemia_GSE1"), "Leukemia_GSE1"),
        (("bogus",), "bogus"),
        (("datasets", "fetch", "nothing"), "nothing"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(arguments, words, cohort_file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEUKOTYPE_DATA", raising=False)
    assert run(*(cohort_file if part == "FILE" else part for part in arguments)) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert words in lines[0]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(command, capsys):
    assert run(*command, "--help") == 0
    assert f"Example: leukotype {' '.join(command)}" in re.sub(r"\s+", " ", capsys.readouterr().out)


def test_help_is_quick_and_loads_little():
    best = min(_timed([PYTHON, "-m", "leukotype", "--help"]) for _ in range(3))
    # Half a second on an idle machine; twice that where tests share the cores.
    assert best < 1.0


def _timed(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


@pytest.fixture(scope="module")
def defended(cohort_file, tmp_path_factory) -> tuple[Path, str]:
    """A study with everything that can be asked for, and what it printed."""
    out = tmp_path_factory.mktemp("defended") / "study"
    command = [PYTHON, "-m", "leukotype", "study", cohort_file, "--models", "logistic,centroids,majority"]
    wishes = ["--permutations", "19", "--price-leaks", "--learning-curve", "--repeats", "2", "--outer", "3"]
    done = subprocess.run(
        [*command, *wishes, "--jobs", "1", "--out", out], check=True, capture_output=True, text=True
    )
    return out, done.stdout + done.stderr


def test_what_was_asked_for_stands_in_every_output(defended):
    out, printed = defended
    study = json.loads((out / "study.json").read_text())
    # Baselines are what others are compared with; nothing is refitted for them.
    for part in (study["permutation"], study["leaks"], study["learning"]["curve"]):
        assert {row["model"] for row in part} == {"logistic", "centroids"}
    assert {row["n_permutations"] for row in study["permutation"]} == {19}
    assert min(row["p"] for row in study["permutation"]) >= 0.05 - 1e-12
    report = (out / "report.html").read_text()
    for name in ("stability", "permutation", "leaks", "learning-curve"):
        assert f'id="figure-{name}"' in report
        assert (out / "figures" / f"{name}.svg").is_file()
    for name in ("permutation", "leaks", "learning", "halving", "comparisons", "choice"):
        assert len(pd.read_csv(out / "tables" / f"{name}.csv"))
    assert "Phipson" in report
    assert "Nadeau" in report
    assert "permuted" in (out / "sheets" / "REFORMS.md").read_text()
    assert "Next: permutation test, about 10 seconds." in printed
    assert "corrected for the choice" in printed


def test_nothing_is_said_of_what_was_not_asked_for(finished):
    report = (finished / "report.html").read_text()
    for word in ("Phipson", "permutation test", "Mukherjee", "made on purpose"):
        assert word.lower() not in report.lower()
    assert not (finished / "tables" / "permutation.csv").exists()


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (["--permutations", "-1"], ["--permutations is -1"]),
        (["--permutations", "many"], ["--permutations"]),
        (["--annotation", "missing.chip"], ["missing.chip"]),
        (["--learning-curve", "--outer", "2", "--inner", "5"], ["--learning-curve"]),
    ],
)
def test_wishes_that_cannot_be_granted_are_refused_before_anything_is_computed(
    wish, words, cohort_file, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("leukotype.evaluation.evaluate", None)
    assert run("study", cohort_file, "--models", "knn", *wish, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert [word for word in words if word not in said] == []
    assert not (tmp_path / "out").exists()


def test_importing_the_package_loads_no_heavy_library_and_opens_nothing():
    code = (
        "import sys\n"
        "events = []\n"
        "import leukotype, leukotype.cli\n"
        "sys.addaudithook(lambda e, a: events.append(e) if e.startswith('socket') else None)\n"
        "import leukotype.evaluation, leukotype.datasets, leukotype.readers\n"
        "bad = {'altair', 'vl_convert', 'matplotlib', 'pooch', 'requests'} & set(sys.modules)\n"
        "assert not bad, bad\n"
        "assert not events, events\n"
    )
    subprocess.run([PYTHON, "-W", "error::ResourceWarning", "-c", code], check=True)


def test_the_face_works_as_written(cohort_file, tmp_path):
    import leukotype as lt

    cohort = lt.read(cohort_file)
    evaluation = lt.evaluate(cohort, models=["knn", "majority"], jobs=1)
    assert {"model", "metric", "value", "low", "high"} <= set(evaluation.summary().columns)
    lt.report(evaluation, tmp_path / "report.html")
    assert "<html" in (tmp_path / "report.html").read_text()
    assert set(lt.__all__) <= set(dir(lt))
    for name in lt.__all__:
        assert getattr(lt, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = lt.nonsense


@pytest.mark.parametrize("command", ["study", "benchmark", "train"])
@pytest.mark.parametrize(
    ("options", "message"), [(("--jobs", 0), "--jobs is 0"), (("--engine", "nope"), "unknown engine")]
)
def test_invalid_workers_are_refused_before_the_file_is_read(command, options, message, capsys):
    assert run(command, "no-such-file.csv", *options) == 2
    assert message in capsys.readouterr().err

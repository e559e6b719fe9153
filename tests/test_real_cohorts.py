"""Real cohorts (in LEUKOTYPE_DATA), end to end by the command line."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import leukotype as lt
from leukotype import cli

SLICE = "cumida/Leukemia_GSE9476_slice.csv.gz"
RARE = (
    "fibrosarcoma",
    "lipoma",
    "malignant peripheral nerve sheath tumor",
    "well-differentiated liposarcoma",
)
GIB = 2**30


def study(path, out, *arguments: str) -> dict:
    assert cli.run(["study", str(path), "--out", str(out), *arguments]) == 0
    return json.loads((out / "study.json").read_text())


def balanced(result: dict, model: str) -> float:
    return result["models"][model]["metrics"]["balanced_accuracy"]["value"]


@pytest.mark.slow
def test_models_separate_the_slice_and_the_majority_is_at_chance(data_folder, tmp_path):
    models = "logistic,forest,svm,majority"
    first = study(data_folder / SLICE, tmp_path / "a", "--models", models, "--jobs", "2")
    for model in ("logistic", "forest", "svm"):
        assert balanced(first, model) >= 0.90
    assert balanced(first, "majority") == pytest.approx(0.2, abs=1e-12)
    assert first["cohort"]["classes"]["AML"] == 26
    serial = lt.evaluate(lt.read(data_folder / SLICE), models.split(","), jobs=1).predictions
    assert (tmp_path / "a" / "predictions.csv").read_text() == serial.to_csv(index=False)


PLAIN = {
    "logistic": lambda setting: LogisticRegression(C=setting["C"], tol=1e-8, max_iter=50_000),
    "knn": lambda setting: KNeighborsClassifier(**setting),
}


@pytest.mark.slow
def test_probabilities_on_given_folds_equal_those_of_scikit_learn(data_folder, tmp_path):
    table = pd.read_csv(data_folder / SLICE)
    x, y = table.iloc[:, 2:].to_numpy(), table["type"].to_numpy(str)
    fold_of = np.arange(len(y)) % 5
    folds = pd.DataFrame({"sample": table["samples"], "repeat": 0, "fold": fold_of})
    folds.to_csv(tmp_path / "folds.csv", index=False)
    arguments = ("--models", "logistic,knn", "--folds", str(tmp_path / "folds.csv"))
    study(data_folder / SLICE, tmp_path / "out", *arguments)
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    settings = pd.read_csv(tmp_path / "out" / "tables" / "settings.csv")
    predictions, settings = (frame[frame["model"] != "auto"] for frame in (predictions, settings))
    assert len(settings) == 10
    for model, fold, text in zip(settings["model"], settings["fold"], settings["setting"], strict=True):
        pairs = dict(part.split("=") for part in text.split(", "))
        setting = {key: float(value) if key == "C" else value for key, value in pairs.items()}
        if "n_neighbors" in setting:
            setting["n_neighbors"] = int(setting["n_neighbors"])
        test = fold_of == fold
        expected = (
            make_pipeline(StandardScaler(), PLAIN[model](setting))
            .fit(x[~test], y[~test])
            .predict_proba(x[test])
        )
        rows = predictions[(predictions["fold"] == fold) & (predictions["model"] == model)]
        ours = rows.filter(regex=r"^p\[").to_numpy()
        np.testing.assert_allclose(ours, expected, atol=1e-4 if model == "logistic" else 1e-12)


# Runs leukotype from a small process and prints the peak memory of its largest child in KiB.  `ru_maxrss` includes the
# memory of the parent at the start, which would be that of all other tests.
_LARGEST = """
import resource, subprocess, sys
code = subprocess.run([sys.executable, "-m", "leukotype", *sys.argv[1:]]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dropped", "n_samples"), [("chowdary_breast_colon", (), 104), ("nakayama_sarcoma", RARE, 92)]
)
def test_full_width_linear_cohorts_need_less_than_4_gib(name, dropped, n_samples, data_folder, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", _LARGEST, "study", str(data_folder / "wide" / f"{name}.csv.gz")]
    command += ["--out", str(out), "--jobs", "2", "--no-cache"]
    command += [part for label in dropped for part in ("--drop-class", label)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Linear scale detected" in done.stderr
    result = json.loads((out / "study.json").read_text())
    assert (result["cohort"]["n_samples"], result["cohort"]["n_probes"]) == (n_samples, 22283 - 68)
    # At most three processes run at once.
    assert 3 * int(done.stdout.splitlines()[-1]) * 1024 < 4 * GIB


def test_golub_as_kaggle_publishes_it(data_folder, tmp_path):
    golub = data_folder / "golub"
    result = study(
        golub / "data_set_ALL_AML_train.csv", tmp_path / "out", "--labels", str(golub / "actual.csv"),
        "--models", "logistic,centroids,majority",
    )  # fmt: skip
    assert result["cohort"]["classes"] == {"ALL": 27, "AML": 11}
    assert balanced(result, "logistic") > 0.8

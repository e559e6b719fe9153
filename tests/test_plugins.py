"""Models from plug-in files and from installed packages."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import leukotype as lt
from leukotype import cli
from leukotype.cohort import Batch
from leukotype.errors import BadPlugin, LeukotypeError, NotPortable, UnknownName
from leukotype.evaluation import evaluate
from leukotype.models import DEFAULT, MODELS, Model, plugins
from leukotype.resampling import Design
from leukotype.wide import Fold, rule_of
from run_cases import counts

EXAMPLE = Path(__file__).with_name("plugin_example.py")
TREES = Path(__file__).with_name("plugin_trees.py")
HEAD = "import numpy as np\nfrom leukotype.models import Model\nfrom leukotype.models.baselines import majority\n"


@pytest.fixture
def write(tmp_path):
    """Write a plug-in and return its path."""

    def write(text: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_file_joins_the_default_set_and_can_be_named():
    names = [model.name for model in plugins.choose(None, [EXAMPLE])]
    assert names == [*DEFAULT, "nearest"]
    assert [m.name for m in plugins.choose(["nearest", "knn"], [EXAMPLE])] == ["nearest", "knn"]
    everything = [m.name for m in plugins.choose(["all"], [EXAMPLE])]
    assert everything == [*(model.name for model in MODELS), "nearest"]
    assert [m.name for m in plugins.choose(None)] == list(DEFAULT)


def test_the_same_file_twice_is_one_plugin():
    assert len(plugins.choose(["nearest"], [EXAMPLE, EXAMPLE])) == 1


def test_worker_processes_give_the_same_as_one(tiny_cohort):
    [model] = plugins.load(EXAMPLE)
    design = Design(3, 2)
    alone = evaluate(tiny_cohort, [model, "majority"], design=design, jobs=1)
    many = evaluate(tiny_cohort, [model, "majority"], design=design, jobs=2)
    pd.testing.assert_frame_equal(alone.predictions, many.predictions)
    scores = alone.summary(["balanced_accuracy"]).set_index("model")["value"]
    assert scores["nearest"] > scores["majority"] + 0.2


ON_A_CLUSTER = """
import sys
from conftest import make_tiny_cohort
from leukotype.evaluation import evaluate
from leukotype.models import plugins
from leukotype.resampling import Design

if __name__ == "__main__":
    options = {"design": Design(3, 2), "models": plugins.load(sys.argv[1])}
    alone = evaluate(make_tiny_cohort(), jobs=1, **options)
    spread = evaluate(make_tiny_cohort(), jobs=2, engine="dask", **options)
    print("same" if alone.predictions.equals(spread.predictions) else "different")
"""


@pytest.mark.slow
def test_a_cluster_gives_the_same_as_one_process(write):
    pytest.importorskip("distributed", reason="Dask is not installed")
    # In a separate process, which also ends what Dask leaves running.
    script = write(ON_A_CLUSTER, "script.py")
    command = [sys.executable, str(script), str(EXAMPLE)]
    paths = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=paths)
    assert done.stdout.split()[-1:] == ["same"], done.stderr


def test_the_text_of_the_file_is_part_of_the_key_of_its_tasks(write, tiny_cohort, tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    done: list[list[int]] = []
    for content in (text, text, text + "# changed\n"):
        models = plugins.load(write(content))
        evaluate(tiny_cohort, models, design=Design(2, 2), jobs=1, store=tmp_path / "tasks.sqlite")
        done.append(counts(tmp_path / "tasks.sqlite"))
    assert done == [[1, 1], [1, 1], [1, 1, 1, 1]]


def test_a_fresh_process_needs_no_file(tmp_path):
    copy = tmp_path / "gone.py"
    shutil.copy(EXAMPLE, copy)
    [model] = plugins.load(copy)
    pickled = tmp_path / "model.pickle"
    pickled.write_bytes(pickle.dumps(model))
    copy.unlink()
    code = f"import pickle; m = pickle.load(open({str(pickled)!r}, 'rb')); print(m.name, m.settings()[0]['pull'].share)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.split() == ["nearest", "0.5"]


def test_the_code_of_a_model_is_the_text_of_its_file(write):
    text = HEAD + 'MODELS = (Model("mine", "Mine", majority),)\n'
    [first] = plugins.load(write(text, "a.py"))
    [same] = plugins.load(write(text, "b.py"))
    [other] = plugins.load(write(text + "# changed\n", "c.py"))
    assert first.code == same.code != other.code
    assert len(first.code) == 64
    assert not any(model.code for model in MODELS)


def test_the_example_of_the_documentation_works(write, tiny_cohort):
    page = (Path(__file__).parents[1] / "docs" / "benchmark.md").read_text(encoding="utf-8")
    code = page[page.index("    # mine.py") : page.index("    leukotype benchmark cumida --plugin")]
    [model] = plugins.load(write(textwrap.dedent(code)))
    evaluation = evaluate(tiny_cohort, [model], design=Design(2, 2), jobs=1)
    assert evaluation.summary(["balanced_accuracy"])["value"].iloc[0] > 0.6


@pytest.mark.parametrize("classes", [("AML", "PB"), ("AML", "Bone_Marrow", "PB")])
def test_a_plugin_with_a_rule_can_be_trained_and_saved(classes, tiny_cohort, tmp_path):
    cohort = tiny_cohort.drop_classes([name for name in tiny_cohort.classes if name not in classes])
    [model] = plugins.load(TREES)
    fold = Fold(cohort.expression, np.arange(18), np.arange(18, cohort.n_samples))
    for candidate in model.path(fold, cohort.codes[:18], model.settings(), np.random.default_rng(0)):
        rule = rule_of(candidate, fold)
        found = rule.output(fold.x_test[:, rule.reads])
        assert_allclose(found, candidate.predict_proba(fold), rtol=0, atol=1e-12)
    classifier = lt.train(cohort, model, align="none", design=Design(2, 2), jobs=1)
    classifier.save(tmp_path / "mine.leuko")
    calls = lt.load_classifier(tmp_path / "mine.leuko").predict(Batch.of(cohort))
    assert (calls.predicted == cohort.codes).mean() > 0.9
    assert_array_equal(calls.probabilities, classifier.predict(Batch.of(cohort)).probabilities)


def test_a_plugin_without_a_rule_cannot_be_trained(tiny_cohort):
    [model] = plugins.load(EXAMPLE)
    with pytest.raises(NotPortable, match=r"^model 'nearest' cannot be saved") as refused:
        lt.train(tiny_cohort, model, align="none", design=Design(2, 2), jobs=1)
    assert "\n" not in str(refused.value)


BROKEN = {
    "syntax": ("x = 1\ndef f(:\n", "line 2: SyntaxError"),
    "name": (HEAD + "\nMODELS = (Modell(),)\n", "line 5: NameError"),
    "deep": ("def f():\n    return 1 / 0\n\nf()\n", "line 2: ZeroDivisionError"),
    "leaves": ("import sys\nsys.exit(3)\n", "line 2: SystemExit"),
    "inside a library": ("import numpy as np\nnp.zeros(-1)\n", "line 2: ValueError"),
    "no models": ("x = 1\n", "defines no MODELS"),
    "empty": ("MODELS = ()\n", "defines MODELS"),
    "not a tuple": (HEAD + 'MODELS = Model("mine", "Mine", majority)\n', "defines MODELS"),
    "not a model": ("MODELS = (3,)\n", "entry 1 of MODELS is a int"),
    "bad name": (HEAD + 'MODELS = (Model("a,b", "Mine", majority),)\n', "'a,b'"),
    "no path": (HEAD + 'MODELS = (Model("mine", "Mine", None),)\n', "not callable"),
    "gives": (HEAD + 'MODELS = (Model("mine", "Mine", majority, gives=frozenset({"luck"})),)\n', "luck"),
    "clash": (
        HEAD + 'MODELS = (Model("forest", "Mine", majority),)\n',
        "'forest' is the name of a model of leukotype",
    ),
    "reserved": (HEAD + 'MODELS = (Model("auto", "Mine", majority),)\n', "reserved by leukotype"),
    "twice": (HEAD + 'MODELS = (Model("a", "", majority), Model("a", "", majority))\n', "also used"),
    "bytes": ("\0", "SyntaxError"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_error_in_a_file_is_reported_in_one_line(case, write):
    text, expected = BROKEN[case]
    path = write(text)
    with pytest.raises(BadPlugin) as caught:
        plugins.choose(None, [path])
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_files_with_one_name_clash(write):
    text = HEAD + 'MODELS = (Model("mine", "Mine", majority),)\n'
    files = [write(text, "a.py"), write(text + "#\n", "b.py")]
    with pytest.raises(BadPlugin, match=r"b\.py: the name 'mine' is also used in .*a\.py"):
        plugins.choose(None, files)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadPlugin, match="no file"):
        plugins.choose(None, [tmp_path / "none.py"])


def test_an_unknown_name_lists_the_plugins_too():
    with pytest.raises(UnknownName, match="single-probe, nearest"):
        plugins.choose(["nothing"], [EXAMPLE])


WRONG = {
    "too few": ("return majority(fold, labels, grid, rng)[1:]", "path returned 0 candidates for 1 settings"),
    "shape": ("return [Bad(np.ones((fold.n_test, 7)))]", "shape"),
    "nan": ("return [Bad(np.full((fold.n_test, 3), np.nan))]", "NaN"),
    "sums": ("return [Bad(np.ones((fold.n_test, 3)))]", "sum to 1"),
    "negative": ("return [Bad(np.tile([2.0, -0.5, -0.5], (fold.n_test, 1)))]", "sum to 1"),
}
BAD = """class Bad:
    probes, setting = None, {}
    def __init__(self, p): self.p = p
    def predict_proba(self, fold): return self.p[: fold.n_test]
"""


@pytest.mark.parametrize("case", WRONG)
def test_predictions_of_a_plugin_are_checked(case, write, tiny_cohort):
    body, expected = WRONG[case]
    text = (
        HEAD
        + BAD
        + f"def path(fold, labels, grid, rng):\n    {body}\nMODELS = (Model('bad', 'Bad', path),)\n"
    )
    models = plugins.load(write(text))
    with pytest.raises(LeukotypeError, match=expected):
        evaluate(tiny_cohort, models, design=Design(3, 2), jobs=1)


class Point:
    """An entry point like those of `importlib.metadata`."""

    def __init__(self, name, value, offered, version="1.2"):
        self.name, self.value, self._offered = name, value, offered
        self.dist = type("Dist", (), {"name": "package", "version": version})

    def load(self):
        if isinstance(self._offered, Exception):
            raise self._offered
        return self._offered


@pytest.fixture
def packages(monkeypatch):
    def install(*points):
        monkeypatch.setattr(plugins.metadata, "entry_points", lambda group: points)
        assert plugins.GROUP == "leukotype.models"

    return install


def shares(fold, labels, grid, rng):
    """A path that can be imported, like that of a package."""
    from leukotype.models.baselines import majority

    return majority(fold, labels, grid, rng)


def test_a_package_joins_by_entry_point(packages, tiny_cohort):
    packages(Point("a", "package:MODEL", Model("theirs", "Theirs", shares)))
    [model] = plugins.choose(["theirs"])
    assert model.code == "package 1.2"
    assert pickle.loads(pickle.dumps(model)).name == "theirs"
    assert "theirs" in [m.name for m in plugins.choose(["all"])]
    assert "theirs" not in [m.name for m in plugins.choose(None)]
    evaluation = evaluate(tiny_cohort, [model], design=Design(2, 2), jobs=1)
    assert np.allclose(evaluation.probabilities("theirs").sum(axis=2), 1)


def test_a_broken_package_is_reported_only_if_it_is_needed(packages):
    packages(Point("a", "package:MODEL", ImportError("no module named x")))
    assert plugins.choose(["knn"])[0].name == "knn"
    with pytest.raises(
        BadPlugin, match=r"entry point 'a' \(package:MODEL\) cannot be loaded: ImportError: no module"
    ):
        plugins.choose(["theirs"])


def test_a_package_cannot_use_the_names_of_our_models(packages):
    packages(Point("a", "package:MODEL", (Model("knn", "Theirs", shares),)))
    with pytest.raises(BadPlugin, match=r"package package 1\.2: the name 'knn'"):
        plugins.choose(["all"])


@pytest.mark.slow
def test_a_plugin_in_a_study_on_the_command_line(tmp_path, tiny_cohort, capsys):
    from csv_files import write_csv

    write_csv(tiny_cohort, tmp_path / "tiny.csv")
    arguments = [
        "study",
        str(tmp_path / "tiny.csv"),
        "--models",
        "nearest,majority",
        "--plugin",
        str(EXAMPLE),
    ]
    assert cli.run([*arguments, "--outer", "3", "--jobs", "2", "--out", str(tmp_path / "out")]) == 0
    assert "nearest" in (tmp_path / "out" / "predictions.csv").read_text()
    assert cli.run([*arguments[:2], "--plugin", str(tmp_path / "tiny.csv")]) == 2
    _, err = capsys.readouterr()
    assert "Traceback" not in err
    assert "tiny.csv, line 1: " in err

"""External validation: numbers by hand, figures, result folder and refused input."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import pytest

import leukotype as lt
from classifier_cases import DESIGN, cohort, simulation, trained
from leukotype import cli
from leukotype.classifier.calls import ABSTAINED, MARGIN, UNLIKE, Calls
from leukotype.classifier.validation import Validation, validate
from leukotype.cohort import Batch, Provenance
from leukotype.errors import BadLabels
from leukotype.figures import of_part, theme
from leukotype.metrics import intervals
from leukotype.results import save_validation, write_report
from leukotype.results.json_report import validation_json
from leukotype.results.validation_page import validation_page

EXTERNAL = of_part("validation")
CLASSES = ("AML", "Bone_Marrow", "PB")
EXTERNAL = of_part("validation")


def made(
    truth: list[str], p: list[list[float]], reasons: dict[int, str] | None = None, **options
) -> Validation:
    """A validation with given calls."""
    n = len(truth)
    held = reasons or {}
    sets = np.array(p) > 0.3
    p_like = options.get("p_like", np.linspace(0.1, 1, n))
    batch = Batch(
        np.zeros((n, 2)), np.array([f"s{k}" for k in range(n)]), np.array(["a", "b"]), Provenance("x.csv"),
        labels=np.array(truth),
    )  # fmt: skip
    calls = Calls(
        CLASSES, batch.samples, np.array(p), tuple((held[k],) if k in held else () for k in range(n)), sets, 0.9,
        np.ones(n), np.array(p_like), np.zeros(n, dtype=np.intp), 2, ("as given",) * n, "2 of 2 probes.",
    )  # fmt: skip
    return Validation(trained("logistic"), batch, batch.labels, calls)


SURE = {"AML": [0.8, 0.15, 0.05], "Bone_Marrow": [0.1, 0.7, 0.2], "PB": [0.05, 0.35, 0.6]}


@pytest.fixture
def eight() -> Validation:
    """Three AML (one wrong), two Bone_Marrow, one PB, not called; two of an unknown class, one of them called."""
    truth = ["AML", "AML", "AML", "Bone_Marrow", "Bone_Marrow", "PB", "T-ALL", "T-ALL"]
    said = ["AML", "AML", "PB", "Bone_Marrow", "Bone_Marrow", "PB", "AML", "PB"]
    return made(truth, [SURE[name] for name in said], {5: MARGIN, 7: UNLIKE})


def test_numbers_by_hand(eight):
    assert eight.known.tolist() == [True] * 6 + [False] * 2
    assert eight.right.tolist() == [True, True, False, True, True, True]
    title, accuracy = eight.metrics["accuracy"]
    assert (title, accuracy.value, accuracy.n) == ("Accuracy", 5 / 6, 6)
    assert (accuracy.low, accuracy.high) == pytest.approx(intervals.clopper_pearson(5, 6))
    balanced = eight.metrics["balanced_accuracy"][1]
    assert balanced.value == pytest.approx((2 / 3 + 1 + 1) / 3)
    own = [0.8, 0.8, 0.05, 0.7, 0.7, 0.6]
    assert eight.metrics["log_loss"][1].value == pytest.approx(-np.log(own).mean())
    assert eight.share_called.value == 5 / 6
    assert eight.right_among_called.value == 4 / 5
    assert eight.reasons == {"off-scale": 0, "too many probes missing": 0, UNLIKE: 0, MARGIN: 1}
    # Sets hold what is above 0.3: AML's third sample has Bone_Marrow and PB, and lacks its own.
    assert eight.coverage.value == 5 / 6
    assert eight.set_size == pytest.approx((1 + 1 + 2 + 1 + 1 + 2) / 6)
    assert eight.confidence == pytest.approx(np.mean([0.8, 0.8, 0.6, 0.7, 0.7, 0.6]))
    assert eight.class_counts == {"AML": 3, "Bone_Marrow": 2, "PB": 1, "T-ALL": 2}


def test_metrics_without_samples_of_a_class(tmp_path):
    one = made(["AML", "AML", "PB"], [SURE["AML"], SURE["PB"], SURE["PB"]])
    assert one.absent == ("Bone_Marrow",)
    assert set(one.metrics) == {"accuracy", "balanced_accuracy", "log_loss", "brier", "ece"}
    assert one.metrics["balanced_accuracy"][1].value == 0.75
    assert "ROC AUC (macro, one-vs-rest)" in one.undefined
    text = write_report(one, tmp_path / "r.html").read_text()
    assert "Not defined because Bone_Marrow has no sample" in text


def test_one_sample_without_a_call(tmp_path):
    one = made(["AML"], [SURE["AML"]], {0: UNLIKE}, p_like=[0.01])
    assert one.share_called.value == 0
    assert math.isnan(one.right_among_called.value)
    text = write_report(one, tmp_path / "r.html").read_text()
    assert not re.search(r"\bnan\b", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))
    told = json.dumps(validation_json(one), allow_nan=False)
    assert json.loads(told)["right_among_called"]["value"] is None


def test_names_are_mapped_and_unknown_classes_are_separate():
    classifier = trained("logistic")
    fresh = Batch.of(simulation().fresh({"AML": 6, "PB": 4}, 3))
    german = np.where(fresh.labels == "AML", "Leukämie", np.where(fresh.labels == "PB", "Blut", fresh.labels))
    german[0] = "unbekannt"
    found = validate(classifier, replace(fresh, labels=german), names={"Leukämie": "AML", "Blut": "PB"})
    assert found.known.tolist() == (german != "unbekannt").tolist()
    plain = validate(classifier, fresh)
    np.testing.assert_array_equal(found.right, plain.right[1:])
    assert found.calls.to_csv() == plain.calls.to_csv()


@pytest.mark.parametrize(
    ("labels", "names", "said"),
    [
        (None, None, "no labels"),
        (["x", "y"], None, "the classifier's are AML"),
        (["AML", "PB"], {"none": "AML"}, "the class map names 'none'"),
        (["AML", "PB"], {"AML": "nope"}, "leads to 'nope'"),
    ],
)
def test_labels_without_a_known_class_are_refused(labels, names, said):
    batch = Batch.of(simulation().fresh({"AML": 1, "PB": 1}, 3))
    batch = replace(batch, labels=None if labels is None else np.array(labels))
    with pytest.raises(BadLabels, match=said):
        validate(trained("logistic"), batch, names=names)


def test_the_claim_is_the_nested_estimate():
    classifier = trained("logistic", "quantile")
    found = validate(classifier, Batch.of(simulation().fresh(dict.fromkeys(CLASSES, 30), 7)))
    claimed = found.claimed("accuracy")
    evaluation_like = classifier.record["performance"]["accuracy"]
    assert claimed == evaluation_like
    # For samples from the same source the result is within the claimed interval.
    assert claimed["low"] <= found.metrics["accuracy"][1].value <= claimed["high"]
    assert found.near_the_edge.low <= 0.25


def test_a_shift_has_a_warning():
    fresh = Batch.of(simulation().fresh(dict.fromkeys(CLASSES, 10), 7))
    rng = np.random.default_rng(0)
    noisy = replace(fresh, expression=fresh.expression + rng.normal(0, 1.5, fresh.expression.shape))
    here = validate(trained("logistic"), noisy)
    assert "Samples differ from the training data" in validation_page(here, ()).html()
    calm = validate(trained("logistic"), fresh)
    assert "Samples differ from the training data" not in validation_page(calm, ()).html()


def test_the_training_file_is_an_error():
    """A file of format 1 has no sketches; the hash of the whole training file is still known."""
    classifier = replace(trained("logistic"), sketch=None)
    record = {**classifier.record, "cohort": {**classifier.record["cohort"], "sha256": "ab" * 32}}
    own = Batch.of(cohort())
    own = replace(own, provenance=replace(own.provenance, sha256="ab" * 32))
    found = validate(replace(classifier, record=record), own)
    page = validation_page(found, ()).html()
    assert "no validation" in page
    assert "Not compared with the training samples" in page
    assert (found.trained_on, found.unchecked) == ((), 30)


def mixed(change=lambda x: x) -> Batch:
    """Ten training samples, changed, among fifteen new ones."""
    own, fresh = cohort().take(np.arange(0, 30, 3), "part"), simulation().fresh(dict.fromkeys(CLASSES, 5), 7)
    order = np.random.default_rng(0).permutation(25)
    ids = np.array([f"old{k}" for k in range(10)] + [f"new{k}" for k in range(15)])
    return Batch(
        np.concatenate([change(own.expression), fresh.expression])[order], ids[order], own.probes, own.provenance,
        labels=np.concatenate([own.labels, fresh.labels])[order], scales=("as given",) * 25,
    )  # fmt: skip


CHANGES = {
    "none": lambda x: x,
    "one decimal": lambda x: x.round(1),
    "linear": lambda x: 2**x,
    "another unit": lambda x: 3 * x - 1,
    "z-scores": lambda x: (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True),
    "a quarter missing": lambda x: np.where(np.arange(x.shape[1]) % 4 == 0, np.nan, x),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("align", ["none", "quantile"])
def test_training_samples_are_left_out_one_by_one(align, change):
    found = validate(trained("logistic", align), mixed(CHANGES[change]))
    assert sorted(found.trained_on) == sorted(f"old{k}" for k in range(10))
    assert found.calls.n_samples == found.batch.n_samples == len(found.labels) == 15
    assert all(name.startswith("new") for name in found.calls.samples)
    only_new = mixed().take(np.char.startswith(mixed().samples, "new"), "new")
    assert found.calls.to_csv() == validate(trained("logistic", align), only_new).calls.to_csv()
    assert "Training samples left out" in validation_page(found, ()).html()
    assert validation_json(found)["training_samples"]["left_out"] == list(found.trained_on)


def test_new_samples_of_the_same_population_are_kept():
    fresh = Batch.of(simulation().fresh(dict.fromkeys(CLASSES, 200), 7))
    assert trained("logistic").trained_on(fresh).count(True) == 0


def test_samples_with_few_values_are_not_compared():
    few = Batch.of(simulation().fresh(dict.fromkeys(CLASSES, 2), 7))
    few = replace(few, expression=np.where(np.arange(40) < 30, np.nan, few.expression))
    assert trained("logistic").trained_on(few) == [None] * 6
    found = validate(trained("logistic"), few)
    assert found.unchecked == 6
    assert "Not compared with the training samples" in validation_page(found, ()).html()


def test_training_samples_alone_are_refused():
    with pytest.raises(BadLabels, match="trained on 30 of the 30 samples"):
        validate(trained("logistic"), Batch.of(cohort()))


@pytest.mark.parametrize("figure", EXTERNAL, ids=str)
def test_figures_obey_the_laws(figure, eight):
    assert figure.applies(eight) is None
    drawing = figure.draw(eight)
    chart = drawing.chart()
    spec = chart.to_dict()
    assert spec["title"]["text"] == figure.title
    assert any("8 samples" in line for line in spec["title"]["subtitle"])
    assert len(drawing.caption) > 60
    assert len(drawing.alt) > 30
    assert spec["description"] == drawing.alt
    table = drawing.table()
    assert len(table)
    assert table.select_dtypes("number").notna().all(axis=None)
    text = json.dumps(spec, allow_nan=False)
    assert '"title"' in text
    assert json.dumps(figure.draw(eight).chart().to_dict()) == text
    assert isinstance(chart, alt.LayerChart | alt.ConcatChart)
    assert theme.COLOURS[0] in text or "#08306b" in text


def test_the_numbers_behind_the_figures(eight):
    by_name = {figure.name: figure.draw(eight).table() for figure in EXTERNAL}
    called = by_name["called"].pivot(index="truth", columns="call", values="count")
    assert called.loc["AML"].to_dict() == {"AML": 2, "Bone_Marrow": 0, "PB": 1, ABSTAINED: 0}
    assert called.loc["PB", ABSTAINED] == 1
    assert called.loc["T-ALL"].to_dict() == {"AML": 1, "Bone_Marrow": 0, "PB": 0, ABSTAINED: 1}
    assert by_name["reliability"]["samples"].sum() == 6
    likeness = by_name["likeness"]
    assert likeness.groupby("kind")["samples"].sum().to_dict() == {"known classes": 6, "not trained on": 2}
    risk = by_name["risk-coverage"]
    here = risk[risk["source"] == "external samples"]
    assert here.iloc[-1][["coverage", "error"]].tolist() == [1.0, pytest.approx(1 / 6)]


def test_curves_use_the_probabilities_of_known_samples(eight):
    drawn = {figure.name: figure.draw(eight) for figure in EXTERNAL}
    # One sample of AML has the probability of those that are of PB's: 2 of 3 come before every other.
    points = drawn["roc"].table()
    aml = points[(points["class"] == "AML") & (points["model"] == "classifier")]
    assert list(zip(aml["fpr"], aml["tpr"], strict=True))[:2] == [(0, 0), (0, pytest.approx(2 / 3))]
    assert "Macro AUC" in drawn["roc"].alt
    for name, metric in (("roc", "roc_auc_macro"), ("precision-recall", "average_precision_macro")):
        told = eight.metrics[metric][1].value
        assert f"{told:.3f}" in drawn[name].alt
        assert f"classifier  {told:.3f}" in json.dumps(drawn[name].chart().to_dict())
    recall = drawn["precision-recall"].table()
    base = recall[(recall["class"] == "PB") & (recall["model"] == "prevalence of the class")]
    assert base["precision"].tolist() == [1 / 6, 1 / 6]


def test_curves_of_classes_with_samples(tmp_path):
    two = made(["AML", "AML", "PB"], [SURE["AML"], SURE["PB"], SURE["PB"]])
    one = made(["AML", "AML"], [SURE["AML"], SURE["PB"]])
    for figure in EXTERNAL:
        if figure.name in ("roc", "precision-recall"):
            drawing = figure.draw(two)
            assert set(drawing.table()["class"]) == {"AML", "PB"}
            assert "No sample here is of Bone_Marrow." in drawing.caption
            assert "at least two of the classes" in figure.applies(one)
    text = write_report(one, tmp_path / "r.html").read_text()
    assert "at least two of the classes" in text


def test_the_figure_of_distances_agrees_with_the_rule():
    p_like = [0.05, 0.0500001, 0.1, 1.0]
    one = made(["AML"] * 4, [SURE["AML"]] * 4, p_like=p_like)
    bars = next(f for f in EXTERNAL if f.name == "likeness").draw(one).table()
    assert bars["samples"].iloc[0] == round(one.unlike.value * 4) == 1


def test_the_folder_is_complete_and_reproducible(tmp_path):
    found = validate(trained("logistic"), Batch.of(simulation().fresh(dict.fromkeys(CLASSES, 4), 7)))
    first, second = (save_validation(found, tmp_path / name, command="x") for name in ("a", "b"))
    names = sorted(path.relative_to(first).as_posix() for path in first.rglob("*") if path.is_file())
    assert {"validation.json", "calls.csv", "report.html", "manifest.json"} <= set(names)
    assert len([name for name in names if name.endswith(".svg")]) == len(EXTERNAL)
    for name in names:
        if name != "manifest.json":
            assert (first / name).read_bytes() == (second / name).read_bytes(), name
    table = pd.read_csv(first / "calls.csv")
    assert table.columns[:3].tolist() == ["sample", "label", "call"]
    told = json.loads((first / "validation.json").read_text())
    assert told["metrics"]["accuracy"]["value"] == (found.right.mean())
    page = (first / "report.html").read_text()
    assert "External validation of" in page
    assert "SIMULATED" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("external")
    lt.train(cohort(), "logistic", design=DESIGN, jobs=1).save(folder / "a.leuko")
    fresh = simulation().fresh(dict.fromkeys(CLASSES, 5), 7)
    table = pd.DataFrame(fresh.expression.round(4), columns=fresh.probes)
    table.insert(0, "type", fresh.labels)
    table.insert(0, "samples", fresh.samples)
    table.to_csv(folder / "new.csv", index=False)
    (folder / "map.csv").write_text("file,classifier\nAML,AML\n")
    (folder / "wide.csv").write_text("a,b,c\nAML,AML,AML\n")
    (folder / "wrong.csv").write_text("a,b\nnope,AML\n")
    return folder


def run(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def test_the_command(place, tmp_path, capsys):
    assert run("validate", place / "a.leuko", place / "new.csv", "--out", tmp_path / "v") == 0
    said = capsys.readouterr().out
    assert "claimed" in said
    assert "of 15" in said
    assert (tmp_path / "v" / "report.html").is_file()
    rest = ("--out", tmp_path / "w", "--classes", place / "map.csv", "--level", 0.8, "--json")
    assert run("validate", place / "a.leuko", place / "new.csv", *rest) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sets"]["level"] == 0.8


def test_the_command_leaves_training_samples_out(place, tmp_path, capsys):
    table = pd.read_csv(place / "new.csv", dtype={"samples": str})
    own = pd.DataFrame(2 ** cohort().expression.round(2), columns=cohort().probes)
    own.insert(0, "type", cohort().labels)
    own.insert(0, "samples", [f"T{k}" for k in range(30)])
    own.to_csv(tmp_path / "own.csv", index=False)
    table[table.columns[2:]] = 2 ** table[table.columns[2:]]
    pd.concat([table, own]).to_csv(tmp_path / "both.csv", index=False)
    assert run("validate", place / "a.leuko", tmp_path / "own.csv", "--out", tmp_path / "v") == 2
    refused = capsys.readouterr().err
    assert refused.count("\n") == 1
    assert "trained on 30 of the 30" in refused
    assert not (tmp_path / "v").exists()
    assert run("validate", place / "a.leuko", tmp_path / "both.csv", "--out", tmp_path / "v") == 0
    said = "".join(capsys.readouterr())
    assert "of 15" in said
    assert "trained on 30 samples" in said
    assert len(pd.read_csv(tmp_path / "v" / "calls.csv")) == 15


BAD = {
    "no classifier": ("nope.leuko", "{place}/new.csv"),
    "no samples": ("{place}/a.leuko", "nope.csv"),
    "no such label column": ("{place}/a.leuko", "{place}/new.csv", "--label", "nope"),
    "no labels file": ("{place}/a.leuko", "{place}/new.csv", "--labels", "nope.csv"),
    "a map of three columns": ("{place}/a.leuko", "{place}/new.csv", "--classes", "{place}/wide.csv"),
    "a map of other classes": ("{place}/a.leuko", "{place}/new.csv", "--classes", "{place}/wrong.csv"),
    "no map": ("{place}/a.leuko", "{place}/new.csv", "--classes", "nope.csv"),
    "a level of 0": ("{place}/a.leuko", "{place}/new.csv", "--level", 0),
    "a file for a folder": ("{place}/a.leuko", "{place}/new.csv", "--out", "{place}/map.csv"),
    "a strange folder": ("{place}/a.leuko", "{place}/new.csv", "--out", "{place}"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(case, place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    extra = [str(part).format(place=place) for part in BAD[case]]
    out = () if "--out" in extra else ("--out", tmp_path / "v")
    before = sorted(path.name for path in place.iterdir())
    assert run("validate", *extra, *out) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    assert sorted(path.name for path in place.iterdir()) == before

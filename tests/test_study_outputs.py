"""Result folders are complete or absent, never replace other files, and are reproducible."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from leukotype import figures, manifest, results, temporary
from leukotype.cohort import Cohort
from leukotype.errors import Interrupted, OutputRefused
from leukotype.evaluation import Evaluation
from leukotype.results import folder as folders
from leukotype.runs import Item
from leukotype.studies import Study
from report_cases import AWKWARD, cohort, evaluation, with_inference

SIZES = {"AML": 14, "Bone_Marrow": 9, "PB": 7}


@pytest.fixture(autouse=True)
def two_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw two figures only, to save time."""
    chosen = (figures.by_name("class-counts"), figures.by_name("confusion"))
    monkeypatch.setattr(figures, "FIGURES", chosen)


@pytest.fixture(scope="module")
def tiny_study(tiny_evaluation: Evaluation) -> Study:
    return with_inference(tiny_evaluation)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "tiny"


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


# Content


def test_files_of_a_study(tiny_study: Study, out: Path) -> None:
    steps: list[str] = []
    assert results.save_study(tiny_study, out, command="leukotype study x", on_step=steps.append) == out
    drawn = {
        f"figures/{name}.{ending}"
        for name in ("class-counts", "confusion")
        for ending in ("svg", "png", "csv")
    }
    paper = ("classes", "performance", "per_class", "audits", "choice", "comparisons")
    tables = {f"tables/{name}.{ending}" for name in paper for ending in ("csv", "tex")}
    tables |= {f"tables/{name}.csv" for name in ("summary", "settings", "confusion", "stability")}
    sheets = {f"sheets/{name}.md" for name in ("DOME", "REFORMS", "TRIPOD")}
    others = {"study.json", "predictions.csv", "report.html", "manifest.json"}
    left = {name for name in snapshot(out) if not name.startswith("tables/LT")}
    assert left == drawn | tables | sheets | others
    concerned = {name.split("/")[1].split("-")[0] for name in set(snapshot(out)) - left}
    assert concerned == {finding.code for finding in tiny_study.audits if finding.table is not None}
    assert steps == [*reversed([figure.title for figure in figures.FIGURES]), "Report"]
    assert json.loads((out / "study.json").read_bytes()) == results.study_json(tiny_study)


def test_a_study_draws_reports_and_saves_itself(tiny_study: Study, out: Path, tmp_path: Path) -> None:
    assert list(tiny_study.figures) == ["class-counts", "confusion"]
    chart = figures.by_name("confusion").draw(tiny_study.evaluation).chart()
    assert tiny_study.figures["confusion"].to_dict() == chart.to_dict()
    assert (
        tiny_study.report(tmp_path / "r.html").read_text()
        == (tiny_study.save(out) / "report.html").read_text()
    )


def test_files_of_an_exploration(tiny_cohort: Cohort, out: Path) -> None:
    results.save_exploration(tiny_cohort, out)
    drawn = {f"figures/class-counts.{ending}" for ending in ("svg", "png", "csv")}
    assert set(snapshot(out)) == drawn | {"cohort.json", "report.html", "manifest.json"}
    assert json.loads((out / "cohort.json").read_bytes()) == results.cohort_json(tiny_cohort)


def test_the_manifest_lists_every_file_with_its_hash(tiny_study: Study, out: Path) -> None:
    results.save_study(tiny_study, out, command="leukotype study x --seed 0")
    content = json.loads((out / "manifest.json").read_bytes())
    files = snapshot(out)
    del files["manifest.json"]
    assert set(content["files"]) == set(files)
    for name, data in files.items():
        assert content["files"][name] == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert content["command"] == "leukotype study x --seed 0"
    assert content["cohort"]["fingerprint"] == tiny_study.cohort.fingerprint
    assert content["folds"] == {"seed": 0, "fingerprint": tiny_study.evaluation.folds.fingerprint}
    assert {"python", "machine"} <= set(content["platform"])
    assert {"numpy", "scikit-learn", "xgboost"} <= set(content["packages"])


def test_two_runs_differ_in_run_times_only(tiny_evaluation: Evaluation, tmp_path: Path) -> None:
    slower = [replace(result, seconds=9.0) for result in tiny_evaluation.results]
    again = replace(tiny_evaluation, results=tuple(slower), seconds=99.0, jobs=7)
    one = results.save_study(
        with_inference(tiny_evaluation), tmp_path / "one", command="leukotype study --out one"
    )
    two = results.save_study(with_inference(again), tmp_path / "two", command="leukotype study --out two")
    first, second = snapshot(one), snapshot(two)
    differing = {name for name in first if first[name] != second[name]}
    sheets = {name for name in first if name.startswith("sheets/")}
    assert differing == {"study.json", "manifest.json"} | sheets
    assert set(json.loads(first["manifest.json"])["reproducible"]) == set(first) - differing


def test_predictions_are_exact_in_csv(tiny_study: Study, out: Path) -> None:
    results.save_study(tiny_study, out)
    data = (out / "predictions.csv").read_bytes()
    assert b"\r" not in data
    assert data.endswith(b"\n")
    header, *rows = csv.reader(data.decode().splitlines())
    expected = tiny_study.evaluation.predictions
    assert header[:6] == ["sample", "label", "model", "repeat", "fold", "predicted"]
    assert header[6:] == ["p[AML]", "p[Bone_Marrow]", "p[PB]"]
    assert len(rows) == 30 * 4 * 2
    for row, record in zip(rows, expected.itertuples(index=False), strict=True):
        assert row[:6] == [str(value) for value in record[:6]]
        assert [float(text) for text in row[6:]] == list(record[6:])


def test_names_with_commas_quotes_and_markup_are_exact_in_tables(tmp_path: Path) -> None:
    awkward = evaluation(cohort(dict.fromkeys((*AWKWARD, "a,b"), 6)), {"logistic": 2.0})
    results.save_study(awkward, tmp_path / "out")
    found = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert set(found["label"]) == {*AWKWARD, "a,b"}
    assert {f"p[{name}]" for name in awkward.classes} <= set(found)
    counts = pd.read_csv(tmp_path / "out" / "tables" / "confusion.csv")
    assert counts["samples"].sum() == awkward.cohort.n_samples


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Leukemia_GSE9476", "Leukemia_GSE9476"),
        ("simulated cohort, null", "simulated-cohort-null"),
        ("../../etc/passwd", "etc-passwd"),
        ("...", "study"),
        ("", "study"),
        ("Größe 7", "Gr-e-7"),
        ("x" * 200, "x" * 80),
    ],
)
def test_names_are_reduced_to_valid_folder_names(name: str, expected: str) -> None:
    assert results.plain_name(name) == expected


# Complete or absent


class Stop(Exception):
    """A failure while a result is written."""


def failing_at(step: str) -> Callable[[str], None]:
    def on_step(name: str) -> None:
        if name == step:
            raise Stop

    return on_step


def last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise Stop

    monkeypatch.setattr(manifest, "write", refuse)


@pytest.mark.parametrize("step", ["Samples of each class", "Report", "manifest"])
def test_a_failure_leaves_nothing_behind(
    step: str, tiny_cohort: Cohort, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if step == "manifest":
        last_step(monkeypatch)
    with pytest.raises(Stop):
        results.save_exploration(tiny_cohort, out, on_step=failing_at(step))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["Samples of each class", "Report", "manifest"])
def test_a_failure_keeps_the_earlier_result(
    step: str, tiny_cohort: Cohort, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.save_exploration(tiny_cohort, out)
    before = snapshot(out)
    if step == "manifest":
        last_step(monkeypatch)
    with pytest.raises(Stop):
        results.save_exploration(tiny_cohort, out, overwrite=True, on_step=failing_at(step))
    assert snapshot(out) == before
    assert sorted(path.name for path in out.parent.iterdir()) == ["tiny"]
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("fails_at", range(1, 12))
def test_a_replacement_that_fails_is_undone(
    fails_at: int, tiny_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, aside = tmp_path / "out", tmp_path / "out" / temporary.name()
    for place, word in ((out, "old"), (aside, "new")):
        (place / "figures").mkdir(parents=True)
        for name in ("figures/a.svg", "report.html", "predictions.csv", "study.json", "manifest.json"):
            (place / name).write_text(f"{word} {name}")
    before = snapshot(out)
    rename, calls = os.rename, []

    def counted(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == fails_at:
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", counted)
    if fails_at > 10:
        folders._swap(aside, out)
        assert {name: text.split()[0] for name, text in snapshot(out).items()} == dict.fromkeys(
            ["figures/a.svg", "manifest.json", "predictions.csv", "report.html", "study.json"], b"new"
        )
    else:
        with pytest.raises(OSError, match="No space"):
            folders._swap(aside, out)
        assert snapshot(out) == before


# Other files are never replaced


def test_an_empty_folder_is_filled(tiny_cohort: Cohort, out: Path) -> None:
    out.mkdir(parents=True)
    (out / ".DS_Store").write_bytes(b"strewn")
    results.save_exploration(tiny_cohort, out)
    assert (out / "report.html").exists()
    assert (out / ".DS_Store").read_bytes() == b"strewn"


def test_the_working_folder_can_be_filled(
    tiny_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results.save_exploration(tiny_cohort, ".")
    assert Path("cohort.json").exists()
    results.save_exploration(tiny_cohort, ".", overwrite=True)
    assert Path("cohort.json").exists()


def test_a_link_to_a_folder_stays_a_link(tiny_cohort: Cohort, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    results.save_exploration(tiny_cohort, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "report.html").exists()


def test_an_earlier_result_is_replaced_with_overwrite_only(tiny_cohort: Cohort, out: Path) -> None:
    results.save_exploration(tiny_cohort, out)
    with pytest.raises(OutputRefused, match=r"holds an earlier result\. Use --overwrite"):
        results.check_output(out)
    with pytest.raises(OutputRefused, match="holds an earlier result"):
        results.save_exploration(tiny_cohort, out)
    results.save_study(evaluation(tiny_cohort, {"knn": 2.0}), out, overwrite=True)
    assert not (out / "cohort.json").exists()
    assert (out / "study.json").exists()
    results.save_exploration(tiny_cohort, out, overwrite=True)
    assert not (out / "study.json").exists()
    assert sorted(path.name for path in out.parent.iterdir()) == ["tiny"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda out: (out / "thesis.docx").write_text("years of work"),
        lambda out: (out / "manifest.json").write_text('{"files": {}}'),
        lambda out: (out / "manifest.json").write_text("[]"),
        lambda out: ((out / "deep").mkdir(), (out / "deep" / "x.txt").write_text("x")),
        lambda out: (out / "link").symlink_to(out.parent),
    ],
    ids=["file", "other-manifest", "no-manifest", "nested", "link"],
)
def test_a_folder_with_other_files_is_never_changed(
    make: Callable[[Path], object], overwrite: bool, tiny_cohort: Cohort, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    make(out)
    before = snapshot(tmp_path)
    with pytest.raises(OutputRefused, match="which leukotype did not write"):
        results.save_exploration(tiny_cohort, out, overwrite=overwrite)
    assert snapshot(tmp_path) == before


def test_a_file_added_to_a_result_is_never_deleted(tiny_cohort: Cohort, out: Path) -> None:
    results.save_exploration(tiny_cohort, out)
    (out / "figures" / "notes.txt").write_text("mine")
    with pytest.raises(
        OutputRefused, match=r"1 file that leukotype did not write, such as 'figures/notes\.txt'"
    ):
        results.save_exploration(tiny_cohort, out, overwrite=True)
    assert (out / "figures" / "notes.txt").read_text() == "mine"


def test_a_file_added_while_a_result_is_written_is_never_deleted(tiny_cohort: Cohort, out: Path) -> None:
    results.save_exploration(tiny_cohort, out)

    def meddle(step: str) -> None:
        (out / "late.txt").write_text("mine")

    with pytest.raises(OutputRefused, match=r"'late\.txt'"):
        results.save_exploration(tiny_cohort, out, overwrite=True, on_step=meddle)
    assert (out / "late.txt").read_text() == "mine"
    (out / "late.txt").unlink()

    def fill(step: str) -> None:
        (out.parent / "new").mkdir(exist_ok=True)
        (out.parent / "new" / "late.txt").write_text("mine")

    with pytest.raises(OutputRefused, match="another program wrote into"):
        results.save_exploration(tiny_cohort, out.parent / "new", on_step=fill)
    assert snapshot(out.parent / "new") == {"late.txt": b"mine"}


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputRefused, match="is a file, and a folder is needed"):
        results.check_output(tmp_path / "file", overwrite=True)
    with pytest.raises(OutputRefused, match="is a file"):
        results.check_output(tmp_path / "file" / "below")


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests may run as root, without permissions; the error is simulated.
    def refuse(path: Path, *args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    for out in (tmp_path, tmp_path / "new" / "deeper"):
        with pytest.raises(OutputRefused, match=r"cannot write to .*Permission denied.*--out") as caught:
            results.check_output(out)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_permissions_are_checked(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(OutputRefused, match="cannot write"):
        results.check_output(locked / "out")


def test_a_loop_of_links_and_a_name_too_long_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for out in (tmp_path / "a" / "x", tmp_path / ("x" * 300)):
        with pytest.raises(OutputRefused, match=r"cannot (write|make)"):
            results.check_output(out)


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    results.check_output(tmp_path / "a" / "b" / "c")
    results.check_output(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_store_is_deleted_after_success_only(tmp_path: Path) -> None:
    place = tmp_path / "runs" / "x.tasks"
    item = Item("ab" * 32, "tiny", "knn", "fold 1")

    def interrupted(request: dict[str, int]) -> None:
        with results.keeping(place, request, is_temporary=True) as store:
            store.put(item, {"x": 1.0}, 0.1)
            raise KeyboardInterrupt

    for seed in (0, 1):
        with pytest.raises(Interrupted, match="1 finished task kept"):
            interrupted({"seed": seed})
    with results.keeping(place, {"seed": 2}, is_temporary=True) as store:
        assert store.get(item.key) == {"x": 1.0}
    assert not place.exists()

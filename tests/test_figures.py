"""Properties of every figure, over cohorts of many shapes."""

from __future__ import annotations

import copy
import itertools
import json
import math
import re
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pytest

from leukotype import figures
from leukotype.cohort import Cohort, Provenance
from leukotype.errors import OutputRefused, UnknownName
from leukotype.evaluation import Evaluation, FoldResult
from leukotype.figures import FIGURES, Drawing, Figure, files, theme
from leukotype.models import select
from leukotype.resampling import Design, draw

ODD = ("B[cell].1", 'T "h", 2', "a\\b", "x.y", "ü<µ>&", "null", "10", "2", "it's", "datum.x", "- -", "#5")
EIGHT = ("logistic", "knn", "forest", "xgboost", "svm", "centroids", "majority", "single-probe")
DATA, OUTCOME = figures.of_part("data"), figures.of_part("evaluation")


def make_cohort(n: int, names: tuple[str, ...], p: int = 30, **options: Any) -> Cohort:
    """Each class four times, then at random; ids are numbers, probes have slashes; `missing` is a share of NaN."""
    missing, donors = options.pop("missing", 0.0), options.pop("donors", False)
    rng = np.random.default_rng([n, len(names)])
    codes = np.concatenate([np.tile(np.arange(len(names)), 4), rng.integers(len(names), size=n)])[:n]
    expression = rng.normal(7.0, 1.0, size=(n, p)) + rng.normal(0.0, 2.0, size=p)
    expression[np.arange(n), codes % p] += 4.0
    expression[rng.random((n, p)) < missing] = np.nan
    return Cohort(
        expression,
        labels=np.array(names)[codes],
        samples=np.arange(n).astype(str),
        probes=np.array([f"AFFX-{k}/x_at" for k in range(p)]),
        donors=np.array([f"donor {k // 2}" for k in range(n)]) if donors else None,
        **options,
    )


def make_evaluation(cohort: Cohort, models: tuple[str, ...], repeats: int = 1) -> Evaluation:
    """Probabilities in favour of the true class, less so from model to model."""
    known = copy.copy(cohort)
    object.__setattr__(known, "donors", None)
    folds = draw(known, Design(outer=2, inner=2, repeats=repeats))
    truth = np.eye(len(cohort.classes))[cohort.codes]
    results = []
    for number, model in enumerate(models):
        for split in folds.splits:
            rng = np.random.default_rng([number, split.repeat, split.fold])
            scores = (1.5 - 0.3 * number) * truth[split.test]
            scores = scores + rng.normal(size=scores.shape)
            p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            results.append(
                FoldResult(
                    model=model,
                    repeat=split.repeat,
                    fold=split.fold,
                    probabilities=p,
                    setting={},
                    inner_score=-0.5,
                    inner_losses=np.full(len(split.train), 0.5),
                    probes=None,
                    seconds=0.1,
                )
            )
    return Evaluation(cohort, folds, select(models), tuple(results))


SIMULATED = Provenance("tests", simulated=True)
COHORTS = {
    "two classes": make_cohort(10, ("tumour", "normal"), p=6, name="pair"),
    "odd names": make_cohort(
        60,
        ODD,
        missing=0.02,
        donors=True,
        name="odd <names> & a path as long as can be.csv",
        provenance=SIMULATED,
    ),
    "many samples": make_cohort(130, ("A", "B", "C"), p=40, name="many"),
}
EVALUATIONS = {
    "two classes": make_evaluation(COHORTS["two classes"], ("mlp",)),
    "odd names": make_evaluation(COHORTS["odd names"], ("logistic", "knn", "majority"), repeats=2),
    "many samples": make_evaluation(COHORTS["many samples"], ("knn", "svm", "single-probe")),
}
CASES = [(figure, case) for figure in DATA + OUTCOME for case in COHORTS]


def source(figure: Figure, case: str) -> Cohort | Evaluation:
    return COHORTS[case] if figure.part == "data" else EVALUATIONS[case]


@cache
def drawing(figure: Figure, case: str) -> Drawing:
    assert figure.applies(source(figure, case)) is None
    return figure.draw(source(figure, case))


@cache
def specification(figure: Figure, case: str) -> dict[str, Any]:
    return drawing(figure, case).chart().to_dict()


each_case = pytest.mark.parametrize(("figure", "case"), CASES, ids=lambda value: str(value).replace(" ", "-"))


def walk(node: object) -> Iterator[dict[str, Any]]:
    """All objects of a specification, without the data."""
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key != "datasets":
                yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def drawn_values(spec: dict[str, Any], column: str) -> list[float]:
    """Numbers of a column in the data of the chart; heatmaps pack them in lists."""
    found: list[float] = []
    for rows in spec["datasets"].values():
        for row in rows:
            value = row.get(column, row.get("values"))
            found += value if isinstance(value, list) else [] if value is None else [value]
    return found


@each_case
def test_title_names_figure_cohort_and_number_of_samples(figure: Figure, case: str) -> None:
    spec = specification(figure, case)
    cohort = COHORTS[case]
    assert spec["title"]["text"] == figure.title
    lines = spec["title"]["subtitle"]
    assert f"{cohort.n_samples} samples" in lines[0]
    assert cohort.name[:20] in lines[0]
    assert any("Simulated" in line for line in lines) == cohort.provenance.simulated
    assert spec["description"] == drawing(figure, case).alt


@each_case
def test_axes_and_tooltips_have_titles(figure: Figure, case: str) -> None:
    parts = list(walk(specification(figure, case)))
    for channel in ("x", "y"):
        axes = [part[channel].get("axis") for part in parts if isinstance(part.get(channel), dict)]
        assert any(axis and axis.get("title") for axis in axes), channel
    tooltips = [
        tooltip for part in parts for tooltip in part.get("tooltip", []) if isinstance(part["tooltip"], list)
    ]
    assert tooltips
    assert all(tooltip["title"] for tooltip in tooltips)
    if figure.part == "data" and figure.name not in ("class-counts", "unsupervised"):
        assert {"sample"} <= {tooltip["field"] for tooltip in tooltips}


@each_case
def test_chart_shows_the_numbers_of_the_table(figure: Figure, case: str) -> None:
    made = drawing(figure, case)
    table, spec = made.table(), specification(figure, case)
    numeric = [name for name in table if table[name].dtype.kind in "if"]
    assert numeric
    for name in numeric:
        shown, expected = np.unique(drawn_values(spec, name)), np.unique(table[name].dropna())
        # Chart data has five digits, that of heatmaps two decimals.
        apart = (
            0.006 if figure.name == "heatmap" else 1e-4 * np.maximum(1e-3, np.abs(expected).max(initial=0.0))
        )
        nearest = np.abs(shown[:, None] - expected[None, :])
        assert nearest.min(axis=0).max() <= apart, name
        assert nearest.min(axis=1).max() <= apart, name


@each_case
def test_text_fields_are_nominal_and_classes_are_no_columns(figure: Figure, case: str) -> None:
    cohort = COHORTS[case]
    columns = {str(name) for name in drawing(figure, case).table()}
    own = {
        "line",
        "values",
        "row_number",
        "place",
        "height",
        "merge",
        "corner",
        "label",
        "text",
        "found",
        "at",
    }
    for part in walk(specification(figure, case)):
        if isinstance(part.get("field"), str):
            assert part["field"] in columns | own | {"area", "chance", ""}
            if part["field"] in ("sample", "class", "other", "model", "probe", "truth", "predicted", "label"):
                assert part["type"] == "nominal"
    assert not columns & set(cohort.classes)


@each_case
def test_caption_and_alternative_text_are_complete(figure: Figure, case: str) -> None:
    made = drawing(figure, case)
    assert f"{COHORTS[case].n_samples}" in made.caption
    assert made.caption.endswith((".", ")"))
    assert 40 < len(made.alt) < 700
    assert "nan" not in f"{made.caption} {made.alt}".lower().replace("hotelling", "")


def test_replaced_missing_values_are_reported() -> None:
    for name in ("pca", "tsne", "correlation", "heatmap", "unsupervised"):
        assert "replaced by the median of their probe" in drawing(figures.by_name(name), "odd names").caption
        assert "median" not in drawing(figures.by_name(name), "two classes").caption


@each_case
def test_svg_is_well_formed_and_names_the_classes(figure: Figure, case: str) -> None:
    root = ElementTree.fromstring(files.svg(drawing(figure, case)))
    texts = "\n".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))
    assert figure.title in texts
    if figure.name not in ("unsupervised", "comparison", "calibration"):
        missing = [name for name in COHORTS[case].classes if name not in texts]
        assert not missing
    if figure.name in ("comparison", "confusion", "roc", "precision-recall", "calibration"):
        assert all(model in texts for model in EVALUATIONS[case].names)


@pytest.mark.parametrize("figure", DATA + OUTCOME, ids=str)
def test_files_are_reproducible_and_self_contained(figure: Figure, tmp_path: Path) -> None:
    made = drawing(figure, "two classes")
    # The second is a new drawing: nothing may depend on earlier drawings of the process.
    fresh = figure.draw(source(figure, "two classes"))
    first, again = (figures.save(one, tmp_path / part, "stem") for part, one in (("a", made), ("b", fresh)))
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert [path.name for path in first] == ["stem.svg", "stem.png"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["stem.png", "stem.svg"]
    spec = specification(figure, "two classes")
    assert not [part for part in walk(spec) if "url" in part]
    text = first[0].read_text().replace("http://www.w3.org/", "")
    assert "http" not in text
    assert "<image" not in text
    again_in_page = files.svg(drawing(figure, "many samples"))
    ids = re.findall(r' id="([^"]+)"', text)
    assert not set(ids) & set(re.findall(r' id="([^"]+)"', again_in_page))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)
    _check_png(first[1].read_bytes(), ElementTree.fromstring(first[0].read_text()))


def _check_png(content: bytes, svg: ElementTree.Element) -> None:
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == (
        2 * math.ceil(float(svg.attrib["width"])),
        2 * math.ceil(float(svg.attrib["height"])),
    )
    pixels, at = b"", 8
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        pixels += content[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    # The scan lines of a blank picture are almost all 0.
    raw = np.frombuffer(zlib.decompress(pixels), dtype=np.uint8)
    assert len(np.unique(raw)) > 50
    assert np.count_nonzero(raw) > 0.005 * raw.size


@pytest.mark.parametrize("figure", OUTCOME, ids=str)
def test_figures_of_an_evaluation_do_not_read_expression(figure: Figure, tiny_evaluation: Evaluation) -> None:
    class Poison:
        shape = tiny_evaluation.cohort.expression.shape

        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"expression.{name} was read")

    cohort = copy.copy(tiny_evaluation.cohort)
    object.__setattr__(cohort, "expression", Poison())
    poisoned = Evaluation(cohort, tiny_evaluation.folds, tiny_evaluation.models, tiny_evaluation.results)
    assert figure.applies(poisoned) is None
    made = figure.draw(poisoned)
    assert made.chart().to_dict()["datasets"]
    assert len(made.table())


@pytest.mark.parametrize("figure", DATA, ids=str)
def test_sample_order_does_not_change_the_text(figure: Figure) -> None:
    cohort = COHORTS["odd names"]
    turned = cohort.take(np.arange(cohort.n_samples)[::-1], "reversed")
    if figure.name not in ("tsne", "unsupervised"):
        assert figure.draw(turned).alt == figure.draw(cohort).alt
    assert len(figure.draw(turned).table()) == len(figure.draw(cohort).table())


def test_typical_charts_are_small() -> None:
    cohort = make_cohort(64, ("AML", "Bone_Marrow", "Bone_Marrow_CD34", "PB", "PBSC_CD34"), p=400)
    evaluation = make_evaluation(cohort, EIGHT)
    for figure in DATA + OUTCOME:
        spec = figure.draw(cohort if figure.part == "data" else evaluation).chart().to_dict()
        assert len(json.dumps(spec)) < 120_000, figure.name


@pytest.mark.parametrize(
    ("name", "cohort", "reason"),
    [
        ("tsne", make_cohort(4, ("a", "b")), "at least 5 samples"),
        ("pca", make_cohort(2, ("a", "b")), "at least 3 samples"),
        ("pca", make_cohort(9, ("a", "b"), p=1), "at least 2 probes"),
        ("correlation", make_cohort(9, ("a", "b"), p=2), "at least 3 probes"),
        ("heatmap", make_cohort(2, ("a", "b")), "at least 3 samples"),
        ("heatmap", make_cohort(9, ("a", "b"), p=1), "at least 2 probes"),
        ("unsupervised", make_cohort(9, ("a",)), "at least 2 classes"),
        ("unsupervised", make_cohort(2, ("a", "b")), "more than 2 samples"),
    ],
)
def test_reason_why_a_figure_cannot_be_drawn(name: str, cohort: Cohort, reason: str) -> None:
    why = figures.by_name(name).applies(cohort)
    assert why is not None
    assert reason in why
    assert why.endswith(".")


@pytest.mark.parametrize("figure", DATA, ids=str)
@pytest.mark.parametrize("n", [1, 2, 3, 5, 6])
def test_small_and_constant_cohorts_are_drawn_or_give_a_reason(figure: Figure, n: int) -> None:
    flat = make_cohort(n, ("a", "b"))
    flat = Cohort(np.full_like(flat.expression, 7.1), flat.labels, flat.samples, flat.probes)
    for cohort in (
        make_cohort(n, ("a", "b")),
        make_cohort(n, ("a",), p=3),
        make_cohort(n, ("a", "b"), p=1),
        flat,
    ):
        why = figure.applies(cohort)
        if why is None:
            assert figure.draw(cohort).chart().to_dict()["datasets"]
        else:
            assert why.endswith(".")


def test_a_sample_and_a_probe_without_values_are_accepted() -> None:
    cohort = make_cohort(12, ("a", "b"))
    expression = cohort.expression.copy()
    expression[3] = np.nan
    expression[:, 5] = np.nan
    holed = Cohort(expression, cohort.labels, cohort.samples, cohort.probes)
    for figure in DATA:
        assert figure.applies(holed) is None
        files.svg(figure.draw(holed))


def test_many_samples_have_no_labels() -> None:
    for name in ("intensity", "correlation", "heatmap"):
        for case, shown in (("odd names", True), ("many samples", False)):
            parts = walk(specification(figures.by_name(name), case))
            axes = [
                part["x"]["axis"]
                for part in parts
                if isinstance(part.get("x"), dict) and part["x"].get("axis")
            ]
            labelled = {axis.get("labels", True) for axis in axes if "Sample" in axis["title"]}
            assert labelled == {shown}


def test_classes_differ_in_colour_or_shape() -> None:
    names = tuple(f"c{k}" for k in range(48))
    colours = theme.class_scale(names).to_dict()["range"]
    shapes = theme.class_shape(names).to_dict()["scale"]["range"]
    assert len(set(zip(colours, shapes, strict=True))) == 48
    assert len(set(colours[:16])) == 16
    many = figures.by_name("pca").draw(make_cohort(40, tuple(f"c{k}" for k in range(9)))).chart().to_dict()
    few = figures.by_name("pca").draw(make_cohort(40, tuple(f"c{k}" for k in range(8)))).chart().to_dict()
    assert "shape" in many["encoding"]
    assert "shape" not in few["encoding"]


def test_models_differ_in_style_and_baselines_are_grey() -> None:
    models = (*(f"m{k}" for k in range(20)), "majority", "rule")
    styles = theme.model_styles(models, {"majority", "rule"})
    assert len({(style.colour, style.dash) for style in styles.values()}) == len(models)
    for model in ("majority", "rule"):
        red, green, blue = (int(styles[model].colour[k : k + 2], 16) for k in (1, 3, 5))
        assert red == green == blue


def test_a_plug_in_baseline_is_drawn_as_a_baseline() -> None:
    evaluation = EVALUATIONS["many samples"]
    plug_in = replace(evaluation.model("knn"), name="rule", baseline=True)
    models = tuple(plug_in if model.name == "knn" else model for model in evaluation.models)
    results = [replace(r, model="rule") if r.model == "knn" else r for r in evaluation.results]
    changed = replace(evaluation, models=models, results=tuple(results))
    drawn = figures.by_name("comparison").draw(changed)
    baselines = drawn.table().groupby("model")["baseline"].all()
    assert baselines.to_dict() == {"rule": True, "svm": False, "single-probe": True}
    assert set(figures.by_name("samples").draw(changed).table()["model"]) == {"svm"}
    grey = theme.model_styles(["rule"], {"rule"})["rule"].colour
    assert grey in json.dumps(figures.by_name("roc").draw(changed).chart().to_dict())


def test_colours_differ_for_colour_blind_readers() -> None:
    # Linear maps (Machado et al. 2009, severity 1), precise enough to find similar colours.
    maps = {
        "protan": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deutan": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    }
    first = theme.COLOURS[: theme.DISTINCT_COLOURS]
    rgb = np.array([[int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)] for colour in first])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    for name, matrix in maps.items():
        seen = np.clip(linear @ np.array(matrix).T, 0, 1) ** (1 / 2.2)
        apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
        assert min(apart) > 0.12, name


def test_files_are_replaced_completely_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = drawing(figures.by_name("class-counts"), "two classes")
    svg, png = figures.save(made, tmp_path / "new" / "folder", "counts")
    before = svg.read_bytes(), png.read_bytes()
    other = drawing(figures.by_name("class-counts"), "many samples")
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", _refuse)
        with pytest.raises(OutputRefused, match="cannot write counts into"):
            figures.save(other, svg.parent, "counts")
    assert (svg.read_bytes(), png.read_bytes()) == before
    assert sorted(path.name for path in svg.parent.iterdir()) == ["counts.png", "counts.svg"]
    assert (svg.stat().st_mode & 0o777) == 0o644
    figures.save(other, svg.parent, "counts")
    assert svg.read_bytes() != before[0]


def _refuse(*_: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputRefused, match=r"cannot write stem into .*taken"):
        figures.save(drawing(figures.by_name("class-counts"), "two classes"), tmp_path / "taken", "stem")


def test_control_characters_in_ids_give_valid_files() -> None:
    cohort = make_cohort(10, ("tumour", "normal"))
    samples = cohort.samples.astype(object)
    samples[2] = "bad\x08id"
    cohort = Cohort(cohort.expression, cohort.labels, samples.astype(str), cohort.probes)
    ElementTree.fromstring(files.svg(figures.by_name("pca").draw(cohort)))


def test_tables_are_copies() -> None:
    made = drawing(figures.by_name("class-counts"), "two classes")
    table = made.table()
    table["samples"] = 0
    assert made.table()["samples"].sum() == 10


def test_names_are_unique_in_each_part_and_unknown_names_are_refused() -> None:
    names = [figure.name for figure in FIGURES]
    assert len({(figure.part, figure.name) for figure in FIGURES}) == len(names)
    assert all(name == name.lower() and name.replace("-", "").isalnum() for name in names)
    assert {part: len(figures.of_part(part)) for part in get_args(figures.Part)} == {
        "data": 7, "evaluation": 6, "study": 4, "benchmark": 2, "validation": 6
    }  # fmt: skip
    with pytest.raises(UnknownName, match=r"no figure 'pie'\. Choose from class-counts"):
        figures.by_name("pie")


def test_global_settings_of_altair_are_unchanged() -> None:
    assert alt.theme.active == "default"
    assert alt.data_transformers.active == "default"


def test_importing_the_package_loads_no_plotting_library() -> None:
    code = "import leukotype, sys; print([m for m in ('altair', 'vl_convert') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_all_probes_are_drawn_in_time() -> None:
    cohort = make_cohort(64, ("AML", "Bone_Marrow", "Bone_Marrow_CD34", "PB", "PBSC_CD34"), p=22_283)
    for figure in DATA:
        start = time.perf_counter()
        figure.draw(cohort).chart().to_dict()
        assert time.perf_counter() - start < 3.0, figure.name

"""Reports are self-contained and reproducible, and names in the data cannot inject markup or scripts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import leukotype as lt
from leukotype import figures, results
from leukotype.cohort import Cohort
from leukotype.errors import OutputRefused
from leukotype.evaluation import Evaluation
from leukotype.figures import FIGURES, Figure
from leukotype.results import page, rendered
from report_cases import HOSTILE, cohort, evaluation, hostile_cohort, with_inference

SIZES = {"AML": 14, "Bone_Marrow": 9, "PB": 7}
VOID = {"meta", "img", "line", "circle", "br", "link", "input"}


class Page(HTMLParser):
    """Elements and their text; fails if elements are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        # As in a browser, a script ends at the first end tag.
        self.feed(re.sub(r"(<script[^>]*>).*?</script>", r"\1</script>", text, flags=re.S))
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def each(self, tag: str) -> Iterator[dict[str, str]]:
        return (attributes for name, attributes in self.elements if name == tag)


@pytest.fixture
def one_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw one figure only, to save time."""
    monkeypatch.setattr(figures, "FIGURES", (figures.by_name("class-counts"),))


@pytest.fixture(scope="module")
def written(tiny_evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results.write_report(
        with_inference(tiny_evaluation), tmp_path_factory.mktemp("report") / "report.html"
    )


@pytest.fixture(scope="module")
def parsed(written: Path) -> Page:
    return Page(written.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = with_inference(
        evaluation(hostile_cohort(), {"logistic": 2.0, HOSTILE: 1.0, "majority": 0.0}, notes=[HOSTILE])
    )
    return results.write_report(
        study, tmp_path_factory.mktemp("hostile") / "r.html", command=f"leukotype study {HOSTILE}"
    )


def test_elements_are_closed_in_order_and_anchors_lead_somewhere(parsed: Page) -> None:
    assert parsed.open == []
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for a in parsed.each("a") if a["href"].startswith("#")}
    assert targets <= set(ids)
    assert {"summary", "notices", "results", "data", "methods", "provenance", "glossary"} <= targets


@pytest.mark.parametrize("which", ["written", "hostile"])
def test_nothing_is_fetched(which: str, request: pytest.FixtureRequest) -> None:
    text = request.getfixturevalue(which).read_text(encoding="utf-8")
    parsed = Page(text)
    for tag, attributes in parsed.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "audio", "video", "source"}
        assert not [name for name in attributes if name.startswith("on") or name == "srcset"], attributes
        for name in ("src", "href", "xlink:href", "action", "data", "poster"):
            address = attributes.get(name, "#")
            assert address.startswith(("data:image/", "data:text/csv", "#")), (tag, address[:60])
    assert "@import" not in text.split("</style>")[0]
    assert "url(" not in text.split("</style>")[0]


@pytest.mark.parametrize("which", ["written", "hostile"])
def test_only_own_scripts_are_allowed(which: str, request: pytest.FixtureRequest) -> None:
    text = request.getfixturevalue(which).read_text(encoding="utf-8")
    (policy,) = [
        m["content"] for m in Page(text).each("meta") if m.get("http-equiv") == "Content-Security-Policy"
    ]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.S)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(scripts) == 2
    assert "script-src " + " ".join(f"'sha256-{digest}'" for digest in hashes) + ";" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy
    assert "http" not in policy


def test_names_are_never_markup(hostile: Path) -> None:
    text = hostile.read_text(encoding="utf-8")
    parsed = Page(text)
    assert HOSTILE not in text
    assert parsed.open == []
    assert sum(tag == "script" for tag, _ in parsed.elements) == 2 + sum(1 for f in parsed.each("figure"))
    assert all(image["src"].startswith("data:image/") for image in parsed.each("img"))
    assert any(HOSTILE in title for title in parsed.texts["title"])
    for document in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.S):
        assert json.loads(document)


@given(
    st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
)
def test_json_in_a_script_element_is_the_same_json(content: object) -> None:
    element = page.json_element(json.dumps(content, ensure_ascii=False))
    assert json.loads(element) == content
    assert not set("<>&\u2028\u2029") & set(element)


def test_a_script_that_would_end_its_element_is_refused() -> None:
    with pytest.raises(ValueError, match="end its own element"):
        page._script("var a = '</SCRIPT>';")


def test_the_same_study_gives_the_same_bytes(
    tiny_evaluation: Evaluation, written: Path, tmp_path: Path
) -> None:
    # The report does not depend on run times.
    slower = [replace(result, seconds=9.0) for result in tiny_evaluation.results]
    later = replace(tiny_evaluation, results=tuple(slower), seconds=99.0, jobs=7)
    again = lt.report(with_inference(later), tmp_path / "again.html")
    assert again.read_bytes() == written.read_bytes()


def test_every_figure_has_caption_alternative_text_and_numbers(
    parsed: Page, tiny_evaluation: Evaluation
) -> None:
    text = " ".join(" ".join(parts) for parts in parsed.texts.values())
    alts = {image["alt"] for image in parsed.each("img")}
    downloads = {a["download"]: a["href"] for a in parsed.each("a") if "download" in a}
    for figure, source in figures.of_study(with_inference(tiny_evaluation)):
        if figure.part == "study" and figure.name != "stability":
            continue
        assert figure.applies(source) is None
        drawing = figure.draw(source)
        assert drawing.caption in text
        assert drawing.alt in alts
        content = base64.b64decode(downloads[f"{figure.name}.csv"].split(",", 1)[1]).decode()
        assert content == drawing.table().to_csv(index=False, lineterminator="\n")
    assert "could not be drawn" not in text


def test_findings_link_to_figures(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    # Classes of 7 and 9 samples are too small to assess calibration.
    assert re.search(r'\(LT020\).*<a href="#figure-calibration">See the figure</a>', text)
    assert 'id="figure-calibration"' in text


def test_pictures_have_the_subtitle_only(tiny_cohort: Cohort) -> None:
    drawn, missing = rendered.draw(tiny_cohort, on_step=lambda step: None)
    assert not missing
    for figure in drawn:
        assert figure.title not in json.dumps(figure.spec.get("title", ""))
        assert tiny_cohort.name in json.dumps(figure.spec["title"])
        assert figure.width > 100


def test_a_figure_that_fails_does_not_affect_the_report(
    tiny_evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(source: object) -> figures.Drawing:
        raise ZeroDivisionError("division by zero")

    def sparse(source: object) -> str | None:
        return "There is only one sample."

    chosen = (
        Figure("broken", "Broken", "evaluation", broken, lambda source: None),
        Figure("sparse", "Sparse", "data", broken, sparse),
        figures.by_name("class-counts"),
    )
    monkeypatch.setattr(figures, "FIGURES", chosen)
    text = results.write_report(tiny_evaluation, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "could not be drawn (ZeroDivisionError: division by zero)" in text
    assert "There is only one sample." in text
    assert 'id="figure-broken"' not in text
    assert 'id="figure-class-counts"' in text


def test_large_pictures_become_pixels_without_tooltips(
    tiny_evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "FIGURES", (figures.by_name("pca"),))
    for limit in ("MOST_SVG", "MOST_SPEC", "MOST_CSV"):
        monkeypatch.setattr(rendered, limit, 100)
    text = results.write_report(tiny_evaluation, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in text
    assert "application/json" not in text
    assert len(text) < 500_000, "Vega is needed for tooltips only"
    assert "are in figures/pca.csv next to this report" in text


@pytest.mark.usefixtures("one_figure")
@pytest.mark.parametrize("simulated", [True, False])
def test_title_and_banner_state_that_data_are_simulated(simulated: bool, tmp_path: Path) -> None:
    study = evaluation(cohort(SIZES, simulated=simulated), {"knn": 2.0, "majority": 0.0})
    text = results.write_report(study, tmp_path / "r.html").read_text(encoding="utf-8")
    assert ("<title>SIMULATED DATA · Study of cases</title>" in text) is simulated
    assert ('class="banner"' in text) is simulated


@pytest.mark.usefixtures("one_figure")
def test_warnings_come_before_notes(tmp_path: Path) -> None:
    study = evaluation(cohort(SIZES), {"knn": 0.1, "majority": 0.0}, notes=["UserWarning: x"])
    text = results.write_report(study, tmp_path / "r.html").read_text(encoding="utf-8")
    levels = re.findall(r'<li class="(warning|note)">', text)
    assert set(levels) == {"warning", "note"}
    assert levels == sorted(levels, reverse=True)


def test_an_exploration_shows_the_data_only(tiny_cohort: Cohort, tmp_path: Path) -> None:
    text = results.write_report(tiny_cohort, tmp_path / "r.html").read_text(encoding="utf-8")
    parsed = Page(text)
    assert parsed.open == []
    for figure in FIGURES:
        assert (f'id="figure-{figure.name}"' in text) is (figure.part == "data")
    assert "Nested cross-validation" not in text
    assert tiny_cohort.fingerprint in text


@pytest.mark.usefixtures("one_figure")
def test_provenance_is_complete(tmp_path: Path) -> None:
    base = cohort(SIZES)
    provenance = replace(
        base.provenance, steps=("First step.", "Second step."), citation="Doe 1999", licence="CC BY 4.0"
    )
    study = evaluation(replace(base, provenance=provenance), {"knn": 2.0})
    text = results.write_report(study, tmp_path / "r.html", command="leukotype study x.csv").read_text(
        encoding="utf-8"
    )
    parts = [
        "cases.csv",
        "ab" * 32,
        "First step.",
        "Second step.",
        "Doe 1999",
        "CC BY 4.0",
        "leukotype study x.csv",
    ]
    for part in [*parts, study.cohort.fingerprint, study.folds.fingerprint, "scikit-learn"]:
        assert part in text


@pytest.mark.usefixtures("one_figure")
def test_a_report_that_cannot_be_written_leaves_no_file(tiny_evaluation: Evaluation, tmp_path: Path) -> None:
    nowhere, folder = tmp_path / "gone" / "report.html", tmp_path / "folder"
    folder.mkdir()
    for path in (nowhere, folder):
        with pytest.raises(OutputRefused, match=f"cannot write {path}"):
            results.write_report(tiny_evaluation, path)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


# JSON


def schema() -> dict[str, object]:
    file = resources.files("leukotype.results").joinpath("assets", "study.schema.json")
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("donors", [False, True])
def test_study_json_keeps_its_schema(donors: bool) -> None:
    base = cohort(SIZES)
    if donors:
        base = replace(base, donors=base.samples)
    study = with_inference(evaluation(base, {"logistic": 60.0, "mine": 1.0, "majority": 0.0}))
    content = results.study_json(study)
    jsonschema.Draft202012Validator(schema()).validate(content)
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_study_json_holds_the_numbers_of_the_evaluation(tiny_evaluation: Evaluation) -> None:
    study = with_inference(tiny_evaluation)
    content = results.study_json(study)
    assert content["cohort"]["classes"] == tiny_evaluation.cohort.class_counts
    assert content["design"]["fingerprint"] == tiny_evaluation.folds.fingerprint
    assert list(content["models"]) == ["logistic", "knn", "majority", "auto"]
    assert content["models"]["logistic"]["seconds"] == pytest.approx(1.5)
    for row in study.metrics.itertuples():
        found = content["models"][row.model]["metrics"][row.metric]
        assert (found["value"], found["low"], found["high"]) == (row.value, row.low, row.high)
    for row in study.class_metrics.to_dict(orient="records"):
        found = content["models"][row["model"]]["classes"][row["class"]][row["metric"]]
        expected = [row[name] for name in ("value", "low", "high")]
        assert [found[name] for name in ("value", "low", "high")] == [None if e != e else e for e in expected]


def test_only_seconds_differ_between_runs(tiny_evaluation: Evaluation) -> None:
    slower = [replace(result, seconds=9.0) for result in tiny_evaluation.results]
    later = replace(tiny_evaluation, results=tuple(slower), seconds=99.0)
    one, other = (results.study_json(with_inference(found)) for found in (tiny_evaluation, later))
    assert one != other
    for content in (one, other):
        for model in content["models"].values():
            del model["seconds"]
    assert one == other


def test_cohort_json_describes_the_cohort(tiny_cohort: Cohort) -> None:
    facts = results.cohort_json(tiny_cohort)["cohort"]
    assert (facts["n_samples"], facts["n_probes"], facts["simulated"]) == (30, 40, True)


def test_the_script_of_the_page_is_cached_and_a_damaged_copy_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUKOTYPE_CACHE", str(tmp_path / "cache"))
    make = rendered.vega.__wrapped__
    text = make()
    [kept] = (tmp_path / "cache" / "scripts").iterdir()
    assert kept.read_text() == text
    monkeypatch.setattr(rendered.vl_convert, "javascript_bundle", lambda *words: "made again")
    assert make() == text
    kept.write_text(text[:-1])
    assert make() == "made again"

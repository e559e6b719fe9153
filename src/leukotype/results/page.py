"""One self-contained HTML page: nothing in it is fetched, and nothing of the data can run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from leukotype import __version__
from leukotype.cohort import Cohort
from leukotype.figures.files import vegalite_version
from leukotype.models import versions
from leukotype.results import inference_methods, inference_section, methods, notices, summary, tables
from leukotype.results.rendered import MOST_CSV, Plate
from leukotype.studies import Study
from leukotype.wording import counted


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its heading, and the anchors within it."""

    name: str
    title: str
    parts: tuple[tuple[str, str], ...] = field(default_factory=tuple)


def of_evaluation(
    study: Study,
    data: Sequence[Plate],
    results: Sequence[Plate],
    inferred: Sequence[Plate] = (),
    *,
    command: str = "",
) -> str:
    """The page of a study."""
    evaluation = study.evaluation
    plates = (*results, *inferred, *data)
    named = {plate.name: plate for plate in _drawn(inferred)}
    parts = inference_section.parts(study)
    sections = (
        Section("summary", "Summary"),
        Section("cautions", "Warnings and notes"),
        Section(
            "results",
            "Results",
            (("models", "Models"), ("classes-of-models", "Classes, one by one"), *_links(results)),
        ),
        Section("worth", "What the numbers are worth", tuple((part.name, part.title) for part in parts)),
        Section("data", "The data", _links(data)),
        Section("methods", "Methods", (("recipes", "Models and settings"),)),
        Section("provenance", "Provenance"),
        Section("glossary", "Glossary"),
    )
    design = evaluation.folds.design
    leader = study.leader
    return _render(
        "study.html.j2",
        evaluation.cohort,
        plates,
        kind="Study of",
        facts=(*_size(evaluation.cohort), *summary.compared(study), _shape(design)),
        sections=sections,
        tiles=summary.tiles(study),
        points=summary.of_evaluation(study),
        cautions=notices.ordered([*notices.of_evaluation(study), *notices.of_plates(plates)]),
        results_table=tables.results(study),
        all_metrics=tables.all_metrics(study),
        leader=tables.per_class(study, leader.name),
        others=[tables.per_class(study, model.name) for model in study.models if model is not leader.model],
        drawn={plate.name for plate in _drawn(plates)},
        results=_drawn(results),
        data=_drawn(data),
        worth=parts,
        inferred=named,
        methods=(*methods.paragraphs(evaluation), *inference_methods.paragraphs(study)),
        intervals=methods.intervals(),
        recipes=methods.recipes(evaluation),
        settings=tables.settings(study),
        settings_by_fold=tables.settings_by_fold(study),
        folds_fingerprint=evaluation.folds.fingerprint,
        folds_source=evaluation.folds.source,
        seed=design.seed,
        command=command,
    )


def of_cohort(cohort: Cohort, data: Sequence[Plate], *, command: str = "") -> str:
    """The page of an exploration: the data part alone."""
    sections = (
        Section("summary", "Summary"),
        Section("cautions", "Warnings and notes"),
        Section("data", "The data", _links(data)),
        Section("provenance", "Provenance"),
    )
    return _render(
        "exploration.html.j2",
        cohort,
        tuple(data),
        kind="Exploration of",
        facts=_size(cohort),
        sections=sections,
        points=summary.of_cohort(cohort),
        cautions=notices.ordered([*notices.of_cohort(cohort), *notices.of_plates(tuple(data))]),
        classes=tables.classes(cohort),
        data=_drawn(data),
        command=command,
    )


def _render(template: str, cohort: Cohort, plates: Sequence[Plate], **content: Any) -> str:
    return render(template, plates, cohort=cohort, provenance=cohort.provenance, **content)


def render(template: str, plates: Sequence[Plate], **content: Any) -> str:
    """Fill a template of this room: style, scripts and policy, and what it says of software, are put in.

    content : what base.html.j2 names, `cohort` and `provenance` among it, and what the template adds
    """
    libraries = [_bundle()] if _any_live(plates) else []
    scripts = [_runnable(script) for script in (*libraries, _asset("report.js"))]
    page = _environment().get_template(template)
    return page.render(
        version=__version__,
        packages=versions.packages(),
        platform=versions.platform_facts(),
        css=Markup(_asset("report.css")),
        scripts=[Markup(script) for script in scripts],
        policy=_policy(scripts),
        **content,
    )


def _policy(scripts: Sequence[str]) -> str:
    """Content policy: no address may be fetched, and no script may run but those named by their hash."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    # The tooltip and the marks of Vega bring style of their own.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=1)
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script, from vl-convert."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vegalite_version()))


def _runnable(script: str) -> str:
    # A browser reads line ends as \n before it takes the hash.
    script = script.replace("\r\n", "\n").replace("\r", "\n")
    if "</script" in script.lower() or "<!--" in script:
        raise ValueError("this script would end its own element")
    return script


def _asset(name: str) -> str:
    return resources.files("leukotype.results").joinpath("assets", name).read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("leukotype.results", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["json_element"] = json_element
    environment.filters["csv_address"] = csv_address
    environment.globals["numbers_table"] = tables.numbers
    return environment


def json_element(text: str) -> Markup:
    r"""JSON that can stand in a script element: `<`, `>` and `&` as \u escapes, which only strings can hold."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def csv_address(text: str) -> str:
    """A data address that a browser saves as a CSV file; empty where the text is too long for one."""
    if len(text) > MOST_CSV:
        return ""
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"


def _any_live(plates: Sequence[Plate]) -> bool:
    return any(plate.json for plate in _drawn(plates))


def _drawn(plates: Sequence[Plate]) -> list[Plate]:
    return [plate for plate in plates if plate.drawing is not None]


def _links(plates: Sequence[Plate]) -> tuple[tuple[str, str], ...]:
    return tuple((f"figure-{plate.name}", plate.title) for plate in _drawn(plates))


def _size(cohort: Cohort) -> tuple[str, ...]:
    return (
        counted(cohort.n_samples, "sample"),
        counted(len(cohort.classes), "class"),
        counted(cohort.n_probes, "probe"),
    )


def _shape(design: Any) -> str:
    repeats = "" if design.repeats == 1 else f", {design.repeats} times"
    return f"{design.outer} × {design.inner} nested cross-validation{repeats}"

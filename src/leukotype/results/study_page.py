"""The pages of a study and of an exploration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leukotype import inference, metrics, wording
from leukotype.audits import AUDITS, SEVERITIES
from leukotype.cohort import Cohort
from leukotype.results import methods, notices, page, study_tables, summary
from leukotype.results.page import Block, Notice, Page, Paragraph, details, heading, section, table
from leukotype.results.rendered import RenderedFigure
from leukotype.results.tables import Table
from leukotype.studies import Study
from leukotype.wording import counted

_MOST_SAMPLES = 20


def study_page(
    study: Study, figures: Sequence[RenderedFigure], missing: Sequence[Notice] = (), command: str = ""
) -> Page:
    """Return the page of a study."""
    evaluation, cohort = study.evaluation, study.cohort
    design = evaluation.folds.design
    others = [model for model in study.models if model is not study.leader.model]
    sections = (
        section(
            "summary",
            "Summary",
            Block("tiles", summary.tiles(study)),
            Block("points", summary.of_study(study)),
        ),
        page.notices([*notices.of_study(study), *missing]),
        section(
            "results",
            "Results",
            heading("models", "Models"),
            table(study_tables.performance(study, metrics.headline("report"))),
            Block(
                "note",
                "95 % intervals are in brackets. They are for the mean score of the folds' models on new samples. In "
                "the small pictures the dot is the balanced accuracy, the line its interval, and the dashed mark the "
                "chance level, on a scale from 0 to 1.",
            ),
            details("All metrics of all models", table(study_tables.all_metrics(study))),
            heading("classes-of-models", "Performance for each class"),
            table(study_tables.per_class(study, [study.leader.model], "per-class-leader")),
            [details("All other models", table(study_tables.per_class(study, others, "per-class-others")))]
            if others
            else [],
            _figures(figures, "evaluation"),
        ),
        section("reliability", "Reliability of the results", _reliability(study, figures)),
        section("data", "Data", _figures(figures, "data")),
        section(
            "methods",
            "Methods",
            Block("prose", methods.of_study(study)),
            Block("facts", methods.intervals()),
            heading("settings", "Models and settings"),
            Block("models", [methods.describe(model) for model in evaluation.models]),
            table(study_tables.settings(study)),
            details("Settings of each outer fold", table(study_tables.settings_by_fold(study))),
        ),
        page.provenance(
            cohort.provenance,
            extra=[
                *_fingerprint(cohort),
                Paragraph("Fingerprint of the folds", evaluation.folds.fingerprint, code=True),
                Paragraph("Folds", evaluation.folds.source),
                Paragraph("Seed", str(design.seed)),
            ],
            command=command,
            software=methods.software(),
        ),
        section("glossary", "Glossary", Block("glossary")),
    )
    facts = (*_size(cohort), *summary.compared(study), methods.shape(design))
    return Page("Study of", cohort.name, facts, sections, cohort.provenance.simulated)


def exploration_page(
    cohort: Cohort, figures: Sequence[RenderedFigure], missing: Sequence[Notice] = (), command: str = ""
) -> Page:
    """Return the page of an exploration: the data without any model."""
    sections = (
        section("summary", "Summary", Block("points", summary.of_cohort(cohort))),
        page.notices([*notices.of_cohort(cohort), *missing]),
        section("data", "Data", table(study_tables.classes(cohort)), _figures(figures, "data")),
        page.provenance(
            cohort.provenance, extra=_fingerprint(cohort), command=command, software=methods.software()
        ),
    )
    return Page("Exploration of", cohort.name, _size(cohort), sections, cohort.provenance.simulated)


def _reliability(study: Study, figures: Sequence[RenderedFigure]) -> Iterator[Block]:
    """Choice, comparisons, dependence on the split, requested analyses and audits."""
    drawn = {block.content.name: block for block in _figures(figures, "study", "subfigure")}

    def part(anchor: str, title: str, found: Table, figure: str = "") -> Iterator[Block]:
        yield heading(anchor, title)
        yield table(found)
        if figure in drawn:
            yield drawn[figure]

    if study.comparisons is not None:
        yield from part("choice", "Choice of the model", study_tables.choice(study))
        yield heading("pairs", "Pairwise comparisons")
        if len(study.contenders) > 1:
            yield Block("text", summary.between(study))
        yield table(study_tables.comparisons(study, study.leader.name))
        yield details("All pairs", table(study_tables.comparisons(study)))
    if study.without:
        yield from part("options", "Effect of alignment and panel", study_tables.options(study))
    yield heading("split", "Dependence on the split")
    yield Block("text", _changes(study))
    if study.evaluation.folds.design.repeats > 1:
        yield table(study_tables.stability(study))
    if "stability" in drawn:
        yield drawn["stability"]
    if study.permutation is not None:
        yield from part("permuted", "Permutation test", study_tables.permutation(study), "permutation")
    if study.leaks is not None:
        yield from part("mistakes", "Effect of common mistakes", study_tables.leaks(study), "leaks")
    if study.learning is not None:
        title = "Performance and number of samples"
        yield from part("sizes", title, study_tables.learning(study), "learning-curve")
    yield heading("audits", "Audits")
    yield Block("text", _audited(study))
    yield details("All audits", table(study_tables.all_audits(study)))


def _changes(study: Study) -> str:
    """State which predictions of the best model depend on the split."""
    if study.evaluation.folds.design.repeats < 2:
        return "The folds were drawn once. Use --repeats to see which predictions depend on the split."
    leader = study.leader
    frame = inference.difficulty(study.evaluation, [leader.name])
    changed = [f"{row.sample} ({row.label})" for row in frame[frame["flips"]].itertuples()]
    if not changed:
        return f"{leader.title} predicted the same class for every sample in every repeat."
    return (
        f"The prediction of {leader.title} for {counted(len(changed), 'sample')} changes with the split: "
        f"{wording.shortlist(changed, _MOST_SAMPLES)}."
    )


def _audited(study: Study) -> str:
    counts = [(sum(one.severity == level for one in study.audits), level) for level in SEVERITIES]
    found = wording.listed(counted(n, level) for n, level in counts if n)
    done = f"{len(AUDITS)} audits checked data, design and results"
    return f"{done}: {found}, listed under “Warnings and notes”." if found else f"{done} and found nothing."


def _figures(found: Sequence[RenderedFigure], part: str, kind: page.Kind = "figure") -> list[Block]:
    return [Block(kind, one) for one in found if one.figure.part == part]


def _fingerprint(cohort: Cohort) -> list[Paragraph]:
    return [
        Paragraph("Scale", cohort.provenance.scale),
        Paragraph("Fingerprint of the cohort", cohort.fingerprint, code=True),
    ]


def _size(cohort: Cohort) -> tuple[str, ...]:
    return (
        counted(cohort.n_samples, "sample"),
        counted(len(cohort.classes), "class"),
        counted(cohort.n_probes, "probe"),
    )

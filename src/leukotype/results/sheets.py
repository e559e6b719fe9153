"""Reporting sheets: items of a guideline, each answered from the record of a study, by the authors, or by both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from leukotype import __version__, metrics, wording
from leukotype.audits import TOPICS, Finding, Topic, by_code
from leukotype.cohort import Cohort
from leukotype.evaluation import AUTO, Evaluation
from leukotype.results import methods
from leukotype.studies import Study
from leukotype.wording import percent

AUTHORS = "To be completed by the authors"


@dataclass(frozen=True, eq=False)
class Facts:
    """The answers that the record of one study gives; the only source of the sheets.

    command : as typed; empty if unknown
    """

    study: Study
    command: str = ""

    @property
    def evaluation(self) -> Evaluation:
        return self.study.evaluation

    @property
    def cohort(self) -> Cohort:
        return self.study.cohort

    def data(self) -> str:
        found = self.cohort.provenance
        # The folder on the author's disk is private; an address on the network is not.
        is_address = "://" in found.source
        source = found.source if is_address else found.source.replace("\\", "/").rsplit("/", 1)[-1]
        return " ".join(
            [
                f"{plain(self.cohort.name)}, read from {plain(source)}.",
                f"SHA-256 of the file: {found.sha256}."
                if found.sha256
                else "No fingerprint of a file is recorded.",
                f"Fingerprint of the values and labels as analysed: {self.cohort.fingerprint}.",
                *(["The values are simulated; they are not patient data."] if found.simulated else []),
                *([f"Citation: {plain(found.citation)}."] if found.citation else []),
                *([f"Licence as recorded: {plain(found.licence)}."] if found.licence else []),
            ]
        )

    def classes(self) -> str:
        cohort = self.cohort
        counts = "; ".join(f"{plain(name)} {count}" for name, count in cohort.class_counts.items())
        donors = "" if cohort.donors is None else f" from {len(np.unique(cohort.donors))} donors"
        return f"{cohort.n_samples} samples{donors}; samples per class: {counts}."

    def outcome(self) -> str:
        return f"The class recorded for each sample, one of {len(self.cohort.classes)}. {self.classes()}"

    def predictors(self) -> str:
        return (
            f"All {self.cohort.n_probes} probes of the cohort as analysed were available to every model "
            f"({plain(self.cohort.provenance.scale)}). Models that select probes did so within each training part."
        )

    def transformations(self) -> str:
        steps = " ".join(plain(step) for step in self.cohort.provenance.steps)
        return (
            f"{steps or 'The values were not transformed.'} Means and deviations for scaling and medians for "
            "imputation were computed from each training part only. Processing before the file was written is not "
            "recorded."
        )

    def exclusions(self) -> str:
        steps = self.cohort.provenance.steps
        left_out = [step for step in steps if "left out" in step and "sample" in step]
        return " ".join(map(plain, left_out)) or "No exclusion of samples is recorded."

    def missing(self) -> str:
        cohort = self.cohort
        holes = np.isnan(cohort.expression)
        if not holes.any():
            return "No expression value was missing."
        by_class = "; ".join(
            f"{plain(name)} {percent(holes[cohort.labels == name].mean(), 2)}" for name in cohort.classes
        )
        return (
            f"{int(holes.sum())} expression values ({percent(holes.mean(), 2)}) were missing, by class: {by_class}. "
            "They were replaced by the median of the probe in the training part."
        )

    def design(self) -> str:
        return f"{self._method('Design')} {methods.options(self.evaluation)}".rstrip()

    def tuning(self) -> str:
        return self._method("Tuning")

    def sizes(self) -> str:
        folds = self.evaluation.folds
        train = _range(len(split.train) for split in folds.splits)
        test = _range(len(split.test) for split in folds.splits)
        inner = _range(len(part) for split in folds.splits for part, _ in split.inner)
        repeats = folds.design.repeats
        return (
            f"Of {self.cohort.n_samples} samples, each outer training part had {train} and its test part {test}; the "
            f"inner training parts, for tuning, had {inner}. Every sample was tested once"
            f"{'' if repeats == 1 else f' in each of {repeats} repeats'}."
        )

    def dependence(self) -> str:
        kept = (
            "All samples of a donor were in the same part of every split, as far as donors are recorded."
            if self.evaluation.folds.grouped
            else "No donors were specified, so samples of one donor may be in both parts of a split."
        )
        return f"{kept} {self.audits('independence')}"

    def audits(self, *topics: Topic) -> str:
        """Findings of the audits on some topics, by default on all."""
        found = [one for one in self.study.audits if not topics or by_code(one.code).topic in topics]
        what = wording.listed(TOPICS[topic] for topic in topics) or "data and results"
        if not found:
            return f"The audits of {what} found nothing, which is no proof that there is no problem."
        return f"Findings of the audits of {what}: {' '.join(map(_finding, found))}"

    def models(self) -> str:
        lines = []
        for model in map(methods.describe, self.evaluation.models):
            cite = f"; {model.cite}" if model.cite else ""
            lines.append(f"- {model.title} (`{model.name}`{cite}): {model.text}")
        return "\n".join(lines) + "\n\nModels with a citation are algorithms from the literature."

    def settings(self) -> str:
        table = self.evaluation.settings()
        lines = []
        for model in self.evaluation.names:
            chosen = table.loc[table["model"] == model, "setting"].value_counts(sort=False)
            said = "; ".join(f"{setting or 'no settings'} ({count})" for setting, count in chosen.items())
            lines.append(f"- `{model}`: {said}")
        return "Settings chosen, with the number of outer folds:\n\n" + "\n".join(lines)

    def probes_used(self) -> str:
        table = self.evaluation.settings().groupby("model", sort=False)["n_probes"]
        used = "; ".join(f"`{name}` {_range(part)}" for name, part in table)
        return f"Number of probes that the fitted models use, over the outer folds: {used}."

    def baselines(self) -> str:
        found = [f"`{model.name}`" for model in self.evaluation.models if model.baseline]
        if not found:
            return "No baseline was evaluated."
        return f"Baselines evaluated on the same folds: {wording.listed(found)}."

    def output(self) -> str:
        return (
            "A probability for each class. The predicted class is the one with the highest probability; no threshold "
            "was chosen and every sample was classified."
        )

    def metrics(self) -> str:
        single = [metric.title for metric in metrics.METRICS if not metric.per_class]
        each = [metric.title for metric in metrics.METRICS if metric.per_class]
        return (
            f"Over all classes: {wording.listed(single)}. For each class: {wording.listed(each)}. Balanced accuracy is "
            "reported first because it gives each class the same weight."
        )

    def performance(self) -> str:
        lines = []
        table = self.evaluation.summary([metric.name for metric in metrics.headline("benchmark")])
        for model in self.evaluation.names:
            values = [
                f"{row['title']} "
                + wording.estimate(
                    row["value"], row["low"], row["high"], metrics.by_name(row["metric"]).bounds
                )
                for row in table[table["model"] == model].to_dict("records")
            ]
            lines.append(f"- `{model}`: {'; '.join(values)}")
        return "Out of fold, with 95 % intervals:\n\n" + "\n".join(lines)

    def confidence(self) -> str:
        methods_used = "; ".join(f"{one.title}: {one.text}" for one in methods.intervals())
        return f"{self._method('Metrics and intervals')} {methods_used}."

    def significance(self) -> str:
        return " ".join(map(plain, methods.tests(self.study))) or "No significance test was made."

    def selection(self) -> str:
        n = sum(not model.baseline for model in self.evaluation.tried)
        evaluated = "One model was" if n == 1 else f"{n} models were"
        chosen = "no choice was needed" if n == 1 else "all are reported"
        return (
            f"{evaluated} evaluated in addition to the baselines; {chosen}. Settings were chosen within the training "
            f"parts. {self.significance()}"
        )

    def final_model(self) -> str:
        return "The record describes an evaluation: no model was fitted to all samples."

    def seconds(self) -> str:
        table = self.evaluation.settings().groupby("model", sort=False)["seconds"].sum()
        each = "; ".join(f"`{name}` {seconds:.1f} s" for name, seconds in table.items() if name != AUTO)
        return (
            f"{self.evaluation.seconds:.1f} s for the whole evaluation with {self._processes()}; tuning and fitting "
            f"over all folds: {each}."
        )

    def machine(self) -> str:
        return f"{methods.software()}; {self._processes()}."

    def code(self) -> str:
        return f"leukotype {__version__} (MIT licence). {self.script()}"

    def script(self) -> str:
        folds = self.evaluation.folds
        seed = f"Seed: {folds.design.seed}; fingerprint of the folds: {folds.fingerprint}."
        return f"Command: `{self.command}`. {seed}" if self.command else seed

    def imbalance(self) -> str:
        return f"{self.classes()} No method against class imbalance is recorded."

    def _processes(self) -> str:
        return wording.counted(self.evaluation.jobs, "process")

    def _method(self, title: str) -> str:
        return methods.of_evaluation(self.evaluation)[title].text


@dataclass(frozen=True)
class Item:
    """One item of a guideline.

    number : in the guideline
    asks   : what it asks for, in our words
    record : answers from the record of the study; empty if it has none
    human  : what only the authors know; empty if the record answers the item
    """

    number: str
    topic: str
    asks: str
    record: tuple[Callable[[Facts], str], ...] = ()
    human: str = ""


@dataclass(frozen=True)
class Sheet:
    """One guideline.

    name  : stem of the file
    parts : headings with their items
    """

    name: str
    title: str
    cite: str
    parts: tuple[tuple[str, tuple[Item, ...]], ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, in order."""
        return tuple(item for _, items in self.parts for item in items)

    def markdown(self, facts: Facts) -> str:
        """Return the completed sheet of one study."""
        head = (
            f"# {self.title}: {plain(facts.cohort.name)}\n\n"
            f"Completed by leukotype {__version__} from the record of one study. Items are in our own words; the "
            f"authoritative wording is in {self.cite}. Items that the record cannot answer are marked **{AUTHORS}**.\n"
        )
        parts = [
            f"\n## {name}\n" + "".join(_entry(item, facts) for item in items) for name, items in self.parts
        ]
        return head + "".join(parts)

    def __str__(self) -> str:
        return self.name


def plain(text: str) -> str:
    """Return a user's text escaped for Markdown."""
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def _entry(item: Item, facts: Facts) -> str:
    answers = [answer(facts) for answer in item.record]
    if item.human:
        answers.append(f"**{AUTHORS}**: {item.human}")
    return f"\n### {item.number} {item.topic}\n\n*{item.asks}*\n\n" + "\n\n".join(answers) + "\n"


def _finding(finding: Finding) -> str:
    return f"{finding.code} ({finding.severity}): {plain(finding.sentence)}"


def _range(numbers: Iterable[int]) -> str:
    found: Sequence[int] = sorted(set(numbers))
    return f"{found[0]}" if len(found) == 1 else f"{found[0]} to {found[-1]}"

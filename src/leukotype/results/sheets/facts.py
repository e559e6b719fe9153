"""What the record of a run says, in sentences: the only source of the sheets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leukotype import __version__, metrics, wording
from leukotype.audits import Finding
from leukotype.evaluation import AUTO, Evaluation
from leukotype.metrics import METRICS
from leukotype.models import versions
from leukotype.results import inference_methods, methods
from leukotype.studies import Study


@dataclass(frozen=True, eq=False)
class Facts:
    """One run.

    findings : of the audits; None where no audits were run
    tests    : what inference did beside the evaluation, one sentence each, as it words it itself
    command  : what was typed; empty where unknown
    """

    evaluation: Evaluation
    findings: Sequence[Finding] | None = None
    tests: tuple[str, ...] = ()
    command: str = ""

    @classmethod
    def of(cls, study: Study, command: str = "") -> Facts:
        """Return the facts of a run with all that was inferred from it."""
        return cls(study.evaluation, study.audits, inference_methods.tests(study), command)

    def data(self) -> str:
        cohort, origin = self.evaluation.cohort, self.evaluation.cohort.provenance
        invented = " The values were simulated: no patient stands behind them." if origin.simulated else ""
        found = (
            f" The file has the SHA-256 {origin.sha256}."
            if origin.sha256
            else " There is no file with a fingerprint."
        )
        cited = f" To cite: {plain(origin.citation)}." if origin.citation else ""
        licence = f" Licence as recorded: {plain(origin.licence)}." if origin.licence else ""
        return (
            f"{plain(cohort.name)}, read from {plain(_file(origin.source))}.{found} The values and labels as "
            f"analysed have the fingerprint {cohort.fingerprint}.{invented}{cited}{licence}"
        )

    def classes(self) -> str:
        cohort = self.evaluation.cohort
        counts = "; ".join(f"{plain(name)} {count}" for name, count in cohort.class_counts.items())
        donors = "" if cohort.donors is None else f" from {len(np.unique(cohort.donors))} donors"
        return f"{cohort.n_samples} samples{donors}, by class: {counts}."

    def outcome(self) -> str:
        return f"The class recorded with each sample, of {len(self.evaluation.classes)}. {self.classes()}"

    def predictors(self) -> str:
        cohort = self.evaluation.cohort
        return (
            f"All {cohort.n_probes} probes of the cohort as analysed were offered to every model "
            f"({plain(cohort.provenance.scale)}). Where a model chose probes, it chose within each training part."
        )

    def transformations(self) -> str:
        steps = " ".join(plain(step) for step in self.evaluation.cohort.provenance.steps)
        return (
            f"{steps or 'The values were used as they were read.'} Means and deviations for scaling and medians for "
            "missing values were taken from each training part alone. What was done to the values before the file "
            "was written is not in the record."
        )

    def exclusions(self) -> str:
        left = [
            step
            for step in self.evaluation.cohort.provenance.steps
            if "left out" in step and "sample" in step
        ]
        return " ".join(plain(step) for step in left) or "The record names no sample that was left out."

    def missing(self) -> str:
        cohort = self.evaluation.cohort
        holes = np.isnan(cohort.expression)
        if not holes.any():
            return "No expression value was missing."
        shares = "; ".join(
            f"{plain(name)} {_percent(holes[cohort.labels == name].mean())}" for name in cohort.classes
        )
        return (
            f"{int(holes.sum())} expression values ({_percent(holes.mean())}) were missing, by class: {shares}. They "
            "were replaced by the median of the probe in the training part."
        )

    def design(self) -> str:
        return self._method("Design")

    def sizes(self) -> str:
        splits = self.evaluation.folds.splits
        train = sorted({len(split.train) for split in splits})
        test = sorted({len(split.test) for split in splits})
        repeats = self.evaluation.folds.design.repeats
        inner = sorted({len(part) for split in splits for part, _ in split.inner})
        return (
            f"Of {self.evaluation.cohort.n_samples} samples, each outer training part held {_range(train)} and its "
            f"test part {_range(test)}; the inner training parts, for tuning, {_range(inner)}. Every sample was "
            f"tested {'once' if repeats == 1 else f'once in each of {repeats} repeats'}."
        )

    def dependence(self) -> str:
        kept = (
            "Samples of one donor were kept on the same side of every split, by the donors named."
            if self.evaluation.folds.grouped
            else "No donors were named, so that samples of one donor, if there are any, could fall on both sides."
        )
        return (
            f"{kept} {self.audits(('LT001', 'LT002', 'LT003'), 'shared donors, near-duplicates and pairs')}"
        )

    def features(self) -> str:
        return self.audits(
            ("LT005", "LT006", "LT007", "LT009", "LT015"), "stray columns, confounders and control probes"
        )

    def scaling(self) -> str:
        return self.audits(("LT012", "LT013"), "normalisation and scaling over all samples")

    def quality(self) -> str:
        return self.audits(
            ("LT008", "LT010", "LT011", "LT014", "LT016", "LT017"), "outliers, sex and scale of the samples"
        )

    def audits(self, codes: tuple[str, ...] | None, what: str) -> str:
        """Findings with these codes; never a claim that what was not found is not there."""
        if self.findings is None:
            return "No audits were run."
        found = [finding for finding in self.findings if codes is None or finding.code in codes]
        if not found:
            return f"The audits of {what} raised nothing, which does not prove that there is nothing."
        said = " ".join(
            f"{finding.code} ({finding.severity}): {plain(finding.sentence)}" for finding in found
        )
        return f"The audits of {what} say: {said}"

    def models(self) -> str:
        lines = [
            f"- {recipe.title} (`{recipe.name}`{f'; {recipe.cite}' if recipe.cite else ''}): {recipe.text}"
            for recipe in methods.recipes(self.evaluation)
        ]
        return "\n".join(lines) + "\n\nThose with a citation are algorithms from the literature."

    def tuning(self) -> str:
        return self._method("Tuning")

    def settings(self) -> str:
        """The settings chosen, counted over the outer folds."""
        table = self.evaluation.settings()
        lines = []
        for model in self.evaluation.names:
            chosen = table.loc[table["model"] == model, "setting"].value_counts(sort=False)
            said = "; ".join(
                f"{setting or 'nothing to choose'} ({count})" for setting, count in chosen.items()
            )
            lines.append(f"- `{model}`: {said}")
        return "Settings chosen, with the number of outer folds:\n\n" + "\n".join(lines)

    def probes_read(self) -> str:
        table = self.evaluation.settings().groupby("model", sort=False)["n_probes"]
        said = "; ".join(f"`{name}` {_range(sorted(set(part)))}" for name, part in table)
        return f"Probes that the fitted rules read, over the outer folds: {said}."

    def baselines(self) -> str:
        found = [f"`{model.name}`" for model in self.evaluation.models if model.baseline]
        if not found:
            return "No baseline was evaluated."
        return f"Evaluated on the same folds as baselines: {wording.listed(found)}."

    def output(self) -> str:
        return (
            "A probability for each class; the call is the class of the highest probability, and no threshold was "
            "chosen. No call was withheld."
        )

    def metrics(self) -> str:
        single = [metric.title for metric in METRICS if not metric.per_class]
        each = [metric.title for metric in METRICS if metric.per_class]
        return (
            f"Over all classes: {wording.listed(single)}. For each class: {wording.listed(each)}. Balanced accuracy "
            "stands first, since it weighs every class alike."
        )

    def performance(self) -> str:
        wanted = ["balanced_accuracy", "accuracy", "roc_auc_macro", "log_loss"]
        table = self.evaluation.summary(wanted)
        lines = []
        for model in self.evaluation.names:
            said = [
                f"{row['title']} "
                + wording.estimate(
                    row["value"], row["low"], row["high"], metrics.by_name(row["metric"]).bounds
                )
                for row in table[table["model"] == model].to_dict("records")
            ]
            lines.append(f"- `{model}`: {'; '.join(said)}")
        return "Out of fold, with 95 % intervals:\n\n" + "\n".join(lines)

    def confidence(self) -> str:
        said = "; ".join(f"{point.title}: {point.text}" for point in methods.intervals())
        return f"{self._method('Numbers and intervals')} {said}."

    def significance(self) -> str:
        if not self.tests:
            return "The record holds no significance test."
        return " ".join(plain(test) for test in self.tests)

    def selection(self) -> str:
        n = sum(not model.baseline for model in self.evaluation.tried)
        chosen = (
            "One model beside the baselines was evaluated, so that none was chosen."
            if n == 1
            else f"{n} models beside the baselines were evaluated and all are reported."
        )
        return f"{chosen} Settings were chosen inside the training parts. {self.significance()}"

    def final_model(self) -> str:
        return "The record is of an evaluation: no model was fitted to all samples."

    def seconds(self) -> str:
        table = (
            self.evaluation.settings()
            .groupby("model", sort=False)["seconds"]
            .sum()
            .drop(AUTO, errors="ignore")
        )
        said = "; ".join(f"`{name}` {seconds:.1f} s" for name, seconds in table.items())
        return (
            f"{self.evaluation.seconds:.1f} s for the whole evaluation with {_processes(self.evaluation.jobs)}; tuning "
            f"and fitting over all folds: {said}."
        )

    def machine(self) -> str:
        facts = versions.platform_facts()
        packages = ", ".join(f"{name} {version}" for name, version in versions.packages().items())
        return (
            f"{facts['system']} on {facts['machine']}, {facts['implementation']} {facts['python']}, "
            f"{_processes(self.evaluation.jobs)}; {packages}."
        )

    def code(self) -> str:
        return f"leukotype {__version__} (MIT licence). {self.script()}"

    def script(self) -> str:
        seed = (
            f"The seed was {self.evaluation.folds.design.seed}, the fingerprint of the folds "
            f"{self.evaluation.folds.fingerprint}."
        )
        return f"The command was `{self.command}`. {seed}" if self.command else seed

    def imbalance(self) -> str:
        return f"{self.classes()} The record names no method against imbalance."

    def overview(self) -> str:
        return self.audits(None, "data and results")

    def _method(self, title: str) -> str:
        return next(point.text for point in methods.paragraphs(self.evaluation) if point.title == title)


def plain(text: str) -> str:
    """Return a user's text such that Markdown takes it literally."""
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def _range(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _processes(jobs: int) -> str:
    return "1 process" if jobs == 1 else f"{jobs} processes"


def _file(source: str) -> str:
    # Where the file lay on somebody's disk is nobody's business; an address on the network is.
    return source if "://" in source else source.replace("\\", "/").rsplit("/", 1)[-1]

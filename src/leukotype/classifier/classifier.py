"""Classifier: a model fitted on a whole cohort, with all it takes to call one new sample alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leukotype.arrays import BoolArray, FloatArray
from leukotype.classifier import conformal
from leukotype.classifier.calibration import Calibration
from leukotype.classifier.calls import MARGIN, MISSING, OFF_SCALE, REASONS, UNLIKE, Calls, Driver, Evidence
from leukotype.classifier.conformal import CrossConformal
from leukotype.classifier.matching import Matching
from leukotype.classifier.novelty import Novelty
from leukotype.classifier.scale_check import ScaleRange
from leukotype.cohort import Batch, Cohort
from leukotype.recipes.alignment import Sorted
from leukotype.recipes.missing import MissingLimit
from leukotype.recipes.scorer import Scorer


@dataclass(frozen=True, eq=False)
class Classifier:
    """A locked classifier; `leukotype.train` makes one, `leukotype.load_classifier` reads one.

    name        : of the classifier
    classes     : order of all probabilities
    probes      : ids of the training cohort's probes, in its order
    symbols     : their gene symbols, "" where one has none
    scorer      : the rule fitted on the whole cohort
    folds       : the rules of the folds of the first repeat, for prediction sets; empty where the file would get
                  too large
    calibration : from the rule's probabilities to those that are shown
    thresholds  : (n_classes,) least confidence of a call of each class
    novelty     : when a sample counts as unlike the training samples
    sets        : what prediction sets are made of; None where there are no rules of the folds
    missing     : how many probes a sample may lack
    scale       : what the training samples' values looked like
    record      : JSON facts: cohort, model, settings, performance, versions
    card        : the model card, as Markdown
    fingerprint : of the file it was read from or saved to; empty where there is none
    """

    name: str
    classes: tuple[str, ...]
    probes: tuple[str, ...]
    symbols: tuple[str, ...]
    scorer: Scorer
    folds: tuple[Scorer, ...]
    calibration: Calibration
    thresholds: FloatArray
    novelty: Novelty
    sets: CrossConformal | None
    missing: MissingLimit
    scale: ScaleRange
    record: Mapping[str, Any]
    card: str = ""
    fingerprint: str = ""

    @property
    def n_read(self) -> int:
        """Number of probes that the rule reads."""
        return self.scorer.rule.n_read

    def predict(
        self,
        samples: Batch | Cohort,
        *,
        level: float = conformal.LEVEL,
        why: int = 0,
        annotation: Mapping[str, str] | None = None,
    ) -> Calls:
        """Call samples, each by itself: the bytes of a sample's row are the same whatever else is in the batch.

        level      : confidence of the prediction sets, in (0, 1)
        why        : for so many probes per sample, what they add to the evidence; 0 for none
        annotation : gene symbol of each of the samples' probe ids, where they are of another array

        Raises BadIdentifiers where no probe matches, UnknownName for a level that is none.
        """
        conformal.check_level(level)
        batch = Batch.of(samples) if isinstance(samples, Cohort) else samples
        matching = Matching.find(
            self.probes, self.symbols, batch.probes.tolist(), annotation, batch.samples.tolist()
        )
        seen = [self._one(matching.values(row), level, why) for row in batch.expression]
        return Calls(
            classes=self.classes,
            samples=batch.samples,
            probabilities=np.array([one.p for one in seen]).reshape(-1, len(self.classes)),
            reasons=tuple(one.reasons for one in seen),
            sets=None if self.sets is None else np.array([one.inside for one in seen], dtype=bool),
            level=level,
            novelty=np.array([one.distance for one in seen]),
            p_like=np.array([one.p_like for one in seen]),
            missing=np.array([one.missing for one in seen], dtype=np.intp),
            n_read=self.n_read,
            scales=batch.scales or ("not looked at",) * batch.n_samples,
            matched=matching.said(),
            sets_said=self._sets_said(level),
            evidence=tuple(one.evidence for one in seen if one.evidence is not None),
        )

    def save(self, path: str | Path) -> None:
        """Write the classifier to one file, NAME.leuko; docs/bundle.md has the format.

        The same classifier gives the same bytes.  Raises OutputRefused where it cannot be written, NotPortable where
        it is larger than a file can be.
        """
        from leukotype.classifier import storing

        storing.write(self, path)

    def estimator(self) -> Any:
        """Return alignment and rule as a fitted scikit-learn pipeline; see `classifier.pipeline`."""
        from leukotype.classifier.pipeline import of_classifier

        return of_classifier(self)

    def __repr__(self) -> str:
        return f"Classifier({self.name}: {', '.join(self.classes)}; {self.n_read} of {len(self.probes)} probes read)"

    def _sets_said(self, level: float) -> str:
        if self.sets is not None:
            return self.sets.said(level, self.classes)
        why = self.record.get("sets")
        return (
            f"No prediction sets: {why['why_none']}." if isinstance(why, dict) and "why_none" in why else ""
        )

    def _one(self, x: FloatArray, level: float, why: int) -> _Seen:
        """All that is said of one sample (n_probes,), NaN where a value is missing."""
        ranked = Sorted.of(x)
        means = self.novelty.classes
        aligned = means.fill(self.scorer.alignment.complete(x, ranked), ranked.present)
        p = self.calibration.apply(self.scorer.probabilities(aligned[None]))[0]
        code = int(p.argmax())
        reads = self.scorer.rule.reads
        missing = int(np.isnan(x[reads]).sum())
        distance = means.distance(aligned, None if len(ranked.present) == len(x) else ranked.present)
        p_like = self.novelty.p_value(distance)
        held = {
            OFF_SCALE: self.scale.is_off(x, ranked),
            MISSING: self.missing.exceeded(missing, len(reads)),
            UNLIKE: p_like <= self.novelty.level,
            MARGIN: bool(p[code] < self.thresholds[code]),
        }
        inside = None
        if self.sets is not None:
            lacking = np.isnan(x)
            # A fold's rule gets what is missing as the whole cohort has it: its own means are not in the file.
            outputs = [
                fold.probabilities(np.where(lacking, aligned, fold.alignment.complete(x, ranked))[None])[0]
                for fold in self.folds
            ]
            inside = self.sets.inside(outputs, level)
        evidence = self._evidence(x, aligned, code, why) if why else None
        return _Seen(p, tuple(r for r in REASONS if held[r]), inside, distance, p_like, missing, evidence)

    def _evidence(self, x: FloatArray, aligned: FloatArray, code: int, most: int) -> Evidence:
        rule = self.scorer.rule
        shared = rule.contributions(aligned[None, rule.reads], code)
        values = shared.values[0]
        order = np.argsort(-np.abs(values), kind="stable")[:most]
        drivers = tuple(
            Driver(
                probe=self.probes[column],
                symbol=self.symbols[column],
                contribution=float(values[place]),
                value=float(aligned[column]),
                usual=float(self.scorer.alignment.centre[column]),
                imputed=bool(np.isnan(x[column])),
            )
            for place, column in zip(order.tolist(), rule.reads[order].tolist(), strict=True)
        )
        rest = float(values.sum() - values[order].sum())
        return Evidence(code, drivers, rest, shared.base, shared.how, shared.meaning)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is said of one sample."""

    p: FloatArray
    reasons: tuple[str, ...]
    inside: BoolArray | None
    distance: float
    p_like: float
    missing: int
    evidence: Evidence | None

"""Classifier: a recipe fitted on a whole cohort, with everything needed to call one new sample alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from leukotype.arrays import BoolArray, FloatArray
from leukotype.classifier import conformal
from leukotype.classifier.calibration import Calibration
from leukotype.classifier.calls import MARGIN, MISSING, OFF_SCALE, REASONS, UNLIKE, Calls, Driver, Evidence
from leukotype.classifier.conformal import CrossConformal
from leukotype.classifier.matching import Matching
from leukotype.classifier.novelty import Novelty
from leukotype.classifier.scale_check import ScaleRange
from leukotype.classifier.sketch import Sketch
from leukotype.cohort import Batch, Cohort
from leukotype.errors import BadValues
from leukotype.recipes.alignment import Sorted
from leukotype.recipes.missing import MissingLimit
from leukotype.recipes.scorer import Scorer


@dataclass(frozen=True, eq=False)
class Classifier:
    """A fixed classifier, made by `leukotype.train` or read by `leukotype.load_classifier`.

    classes     : order of all probabilities
    probes      : probe ids of the training cohort, or of its panel
    symbols     : their gene symbols; "" for none
    scorer      : the rule fitted on the whole cohort
    folds       : the rules of the folds of the first repeat, for prediction sets; may be empty
    calibration : from the rule's probabilities to calibrated ones
    thresholds  : (n_classes,) minimum probability of a call of each class
    novelty     : which samples are too distant from the training samples
    sets        : prediction sets; None without rules of the folds
    missing     : how many probes may be missing
    scale       : the scale of the training samples
    sketch      : recognises training samples; None in files of format 1, or with few probes
    record      : JSON facts: cohort, model, settings, performance, versions
    card        : the model card in Markdown
    fingerprint : of the file that it was read from; empty for a new classifier
    signed_by   : fingerprint of the trusted key that signed this file; empty if that was not asked for
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
    sketch: Sketch | None = None
    card: str = ""
    fingerprint: str = ""
    signed_by: str = ""

    @property
    def n_read(self) -> int:
        """Number of probes that the rule reads."""
        return self.scorer.rule.n_read

    def predict(
        self,
        samples: Batch | Cohort | pd.DataFrame,
        *,
        level: float = conformal.LEVEL,
        why: int = 0,
        annotation: Mapping[str, str] | None = None,
    ) -> Calls:
        """Call samples, each independently of the others, to the last bit.

        samples    : a table has samples in rows and probes in columns, log2 intensity
        level      : confidence of the prediction sets, in (0, 1)
        why        : number of probes of evidence per sample; 0 for none
        annotation : gene symbol of each probe id of the samples, if they come from another array

        Raises BadIdentifiers if no probe matches, UnknownName for a level outside (0, 1).
        """
        conformal.check_level(level)
        if not isinstance(samples, Batch | Cohort | pd.DataFrame):
            raise BadValues(
                f"predict needs a Batch, a Cohort or a DataFrame, not a {type(samples).__name__}. Use read_batch(path) "
                "for a file."
            )
        batch = samples if isinstance(samples, Batch) else Batch.of(samples)
        matching = Matching.find(
            self.probes, self.symbols, batch.probes.tolist(), annotation, batch.samples.tolist()
        )
        found = [self._call(matching.values(row), level, why) for row in batch.expression]
        return Calls(
            classes=self.classes,
            samples=batch.samples,
            probabilities=np.array([one.p for one in found]).reshape(-1, len(self.classes)),
            reasons=tuple(one.reasons for one in found),
            sets=None if self.sets is None else np.array([one.inside for one in found], dtype=bool),
            level=level,
            novelty=np.array([one.distance for one in found]),
            p_like=np.array([one.p_like for one in found]),
            missing=np.array([one.missing for one in found], dtype=np.intp),
            n_read=self.n_read,
            scales=batch.scales or ("not checked",) * batch.n_samples,
            matched=matching.describe(),
            sets_note=self._sets_note(level),
            evidence=tuple(one.evidence for one in found if one.evidence is not None),
        )

    def trained_on(self, batch: Batch, annotation: Mapping[str, str] | None = None) -> list[bool | None]:
        """Return for each sample whether it is one of the training samples; None if that can't be checked.

        annotation : as in `predict`
        """
        if self.sketch is None:
            return [None] * batch.n_samples
        matching = Matching.find(
            self.probes, self.symbols, batch.probes.tolist(), annotation, batch.samples.tolist()
        )
        return [self.sketch.knows(matching.values(row)) for row in batch.expression]

    def save(self, path: str | Path, *, sign: str | Path | None = None) -> None:
        """Write the classifier to one file, NAME.leuko, in the format of docs/bundle.md.

        sign : PEM file with an Ed25519 private key, for a signature in NAME.leuko.sig

        The same classifier gives the same bytes.  Raises OutputRefused if the file can't be written, NotPortable if the
        classifier does not fit the format, UnreadableFile for a key that can't be used.
        """
        from leukotype import signing
        from leukotype.classifier import storing

        storing.write(self, path, None if sign is None else signing.SigningKey(sign))

    def estimator(self) -> Any:
        """Return alignment and rule as a fitted scikit-learn pipeline, see `classifier.pipeline`."""
        from leukotype.classifier.pipeline import of_classifier

        return of_classifier(self)

    def __repr__(self) -> str:
        return f"Classifier({self.name}: {', '.join(self.classes)}; {self.n_read} of {len(self.probes)} probes read)"

    def _sets_note(self, level: float) -> str:
        if self.sets is not None:
            text = self.sets.describe(level, self.classes)
            cohort = self.record.get("cohort")
            counts = (
                [cohort.get(key) for key in ("n_donors", "n_samples")] if isinstance(cohort, dict) else []
            )
            if self.sets.donors is None and all(type(n) is int for n in counts) and len(set(counts)) > 1:
                text += " This file of an earlier version counts samples instead of donors: train it again."
            return text
        why = self.record.get("sets")
        return (
            f"No prediction sets: {why['why_none']}." if isinstance(why, dict) and "why_none" in why else ""
        )

    def _call(self, x: FloatArray, level: float, why: int) -> _SampleCall:
        """Call one sample (n_probes,); NaN for missing values."""
        ranked = Sorted.of(x)
        means = self.novelty.classes
        aligned = means.fill(self.scorer.alignment.complete(x, ranked), ranked.present)
        p = self.calibration.apply(self.scorer.probabilities(aligned[None]))[0]
        code = int(p.argmax())
        reads = self.scorer.rule.reads
        missing = int(np.isnan(x[reads]).sum())
        distance = means.distance(aligned, ranked.present)
        p_like = self.novelty.p_value(distance)
        applies = {
            OFF_SCALE: self.scale.is_off(x, ranked),
            MISSING: self.missing.exceeded(missing, len(reads)),
            UNLIKE: p_like <= self.novelty.level,
            MARGIN: bool(p[code] < self.thresholds[code]),
        }
        inside = None
        if self.sets is not None:
            lacking = np.isnan(x)
            # Missing values come from the class means of the whole cohort: the file lacks those of the folds.
            outputs = [
                fold.probabilities(np.where(lacking, aligned, fold.alignment.complete(x, ranked))[None])[0]
                for fold in self.folds
            ]
            inside = self.sets.inside(outputs, level)
        evidence = self._evidence(x, aligned, code, why) if why else None
        return _SampleCall(
            p, tuple(r for r in REASONS if applies[r]), inside, distance, p_like, missing, evidence
        )

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
class _SampleCall:
    """The call of one sample."""

    p: FloatArray
    reasons: tuple[str, ...]
    inside: BoolArray | None
    distance: float
    p_like: float
    missing: int
    evidence: Evidence | None

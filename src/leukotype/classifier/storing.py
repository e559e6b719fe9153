"""Write and read classifier files; docs/bundle.md describes each entry."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leukotype import atomic, bundle, signing
from leukotype.bundle import Bundle
from leukotype.classifier.abstention import NEVER
from leukotype.classifier.calibration import METHODS, Calibration
from leukotype.classifier.classifier import Classifier
from leukotype.classifier.conformal import CrossConformal
from leukotype.classifier.novelty import Novelty
from leukotype.classifier.scale_check import ScaleRange
from leukotype.classifier.sketch import LEAST, N_PAIRS, Sketch
from leukotype.errors import BadBundle, NotPortable
from leukotype.recipes.alignment import HOWS, Alignment
from leukotype.recipes.missing import MissingLimit
from leukotype.recipes.scorer import ClassMeans, Scorer
from leukotype.rules import assemble
from leukotype.rules.fields import LARGEST, MOST_CLASSES, MOST_PROBES, Fields, refuse
from leukotype.signing import SigningKey

_CARD = "card.md"
_MOST_NAME = 1000
_MOST_SAMPLES = 1_000_000
_MOST_FOLDS = 100
# Far beyond any learned value: the slopes and offsets of a sigmoid, the scale of a distance.
_STEEPEST, _LEAST_SCALE = 1e6, 1e-12

Arrays = dict[str, NDArray[Any]]


def write(classifier: Classifier, path: str | Path, sign: SigningKey | None = None) -> None:
    """Write a classifier to one file, and its signature to NAME.leuko.sig; see `Classifier.save`."""
    named = {"class": classifier.classes, "probe": classifier.probes, "symbol": classifier.symbols}
    for what, names in {"name": (classifier.name,), **named}.items():
        for name in names:
            if len(name) > _MOST_NAME:
                raise NotPortable(
                    f"the {what} {name[:40]!a}... has {len(name):,} characters; at most {_MOST_NAME:,} fit. Shorten it."
                )
    document, arrays = _content(classifier)
    try:
        content = bundle.dumps(document, arrays, {_CARD: classifier.card})
    except ValueError as error:
        found = str(error).splitlines()[0].rstrip(".")
        raise NotPortable(f"this classifier cannot be written to a file: {found}. Rename it.") from None
    atomic.put(Path(path), content)
    place = signing.signature_file(path)
    if sign is not None:
        atomic.put(place, sign.sign(content))
    else:
        # The signature of the file that was replaced does not fit this one.
        with suppress(OSError):
            place.unlink(missing_ok=True)


def read(path: str | Path, trusted: str | Path | None = None) -> Classifier:
    """Read a classifier from its file and check every entry.

    trusted : public keys, as a file or a folder: the file must be signed by one of them, see `signing.check`

    Raises BadBundle if the file is damaged, of a newer format or not a classifier, UnreadableFile if it can't be read,
    UntrustedFile if no trusted key signed it.
    """
    signed_by, raw = "", None
    if trusted is not None:
        # The bytes that are checked are the bytes that are read: the file could change in between.
        raw = bundle.content_of(path)
        signed_by = signing.check(path, raw, trusted)
    content = bundle.read(path, raw)
    try:
        return replace(_classifier(content), signed_by=signed_by)
    except BadBundle as refused:
        raise BadBundle(f"{path}: {refused}") from None


def signer(path: str | Path) -> str:
    """Return the fingerprint of the key that signed a file, trusted or not; "" if it has no signature."""
    if not signing.signature_file(path).exists():
        return ""
    return signing.signer(path, bundle.content_of(path))


def _content(one: Classifier) -> tuple[dict[str, Any], Arrays]:
    spec, arrays = _scorer_parts(one.scorer, "rule.", "own.")
    folds = []
    for number, fold in enumerate(one.folds):
        fold_spec, fold_arrays = _scorer_parts(fold, f"fold{number}.rule.", f"fold{number}.")
        folds.append(fold_spec)
        arrays |= fold_arrays
    arrays |= {
        "calibration.slope": one.calibration.slope,
        "calibration.offset": one.calibration.offset,
        "thresholds": one.thresholds,
        "unlike.means": one.novelty.classes.means,
        "unlike.scale": one.novelty.classes.scale,
        "unlike.held_out": one.novelty.held_out,
        "missing.curve": np.array(one.missing.curve),
        "scale.range": np.array([*one.scale.medians, *one.scale.spreads, one.scale.variety]),
    }
    if one.sets is not None:
        arrays |= {
            "sets.scores": one.sets.scores,
            "sets.labels": one.sets.labels.astype("<i4"),
            "sets.folds": one.sets.folds.astype("<i4"),
        }
        if one.sets.donors is not None:
            arrays["sets.donors"] = one.sets.donors.astype("<i4")
    if one.sketch is not None:
        arrays |= {
            "sketch.pairs": one.sketch.pairs.astype("<i4"),
            "sketch.bits": one.sketch.bits,
            "sketch.limit": np.array([one.sketch.limit]),
        }
    document = {
        "rule": spec.pop("rule"),
        "scorer": spec,
        "folds": folds,
        "classifier": {
            "name": one.name,
            "classes": list(one.classes),
            "probes": list(one.probes),
            "symbols": list(one.symbols) if any(one.symbols) else None,
            "calibration": one.calibration.method,
            "unlike_level": one.novelty.level,
            "missing_limit": one.missing.limit,
            "scale_is_bound": one.scale.is_bound,
        },
        "record": dict(one.record),
    }
    return document, arrays


def _scorer_parts(scorer: Scorer, of_rule: str, of_alignment: str) -> tuple[dict[str, Any], Arrays]:
    spec, arrays = scorer.rule.parts()
    found = {f"{of_rule}{name}": array for name, array in arrays.items()}
    found[f"{of_alignment}centre"] = scorer.alignment.centre
    if scorer.alignment.reference is not None:
        found[f"{of_alignment}reference"] = scorer.alignment.reference
    return {"rule": spec, "align": scorer.alignment.how, "temperature": scorer.temperature}, found


def _classifier(content: Bundle) -> Classifier:
    document, arrays = dict(content.document), dict(content.arrays)
    facts, record = _object(document, "classifier"), _object(document, "record")
    spec, own = _object(document, "scorer"), _object(document, "rule")
    folds = document.pop("folds", None)
    if not isinstance(folds, list) or not all(isinstance(fold, dict) for fold in folds):
        refuse("its folds are not a list of objects")
    if len(folds) > _MOST_FOLDS:
        refuse(f"it has {len(folds)} folds; at most {_MOST_FOLDS} are allowed")
    for name in document:
        refuse(f"its document has an unknown entry {ascii(name)[:60]}")
    classes = _texts(facts, "classes", 2, MOST_CLASSES)
    probes = _texts(facts, "probes", 1, MOST_PROBES)
    if len(set(classes)) < len(classes) or len(set(probes)) < len(probes):
        refuse("a class or a probe occurs twice")
    symbols = ("",) * len(probes)
    if facts.get("symbols") is not None:
        symbols = _texts(facts, "symbols", len(probes), len(probes))
    n_classes, n_probes = len(classes), len(probes)
    scorer = _scorer(
        {**spec, "rule": own}, _taken(arrays, "rule."), _taken(arrays, "own."), n_classes, n_probes
    )
    scorers = tuple(
        _scorer(fold, _taken(arrays, f"fold{k}.rule."), _taken(arrays, f"fold{k}."), n_classes, n_probes)
        for k, fold in enumerate(folds)
    )
    fields = Fields({}, arrays)
    classifier = Classifier(
        name=_text(facts, "name"),
        classes=classes,
        probes=probes,
        symbols=symbols,
        scorer=scorer,
        folds=scorers,
        calibration=_calibration(facts, fields, n_classes),
        thresholds=fields.floats("thresholds", (n_classes,), 0.0, NEVER),
        novelty=_novelty(facts, fields, n_classes, n_probes),
        sets=_sets(fields, n_classes, len(scorers), has_donors="sets.donors" in arrays) if scorers else None,
        missing=_missing(facts, fields),
        scale=_scale(facts, fields),
        sketch=_sketch(fields, n_probes) if "sketch.pairs" in arrays else None,
        record=record,
        card=content.texts.get(_CARD, ""),
        fingerprint=content.fingerprint,
    )
    fields.finish()
    return classifier


def _scorer(
    spec: Mapping[str, Any], rule_arrays: Arrays, own: Arrays, n_classes: int, n_probes: int
) -> Scorer:
    rule_spec = spec.get("rule")
    if not isinstance(rule_spec, dict):
        refuse("it has no rule")
    rule = assemble(rule_spec, rule_arrays)
    if rule.n_classes != n_classes or rule.n_probes != n_probes:
        refuse(
            f"its rule has {rule.n_classes} classes and {rule.n_probes} probes, but it names {n_classes} and {n_probes}"
        )
    fields = Fields({key: value for key, value in spec.items() if key != "rule"}, own)
    how = fields.choice("align", HOWS)
    centre = fields.floats("centre", (n_probes,))
    reference = None
    if how != "none":
        reference = fields.floats("reference", (n_probes,))
        if (np.diff(reference) < 0).any():
            refuse("its reference distribution is not in ascending order")
    temperature = fields.number("temperature", 1 / LARGEST, LARGEST, or_none=True)
    if temperature is None and getattr(rule, "link", "") == "duels":
        refuse("its rule gives scores, but there is no temperature to turn them into probabilities")
    fields.finish()
    return Scorer(Alignment(how, reference, centre), rule, temperature)  # type: ignore[arg-type]  # a choice of HOWS


def _calibration(facts: Mapping[str, Any], fields: Fields, n_classes: int) -> Calibration:
    method = facts.get("calibration")
    if method not in METHODS:
        refuse(f"its calibration is {ascii(method)[:60]}; it must be one of {', '.join(METHODS)}")
    n_slopes = {"raw": 0, "temperature": 1, "sigmoid": n_classes}[method]
    n_offsets = n_classes if method == "sigmoid" else 0
    slope = fields.floats("calibration.slope", (n_slopes,), 0.0, _STEEPEST)
    return Calibration(
        method, slope, fields.floats("calibration.offset", (n_offsets,), -_STEEPEST, _STEEPEST)
    )


def _novelty(facts: Mapping[str, Any], fields: Fields, n_classes: int, n_probes: int) -> Novelty:
    held_out = fields.floats("unlike.held_out", (None,), 0.0)
    if not 1 <= len(held_out) <= _MOST_SAMPLES or (np.diff(held_out) < 0).any():
        refuse("its distances of held-out samples are empty or not in ascending order")
    means = ClassMeans(
        fields.floats("unlike.means", (n_classes, n_probes)),
        fields.floats("unlike.scale", (n_probes,), _LEAST_SCALE),
    )
    return Novelty(means, held_out, _share(facts, "unlike_level"))


def _sets(fields: Fields, n_classes: int, n_folds: int, *, has_donors: bool) -> CrossConformal:
    scores = fields.floats("sets.scores", (None,), 0.0, 1.0 + 1e-9)
    if not 1 <= len(scores) <= _MOST_SAMPLES:
        refuse(f"its prediction sets have {len(scores):,} samples; 1 to {_MOST_SAMPLES:,} are allowed")
    labels = fields.wholes("sets.labels", (len(scores),), 0, n_classes - 1)
    folds = fields.wholes("sets.folds", (len(scores),), 0, n_folds - 1)
    donors = fields.wholes("sets.donors", (len(scores),), 0, len(scores) - 1) if has_donors else None
    return CrossConformal(scores, labels, folds, donors)


def _missing(facts: Mapping[str, Any], fields: Fields) -> MissingLimit:
    curve = fields.floats("missing.curve", (None, 2), 0.0, 1.0)
    return MissingLimit(tuple((float(a), float(b)) for a, b in curve), _share(facts, "missing_limit"))


def _scale(facts: Mapping[str, Any], fields: Fields) -> ScaleRange:
    numbers = fields.floats("scale.range", (5,)).tolist()
    if not isinstance(facts.get("scale_is_bound"), bool):
        refuse("its scale_is_bound is neither true nor false")
    return ScaleRange(
        (numbers[0], numbers[1]), (numbers[2], numbers[3]), numbers[4], is_bound=facts["scale_is_bound"]
    )


def _sketch(fields: Fields, n_probes: int) -> Sketch:
    pairs = fields.wholes("sketch.pairs", (None, 2), 0, n_probes - 1)
    if not LEAST <= len(pairs) <= N_PAIRS:
        refuse(f"its sketches compare {len(pairs)} pairs of probes; {LEAST} to {N_PAIRS} are allowed")
    bits = fields.octets("sketch.bits", (None, (len(pairs) + 7) // 8))
    if not 1 <= len(bits) <= _MOST_SAMPLES:
        refuse(f"it has sketches of {len(bits):,} samples; 1 to {_MOST_SAMPLES:,} are allowed")
    return Sketch(pairs, bits, float(fields.floats("sketch.limit", (1,), 0.0, 1.0)[0]))


def _taken(arrays: Arrays, start: str) -> Arrays:
    """Remove the arrays whose names begin with `start`; return them without it."""
    names = [name for name in arrays if name.startswith(start)]
    return {name.removeprefix(start): arrays.pop(name) for name in names}


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.pop(name, None)
    if not isinstance(value, dict):
        refuse(f"its document has no {name}")
    return value


def _text(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _MOST_NAME:
        refuse(f"its {name} is not a text of 1 to {_MOST_NAME} characters")
    return value


def _texts(facts: Mapping[str, Any], name: str, least: int, most: int) -> tuple[str, ...]:
    values = facts.get(name)
    if not isinstance(values, list) or not least <= len(values) <= most:
        refuse(f"its {name} are not a list of {least:,}{f' to {most:,}' if most > least else ''}")
    if not all(isinstance(value, str) and len(value) <= _MOST_NAME for value in values):
        refuse(f"one of its {name} is not a text of at most {_MOST_NAME} characters")
    return tuple(values)


def _share(facts: Mapping[str, Any], name: str) -> float:
    value = facts.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        refuse(f"its {name} is {ascii(value)[:60]}; it must be a number from 0 to 1")
    return float(value)

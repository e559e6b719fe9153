"""The model card: what a classifier is for, what it was trained on, what it is worth, and where it ends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leukotype.classifier.abstention import NEVER
from leukotype.classifier.calls import MARGIN, UNLIKE
from leukotype.classifier.conformal import LEVEL

if TYPE_CHECKING:
    from leukotype.classifier.classifier import Classifier

_SHARES = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
_ALIGNED = {
    "none": "Values are taken as they are (log2 intensity).",
    "quantile": "Each sample, by itself, gets the training samples' mean order statistics in place of its own values "
    "(quantile normalisation to a frozen reference; Bolstad et al. 2003, McCall et al. 2010).",
    "rank": "Each sample, by itself, gets normal scores in place of its values: only their order counts.",
}


def card(classifier: Classifier) -> str:
    """Return the card as Markdown, derived from the classifier's record alone."""
    record = classifier.record
    parts = [
        f"# {_name(classifier.name)}",
        "**Research use only.** Not validated for diagnosis or treatment.",
        _what(classifier, record),
        _trained_on(record),
        _worth(record),
        _abstention(classifier, record),
        _sets(classifier, record),
        _input(classifier, record),
        _limits(record),
        _made_by(record),
    ]
    return "\n\n".join(parts) + "\n"


def estimate(found: Mapping[str, Any]) -> str:
    """A number with its 95 % interval: "0.950 [0.880, 0.990]"; "not defined" where there is none."""
    value, low, high = (
        None if number is None or math.isnan(number) else f"{number:.3f}"
        for number in (found.get(key) for key in ("value", "low", "high"))
    )
    if value is None:
        return "not defined"
    return value if low is None or high is None else f"{value} [{low}, {high}]"


def _name(text: str) -> str:
    """A name that somebody gave, so that Markdown shows it as it is written, in a table too."""
    return "".join(f"\\{sign}" if sign in "\\|<*`[" else sign for sign in text)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _what(classifier: Classifier, record: Mapping[str, Any]) -> str:
    model = record["model"]
    setting = ", ".join(f"{key} = {value}" for key, value in model["setting"].items()) or "nothing to set"
    cited = f" ({model['cite']})" if model["cite"] else ""
    return (
        "## What it does\n\n"
        f"Calls a sample one of {', '.join(map(_name, classifier.classes))}, or abstains and says why. "
        f"{model['title']}{cited}; {setting}. The rule reads {classifier.n_read:,} of {len(classifier.probes):,} "
        "probes."
    )


def _trained_on(record: Mapping[str, Any]) -> str:
    cohort = record["cohort"]
    counts = ", ".join(f"{_name(name)} {count}" for name, count in cohort["classes"].items())
    lines = [
        f"{_name(cohort['name'])}: {cohort['n_samples']} samples × {cohort['n_probes']:,} probes; {counts}."
    ]
    if cohort["n_donors"] is not None:
        lines.append(f"{cohort['n_donors']} donors, each on one side of every split.")
    if cohort["simulated"]:
        lines.append("**The values are simulated: no patient stands behind them.**")
    lines += map(_name, cohort["steps"])
    lines += [f"{key.capitalize()}: {cohort[key]}." for key in ("citation", "licence") if cohort[key]]
    lines.append(f"Source {_name(cohort['source'])}, SHA-256 `{cohort['sha256'] or 'none: no file'}`.")
    return "## What it was trained on\n\n" + "\n".join(f"- {line}" for line in lines)


def _worth(record: Mapping[str, Any]) -> str:
    design, found = record["design"], record["performance"]
    rows = [f"| {entry['title']} | {estimate(entry)} |" for entry in found.values()]
    recipe = record["recipe"]
    costs = []
    for other in record["without"]:
        what = (
            f"without alignment (in place of {recipe['align']})"
            if other["align"] != recipe["align"]
            else "with all probes in place of the panel"
        )
        pairs = ", ".join(
            f"{found[name]['title'].lower()} {estimate(other['performance'][name])}"
            for name in ("balanced_accuracy", "log_loss")
            if name in other["performance"]
        )
        costs.append(f"The same estimate {what}: {pairs}.")
    return (
        "## What it is worth\n\n"
        "Estimated by nested cross-validation of the whole procedure on the training cohort "
        f"({design['outer']} outer and {design['inner']} inner folds, {_times(design['repeats'])}, seed "
        f"{design['seed']}), every sample called; 95 % intervals. It says what to expect of samples from the same "
        "source, and nothing of another laboratory's: "
        "`leukotype validate` does.\n\n"
        "| Metric | Out of fold |\n|---|---|\n"
        + "\n".join(rows)
        + "".join(f"\n\n{cost}" for cost in costs)
        + _chosen(record)
        + f"\n\n{record['calibration']['said']}"
    )


def _chosen(record: Mapping[str, Any]) -> str:
    chosen = record.get("chosen")
    if chosen is None:
        return ""
    return (
        f"\n\nThe model was the best of {chosen['n_models']} in a study of the same cohort, with all its probes and "
        f"without alignment. Corrected for that choice, the study expects of it, so fitted, a "
        f"{chosen['metric'].replace('_', ' ')} of {estimate(chosen)}. The table above is of this file's own procedure, "
        "and is not corrected for the choice."
    )


def _abstention(classifier: Classifier, record: Mapping[str, Any]) -> str:
    found = record["decisions"]
    target = found["target"]
    aim = (
        f"{100 * target['value']:g} % of the calls of each class right"
        if target["kind"] == "accuracy"
        else f"{100 * target['value']:g} % of the samples called"
    )
    rows = [
        f"| {_name(name)} | {_least(float(least))} | {estimate(found['classes'][name]['called'])} "
        f"| {estimate(found['classes'][name]['right_among_calls_of_it'])} |"
        for name, least in zip(classifier.classes, classifier.thresholds, strict=True)
    ]
    reasons = found["reasons"]
    return (
        "## When it abstains\n\n"
        f"Target: {aim}. Out of fold, with every threshold learned from other samples: called "
        f"{estimate(found['called'])}; right among the called {estimate(found['right_among_called'])}; "
        f"{100 * reasons[MARGIN]:.1f} % fell to a low margin, {100 * reasons[UNLIKE]:.1f} % counted as unlike the "
        f"training samples (level {found['unlike_level']:g}). The intervals take the thresholds for fixed; another "
        "cohort of this size would have taught others, so the share called is less sure than they say.\n\n"
        "| Class | Called from probability | Of its samples called | Right among the calls of it |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n\nWhat abstaining on the least sure would buy, out of fold:\n\n"
        "| Share called | Wrong among them |\n|---|---|\n" + "\n".join(_risk(record["risk_coverage"]))
    )


def _risk(curve: Sequence[Mapping[str, float]]) -> list[str]:
    """Rows of the risk-coverage curve: at each share the first point that reaches it."""
    rows = []
    for share in _SHARES:
        point = next((point for point in curve if point["coverage"] >= share - 1e-9), curve[-1])
        rows.append(f"| {100 * point['coverage']:.0f} % | {100 * point['error']:.1f} % |")
    return list(dict.fromkeys(rows))


def _least(threshold: float) -> str:
    if threshold >= NEVER:
        return "never: no confidence reached the target"
    return "any" if threshold == 0 else f"{threshold:.3f}"


def _sets(classifier: Classifier, record: Mapping[str, Any]) -> str:
    title = "## Prediction sets\n\n"
    if classifier.sets is None:
        return f"{title}None: {record['sets']['why_none']}."
    promise = classifier.sets.said(LEVEL, tuple(map(_name, classifier.classes)))
    return (
        f"{title}Cross-conformal (Vovk 2015). {promise} An empty set says that no class fits at this level."
    )


def _input(classifier: Classifier, record: Mapping[str, Any]) -> str:
    curve = classifier.missing.curve
    shown = "; ".join(f"{100 * share:g} % missing: {accuracy:.3f}" for share, accuracy in curve)
    by_symbol = "by probe id or gene symbol" if any(classifier.symbols) else "by probe id"
    return (
        "## What it needs\n\n"
        "Expression on a log2 scale (linear intensities are found, sample by sample, and logged). "
        f"{_ALIGNED[record['recipe']['align']]} Probes are matched {by_symbol}. A missing value is taken for what the "
        "class means, fitted to the values that are there, have in its place; with more than "
        f"{100 * classifier.missing.limit:g} % of the probes that the rule reads missing, it abstains. Accuracy out of "
        f"fold (first repeat) with probes missing at random: {shown}. Probes that another array lacks are not missing "
        "at random."
    )


def _limits(record: Mapping[str, Any]) -> str:
    cohort = record["cohort"]
    smallest = min(cohort["classes"].items(), key=lambda pair: pair[1])
    return (
        "## Limits\n\n"
        f"- It knows {len(cohort['classes'])} classes. A sample of another is abstained on only where it is far from "
        "all of them; one that lies between them or near one is called.\n"
        f"- The smallest class, {_name(smallest[0])}, has {smallest[1]} samples: what is said of it is that "
        "uncertain.\n"
        "- The estimate above was made on one cohort. Another platform, laboratory or population can be worse in ways "
        "that nothing in this file can tell.\n"
        "- It does not replace diagnosis by those trained to make it."
    )


def _made_by(record: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return (
        "## How it was made\n\n"
        f"leukotype {record['leukotype']} ({versions}). Cohort fingerprint `{record['cohort']['fingerprint']}`, folds "
        f"`{record['design']['fingerprint']}`, code `{record['code']}`. The same cohort, seed and versions give the "
        "same file."
    )

"""Design → Folds: the splits of one cohort, drawn once and shared by all models."""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from leukotype.arrays import IntArray, StrArray
from leukotype.cohort import Cohort
from leukotype.errors import BadLabels, InfeasibleDesign, UnreadableFile
from leukotype.readers import read_text
from leukotype.wording import counted, shortlist

Split = tuple[IntArray, IntArray]
# scikit-learn's seeds end at 2**32 - 1, and the inner folds use the next seed.
_BOUNDS = {"outer": (2, 10**6), "inner": (2, 10**6), "repeats": (1, 1000), "seed": (0, 2**32 - 2)}


@dataclass(frozen=True)
class Design:
    """How a cohort is split.

    outer, inner : number of outer folds, and of inner folds within each training part (at least 2)
    repeats      : number of times the outer folds are drawn
    seed         : seed of all draws; the outer folds of the first repeat are scikit-learn's
                   `StratifiedKFold(outer, shuffle=True, random_state=seed)`
    """

    outer: int = 5
    inner: int = 3
    repeats: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise InfeasibleDesign(f"{name} is {value}; use a number from {least} to {most:,}.")


@dataclass(frozen=True, eq=False)
class OuterFold:
    """One outer split of one repeat, with the inner splits of its training part.

    train, test : row indices of the cohort
    inner       : (train, test) pairs of row indices of the cohort, all within `train`
    """

    repeat: int
    fold: int
    train: IntArray
    test: IntArray
    inner: tuple[Split, ...]


@dataclass(frozen=True, eq=False)
class Folds:
    """The splits of one cohort.

    splits  : every outer fold of every repeat, in order
    grouped : whether the samples of a donor stay together
    source  : origin of the splits: "drawn" or "read from folds.csv"
    """

    design: Design
    splits: tuple[OuterFold, ...]
    cohort_fingerprint: str
    grouped: bool = False
    source: str = "drawn"

    @cached_property
    def fingerprint(self) -> str:
        """Sha256 of the cohort's fingerprint and all splits."""
        digest = hashlib.sha256(self.cohort_fingerprint.encode())
        for split in self.splits:
            for rows in (split.train, split.test, *(part for pair in split.inner for part in pair)):
                digest.update(rows.astype("<i8").tobytes() + b"\x1e")
        return digest.hexdigest()


def draw(cohort: Cohort, design: Design) -> Folds:
    """Draw repeated, stratified, nested folds; grouped by donor if the cohort has donors.

    Raises InfeasibleDesign if a class is too small, BadLabels if there is only one class.
    """
    _check_classes(cohort)
    _check_sizes(cohort, design)
    splits = []
    for repeat in range(design.repeats):
        seed = np.random.SeedSequence([design.seed, repeat]).generate_state(1)[0] if repeat else design.seed
        pairs = _split(cohort, design.outer, int(seed), np.arange(cohort.n_samples))
        splits += [_nest(cohort, design, repeat, fold, *pair) for fold, pair in enumerate(pairs)]
    return Folds(design, tuple(splits), cohort.fingerprint, grouped=cohort.donors is not None)


def whole(cohort: Cohort, design: Design) -> OuterFold:
    """Return the split that trains on the whole cohort, with inner splits as in the outer folds."""
    return _nest(cohort, design, 0, design.outer, np.arange(cohort.n_samples), np.empty(0, dtype=np.intp))


def read_folds(path: str | Path, cohort: Cohort, design: Design) -> Folds:
    """Read outer splits from a CSV `sample,repeat,fold`; inner splits are drawn as in `draw`.

    Raises InfeasibleDesign unless each sample has exactly one fold in each repeat and each donor one fold.
    """
    _check_classes(cohort)
    table = _folds_table(Path(path), cohort)
    position = {sample: row for row, sample in enumerate(cohort.samples.tolist())}
    splits = []
    n_repeats = n_outer = 0
    for repeat, part in table.groupby("repeat"):
        rows = np.array([position[sample] for sample in part["sample"]], dtype=np.intp)
        if len(rows) != cohort.n_samples or len(np.unique(rows)) != cohort.n_samples:
            raise InfeasibleDesign(
                f"{path}, repeat {repeat}: {len(np.unique(rows))} of {cohort.n_samples} samples in {len(rows)} lines. "
                "Each sample needs exactly one line per repeat."
            )
        fold_of = np.empty(cohort.n_samples, dtype=np.int64)
        fold_of[rows] = part["fold"].to_numpy()
        names = np.unique(fold_of)
        if len(names) < 2:
            raise InfeasibleDesign(
                f"{path} has only one fold in repeat {repeat}; at least 2 are needed. Add folds."
            )
        n_outer = max(n_outer, len(names))
        for fold, name in enumerate(names):
            test = np.flatnonzero(fold_of == name)
            train = np.flatnonzero(fold_of != name)
            donors = cohort.samples if cohort.donors is None else cohort.donors
            shared = np.intersect1d(donors[train], donors[test])
            if len(shared):
                raise InfeasibleDesign(
                    f"{path}, repeat {repeat}, fold {name}: {counted(len(shared), 'donor')} in both training and test "
                    f"part, the first {str(shared[0])!r}. Keep all samples of a donor in one fold."
                )
            splits.append(_nest(cohort, design, n_repeats, fold, train, test))
        n_repeats += 1
    design = Design(n_outer, design.inner, n_repeats, design.seed)
    return Folds(
        design,
        tuple(splits),
        cohort.fingerprint,
        cohort.donors is not None,
        source=f"read from {Path(path).name}",
    )


def _folds_table(path: Path, cohort: Cohort) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            io.StringIO(read_text(path)),
            dtype={"sample": str},
            keep_default_na=False,
            na_values={"sample": [""]},
        )
    except UnreadableFile as problem:
        raise InfeasibleDesign(
            f"cannot read folds: {problem} A file of folds is a CSV with columns sample,repeat,fold."
        ) from problem
    except (ValueError, OverflowError) as problem:
        raise InfeasibleDesign(
            f"cannot read folds from {path}: {str(problem).splitlines()[0]}. "
            "Give a CSV with columns sample,repeat,fold."
        ) from problem
    missing = [column for column in ("sample", "repeat", "fold") if column not in table]
    if missing:
        raise InfeasibleDesign(
            f"{path} has columns {', '.join(map(str, table.columns[:6]))}; sample, repeat and fold are needed."
        )
    if table["sample"].isna().any():
        line = int(np.argmax(table["sample"].isna())) + 2
        raise InfeasibleDesign(
            f"{path}: line {line} has no sample. Each line needs a sample, a repeat and a fold."
        )
    strangers = sorted(map(str, set(table["sample"]) - set(cohort.samples.tolist())))
    if strangers:
        raise InfeasibleDesign(
            f"{path} has {counted(len(strangers), 'sample')} that {cohort.name} lacks, the first {strangers[0]!r}. "
            "Use the ids of the cohort's sample column."
        )
    for column in ("repeat", "fold"):
        if not pd.api.types.is_integer_dtype(table[column]):
            raise InfeasibleDesign(f"{path}: column {column} must hold whole numbers only. Correct it.")
    return table


def _nest(
    cohort: Cohort, design: Design, repeat: int, fold: int, train: IntArray, test: IntArray
) -> OuterFold:
    inner = tuple(_split(cohort, design.inner, design.seed + 1, train))
    where = f"outer fold {fold + 1} of repeat {repeat + 1}" if len(test) else "the whole cohort"
    for part, _ in ((train, test), *inner):
        absent = set(cohort.classes) - set(cohort.labels[part].tolist())
        if absent:
            raise InfeasibleDesign(
                f"class {min(absent)!r} is missing from a training part ({where}). "
                f"Use fewer folds, or leave the class out with --drop-class {quote(min(absent))}."
            )
    return OuterFold(repeat, fold, train, test, inner)


def _split(cohort: Cohort, folds: int, seed: int, rows: IntArray) -> list[Split]:
    """Return pairs of row indices (train, test) that split `rows`."""
    labels = cohort.labels[rows]
    if cohort.donors is None:
        pairs = StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, labels)
    else:
        grouped = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        pairs = grouped.split(rows, labels, groups=cohort.donors[rows])
    return [(rows[train], rows[test]) for train, test in pairs]


def _check_classes(cohort: Cohort) -> None:
    if len(cohort.classes) < 2:
        raise BadLabels(
            f"{cohort.name} has only one class ({cohort.classes[0]!r}); at least 2 are needed. "
            "Name another label column with --label."
            if cohort.classes
            else f"{cohort.name} has no samples. Name another file."
        )


def too_small(cohort: Cohort, design: Design) -> list[str]:
    """Return the classes with too few samples (donors, if known) for the folds of `design`."""
    _, counts = _units_per_class(cohort)
    return [name for name, count in counts.items() if not _fills(count, design)]


def _fills(count: int, design: Design) -> bool:
    # The largest test fold has ceil(count / outer) units; the rest must fill the inner folds.
    return count >= design.outer and count - -(-count // design.outer) >= design.inner


def _check_sizes(cohort: Cohort, design: Design) -> None:
    unit, counts = _units_per_class(cohort)
    if design.outer > cohort.n_samples:
        raise InfeasibleDesign(
            f"{cohort.n_samples} samples cannot fill {design.outer} outer folds: each fold needs at least one. "
            f"Use --outer {max(2, cohort.n_samples // 2)} or less."
        )
    small = {name: count for name, count in counts.items() if not _fills(count, design)}
    if small:
        fewest = min(small.values())
        outer, inner = _largest_feasible(fewest, design)
        one = len(small) == 1
        if one:
            subject = f"class {next(iter(small))!r} has {counted(fewest, unit)}"
        else:
            classes = shortlist([f"{name!r} ({count})" for name, count in small.items()], 4)
            subject = f"{len(small)} classes have too few {unit}s: {classes}"
        out = f"the {'class' if one else 'classes'} out with --drop-class" + (
            f" {quote(next(iter(small)))}" if one else ""
        )
        remedy = f"Use --outer {outer} --inner {inner}, or leave" if outer else "Leave"
        raise InfeasibleDesign(
            f"{subject}; {design.outer} outer and {design.inner} inner folds need at least {_least(design)}. "
            f"{remedy} {out}."
        )


def _units_per_class(cohort: Cohort) -> tuple[str, dict[str, int]]:
    if cohort.donors is None:
        return "sample", cohort.class_counts
    donors: StrArray = cohort.donors
    return "donor", {name: len(np.unique(donors[cohort.labels == name])) for name in cohort.classes}


def _least(design: Design) -> int:
    # Half of this many units fill the inner folds, and a test fold has at most half of them.
    enough = design.outer + 2 * design.inner
    counts = range(design.outer, enough + 1)
    return counts[bisect_left(counts, True, key=lambda count: _fills(count, design))]


def _largest_feasible(count: int, design: Design) -> tuple[int, int]:
    """Return the largest (outer, inner) within the design that `count` units can fill; (0, 0) if none."""
    for outer in range(min(design.outer, count), 1, -1):
        inner = min(design.inner, count - -(-count // outer))
        if inner >= 2:
            return outer, inner
    return 0, 0

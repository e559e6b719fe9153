"""The key of a task, a hash of everything its result depends on, and results as records of a run store."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
import re
import secrets
import types
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from leukotype.cohort import Cohort
from leukotype.models import MODELS, Model, versions
from leukotype.recipes import Recipe
from leukotype.recipes.alignment import Alignment
from leukotype.recipes.fitting import FoldResult, Keep, Kept
from leukotype.recipes.scorer import ClassMeans, Scorer
from leukotype.resampling import OuterFold
from leukotype.rules import assemble
from leukotype.runs import Item

# Part of every key.  Increase it when the meaning of a record or the work of a task changes.
FORMAT = 3
# Rooms whose code a fit depends on.
_ROOMS = (*versions.ROOMS, "recipes")


def item(cohort: Cohort, recipe: Recipe, split: OuterFold, *, seed: int, keep: Keep | None = None) -> Item:
    """Return the store item of one recipe on one split, with the hash of everything its result depends on.

    That is: values, labels, samples, probes and donors of the cohort; the recipe with the model's grid and code; the
    split with its inner splits; seed, repeat and fold; what is kept; the code that fits and tunes; the versions of
    NumPy, SciPy, scikit-learn and XGBoost.  Machine and number of workers are not part of it.
    """
    facts = {
        "format": FORMAT,
        "cohort": cohort.fingerprint,
        "model": model_facts(recipe.model),
        "align": recipe.align,
        "max_probes": recipe.max_probes,
        "tune_by": recipe.tune_by,
        "keep": None if keep is None else [keep.rule, keep.n_draws],
        "split": _of_split(split),
        "seed": seed,
        "repeat": split.repeat,
        "fold": split.fold,
        "code": versions.fingerprint(_ROOMS),
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    part = f"repeat {split.repeat + 1}, fold {split.fold + 1}" if len(split.test) else "all samples"
    return Item(key, cohort.name, recipe.model.name, part)


def model_facts(model: Model) -> dict[str, Any]:
    """Return everything that distinguishes one model from another."""
    facts: dict[str, Any] = {
        "name": model.name,
        "grid": {name: [described(value) for value in values] for name, values in model.grid.items()},
        "gives": sorted(model.gives),
        "own_score": model.own_score,
        "code": model.code,
    }
    # The code fingerprint covers leukotype's own models; a plug-in carries the hash of its file or its version.
    if not model.code and not any(model.path == own.path for own in MODELS):
        facts["path"] = described(model.path)
    return facts


def described(value: Any) -> Any:
    """Describe a setting or a part of a model in JSON types, so that different behaviour gives another description.

    Functions are identified by their source file; objects from packages by name and package version.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, Mapping):
        return {str(name): described(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        parts: Iterable[Any] = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return [type(value).__name__, *(described(part) for part in parts)]
    if isinstance(value, functools.partial):
        return ["partial", described(value.func), described(value.args), described(value.keywords)]
    if isinstance(value, types.FunctionType):
        cells = [described(cell.cell_contents) for cell in value.__closure__ or ()]
        return [
            _home(value),
            value.__qualname__,
            described(value.__defaults__),
            described(value.__kwdefaults__),
            cells,
        ]
    if isinstance(value, type | types.BuiltinFunctionType):
        return [_home(value), value.__qualname__]
    if dataclasses.is_dataclass(value):
        parts = {field.name: described(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return [described(type(value)), parts]
    state = getattr(value, "__dict__", {})
    text = "" if state else re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    return [described(type(value)), text, described(state)]


def _home(value: Any) -> str:
    """Return an identifier of the code that a function or class comes from."""
    name = getattr(value, "__module__", None) or "builtins"
    package = name.split(".")[0]
    if package in ("builtins", "leukotype"):
        return name
    for distribution in _distributions().get(package, ()):
        return f"{name} {distribution} {metadata.version(distribution)}"
    file = getattr(inspect.getmodule(value), "__file__", None)
    if file is not None and Path(file).is_file():
        return f"{name} {hashlib.sha256(Path(file).read_bytes()).hexdigest()}"
    # Defined at a prompt: its code is unknown, so it equals itself only within this process.
    return f"{name} {_this_process()}"


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


@functools.cache
def _this_process() -> str:
    return secrets.token_hex(16)


def _of_split(split: OuterFold) -> str:
    digest = hashlib.sha256()
    for rows in (split.train, split.test, *(part for pair in split.inner for part in pair)):
        digest.update(rows.astype("<i8").tobytes() + b"\x1e")
    return digest.hexdigest()


def to_record(result: FoldResult) -> dict[str, Any]:
    """Return a result as a run store keeps it."""
    record = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    if result.kept is not None:
        kept = result.kept
        record["kept"] = {
            "columns": kept.columns,
            "means": [kept.means.means, kept.means.scale],
            "distances": kept.distances,
            "scorer": None if kept.scorer is None else _scorer_record(kept.scorer),
            "hits": kept.hits,
        }
    return record


def of_record(record: Mapping[str, Any]) -> FoldResult:
    """Return the result that `to_record` was given; raises TypeError or KeyError for anything else."""
    values = dict(record)
    if (kept := values.get("kept")) is not None:
        scorer = kept["scorer"]
        values["kept"] = Kept(
            kept["columns"],
            ClassMeans(*kept["means"]),
            kept["distances"],
            None if scorer is None else _scorer(scorer),
            kept["hits"],
        )
    return FoldResult(**values)


def _scorer_record(scorer: Scorer) -> dict[str, Any]:
    spec, arrays = scorer.rule.parts()
    alignment = scorer.alignment
    return {
        "align": alignment.how,
        "reference": alignment.reference,
        "centre": alignment.centre,
        "spec": spec,
        "arrays": arrays,
        "temperature": scorer.temperature,
    }


def _scorer(record: Mapping[str, Any]) -> Scorer:
    alignment = Alignment(record["align"], record["reference"], record["centre"])
    return Scorer(alignment, assemble(record["spec"], record["arrays"]), record["temperature"])

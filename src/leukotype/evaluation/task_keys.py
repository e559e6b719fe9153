"""What a task's result depends on, as one key; and the result as a record that a run store keeps."""

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
from leukotype.evaluation.results import FoldResult
from leukotype.models import MODELS, Model, versions
from leukotype.resampling import OuterFold
from leukotype.runs import Item

# Part of every key: raise it where the meaning of a record changes, or where nested.py changes what it computes.
FORMAT = 2


def item(cohort: Cohort, model: Model, split: OuterFold, *, tune_by: str, seed: int) -> Item:
    """Return the task of one model on one outer fold, under the hash of all that its result depends on.

    These are: the cohort's values, labels, samples, probes and donors; the model with its grid and its code; the
    split with its inner splits; the seed, repeat and fold; the criterion; the code of leukotype that fits and tunes;
    the versions of NumPy, SciPy, scikit-learn and XGBoost.  The machine and the number of workers are not among them.
    """
    told = {
        "format": FORMAT,
        "cohort": cohort.fingerprint,
        "model": model_facts(model),
        "split": _of_split(split),
        "seed": seed,
        "repeat": split.repeat,
        "fold": split.fold,
        "tune_by": tune_by,
        "code": versions.fingerprint(),
    }
    key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return Item(key, cohort.name, model.name, f"repeat {split.repeat + 1}, fold {split.fold + 1}")


def model_facts(model: Model) -> dict[str, Any]:
    """Return what tells one recipe from another."""
    facts: dict[str, Any] = {
        "name": model.name,
        "grid": {name: [described(value) for value in values] for name, values in model.grid.items()},
        "gives": sorted(model.gives),
        "own_score": model.own_score,
        "code": model.code,
    }
    # The code of models of leukotype is told by its own fingerprint, that of plug-ins by the file or version.
    if not model.code and not any(model.path == own.path for own in MODELS):
        facts["path"] = described(model.path)
    return facts


def described(value: Any) -> Any:
    """Say what a setting or a piece of a model is, so that another that works otherwise is told otherwise.

    A function is told by its source file, or by its code where it has none; what is loaded from packages by name and
    the package's version.
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
    """Return what stands for the code around a function or class."""
    name = getattr(value, "__module__", None) or "builtins"
    package = name.split(".")[0]
    if package in ("builtins", "leukotype"):
        return name
    for distribution in _distributions().get(package, ()):
        return f"{name} {distribution} {metadata.version(distribution)}"
    file = getattr(inspect.getmodule(value), "__file__", None)
    if file is not None and Path(file).is_file():
        return f"{name} {hashlib.sha256(Path(file).read_bytes()).hexdigest()}"
    # Typed in at a prompt: what it calls cannot be known, so it is taken for the same in this process alone.
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
    return {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}


def of_record(record: Mapping[str, Any]) -> FoldResult:
    """Return the result that `to_record` was given; raises TypeError where the record is none."""
    return FoldResult(**record)

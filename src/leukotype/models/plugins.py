"""Models from plug-in files and from installed packages.

Loading either executes its code. Worker processes receive a file as text, so they need no access to it.
"""

from __future__ import annotations

import hashlib
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.errors import BadPlugin, UnknownName, UnreadableFile
from leukotype.models import DEFAULT, MODELS, Model, select
from leukotype.readers import read_bytes
from leukotype.rules import Rule
from leukotype.wide import Candidate, Fold, Path, Setting

GROUP = "leukotype.models"
# Words of the command line and of results.
_RESERVED = frozenset({"all", "auto"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_GIVES = frozenset({"probabilities", "scores", "genes"})
_EXAMPLE = 'MODELS = (Model("mine", "My model", path),)'
# Single-precision probabilities sum to 1 within this.
_CLOSE = 1e-4


@dataclass(frozen=True)
class PluginFile:
    """The path of a plug-in file, and its text."""

    path: str
    text: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True)
class FileModel(Model):
    """A model of a plug-in file; pickled as the text of the file and the name of the model."""

    file: PluginFile = PluginFile("", b"")

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (self.file, self.name)


def choose(wanted: Sequence[str] | None, files: Sequence[str | FilePath] = ()) -> tuple[Model, ...]:
    """Return models by name: of leukotype, of plug-in files, of installed packages.

    wanted : names; None for the default set and all models of the files; ["all"] for every model
    files  : each defines `MODELS`, a tuple of `Model`; their code is executed

    Packages are searched only for names that are not found elsewhere, and for "all".
    Raises BadPlugin for an unusable file or package, and UnknownName for an unknown name.
    """
    own = _without_clash([model for file in dict.fromkeys(map(_read, files)) for model in _load(file)])
    if wanted is None:
        return select([*DEFAULT, *own])
    everything = list(wanted) == ["all"]
    known = {model.name: model for model in (*MODELS, *own)}
    if everything or any(name not in known for name in wanted):
        known = {model.name: model for model in (*MODELS, *_without_clash([*own, *_installed()]))}
    missing = [name for name in wanted if name not in known and not everything]
    if missing:
        raise UnknownName(f"no model {missing[0]!r}. Use one of {', '.join(known)}; or all.")
    return select([known[name] for name in (known if everything else wanted)])


def load(file: str | FilePath) -> tuple[Model, ...]:
    """Return the models of a plug-in file, which is executed; raises BadPlugin in one line with file and line."""
    return tuple(_without_clash(_load(_read(file))))


def _installed() -> list[Model]:
    """Return the models of installed packages: entry points of the group `leukotype.models`.

    An entry point names a `Model` or a tuple of them. Raises BadPlugin if one is unusable.
    """
    found: list[Model] = []
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        where = f"entry point {point.name!r} ({point.value})"
        try:
            offered = point.load()
        except Exception as problem:
            raise BadPlugin(
                f"{where} cannot be loaded: {_described(problem)}. Repair or remove its package."
            ) from problem
        version = f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
        models = _valid(offered if isinstance(offered, tuple | list) else (offered,), where)
        found += [replace(model, path=Checked(model.path, model.gives), code=version) for model in models]
    return found


def _read(file: str | FilePath) -> PluginFile:
    try:
        return PluginFile(str(file), read_bytes(file))
    except UnreadableFile as problem:
        raise BadPlugin(
            f"cannot read the plug-in: {problem} A plug-in is a Python file that defines MODELS."
        ) from problem


@lru_cache(maxsize=16)
def _load(file: PluginFile) -> tuple[Model, ...]:
    offered = getattr(_run(file), "MODELS", None)
    if not isinstance(offered, tuple | list) or not offered:
        found = "no MODELS" if offered is None else f"MODELS = {str(offered)[:40]!r}"
        raise BadPlugin(f"{file.path} defines {found}; it must define a tuple of Model, such as {_EXAMPLE}.")
    kept = [part.name for part in fields(Model) if part.name not in ("path", "code")]
    return tuple(
        FileModel(
            **{name: getattr(model, name) for name in kept},
            path=Checked(model.path, model.gives),
            code=file.sha256,
            file=file,
        )
        for model in _valid(offered, file.path)
    )


def _run(file: PluginFile) -> ModuleType:
    name = f"leukotype_plugin_{file.sha256[:16]}"
    module = ModuleType(name)
    module.__file__ = file.path
    # Dataclasses look up their module by name, and tracebacks their lines by file.
    sys.modules[name] = module
    lines = file.text.decode("utf-8", errors="replace").splitlines(keepends=True)
    linecache.cache[file.path] = (len(file.text), None, lines, file.path)
    try:
        exec(compile(file.text, file.path, "exec"), module.__dict__)
    except (Exception, SystemExit) as problem:
        del sys.modules[name]
        raise BadPlugin(
            f"{file.path}{_line(problem, file.path)}: {_described(problem)}. Repair the plug-in."
        ) from problem
    return module


def _line(problem: BaseException, path: str) -> str:
    if isinstance(problem, SyntaxError) and problem.lineno is not None:
        return f", line {problem.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == path]
    return f", line {lines[-1]}" if lines else ""


def _described(problem: BaseException) -> str:
    text = problem.msg if isinstance(problem, SyntaxError) else str(problem)
    return f"{type(problem).__name__}: {text}".rstrip(": .")


def _valid(offered: Iterable[object], where: str) -> list[Model]:
    models = []
    for number, model in enumerate(offered):
        if not isinstance(model, Model):
            raise BadPlugin(
                f"{where}: entry {number + 1} of MODELS is a {type(model).__name__}, and must be a Model."
            )
        if not _NAME.fullmatch(model.name):
            raise BadPlugin(
                f"{where}: a model is called {model.name!r}. Use only letters, digits, '.', '_' and '-'."
            )
        if not callable(model.path):
            raise BadPlugin(f"{where}: the path of model {model.name!r} is not callable. Use a function.")
        if not model.gives or not model.gives <= _GIVES:
            raise BadPlugin(
                f"{where}: model {model.name!r} gives {', '.join(sorted(model.gives)) or 'nothing'}. "
                f"Use at least one of {', '.join(sorted(_GIVES))}."
            )
        models.append(model)
    return models


def _without_clash(models: Sequence[Model]) -> list[Model]:
    taken = {model.name: "is the name of a model of leukotype" for model in MODELS}
    taken |= dict.fromkeys(_RESERVED, "is reserved by leukotype")
    for model in models:
        where = model.file.path if isinstance(model, FileModel) else f"package {model.code}"
        if model.name in taken:
            raise BadPlugin(f"{where}: the name {model.name!r} {taken[model.name]}. Rename the model.")
        taken[model.name] = f"is also used in {where}"
    return list(models)


def _revive(file: PluginFile, name: str) -> Model:
    return next(model for model in _load(file) if model.name == name)


@dataclass(frozen=True)
class Checked:
    """The path of a plug-in, with checks of the number of candidates and of their predictions.

    gives : as `Model.gives`

    Raises ValueError, with a message for the author of the model.
    """

    path: Path
    gives: frozenset[str]

    def __call__(
        self, fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
    ) -> list[Candidate]:
        """Return one checked candidate per setting."""
        candidates = list(self.path(fold, labels, grid, rng))
        if len(candidates) != len(grid):
            raise ValueError(f"path returned {len(candidates)} candidates for {len(grid)} settings")
        n_classes = int(labels.max()) + 1
        return [_CheckedCandidate(candidate, n_classes, self.gives) for candidate in candidates]


@dataclass(frozen=True, eq=False)
class _CheckedCandidate:
    inner: Any
    n_classes: int
    gives: frozenset[str]

    @property
    def setting(self) -> Setting:
        return dict(self.inner.setting)

    @property
    def probes(self) -> IntArray | None:
        read = getattr(self.inner, "probes", None)
        return None if read is None else np.asarray(read, dtype=np.intp)

    @property
    def own_score(self) -> float:
        return float(self.inner.own_score)

    @property
    def held_out(self) -> FloatArray | None:
        given = getattr(self.inner, "held_out", None)
        return None if given is None else np.asarray(given, dtype=np.float64)

    @property
    def rule(self) -> Callable[[Fold], Rule] | None:
        return getattr(self.inner, "rule", None)

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) predictions of the candidate; raises ValueError if they are invalid."""
        given = np.asarray(self.inner.predict_proba(fold), dtype=np.float64)
        needed = (fold.n_test, self.n_classes)
        if given.shape != needed:
            raise ValueError(
                f"predict_proba returned an array of shape {given.shape}, and must return {needed}"
            )
        if not np.isfinite(given).all():
            raise ValueError("predict_proba returned NaN or infinity")
        sums = given.sum(axis=1)
        if "scores" not in self.gives and ((given < 0).any() or (np.abs(sums - 1) > _CLOSE).any()):
            raise ValueError("predict_proba returned negative values, or rows that do not sum to 1")
        return given

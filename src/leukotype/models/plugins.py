"""Models from outside: of a Python file that the user names, or of an installed package.

Loading either runs its code.  A file travels to worker processes as text, so that they need not find it on their disk.
"""

from __future__ import annotations

import hashlib
import linecache
import re
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from leukotype.errors import BadPlugin, UnknownName
from leukotype.models import DEFAULT, MODELS, Model, select
from leukotype.models.checked import Checked

GROUP = "leukotype.models"
# Words of the command line and of results.
_RESERVED = frozenset({"all", "auto"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_GIVES = frozenset({"probabilities", "scores", "genes"})
_EXAMPLE = 'MODELS = (Model("mine", "My model", path),)'


@dataclass(frozen=True)
class Source:
    """A plug-in file: where it was, and its text."""

    path: str
    text: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text).hexdigest()


@dataclass(frozen=True)
class FileModel(Model):
    """A model of a plug-in file; what is pickled is the text of the file and the name of the model."""

    source: Source = Source("", b"")

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (self.source, self.name)

    def __str__(self) -> str:
        return self.name


def choose(wanted: Sequence[str] | None, files: Sequence[str | Path] = ()) -> tuple[Model, ...]:
    """Return models by name: of leukotype, of plug-in files, of installed packages.

    wanted : names; None for the default set and all that the files hold; ["all"] for everything there is
    files  : each holds `MODELS`, a tuple of `Model`; their code is run

    Packages are asked only for names that are not found elsewhere, and for "all".
    Raises BadPlugin for a file or package that cannot be used, UnknownName for a name that nobody has.
    """
    sources = dict.fromkeys(_source(file) for file in files)
    own = _without_clash([model for source in sources for model in _load(source)])
    if wanted is None:
        return select([*DEFAULT, *own])
    everything = list(wanted) == ["all"]
    known = {model.name: model for model in (*MODELS, *own)}
    if everything or any(name not in known for name in wanted):
        known = {model.name: model for model in (*MODELS, *_without_clash([*own, *installed()]))}
    missing = [name for name in wanted if name not in known and not everything]
    if missing:
        raise UnknownName(f"no model {missing[0]!r}. There are {', '.join(known)}; or say all.")
    return select([known[name] for name in (known if everything else wanted)])


def load(file: str | Path) -> tuple[Model, ...]:
    """Return the models of a plug-in file, whose code is run; raises BadPlugin in one line with file and line."""
    return tuple(_without_clash(_load(_source(file))))


def installed() -> list[Model]:
    """Return the models that installed packages offer as entry points of the group `leukotype.models`.

    An entry point names a `Model` or a tuple of them.  Raises BadPlugin where one cannot be used.
    """
    found: list[Model] = []
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        where = f"entry point {point.name!r} ({point.value})"
        try:
            offered = point.load()
        except Exception as problem:
            raise BadPlugin(
                f"{where} cannot be loaded: {_in_words(problem)}. Mend or remove its package."
            ) from problem
        version = f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
        models = _checked(offered if isinstance(offered, tuple | list) else (offered,), where)
        found += [replace(model, path=Checked(model.path, model.gives), code=version) for model in models]
    return found


def _source(file: str | Path) -> Source:
    try:
        return Source(str(file), Path(file).read_bytes())
    except OSError as problem:
        raise BadPlugin(
            f"cannot read the plug-in {file}: {problem.strerror or problem}. Name a Python file that holds MODELS."
        ) from problem


@lru_cache(maxsize=16)
def _load(source: Source) -> tuple[Model, ...]:
    offered = getattr(_run(source), "MODELS", None)
    if not isinstance(offered, tuple | list) or not offered:
        found = "no MODELS" if offered is None else f"MODELS = {str(offered)[:40]!r}"
        raise BadPlugin(f"{source.path} holds {found}, and a tuple of Model is needed, such as {_EXAMPLE}.")
    return tuple(
        FileModel(
            **{
                part.name: getattr(model, part.name)
                for part in fields(Model)
                if part.name not in ("path", "code")
            },
            path=Checked(model.path, model.gives),
            code=source.sha256,
            source=source,
        )
        for model in _checked(offered, source.path)
    )


def _run(source: Source) -> ModuleType:
    name = f"leukotype_plugin_{source.sha256[:16]}"
    module = ModuleType(name)
    module.__file__ = source.path
    # Dataclasses look their module up by name, and tracebacks the line by file.
    sys.modules[name] = module
    lines = source.text.decode("utf-8", errors="replace").splitlines(keepends=True)
    linecache.cache[source.path] = (len(source.text), None, lines, source.path)
    try:
        exec(compile(source.text, source.path, "exec"), module.__dict__)
    except (Exception, SystemExit) as problem:
        del sys.modules[name]
        raise BadPlugin(
            f"{source.path}{_line(problem, source.path)}: {_in_words(problem)}. Mend the plug-in."
        ) from problem
    return module


def _line(problem: BaseException, path: str) -> str:
    if isinstance(problem, SyntaxError) and problem.lineno is not None:
        return f", line {problem.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == path]
    return f", line {lines[-1]}" if lines else ""


def _in_words(problem: BaseException) -> str:
    text = problem.msg if isinstance(problem, SyntaxError) else str(problem)
    return f"{type(problem).__name__}: {text}".rstrip(": .")


def _checked(offered: Iterable[object], where: str) -> list[Model]:
    models = []
    for number, model in enumerate(offered):
        if not isinstance(model, Model):
            raise BadPlugin(
                f"{where}: entry {number + 1} of MODELS is a {type(model).__name__}, and must be a Model."
            )
        if not _NAME.fullmatch(model.name):
            raise BadPlugin(
                f"{where}: a model is called {model.name!r}; letters, digits, '.', '_' and '-' make a name."
            )
        if not callable(model.path):
            raise BadPlugin(f"{where}: the path of model {model.name!r} cannot be called. Give a function.")
        if not model.gives or not model.gives <= _GIVES:
            raise BadPlugin(
                f"{where}: model {model.name!r} gives {', '.join(sorted(model.gives)) or 'nothing'}; "
                f"of {', '.join(sorted(_GIVES))} at least one is needed, and no other."
            )
        models.append(model)
    return models


def _without_clash(models: Sequence[Model]) -> list[Model]:
    taken = {model.name: "is one of leukotype's own" for model in MODELS}
    taken |= dict.fromkeys(_RESERVED, "is a word of leukotype's own")
    for model in models:
        where = model.source.path if isinstance(model, FileModel) else f"package {model.code}"
        if model.name in taken:
            raise BadPlugin(
                f"{where}: the name {model.name!r} {taken[model.name]}. Call the model something else."
            )
        taken[model.name] = f"stands in {where} too"
    return list(models)


def _revive(source: Source, name: str) -> Model:
    return next(model for model in _load(source) if model.name == name)

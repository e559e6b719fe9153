"""Kills and flipped bits at random: the same bytes afterwards, nothing left behind, no traceback.

`python crash_trials.py N [SEED]` makes N kills and flips and prints how many there were of each kind.  A kill ends a
study, training, prediction, benchmark or exploration with SIGKILL or SIGTERM at a random moment; after one to four
kills the command runs to its end.  A flip changes bits of an entry in the parse cache or of a run store.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark_cases import write_cohorts
from leukotype import cli, readers
from leukotype.errors import LeukotypeError
from leukotype.runs import NAME, Item, Store, read_status
from run_cases import write_tiny_csv

# Runs are compared to one that was not disturbed.  Their time stamps and run times differ.
DESIGN = ("--models", "knn,majority", "--outer", "2", "--inner", "2")
AGAIN = ("--overwrite",)
# A command that takes longer hangs.
SECONDS = 180
SMALL = ("--outer", "2", "--inner", "2", "--repeats", "1")


def ended(pid: int) -> int:
    """Wait for a process and return its exit code; one that hangs is killed and reported."""
    start = time.monotonic()
    while time.monotonic() - start < SECONDS:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError(f"process {pid} did not end within {SECONDS} s")


@dataclass
class Place:
    """Folders of one trial, and how a command runs in them."""

    root: Path
    data: Path
    said: str = ""

    def __post_init__(self) -> None:
        for name in ("work", "temporary", "cache"):
            (self.root / name).mkdir(parents=True)

    def start(self, *words: object) -> int:
        """Start a command in a forked process and return its number; it starts much faster than an interpreter."""
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            os.chdir(self.root / "work")
            handle = os.open(self.root / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for number in (1, 2):
                os.dup2(handle, number)
            sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
            os.environ.update(TMPDIR=str(self.root / "temporary"), LEUKOTYPE_CACHE=str(self.root / "cache"))
            tempfile.tempdir = None
            code = cli.run([str(word) for word in words])
            sys.stderr.flush()
        finally:
            os._exit(code)

    def finish(self, *words: object) -> int:
        """Run a command to its end and return its exit code."""
        return ended(self.start(*words))

    def messages(self) -> str:
        """Return everything that the commands printed here."""
        return (self.root / "said").read_text() if (self.root / "said").exists() else ""

    def content(self) -> dict[str, bytes]:
        """Return the files that two runs share, by name."""
        found = {}
        for path in sorted((self.root / "work").rglob("*")):
            if path.is_file() and not path.name.startswith("tasks."):
                found[str(path.relative_to(self.root / "work"))] = path.read_bytes()
        for name in [name for name in found if name.endswith("manifest.json")]:
            facts, folder = json.loads(found.pop(name)), name.removesuffix("manifest.json")
            for varying in set(facts["files"]) - set(facts["reproducible"]):
                found.pop(f"{folder}{varying}", None)
        return found

    def left_behind(self) -> list[str]:
        """Return temporary files in results and cache, and anything in the temporary folder."""
        named = [path for part in ("work", "cache") for path in (self.root / part).rglob("*leukotype-*")]
        return [str(path.relative_to(self.root)) for path in (*named, *(self.root / "temporary").iterdir())]


@dataclass
class Command:
    """A command, its undisturbed result and its duration; `again` is added when it is repeated."""

    words: tuple[object, ...]
    again: tuple[str, ...] = ()
    seconds: float = 0.0
    content: dict[str, bytes] = field(default_factory=dict)


def commands(folder: Path) -> dict[str, Command]:
    """Return the commands with the results of undisturbed runs."""
    data = write_tiny_csv(folder / "tiny.csv")
    write_cohorts(folder / "cohorts", 2)
    classifier = folder / "tiny.leuko"
    found = {
        "train": Command(
            ("train", data, "--model", "knn", *SMALL, "--jobs", "2", "--out", "tiny.leuko"), ("--overwrite",)
        ),
        "study": Command(("study", data, *DESIGN, "--jobs", "2", "--out", "out")),
        "serial study": Command(("study", data, *DESIGN, "--jobs", "1", "--out", "out")),
        "explore": Command(("explore", data, "--out", "out"), AGAIN),
        "benchmark": Command(("benchmark", folder / "cohorts", *DESIGN, "--jobs", "1", "--out", "out")),
        "predict": Command(("predict", classifier, data, "--out", "calls.csv"), AGAIN),
    }
    for name, command in found.items():
        place = Place(folder / f"undisturbed {name}", data)
        started = time.monotonic()
        assert place.finish(*command.words) == 0, place.messages()
        command.seconds, command.content = time.monotonic() - started, place.content()
        if name == "train":
            shutil.copy(place.root / "work" / "tiny.leuko", classifier)
    return found


def kill(rng: random.Random, place: Place, command: Command, n_kills: int) -> Counter[str]:
    """Kill a command several times, run it to its end and compare its result with that of an undisturbed run."""
    counts: Counter[str] = Counter()
    for _ in range(n_kills):
        pid = place.start(*command.words, *command.again)
        time.sleep(rng.uniform(0, 1.05 * command.seconds))
        number = rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        os.kill(pid, number)
        code = ended(pid)
        counts[f"{number.name} {'too late' if code in (0, 1, 2) else 'in time'}"] += 1
    code = place.finish(*command.words, *command.again)
    said = place.messages()
    # The last kill came after the result was complete.
    is_complete = code == 2 and "holds an earlier result" in said.splitlines()[-1]
    assert code == 0 or is_complete, (command.words, code, said[-2000:])
    assert "Traceback" not in said, said
    assert "an error in leukotype" not in said, said
    assert place.content() == command.content, (command.words, difference(place.content(), command.content))
    assert place.left_behind() == [], (command.words, place.left_behind())
    return counts


def difference(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Return the names of the files that differ."""
    return [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]


def flipped(rng: random.Random, content: bytes) -> bytes:
    """Return the content with one to three flipped bits, more often near its start, or cut."""
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 1, 3])):
        damaged[rng.choice([rng.randrange(min(128, len(damaged))), rng.randrange(len(damaged))])] ^= (
            1 << rng.randrange(8)
        )
    return bytes(damaged if rng.random() < 0.9 else damaged[: rng.randrange(len(damaged))])


def flip_cache(rng: random.Random, data: Path, folder: Path) -> Counter[str]:
    """Damage an entry of the parse cache: the table is parsed anew and the entry replaced."""
    plain = readers.read(data)
    readers.read(data, cache=folder)
    path = rng.choice(sorted(folder.iterdir()))
    whole = path.read_bytes()
    path.write_bytes(flipped(rng, whole))
    again = readers.read(data, cache=folder)
    assert np.array_equal(again.expression, plain.expression)
    assert again.fingerprint == plain.fingerprint
    assert path.read_bytes() == whole
    assert len(list(folder.iterdir())) == 2
    return Counter(cache=1)


def flip_store(rng: random.Random, whole: bytes, folder: Path) -> Counter[str]:
    """Damage a store: tasks are right or gone, and new ones are kept."""
    folder.mkdir()
    (folder / NAME).write_bytes(flipped(rng, whole))
    with suppress(LeukotypeError):
        read_status(folder)
    outcome = "refused"
    with suppress(LeukotypeError), Store(folder) as store:
        found = [store.get(f"{number:064x}") for number in range(10)]
        assert all(record in (None, {"number": number}) for number, record in enumerate(found))
        store.put(Item("f" * 64, "tiny", "knn", "fold 1"), {"number": 99}, 0.5)
        assert store.get("f" * 64) == {"number": 99}
        outcome = f"{'all' if all(found) else 'some'} tasks read"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    shutil.rmtree(folder)
    return Counter({f"store, {outcome}": 1})


def store_bytes(folder: Path) -> bytes:
    """Return a store of ten tasks."""
    folder.mkdir()
    with Store(folder) as store:
        items = [Item(f"{number:064x}", "tiny", "knn", f"fold {number}") for number in range(10)]
        store.plan(items)
        for number, item in enumerate(items):
            store.put(item, {"number": number}, 0.5)
    return (folder / NAME).read_bytes()


def trials(
    n: int, seed: int, folder: Path, report: Callable[[str], object] = lambda line: None
) -> Counter[str]:
    """Make n kills and flips; raise AssertionError for the first that does harm."""
    rng = random.Random(seed)
    known, counts = commands(folder), Counter[str]()
    whole, data = store_bytes(folder / "store"), folder / "tiny.csv"
    number = 0
    while sum(counts.values()) < n:
        number += 1
        if number % 3:
            name = rng.choice(sorted(known))
            place = Place(folder / f"trial{number}", data)
            n_kills = min(rng.randint(1, 4), n - sum(counts.values()))
            counts += kill(rng, place, known[name], n_kills)
            shutil.rmtree(place.root)
        else:
            counts += flip_cache(rng, data, folder / "parsed")
            if sum(counts.values()) < n:
                counts += flip_store(rng, whole, folder / "damaged")
        report(f"{sum(counts.values())} of {n}")
    return counts


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:
        wanted, start = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
        for kind, count in sorted(trials(wanted, start, Path(own), print).items()):
            print(f"{count:6d} {kind}")

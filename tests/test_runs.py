"""The run store: finished tasks survive a killed driver, a damaged file and a full disk."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukotype import console
from leukotype.errors import OutputRefused, RunInProgress, StoreFailed, UnreadableFile
from leukotype.evaluation import evaluate, nested, task_keys
from leukotype.models import MODELS, Model, by_name
from leukotype.recipes import Recipe
from leukotype.resampling import Design, draw
from leukotype.runs import LOCK, NAME, Item, Store, codec, lock, read_status
from leukotype.wide.adapter import SklearnPath
from run_cases import content, counts

CHEAP = ("knn", "centroids", "majority")
DESIGN = Design(3, 2)


def item(number: int) -> Item:
    return Item(f"{number:064x}", "tiny", "knn", f"repeat 1, fold {number}")


def record(number: int) -> dict[str, object]:
    return {"number": number, "p": np.full((4, 3), number / 7)}


def filled(folder: Path, n_tasks: int = 40, width: int = 300) -> Path:
    with Store(folder) as store:
        for number in range(n_tasks):
            store.put(item(number), {"number": number, "p": np.full(width, number / 7)}, 0.1)
    return folder / NAME


# Records

texts = st.text() | st.sampled_from(["__array__", "__tuple__", "__text__", "__dict__"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(texts, inner),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(texts, values))
def test_records_are_restored_exactly(record):
    text, data = codec.encode(record)
    assert codec.decode(text, data) == record
    assert repr(codec.decode(text, data)) == repr(record)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, -0.0], [math.inf, 5e-324]]),
        np.array([], dtype=np.intp),
        np.array(["AML", "ü"]),
        np.arange(12.0).reshape(3, 4).T,
        np.float32([[0.1]]),
        np.array(2.5),
        np.arange(3, dtype=">i2"),
        np.array([True, False]),
    ],
    ids=str,
)
def test_arrays_are_restored_exactly(array):
    found = codec.decode(*codec.encode({"first": array, "second": [array, 1]}))
    for back in (found["first"], found["second"][0]):
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert back.flags.f_contiguous == array.flags.f_contiguous
        assert back.tobytes() == array.tobytes()


def test_fitted_rules_are_restored_exactly(tmp_path):
    """The record of a training task: its result, and a rule as JSON values and many arrays, about 15 MB in all."""
    rng = np.random.default_rng(0)
    n_trees, height = 300, 41
    shape = (n_trees * height,)
    arrays = {
        "weights": np.asfortranarray(rng.normal(size=(30, 22_283))),
        "samples": rng.normal(size=(60, 22_283)).astype("<f4"),
        **{
            name: rng.integers(0, height, shape).astype("<i4")
            for name in ("left", "right", "column", "cover")
        },
        "threshold": rng.normal(size=shape),
        "labels": np.array([0, 2, 1], dtype="|i1"),
        "empty": np.empty((0, 7)),
        "centre": np.float64(0.1) * np.arange(22_283),
    }
    spec = {
        "kind": "trees",
        "n_classes": 3,
        "link": None,
        "nested": {"knots": [0.1, (1, 2.5)], "exact": True},
    }
    losses = rng.normal(size=(10, 40))
    record = {"result": {"losses": losses, "seconds": 1.5}, "kept": {"spec": spec, "arrays": arrays}}
    assert 9e6 < sum(array.nbytes for array in arrays.values()) < 16e6
    with Store(tmp_path) as store:
        store.put_if_plain(item(1), record, 0.1)
    with Store(tmp_path) as store:
        found = store.get(item(1).key)
    assert found["result"]["losses"].tobytes() == losses.tobytes()
    assert found["kept"]["spec"] == spec
    assert type(found["kept"]["spec"]["nested"]["knots"][1]) is tuple
    assert list(found["kept"]["arrays"]) == list(arrays)
    for name, array in arrays.items():
        back = found["kept"]["arrays"][name]
        assert (back.dtype.str, back.shape) == (array.dtype.str, array.shape)
        assert back.flags.f_contiguous == array.flags.f_contiguous
        assert back.tobytes() == array.tobytes()


def test_other_objects_are_restored_as_printed():
    found = codec.decode(*codec.encode({"kernel": len, "size": np.int64(3), "object": np.array([{}])}))
    assert repr(found["kernel"]) == repr(len)
    assert found["size"] == 3
    assert type(found["size"]) is int


def test_pickles_are_refused(tmp_path):
    hostile = tmp_path / "hostile.npy"
    np.save(hostile, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        codec.decode('{"a":{"__array__":0}}', hostile.read_bytes())


# Put and get


def test_finished_task_is_found_by_the_next_session(tmp_path):
    with Store(tmp_path) as store:
        store.put(item(1), record(1), 0.5)
    with Store(tmp_path) as store:
        found = store.get(item(1).key)
        assert found is not None
        assert found["p"].tobytes() == np.full((4, 3), 1 / 7).tobytes()
        assert store.get(item(2).key) is None


def test_store_counts_how_often_a_task_was_computed(tmp_path):
    with Store(tmp_path) as store:
        for number in (1, 1, 2):
            store.put(item(number), record(number), 0.5)
    assert counts(tmp_path / NAME) == [2, 1]


def test_row_with_a_wrong_hash_is_ignored(tmp_path):
    path = filled(tmp_path, 3)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE tasks SET record = replace(record, '1', '2') WHERE key = ?", (item(1).key,)
        )
        connection.commit()
    with Store(tmp_path) as store:
        assert store.get(item(1).key) is None
        assert store.get(item(2).key) is not None
        assert len(store) == 2


def test_failures_are_kept_until_the_task_succeeds(tmp_path):
    with Store(tmp_path) as store:
        store.fail(item(1), "KeyError: 'x'")
        rows = store._connection.execute("SELECT error FROM failures").fetchall()
        assert rows == [("KeyError: 'x'",)]
        store.put(item(1), record(1), 0.1)
        assert store._connection.execute("SELECT count(*) FROM failures").fetchone() == (0,)


@pytest.mark.slow
def test_ten_thousand_empty_tasks_in_less_than_20_seconds(tmp_path):
    start = time.process_time()
    with Store(tmp_path) as store:
        for number in range(10_000):
            store.put(item(number), {}, 0.0)
        assert len(store) == 10_000
    assert time.process_time() - start < 20


def test_foreign_database_is_refused_and_unchanged(tmp_path):
    path = tmp_path / NAME
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE tasks (mine TEXT)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(OutputRefused, match="not written by leukotype"):
        Store(tmp_path)
    assert path.read_bytes() == before
    assert not (tmp_path / LOCK).exists()


def test_store_of_another_format_is_refused(tmp_path):
    path = filled(tmp_path, 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(OutputRefused, match="format 99"):
        Store(tmp_path)


# Damage


def damage(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as handle:
        handle.seek(start)
        handle.write(b"\xa5" * length)


@pytest.mark.parametrize(
    ("what", "least"),
    [
        ("first page", 0),
        ("middle", 30),
        ("truncated", 0),
        ("a byte of every page", 0),
        ("text", 0),
        ("zeros", 0),
    ],
)
def test_intact_tasks_of_a_damaged_store_are_recovered(tmp_path, what, least):
    path = filled(tmp_path)
    size = path.stat().st_size
    if what == "first page":
        damage(path, 0, 4096)
    elif what == "middle":
        damage(path, size // 2 // 4096 * 4096, 8192)
    elif what == "truncated":
        os.truncate(path, size * 3 // 4)
    elif what == "a byte of every page":
        for start in range(4096, size, 4096):
            damage(path, start + random.Random(start).randrange(4000), 1)
    else:
        path.write_bytes(b"no database\n" * 999 if what == "text" else b"\0" * size)
    with Store(tmp_path) as store:
        found = [store.get(item(number).key) for number in range(40)]
        assert "\n" not in store.rescued
        assert store.rescued or what == "a byte of every page"
    kept = [(number, one) for number, one in enumerate(found) if one is not None]
    assert len(kept) >= least
    for number, one in kept:
        assert one["number"] == number
        assert one["p"].tobytes() == np.full(300, number / 7).tobytes()
    if what != "a byte of every page":
        assert (tmp_path / f"{NAME}.damaged").exists()
        assert len(kept) < 40
    with Store(tmp_path) as again:
        assert again.rescued == ""
        assert len(again) == len(kept)


def test_empty_file_is_an_empty_store(tmp_path):
    (tmp_path / NAME).touch()
    with Store(tmp_path) as store:
        assert len(store) == 0
        assert store.rescued == ""


def test_damaged_files_do_not_replace_each_other(tmp_path):
    for ending in (".damaged", ".damaged2"):
        (tmp_path / NAME).write_bytes(b"no database\n" * 99)
        with Store(tmp_path) as store:
            assert f"{NAME}{ending}" in store.rescued
        (tmp_path / NAME).unlink()


@pytest.mark.parametrize("which", ["", "-wal"], ids=["file", "log"])
def test_store_of_a_killed_driver_with_damage_is_recovered(tmp_path, which):
    """A kill leaves some rows in the file and some in its write-ahead log; either may be damaged."""
    folder = tmp_path / "killed"
    folder.mkdir()
    with Store(tmp_path / "live.sqlite") as store:
        for number in range(40):
            store.put(item(number), {"number": number, "p": np.full(300, number / 7)}, 0.1)
            if number == 19:
                store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for ending in ("", "-wal"):
            shutil.copyfile(f"{store.path}{ending}", folder / f"{NAME}{ending}")
    path = folder / f"{NAME}{which}"
    damage(path, path.stat().st_size * 3 // 4 // 4096 * 4096, 8192)
    with Store(folder) as store:
        kept = [number for number in range(40) if store.get(item(number).key) is not None]
        assert all(store.get(item(number).key)["number"] == number for number in kept)
        # SQLite ignores a log from its first damaged frame on, so the file alone is then intact.
        assert bool(store.rescued) == (which == "")
    assert 15 <= len(kept) < 40
    assert (folder / f"{NAME}.damaged").exists() == (which == "")


# One driver per folder


def test_second_driver_is_refused_in_one_line(tmp_path):
    with Store(tmp_path), pytest.raises(RunInProgress) as refused:
        Store(tmp_path)
    text = str(refused.value)
    assert f"process {os.getpid()} on " in text
    assert "leukotype status" in text
    assert "\n" not in text
    with Store(tmp_path):
        pass


def test_driver_in_another_process_is_refused(tmp_path):
    code = f"from leukotype.runs import Store; Store({str(tmp_path)!r}); print('held', flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(RunInProgress, match=f"process {child.pid} "):
            Store(tmp_path)
    finally:
        child.kill()
        child.communicate()
    # The lock file of a dead process is void.
    assert (tmp_path / LOCK).exists()
    with Store(tmp_path) as store:
        assert store.rescued == ""


def me() -> lock.Holder:
    return lock.Holder.this_process()


@pytest.mark.parametrize(
    ("holder", "seconds_ago", "is_held"),
    [
        (me(), 0, True),
        (me(), 10**6, True),
        (replace(me(), started="another boot 17"), 0, False),
        (replace(me(), pid=2**22 + 1), 0, False),
        (replace(me(), host="elsewhere"), 0, True),
        (replace(me(), host="elsewhere"), lock.SILENT_SECONDS + 60, False),
        (replace(me(), started=""), 0, True),
        (replace(me(), started=""), lock.SILENT_SECONDS + 60, False),
    ],
    ids=["ours", "ours, silent", "pid reused", "no such pid", "other host", "other host, silent",
         "unknown start", "unknown start, silent"],
)  # fmt: skip
def test_lock_is_void_once_its_holder_is_dead(tmp_path, holder, seconds_ago, is_held):
    path = tmp_path / LOCK
    path.write_text(json.dumps(asdict(holder)))
    os.utime(path, (time.time() - seconds_ago,) * 2)
    assert (lock.holder_of(path) is not None) == is_held
    if is_held:
        with pytest.raises(RunInProgress):
            Store(tmp_path)
    else:
        Store(tmp_path).close()
        assert not path.exists()


@pytest.mark.parametrize("text", ["", "{", '{"pid": "x"}', "[]"])
def test_incomplete_lock_is_void(tmp_path, text):
    (tmp_path / LOCK).write_text(text)
    Store(tmp_path).close()


def test_one_of_several_simultaneous_drivers_gets_the_folder(tmp_path):
    (tmp_path / LOCK).write_text(json.dumps(asdict(replace(me(), started="dead"))))
    code = (
        "import sys; from pathlib import Path; from leukotype.runs.lock import Lock\n"
        "from leukotype.errors import RunInProgress\n"
        "print('up', flush=True); input()\n"
        f"try: Lock(Path({str(tmp_path / LOCK)!r})); print('held', flush=True)\n"
        "except RunInProgress: print('refused', flush=True)\n"
        "input()"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    try:
        for child in children:
            assert child.stdout.readline() == "up\n"
        for child in children:
            child.stdin.write("\n")
            child.stdin.flush()
        answers = sorted(child.stdout.readline().strip() for child in children)
    finally:
        for child in children:
            child.kill()
            child.communicate()
    assert answers == ["held", "refused", "refused", "refused"]


def test_full_disk_is_reported_and_loses_no_finished_task(tmp_path):
    # A limit on the file size in a child process simulates the full disk.
    resource = pytest.importorskip("resource")
    assert resource
    code = (
        "import resource, signal, numpy as np\n"
        "from leukotype.runs import Store, Item\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"store = Store({str(tmp_path)!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))\n"
        "for number in range(1000):\n"
        "    try: store.put(Item(f'{number:064x}', 'c', 'm', 'p'), {'p': np.full(1000, number / 7)}, 0.1)\n"
        "    except Exception as problem: print(type(problem).__name__, number, problem); break\n"
        "store.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    kind, number, message = done.stdout.split(" ", 2)
    assert kind == StoreFailed.__name__
    assert "Free space" in message
    assert 10 < int(number) < 1000
    with Store(tmp_path) as store:
        assert store.rescued == ""
        assert len(store) == int(number)
        for finished in range(int(number)):
            found = store.get(f"{finished:064x}")
            assert found is not None
            assert found["p"].tobytes() == np.full(1000, finished / 7).tobytes()
        store.put(item(5000), record(1), 0.1)


# Keys


def key(cohort, model="knn", design=DESIGN, fold=0, tune_by="log_loss"):
    recipe = Recipe(by_name(model) if isinstance(model, str) else model, tune_by=tune_by)
    return task_keys.item(cohort, recipe, draw(cohort, design).splits[fold], seed=design.seed).key


def test_key_depends_on_everything_a_result_depends_on(tiny_cohort, monkeypatch):
    knn = by_name("knn")
    other_values = tiny_cohort.expression.copy()
    other_values[3, 5] += 1e-9
    found = [
        key(tiny_cohort),
        key(replace(tiny_cohort, expression=other_values)),
        key(tiny_cohort, "logistic"),
        key(tiny_cohort, replace(knn, grid={**knn.grid, "n_neighbors": (1, 3)})),
        key(tiny_cohort, replace(knn, code="another file")),
        key(tiny_cohort, replace(knn, gives=frozenset({"scores"}))),
        key(tiny_cohort, fold=1),
        key(tiny_cohort, design=Design(3, 2, 1, 1)),
        key(tiny_cohort, design=Design(3, 3)),
        key(tiny_cohort, tune_by="accuracy"),
    ]
    monkeypatch.setattr("leukotype.models.versions.fingerprint", lambda *rooms: "another version")
    found.append(key(tiny_cohort))
    assert len(set(found)) == len(found)


def test_key_ignores_names_and_further_repeats(tiny_cohort):
    assert key(tiny_cohort) == key(replace(tiny_cohort, name="another name"))
    assert key(tiny_cohort) == key(tiny_cohort, replace(by_name("knn"), title="Another", cite="Nobody 1900"))
    # Further repeats do not change the earlier ones.
    assert key(tiny_cohort, design=Design(3, 2, 1)) == key(tiny_cohort, design=Design(3, 2, 4))


def test_user_models_are_distinguished_by_their_code(tiny_cohort):
    from sklearn.naive_bayes import BernoulliNB, GaussianNB

    def path_of(amount):
        def path(fold, labels, grid, rng):
            return amount

        return path

    own = [
        Model("own", "Own", SklearnPath(GaussianNB)),
        Model("own", "Own", SklearnPath(BernoulliNB)),
        Model("own", "Own", SklearnPath(GaussianNB, view="raw")),
        Model("own", "Own", path_of(1)),
        Model("own", "Own", path_of(2)),
    ]
    found = [key(tiny_cohort, model) for model in own]
    assert len(set(found)) == len(own)
    assert found == [key(tiny_cohort, model) for model in own]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_keys_do_not_depend_on_the_process(model):
    facts = json.dumps(task_keys.model_facts(model), sort_keys=True)
    assert " at 0x" not in facts
    assert "path" not in task_keys.model_facts(model)


# Evaluations


def test_evaluation_from_the_store_equals_the_computed_one(tiny_cohort, tmp_path):
    plain = evaluate(tiny_cohort, CHEAP, design=DESIGN, jobs=1)
    first = evaluate(tiny_cohort, CHEAP, design=DESIGN, jobs=1, store=tmp_path)
    seen = []
    again = evaluate(tiny_cohort, CHEAP, design=DESIGN, jobs=1, store=tmp_path, on_done=seen.append)
    assert content(plain) == content(first) == content(again)
    assert plain.predictions.to_csv() == again.predictions.to_csv()
    assert len(seen) == 9
    assert [result.seconds for result in first.results] == [result.seconds for result in again.results]


def test_only_new_tasks_are_computed(tiny_cohort, tmp_path, monkeypatch):
    computed = []
    real = nested._fit

    def counted(matrix, task):
        computed.append((task.recipe.model.name, task.split.repeat, task.split.fold))
        return real(matrix, task)

    monkeypatch.setattr(nested, "_fit", counted)
    evaluate(tiny_cohort, ["knn"], design=DESIGN, jobs=1, store=tmp_path)
    evaluate(tiny_cohort, ["majority", "knn"], design=DESIGN, jobs=1, store=tmp_path)
    evaluate(tiny_cohort, ["knn"], design=Design(3, 2, 2), jobs=1, store=tmp_path)
    assert sorted(computed) == sorted(
        [("knn", repeat, fold) for repeat in (0, 1) for fold in range(3)]
        + [("majority", 0, fold) for fold in range(3)]
    )
    assert set(counts(tmp_path / NAME)) == {1}


def test_store_may_be_open_or_named_by_file_or_folder(tiny_cohort, tmp_path):
    shutil.rmtree(tmp_path)
    for place in (tmp_path, tmp_path / "other.sqlite"):
        evaluate(tiny_cohort, ["majority"], design=DESIGN, jobs=1, store=place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.sqlite", NAME]
    with Store(tmp_path) as store:
        evaluate(tiny_cohort, ["majority"], design=DESIGN, jobs=1, store=store)
    assert set(counts(tmp_path / NAME)) == {1}


# Damage beyond broken pages

VIEW = (
    "CREATE VIEW tasks AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n) SELECT * FROM n"
)


def small(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    with Store(folder) as store:
        items = [Item(f"{number:064x}", "tiny", "knn", f"fold {number}") for number in range(6)]
        store.plan(items)
        for item in items[:5]:
            store.put(item, {"n": 1, "text": "é" * 200}, 0.5)
        store.fail(items[5], "é")
        store.keep_fact("wish", {"a": 1})
    return folder / NAME


def changed(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "statements",
    [
        ("DROP TABLE tasks", VIEW),
        ("ALTER TABLE sessions RENAME TO old", VIEW.replace("tasks", "sessions").replace("key", "id")),
        ("CREATE TRIGGER t AFTER INSERT ON sessions BEGIN DELETE FROM tasks; END",),
        ("DROP TABLE plan",),
    ],
)
def test_other_tables_than_ours_are_never_read(statements, tmp_path):
    path = small(tmp_path)
    changed(path, *statements)
    with pytest.raises(UnreadableFile, match="damaged"):
        read_status(tmp_path)
    with Store(tmp_path) as store:
        assert "moved to" in store.rescued
        # The tasks are recovered unless their own table is gone.
        assert (store.get("0" * 64) is None) == statements[0].startswith("DROP TABLE tasks")


def test_text_that_is_not_utf8_costs_its_task_alone(tmp_path):
    path = small(tmp_path)
    changed(
        path,
        "UPDATE tasks SET record = CAST(x'ff7b7d' AS TEXT) WHERE id = 1",
        "UPDATE facts SET value = '[['",
    )
    changed(
        path, "UPDATE failures SET error = CAST(x'ff' AS TEXT)", "UPDATE plan SET model = CAST(x'ff' AS TEXT)"
    )
    assert read_status(tmp_path).planned == 6
    with Store(tmp_path) as store:
        assert [store.get(f"{number:064x}") is None for number in range(3)] == [True, False, False]
        assert store.fact("wish") is None


@pytest.mark.parametrize("value", ["9e999", "'x'", "x'00'", "NULL", "-1e300"])
def test_status_of_odd_values(value, tmp_path):
    path = small(tmp_path)
    changed(path, "PRAGMA ignore_check_constraints = 1", f"UPDATE OR IGNORE sessions SET ended = {value}")
    changed(path, *(f"UPDATE tasks SET {name} = 9e999" for name in ("seconds", "finished")))
    with suppress(UnreadableFile):
        console.show_status(read_status(tmp_path))


def test_flipped_bits_never_crash(tmp_path):
    whole, rng = small(tmp_path / "whole").read_bytes(), random.Random(12)
    for number in range(60):
        place = tmp_path / str(number)
        place.mkdir()
        damaged = bytearray(whole)
        at = rng.choice([rng.randrange(100), rng.randrange(4096), rng.randrange(len(whole))])
        damaged[at] ^= 1 << rng.randrange(8)
        (place / NAME).write_bytes(damaged)
        with suppress(UnreadableFile):
            read_status(place)
        with suppress(OutputRefused), Store(place) as store:
            store.fact("wish")
            found = [store.get(f"{key:064x}") for key in range(5)]
            assert all(record in (None, {"n": 1, "text": "é" * 200}) for record in found)
            store.put(Item("f" * 64, "tiny", "knn", "fold 9"), {"n": 2}, 0.1)
            assert store.get("f" * 64) == {"n": 2}


def test_pipes_in_place_of_store_and_lock(tmp_path):
    os.mkfifo(tmp_path / LOCK)
    with suppress(UnreadableFile):
        read_status(tmp_path)
    with pytest.raises(StoreFailed):
        Store(tmp_path)
    (tmp_path / LOCK).unlink()
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(OutputRefused, match="no regular file"):
        Store(tmp_path)

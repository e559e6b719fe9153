"""The run store: what is finished stays finished, whatever becomes of the driver, the file or the disk."""

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
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukotype.errors import OutputRefused, RunInProgress, StoreFailed
from leukotype.evaluation import evaluate, task_keys
from leukotype.models import MODELS, Model, by_name
from leukotype.resampling import Design, draw
from leukotype.runs import LOCK, NAME, Item, Store, codec, lock, rescue
from leukotype.wide.adapter import SklearnPath
from run_cases import content

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

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
).filter(lambda value: "__" not in repr(value))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), values))
def test_records_come_back_as_they_were(record):
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
    ],
    ids=str,
)
def test_arrays_come_back_to_the_bit(array):
    found = codec.decode(*codec.encode({"first": array, "second": [array, 1]}))
    for back in (found["first"], found["second"][0]):
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert back.tobytes() == np.asarray(array).tobytes()


def test_what_json_cannot_say_comes_back_as_it_prints():
    found = codec.decode(*codec.encode({"kernel": len, "size": np.int64(3), "object": np.array([{}])}))
    assert repr(found["kernel"]) == repr(len)
    assert found["size"] == 3
    assert type(found["size"]) is int


def test_no_pickle_is_ever_read(tmp_path):
    hostile = tmp_path / "hostile.npy"
    np.save(hostile, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        codec.decode('{"a":{"__array__":0}}', hostile.read_bytes())


# Keeping and finding


def test_a_finished_task_is_there_for_the_next_process(tmp_path):
    with Store(tmp_path) as store:
        store.put(item(1), record(1), 0.5)
    with Store(tmp_path) as store:
        found = store.get(item(1).key)
        assert found is not None
        assert found["p"].tobytes() == np.full((4, 3), 1 / 7).tobytes()
        assert store.get(item(2).key) is None


def test_a_task_that_is_put_twice_is_counted_twice(tmp_path):
    with Store(tmp_path) as store:
        store.put(item(1), record(1), 0.5)
        store.put(item(1), record(1), 0.5)
        store.put(item(2), record(2), 0.5)
        assert store.computed() == {item(1).key: 2, item(2).key: 1}


def test_a_row_that_was_tampered_with_is_computed_again(tmp_path):
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


def test_failures_are_recorded_until_the_task_succeeds(tmp_path):
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


def test_somebody_elses_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / NAME
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE tasks (mine TEXT)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(OutputRefused, match="did not write"):
        Store(tmp_path)
    assert path.read_bytes() == before
    assert not (tmp_path / LOCK).exists()


def test_a_store_of_another_format_is_refused(tmp_path):
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
        ("head", 40),
        ("middle", 30),
        ("tail cut off", 20),
        ("every page a little", 1),
        ("text", 0),
        ("nothing", 0),
    ],
)
def test_what_is_sound_of_a_damaged_store_is_kept(tmp_path, what, least):
    path = filled(tmp_path)
    size = path.stat().st_size
    if what == "head":
        damage(path, 0, 4096)
    elif what == "root of the tasks":
        with closing(sqlite3.connect(path)) as connection:
            [root] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'tasks'").fetchone()
        damage(path, (root - 1) * 4096, 4096)
    elif what == "middle":
        damage(path, size // 2 // 4096 * 4096, 8192)
    elif what == "tail cut off":
        os.truncate(path, size * 3 // 4)
    elif what == "every page a little":
        for start in range(4096, size, 4096):
            damage(path, start + random.Random(start).randrange(4000), 1)
    else:
        path.write_bytes(b"no database\n" * 999 if what == "text" else b"\0" * size)
    with Store(tmp_path) as store:
        found = [store.get(item(number).key) for number in range(40)]
        assert what == "every page a little" or store.rescued.count("\n") == 0 < len(store.rescued)
    kept = [(number, one) for number, one in enumerate(found) if one is not None]
    assert len(kept) >= least
    for number, one in kept:
        assert one["number"] == number
        assert one["p"].tobytes() == np.full(300, number / 7).tobytes()
    if what != "every page a little":
        assert (tmp_path / f"{NAME}.damaged").exists()
        assert len(kept) < 40 or what in ("head", "root of the tasks")
    with Store(tmp_path) as again:
        assert again.rescued == ""
        assert len(again) == len(kept)


def test_an_empty_file_is_an_empty_store(tmp_path):
    (tmp_path / NAME).touch()
    with Store(tmp_path) as store:
        assert len(store) == 0
        assert store.rescued == ""


def test_damaged_files_do_not_replace_one_another(tmp_path):
    for ending in (".damaged", ".damaged2"):
        (tmp_path / NAME).write_bytes(b"no database\n" * 99)
        with Store(tmp_path) as store:
            assert f"{NAME}{ending}" in store.rescued
        (tmp_path / NAME).unlink()


def test_reading_a_damaged_store_does_not_change_it(tmp_path):
    path = filled(tmp_path)
    damage(path, 4096 * 20, 4096)
    before = path.read_bytes()
    assert 0 < len(rescue.sound_rows(path)) < 40
    assert path.read_bytes() == before


def test_all_of_a_sound_store_can_be_read_off_its_pages(tmp_path):
    """Rows of every length: in a leaf alone, and with one or many further pages; in the file and in its log."""
    sizes = [0, 1, 100, 400, 440, 441, 480, 500, 600, 1000, 1020, 5000, 20_000]
    with Store(tmp_path) as store:
        for number, size in enumerate(sizes):
            store.put(item(number), {"p": np.arange(float(size)), "text": "ü" * number}, number / 2)
            if number == 6:
                store._connection.execute("PRAGMA wal_checkpoint")
        copy = tmp_path / "copy.sqlite"
        for ending in ("", "-wal"):
            shutil.copyfile(f"{store.path}{ending}", f"{copy}{ending}")
        wanted = store._connection.execute(f"SELECT {', '.join(rescue.COLUMNS)} FROM tasks").fetchall()
    found = rescue.sound_rows(copy)
    assert len(wanted) == len(sizes)
    assert list(found.values()) == wanted or sorted(found.values(), key=str) == sorted(wanted, key=str)
    Path(f"{copy}-wal").unlink()
    assert 0 < len(rescue.sound_rows(copy)) < len(sizes)


# One driver a folder


def test_the_second_driver_is_refused_in_one_line(tmp_path):
    with Store(tmp_path), pytest.raises(RunInProgress) as refused:
        Store(tmp_path)
    text = str(refused.value)
    assert f"process {os.getpid()} on " in text
    assert "leukotype status" in text
    assert "\n" not in text
    with Store(tmp_path):
        pass


def test_another_process_is_refused_too(tmp_path):
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
    # What it left behind holds nobody up.
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
    ids=["ours", "ours, long silent", "pid used again", "no such pid", "other host", "other host, silent",
         "untold start", "untold start, silent"],
)  # fmt: skip
def test_whom_a_lock_keeps_out(tmp_path, holder, seconds_ago, is_held):
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
def test_a_half_written_lock_holds_nobody(tmp_path, text):
    (tmp_path / LOCK).write_text(text)
    Store(tmp_path).close()


def test_of_many_at_once_one_gets_the_folder(tmp_path):
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
        said = sorted(child.stdout.readline().strip() for child in children)
    finally:
        for child in children:
            child.kill()
            child.communicate()
    assert said == ["held", "refused", "refused", "refused"]


def test_a_full_disk_is_said_and_nothing_finished_is_lost(tmp_path):
    # A limit on the size of files stands for the disk: it is the child's own.
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
    recipe = by_name(model) if isinstance(model, str) else model
    folds = draw(cohort, design)
    return task_keys.item(cohort, recipe, folds.splits[fold], tune_by=tune_by, seed=design.seed).key


def test_a_key_changes_with_all_that_a_result_depends_on(tiny_cohort, monkeypatch):
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
    monkeypatch.setattr("leukotype.models.versions.fingerprint", lambda: "another version")
    found.append(key(tiny_cohort))
    assert len(set(found)) == len(found)


def test_a_key_does_not_change_with_what_no_result_depends_on(tiny_cohort):
    assert key(tiny_cohort) == key(replace(tiny_cohort, name="another name"))
    assert key(tiny_cohort) == key(tiny_cohort, replace(by_name("knn"), title="Another", cite="Nobody 1900"))
    # More repeats leave those that were drawn as they are.
    assert key(tiny_cohort, design=Design(3, 2, 1)) == key(tiny_cohort, design=Design(3, 2, 4))


def test_models_of_ones_own_are_told_apart_by_their_code(tiny_cohort):
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
def test_keys_are_the_same_in_every_process(model):
    facts = json.dumps(task_keys.model_facts(model), sort_keys=True)
    assert " at 0x" not in facts
    assert "path" not in task_keys.model_facts(model)


# Evaluations


def test_an_evaluation_from_the_store_is_the_one_that_was_computed(tiny_cohort, tmp_path):
    plain = evaluate(tiny_cohort, CHEAP, design=DESIGN, jobs=1)
    first = evaluate(tiny_cohort, CHEAP, design=DESIGN, jobs=1, store=tmp_path)
    seen = []
    again = evaluate(tiny_cohort, CHEAP, design=DESIGN, jobs=1, store=tmp_path, on_done=seen.append)
    assert content(plain) == content(first) == content(again)
    assert plain.predictions.to_csv() == again.predictions.to_csv()
    assert len(seen) == 9
    assert [result.seconds for result in first.results] == [result.seconds for result in again.results]


def test_only_what_is_new_is_computed(tiny_cohort, tmp_path, monkeypatch):
    computed = []
    real = evaluate.__globals__["_work"]

    def counted(matrix, task):
        computed.append((task.model.name, task.split.repeat, task.split.fold))
        return real(matrix, task)

    monkeypatch.setitem(evaluate.__globals__, "_work", counted)
    evaluate(tiny_cohort, ["knn"], design=DESIGN, jobs=1, store=tmp_path)
    evaluate(tiny_cohort, ["majority", "knn"], design=DESIGN, jobs=1, store=tmp_path)
    evaluate(tiny_cohort, ["knn"], design=Design(3, 2, 2), jobs=1, store=tmp_path)
    assert sorted(computed) == sorted(
        [("knn", repeat, fold) for repeat in (0, 1) for fold in range(3)]
        + [("majority", 0, fold) for fold in range(3)]
    )
    with Store(tmp_path) as store:
        assert set(store.computed().values()) == {1}


def test_a_store_may_be_open_or_named_by_file_or_folder(tiny_cohort, tmp_path):
    shutil.rmtree(tmp_path)
    for place in (tmp_path, tmp_path / "other.sqlite"):
        evaluate(tiny_cohort, ["majority"], design=DESIGN, jobs=1, store=place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.sqlite", NAME]
    with Store(tmp_path) as store:
        evaluate(tiny_cohort, ["majority"], design=DESIGN, jobs=1, store=store)
        assert set(store.computed().values()) == {1}
